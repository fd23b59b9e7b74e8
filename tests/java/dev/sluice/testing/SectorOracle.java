package dev.sluice.testing;

import dev.sluice.block.Errno;
import dev.sluice.block.Memory;
import dev.sluice.block.Op;
import java.lang.invoke.MethodHandles;
import java.lang.invoke.VarHandle;
import java.nio.ByteOrder;
import java.util.ArrayList;
import java.util.List;

/**
 * What each sector of a device may hold, now and after a power failure at this moment. Every write
 * tags each of its sectors with its number and the sector's, so that what is of another sector, of
 * no write, or half of one is told; number 0 is zeros, whoever made them. Quick, since it is asked
 * for each of very many states. Not thread-safe.
 *
 * <p>A version is surely replaced by one that began after it had ended, and ended well; a power
 * failure can bring it back unless the later one is durable.
 */
public final class SectorOracle {
    private static final VarHandle WORD =
            MethodHandles.byteArrayViewVarHandle(long[].class, ByteOrder.LITTLE_ENDIAN);
    private static final int SECTOR = MemoryFile.SECTOR;
    private static final int SECTOR_BITS = 28;
    private static final long GOLD = 0x9E3779B97F4A7C15L;
    private static final long NEVER = Long.MAX_VALUE;

    private final List<List<Version>> versions = new ArrayList<>();
    private final int[] readers;
    private final List<Version> unflushed = new ArrayList<>();
    private long now;
    private long number;
    private boolean stricter;
    private long flushed;
    private long reads;

    private static final class Version {
        final long number;
        final int from;
        final int until;
        long began;
        long ended = NEVER;
        boolean well;
        boolean durable;

        Version(long number, int from, int until, long began) {
            this.number = number;
            this.from = from;
            this.until = until;
            this.began = began;
        }

        boolean replaced(Version other, long moment, boolean durably) {
            return well && ended < moment && other.ended < began && (durable || !durably);
        }
    }

    /** A bio under way. */
    public static final class Ticket {
        private final Op op;
        private final int from;
        private final int until;
        private final boolean fua;
        private final long began;
        private final Version version;

        private Ticket(Op op, int from, int until, boolean fua, long began, Version version) {
            this.op = op;
            this.from = from;
            this.until = until;
            this.fua = fua;
            this.began = began;
            this.version = version;
        }
    }

    /** A device of zeros, of so many bytes. */
    public SectorOracle(long size) {
        int sectors = Math.toIntExact(size / SECTOR);
        readers = new int[sectors];
        for (int s = 0; s < sectors; s++) {
            versions.add(settled(0, s));
        }
    }

    private static List<Version> settled(long number, int sector) {
        Version v = new Version(number, sector, sector + 1, 0);
        v.ended = 0;
        v.well = true;
        v.durable = true;
        List<Version> all = new ArrayList<>(2);
        all.add(v);
        return all;
    }

    /** A bio is about to be submitted; the data of a WRITE is filled here, tagged or zeros. */
    public Ticket begin(
            Op op, long offset, long length, boolean fua, Memory data, boolean zeros) {
        int from = (int) (offset / SECTOR);
        int until = (int) ((offset + length) / SECTOR);
        Version version = null;
        now++;
        if (op.changes()) {
            boolean tagged = op == Op.WRITE && !zeros;
            version = new Version(tagged ? ++number : 0, from, until, now);
            for (int s = from; s < until; s++) {
                versions.get(s).add(version);
            }
        }
        if (op == Op.WRITE) {
            byte[] bytes = new byte[(int) length];
            for (int s = from; s < until; s++) {
                fill(bytes, (s - from) * SECTOR, version.number, s);
            }
            data.bytes().put(0, bytes);
        } else if (op == Op.READ) {
            for (int s = from; s < until; s++) {
                readers[s]++;
            }
        }
        return new Ticket(op, from, until, fua, now, version);
    }

    /** The bio has ended; where a READ has its bytes. Throws when it found what it must not. */
    public void end(Ticket t, Errno outcome, Memory data, int at) {
        now++;
        boolean well = outcome == Errno.OK;
        if (t.op == Op.READ) {
            byte[] bytes = new byte[(t.until - t.from) * SECTOR];
            if (well) {
                data.bytes().get(at, bytes);
            }
            for (int s = t.from; s < t.until; s++) {
                if (well) {
                    judge(s, bytes, (s - t.from) * SECTOR, t.began, false);
                    reads++;
                }
                readers[s]--;
            }
        } else if (t.op == Op.FLUSH) {
            if (well) {
                durable(t.began);
                flushed++;
            }
        } else {
            t.version.ended = now;
            t.version.well = well;
            t.version.durable = well && t.fua;
            stricter |= well;
            if (well && !t.fua) {
                unflushed.add(t.version);
            }
            prune(t.version);
        }
    }

