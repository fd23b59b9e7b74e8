package dev.sluice.ploop;

import dev.sluice.block.BlockException;
import dev.sluice.block.Errno;
import dev.sluice.block.Limits;
import dev.sluice.block.Memory;
import dev.sluice.storage.Backing;
import dev.sluice.sys.Arena;
import java.nio.ByteOrder;
import java.util.ArrayList;
import java.util.List;

/**
 * Header and table as they are in the file, byte for byte: page p of it is page p of the file, the
 * last one up to where data begins. Costs memory where it holds something. Its owner sees to it
 * that one thread at a time is in it.
 */
final class Bat {
    /** Bytes of a page. */
    static final int PAGE = 4096;
    /** No cluster: reads as zeros. */
    static final int NONE = 0;
    /** A word that names no cluster of the file. */
    static final int BAD = -1;

    private final Arena arena;
    private final int blockSize;
    private volatile Memory memory;
    /** What it had before it grew: somebody may look without the lock. */
    private final List<Memory> old = new ArrayList<>();
    private int bytes;
    private int first;
    /** Clusters from here on are not in the file. */
    private int end;
    private Header header;

    /** An empty table. */
    Bat(Header header, Arena arena, int blockSize) {
        this.arena = arena;
        this.blockSize = blockSize;
        this.memory = begin(header);
        this.end = first;
    }

    private Memory begin(Header now) {
        header = now;
        first = now.firstCluster();
        long unit = Math.max(PAGE, blockSize);
        long whole = (now.metaBytes() + unit - 1) / unit * unit;
        bytes = (int) Math.min(Math.min(whole, (now.metaBytes() + PAGE - 1) & -PAGE),
                now.dataStart());
        Memory fresh = arena.map((int) whole);
        fresh.bytes().order(ByteOrder.LITTLE_ENDIAN);
        now.encode(fresh.bytes());
        return fresh;
    }

    /** Zeroes what is behind the last word in its page. */
    void clearRest() {
        for (int i = (int) header.metaBytes(); i < bytes; i++) {
            memory.bytes().put(i, (byte) 0);
        }
    }

    /** Goes on with a header for a larger disk; the rest was cleared. */
    void grow(Header now) {
        Memory before = memory;
        int length = bytes;
        Memory fresh = begin(now);
        for (int at = Header.BYTES; at < length; at += Long.BYTES) {
            // What is empty costs no memory.
            if (at + Long.BYTES > length) {
                fresh.bytes().putInt(at, before.bytes().getInt(at));
            } else if (before.bytes().getLong(at) != 0) {
                fresh.bytes().putLong(at, before.bytes().getLong(at));
            }
        }
        old.add(before);
        memory = fresh;
    }

    /** The table of a file; its holes are not touched. */
    static Bat read(String path, Header header, Backing backing, Arena arena)
            throws BlockException {
        Bat bat = new Bat(header, arena, backing.blockSize());
        try {
            bat.fill(path, backing);
            return bat;
        } catch (BlockException | RuntimeException | Error e) {
            bat.close();
            throw e;
        }
    }

    private void fill(String path, Backing backing) throws BlockException {
        int block = backing.blockSize();
        long until = Math.min(Math.min((long) memory.size(), (bytes + block - 1L) / block * block),
                backing.size() / block * block);
        if (until < header.metaBytes()) {
            throw new BlockException(Errno.EINVAL, path + " has " + backing.size() + " bytes, no"
                    + " multiple of " + block + ", and its table reaches into the rest; use"
                    + " direct=off");
        }
        long at = 0;
        while (at < until) {
            long data = backing.seek(at, true) / block * block;
            if (data >= until) {
                return;
            }
            long hole = Math.max(data + block, backing.seek(data, false));
            long stop = Math.min(until, (hole + block - 1) / block * block);
            for (at = data; at < stop;) {
                int piece = (int) Math.min(stop - at, Limits.MAX_DATA);
                Errno outcome = backing.read(at, memory, (int) at, piece);
                if (outcome != Errno.OK) {
                    throw BlockException.storage(outcome, path + ": its table cannot be read at"
                            + " byte " + at);
                }
                at += piece;
            }
        }
    }

    int entries() {
        return header.entries();
    }

    Header header() {
        return header;
    }

    /** Replaces the header: of the same version, cluster, table and start of data. */
    void header(Header now) {
        header = now;
        now.encode(memory.bytes());
    }

    /** The word as it is stored. */
    long word(int index) {
        return memory.bytes().getInt(Header.BYTES + 4 * index) & 0xffffffffL;
    }

    /** The cluster of the file that holds a cluster of the disk, {@link #NONE} or {@link #BAD}. */
    int get(int index) {
        int word = memory.bytes().getInt(Header.BYTES + 4 * index);
        if (word == 0) {
            return NONE;
        }
        int cluster = header.version() == 1 ? header.clusterAt(header.meaning(word & 0xffffffffL))
                : word;
        return cluster >= first && cluster < end ? cluster : BAD;
    }

    /** Names a cluster, or {@link #NONE}. */
    void set(int index, int cluster) {
        memory.bytes().putInt(Header.BYTES + 4 * index, cluster == NONE ? 0
                : header.word(cluster));
    }

    /** The first cluster that is not in the file: larger ones are {@link #BAD}. */
    void end(int clusters) {
        end = clusters;
    }

    int end() {
        return end;
    }

    /** How many pages there are. */
    int pages() {
        return (bytes + PAGE - 1) / PAGE;
    }

    /** The page that holds a word. */
    static int page(int index) {
        return (Header.BYTES + 4 * index) / PAGE;
    }

    /** How long a page is, in bytes: the last one may be short. */
    int pageBytes(int page) {
        return Math.min(PAGE, bytes - page * PAGE);
    }

    /** Copies a page as it is to be written at byte {@code 4096 * page}; its length. */
    int copyPage(int page, Memory to, int at) {
        int length = pageBytes(page);
        to.copyFrom(at, memory, page * PAGE, length);
        return length;
    }

    /** The next word from an index on that is not 0; {@link #entries} where there is none. */
    int next(int index) {
        int i = index;
        while (i < entries()) {
            if ((Header.BYTES + 4 * i) % 8 == 0 && i + 1 < entries()
                    && memory.bytes().getLong(Header.BYTES + 4 * i) == 0) {
                i += 2;
            } else if (memory.bytes().getInt(Header.BYTES + 4 * i) == 0) {
                i++;
            } else {
                return i;
            }
        }
        return entries();
    }

    void close() {
        old.forEach(arena::unmap);
        arena.unmap(memory);
    }
}
