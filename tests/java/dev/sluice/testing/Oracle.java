package dev.sluice.testing;

import dev.sluice.block.Errno;
import dev.sluice.block.Memory;
import dev.sluice.block.Op;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;

/**
 * A record of the bytes that must be on a device. Thread-safe.
 *
 * <p>Space is divided into units. Every write fills its units with a pattern of its own number, so
 * the record holds numbers, not bytes; number 0 is zeros. A read of a unit must find the pattern
 * of a version that was current at some moment of the read: one that began before the read ended,
 * and that no other has surely replaced before the read began. "Surely replaced" means by a change
 * that began after the version ended, and ended well. So overlapping changes leave both, failed
 * ones leave old and new, and a read that no change overlapped settles which one it is.
 *
 * <p>Within an atom of a unit, versions never mix.
 */
public final class Oracle {
    private static final long GOLD = 0x9E3779B97F4A7C15L;
    private static final long NEVER = Long.MAX_VALUE;

    private final int unit;
    private final int atom;
    private final boolean crashes;
    private boolean forgets; // guarded by this
    private final List<Version>[] versions; // guarded by this
    private final int[] readers; // guarded by this
    private final List<String> complaints = new ArrayList<>(); // guarded by this
    private final List<Version> unflushed = new ArrayList<>(); // guarded by this
    private long now; // guarded by this
    private long number; // guarded by this
    private long judged; // guarded by this
    private long settled; // guarded by this

    private static final class Version {
        final long number;
        final long began;
        long ended = NEVER;
        boolean well;
        boolean durable;

        Version(long number, long began) {
            this.number = number;
            this.began = began;
        }

        /** Whether this one has surely replaced the other before the moment. */
        boolean replaced(Version other, long moment, boolean durably) {
            return well && ended < moment && other.ended < began && (durable || !durably);
        }
    }

    /** A bio between its begin and its end. */
    public final class Ticket {
        private final Op op;
        private final long offset;
        private final int units;
        private final boolean fua;
        private final long began;
        private final Version version;
        private final long pattern;

        private Ticket(Op op, long offset, long length, boolean fua) {
            this.op = op;
            this.offset = offset;
            this.units = (int) (length / unit);
            this.fua = fua;
            this.began = ++now;
            this.version = op.changes()
                    ? new Version(op == Op.WRITE && !forgets ? number + 1 : 0, began) : null;
            this.pattern = op == Op.WRITE ? ++number : 0;
        }
    }

    /**
     * A device of zeros.
     *
     * @param unit bytes; all ranges given later are multiples of it
     * @param atom bytes within which versions never mix; divides the unit
     * @param crashes whether to keep what {@link #crashed} asks
     */
    @SuppressWarnings({"unchecked", "rawtypes"})
    public Oracle(long size, int unit, int atom, boolean crashes) {
        this.unit = unit;
        this.atom = atom;
        this.crashes = crashes;
        int units = Math.toIntExact(size / unit);
        versions = new List[units];
        readers = new int[units];
        for (int i = 0; i < units; i++) {
            versions[i] = new ArrayList<>(2);
            versions[i].add(first());
        }
    }

    /** For a device that forgets what is written: all stays zeros. */
    public synchronized Oracle forgets() {
        forgets = true;
        return this;
    }

    private static Version first() {
        Version v = new Version(0, 0);
        v.ended = 0;
        v.well = true;
        v.durable = true;
        return v;
    }

    /** A bio is about to be submitted; a WRITE's data is filled here. */
    public Ticket begin(Op op, long offset, long length, boolean fua, Memory data, int dataAt) {
        Ticket t;
        synchronized (this) {
            t = new Ticket(op, offset, length, fua);
            for (int i = 0; i < t.units; i++) {
                int u = (int) (offset / unit) + i;
                if (op == Op.READ) {
                    readers[u]++;
                } else if (t.version != null) {
                    versions[u].add(t.version);
                }
            }
        }
        if (op == Op.WRITE) {
            byte[] pattern = new byte[(int) length];
            for (int i = 0; i < t.units; i++) {
                fill(pattern, i * unit, t.pattern, offset + (long) i * unit);
            }
            data.bytes().put(dataAt, pattern);
        }
        return t;
    }

    /** The bio has ended; a READ's data is judged. */
    public void end(Ticket t, Errno outcome, Memory data, int dataAt) {
        if (t.op == Op.READ) {
            // The bytes first: they may be the target's own, which later writes change.
            byte[] bytes = new byte[t.units * unit];
            if (outcome == Errno.OK) {
                data.bytes().get(dataAt, bytes);
            }
            List<List<Version>> found = candidates(t);
            if (outcome == Errno.OK) {
                judge(t, found, bytes);
            }
            return;
        }
        synchronized (this) {
            long moment = ++now;
            if (t.op == Op.FLUSH) {
                if (outcome == Errno.OK) {
                    flushed(t.began);
                }
                return;
            }
            t.version.ended = moment;
            t.version.well = outcome == Errno.OK;
            t.version.durable = t.version.well && t.fua;
            if (crashes && t.version.well && !t.fua) {
                unflushed.add(t.version);
            }
            for (int i = 0; i < t.units; i++) {
                prune((int) (t.offset / unit) + i);
            }
        }
    }

    private void flushed(long began) {
        unflushed.removeIf(v -> {
            v.durable |= v.ended < began;
            return v.durable;
        });
    }