    /** All that has ended is durable: the device was closed well. */
    public void closed() {
        now++;
        durable(now);
    }

    private void durable(long began) {
        List<Version> done = new ArrayList<>();
        unflushed.removeIf(v -> {
            if (v.ended < began) {
                v.durable = true;
                done.add(v);
            }
            return v.durable;
        });
        done.forEach(this::prune);
        stricter |= !done.isEmpty();
    }

    private void prune(Version of) {
        for (int s = of.from; s < of.until; s++) {
            List<Version> all = versions.get(s);
            if (readers[s] == 0 && all.size() > 1) {
                all.removeIf(v -> replaced(all, v, NEVER, true));
            }
        }
    }

    private static boolean replaced(List<Version> all, Version v, long moment, boolean durably) {
        for (int i = 0; i < all.size(); i++) {
            if (all.get(i).replaced(v, moment, durably)) {
                return true;
            }
        }
        return false;
    }

    /** Whether more is asked for than when this was asked last. */
    public boolean stricter() {
        boolean answer = stricter;
        stricter = false;
        return answer;
    }

    /**
     * Judges a sector found after a power failure at this moment.
     *
     * @param bytes where it is, from {@code at} on; null for zeros
     * @param closed whether nothing acknowledged may be missing, as after a close
     */
    public void crashed(int sector, byte[] bytes, int at, boolean closed) {
        judge(sector, bytes, at, NEVER, !closed);
    }

    private void judge(int sector, byte[] bytes, int at, long moment, boolean durably) {
        long found = bytes == null ? 0 : number(bytes, at, sector);
        List<Version> all = versions.get(sector);
        for (int i = 0; i < all.size(); i++) {
            Version v = all.get(i);
            if (v.number == found && (all.size() == 1 || !replaced(all, v, moment, durably))) {
                return;
            }
        }
        StringBuilder text = new StringBuilder();
        for (Version v : all) {
            boolean gone = replaced(all, v, moment, durably);
            text.append(gone ? " (" : " ").append(v.number).append(v.durable ? " durable" : "")
                    .append(gone ? ")" : "");
        }
        throw new AssertionError("sector " + sector + " holds " + (found < 0
                ? "what is of no write: " + describe(bytes, at) : "write " + found)
                + ", expected one of" + text);
    }

    private static void fill(byte[] to, int at, long number, int sector) {
        long tag = number == 0 ? 0 : number << SECTOR_BITS | sector;
        WORD.set(to, at, tag);
        for (int i = 8; i < SECTOR; i += 8) {
            WORD.set(to, at + i, number == 0 ? 0 : tag * GOLD + i);
        }
    }

    /** The number of the write that the sector is of; -1 when it is of none. */
    private static long number(byte[] bytes, int at, int sector) {
        long tag = (long) WORD.get(bytes, at);
        long wrong = tag == 0 ? 0 : (tag & (1L << SECTOR_BITS) - 1) ^ sector;
        for (int i = 8; i < SECTOR; i += 8) {
            wrong |= (long) WORD.get(bytes, at + i) ^ (tag == 0 ? 0 : tag * GOLD + i);
        }
        return wrong == 0 ? tag >>> SECTOR_BITS : -1;
    }

    private static String describe(byte[] bytes, int at) {
        long tag = (long) WORD.get(bytes, at);
        int sector = (int) (tag & (1L << SECTOR_BITS) - 1);
        return number(bytes, at, sector) < 0 ? "begins with " + Long.toHexString(tag)
                : "write " + (tag >>> SECTOR_BITS) + " of sector " + sector;
    }

    /** After a crash: goes on from what was found, which is durable. */
    public void adopt(int sector, byte[] bytes, int at) {
        versions.set(sector, settled(bytes == null ? 0 : number(bytes, at, sector), sector));
        readers[sector] = 0;
        unflushed.clear();
    }

    /** How many flushes have ended well. */
    public long flushed() {
        return flushed;
    }

    /** How many sectors that reads found were judged. */
    public long reads() {
        return reads;
    }
}