    private void prune(int u) {
        if (readers[u] == 0) {
            List<Version> all = versions[u];
            all.removeIf(v -> replaced(all, v, NEVER, crashes));
        }
    }

    private static boolean replaced(
            List<Version> all, Version v, long moment, boolean durably) {
        for (Version w : all) {
            if (w.replaced(v, moment, durably)) {
                return true;
            }
        }
        return false;
    }

    private synchronized List<List<Version>> candidates(Ticket t) {
        List<List<Version>> found = new ArrayList<>(t.units);
        for (int i = 0; i < t.units; i++) {
            int u = (int) (t.offset / unit) + i;
            List<Version> all = versions[u];
            if (all.size() == 1) {
                found.add(List.of(all.get(0)));
            } else {
                List<Version> now = new ArrayList<>(all);
                now.removeIf(v -> replaced(all, v, t.began, false));
                found.add(now);
            }
            readers[u]--;
        }
        return found;
    }

    private void judge(Ticket t, List<List<Version>> found, byte[] bytes) {
        for (int i = 0; i < t.units; i++) {
            Version v = judge(bytes, i * unit, t.offset + (long) i * unit, found.get(i), t);
            if (v != null && found.get(i).size() > 1) {
                settle((int) (t.offset / unit) + i, v, found.get(i), t.began);
            }
        }
        synchronized (this) {
            judged += t.units;
        }
    }

    /** The one version that a unit is of; null if it is mixed as allowed, or wrong. */
    private Version judge(byte[] bytes, int at, long offset, List<Version> found, Ticket t) {
        byte[] pattern = new byte[unit];
        for (Version v : found) {
            fill(pattern, 0, v.number, offset);
            if (Arrays.equals(bytes, at, at + unit, pattern, 0, unit)) {
                return v;
            }
        }
        boolean[] good = new boolean[unit / atom];
        for (Version v : found) {
            fill(pattern, 0, v.number, offset);
            for (int i = 0; i < good.length; i++) {
                good[i] |= Arrays.equals(bytes, at + i * atom, at + (i + 1) * atom,
                        pattern, i * atom, (i + 1) * atom);
            }
        }
        for (int i = 0; i < good.length; i++) {
            if (!good[i]) {
                complain(t.op + " found at " + (offset + (long) i * atom) + " what is of none of "
                        + found.size() + " versions: " + describe(bytes, at, offset, found));
                return null;
            }
        }
        return null;
    }

    private synchronized String describe(byte[] bytes, int at, long offset, List<Version> found) {
        StringBuilder numbers = new StringBuilder();
        found.forEach(v -> numbers.append(v.number).append(' '));
        byte[] pattern = new byte[unit];
        for (long n = number; n >= Math.max(0, number - 100_000); n--) {
            fill(pattern, 0, n, offset);
            if (Arrays.equals(bytes, at, at + unit, pattern, 0, unit)) {
                return "version " + n + ", not " + numbers;
            }
        }
        return "no version at all, not " + numbers;
    }

    /** A read without any change meanwhile says which version a unit is of from now on. */
    private synchronized void settle(int u, Version v, List<Version> found, long began) {
        List<Version> all = versions[u];
        boolean quiet = !crashes && readers[u] == 0 && all.contains(v);
        for (Version w : all) {
            quiet &= w.ended < began;
        }
        if (quiet) {
            all.removeIf(w -> w != v && found.contains(w));
            settled++;
        }
    }

    /** After a crash, with nothing in flight: judges a unit's range against what was durable. */
    public void crashed(long offset, long length, Memory data, int dataAt) {
        Ticket t;
        List<List<Version>> found = new ArrayList<>();
        synchronized (this) {
            t = new Ticket(Op.READ, offset, length, false);
            for (int i = 0; i < t.units; i++) {
                List<Version> all = versions[(int) (offset / unit) + i];
                List<Version> left = new ArrayList<>(all);
                left.removeIf(v -> replaced(all, v, NEVER, true));
                found.add(left);
            }
        }
        byte[] bytes = new byte[t.units * unit];
        data.bytes().get(dataAt, bytes);
        for (int i = 0; i < t.units; i++) {
            judge(bytes, i * unit, offset + (long) i * unit, found.get(i), t);
        }
    }

    /** Fills one unit. */
    private void fill(byte[] to, int at, long number, long offset) {
        ByteBuffer words = ByteBuffer.wrap(to).order(ByteOrder.LITTLE_ENDIAN);
        for (int i = 0; i < unit; i += 8) {
            words.putLong(at + i, number == 0 ? 0 : mix(number * GOLD + offset + i));
        }
    }

    private static long mix(long z) {
        long a = (z ^ (z >>> 30)) * 0xBF58476D1CE4E5B9L;
        long b = (a ^ (a >>> 27)) * 0x94D049BB133111EBL;
        return b ^ (b >>> 31);
    }

    private synchronized void complain(String sentence) {
        complaints.add(sentence);
    }

    /** What was wrong so far. */
    public synchronized List<String> complaints() {
        return List.copyOf(complaints);
    }

    /** How many units of reads were judged. */
    public synchronized long judged() {
        return judged;
    }

    /** How often a read settled which of several versions a unit is of. */
    public synchronized long settled() {
        return settled;
    }

    /** Bytes of the unit in which this record thinks. */
    public int unit() {
        return unit;
    }
}
