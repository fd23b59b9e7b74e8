package dev.sluice.kernel;

import static dev.sluice.sys.Libc.LIBC;

import dev.sluice.block.Memory;
import dev.sluice.sys.Arena;
import dev.sluice.sys.Native;
import java.nio.file.Path;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Deque;
import java.util.List;
import java.util.Random;

/**
 * Writes, punches and syncs the first blocks of a file until that fails, and knows what may be
 * there afterwards: of each block the last that was acknowledged as durable, or anything later.
 * Each block is tagged with its number and that of its write.
 */
final class AckedWriter implements AutoCloseable {
    static final int BLOCK = 4096;
    private static final int MOST = 32;
    private static final long GOLD = 0x9E3779B97F4A7C15L;

    private final Arena arena = new Arena();
    private final Memory memory = arena.map(MOST * BLOCK);
    private final Random random;
    private final int cluster;
    /** Of each block what it may hold, the oldest first; 0 for zeros. */
    private final List<Deque<Long>> may = new ArrayList<>();
    private long number;
    private volatile long syncs; // written by who writes

    AckedWriter(Random random, int blocks, int clusterBlocks) {
        this.random = random;
        this.cluster = clusterBlocks;
        for (int i = 0; i < blocks; i++) {
            may.add(new ArrayDeque<>(List.of(0L)));
        }
    }

    /** Goes on until something fails, as it does when the daemon is killed, or so many times. */
    void write(Path file, int times) {
        int fd = open(file, 0);
        int durable = open(file, Native.O_DSYNC);
        try {
            int done = 0;
            while (done < times && fd >= 0 && durable >= 0 && step(fd, durable)) {
                done++;
            }
        } finally {
            LIBC.close(fd);
            LIBC.close(durable);
        }
    }

    private static int open(Path file, int flags) {
        return LIBC.open(file.toString(), Native.O_RDWR | Native.O_CLOEXEC | flags, 0);
    }

    private boolean step(int fd, int durable) {
        int count = 1 + random.nextInt(MOST);
        int from = random.nextInt(may.size() - count);
        int what = random.nextInt(100);
        if (what < 6) {
            if (LIBC.fdatasync(fd) != 0) {
                return false;
            }
            syncs++;
            may.forEach(AckedWriter::settle);
            return true;
        }
        if (what < 12) {
            // Whole clusters lose their place, parts of one do not.
            from = random.nextBoolean() ? from / cluster * cluster : from;
            count = Math.min(random.nextBoolean() ? cluster : count, may.size() - from);
            note(from, count, 0);
            return LIBC.fallocate(fd, Native.FALLOC_PUNCH_HOLE | Native.FALLOC_KEEP_SIZE,
                    (long) from * BLOCK, (long) count * BLOCK) == 0;
        }
        note(from, count, ++number);
        boolean synced = what < 24;
        long n = LIBC.pwrite(synced ? durable : fd, memory.address(), (long) count * BLOCK,
                (long) from * BLOCK);
        if (n == (long) count * BLOCK && synced) {
            may.subList(from, from + count).forEach(AckedWriter::settle);
            syncs++;
        }
        return n == (long) count * BLOCK;
    }

    /** Only the last is left. */
    private static void settle(Deque<Long> values) {
        while (values.size() > 1) {
            values.removeFirst();
        }
    }

    private void note(int from, int count, long value) {
        for (int i = 0; i < count; i++) {
            may.get(from + i).addLast(value);
            for (int w = 0; value != 0 && w < BLOCK; w += 8) {
                memory.bytes().putLong(i * BLOCK + w, word(value, from + i, w));
            }
        }
    }

    private static long word(long value, int block, int at) {
        return value == 0 ? 0 : (value << 24 | block) * GOLD + at;
    }

    /** Reads all of it back; what is found is what is there from now on. */
    void verify(Path file) {
        int fd = LIBC.open(file.toString(), Native.O_RDONLY | Native.O_CLOEXEC, 0);
        try {
            for (int block = 0; block < may.size(); block++) {
                if (LIBC.pread(fd, memory.address(), BLOCK, (long) block * BLOCK) != BLOCK) {
                    throw new AssertionError("block " + block + " of " + file
                            + " cannot be read");
                }
                Deque<Long> values = may.get(block);
                int b = block;
                long found = values.stream().filter(v -> holds(v, b)).findFirst().orElseThrow(
                        () -> new AssertionError("block " + b + " of " + file + " begins with "
                                + Long.toHexString(memory.bytes().getLong(0)) + ", which is none"
                                + " of the writes " + values + " (0 is zeros)"));
                values.clear();
                values.add(found);
            }
        } finally {
            LIBC.close(fd);
        }
    }

    private boolean holds(long value, int block) {
        for (int at = 0; at < BLOCK; at += 8) {
            if (memory.bytes().getLong(at) != word(value, block, at)) {
                return false;
            }
        }
        return true;
    }

    /** All that was written, as it is if nothing is lost. */
    List<Long> last() {
        return may.stream().map(Deque::getLast).toList();
    }

    /** From now on this is what is there. */
    void is(List<Long> values) {
        for (int i = 0; i < may.size(); i++) {
            may.get(i).clear();
            may.get(i).add(values.get(i));
        }
    }

    /** How many syncs and synchronous writes were acknowledged. */
    long syncs() {
        return syncs;
    }

    /** How many writes were begun. */
    long writes() {
        return number;
    }

    @Override
    public void close() {
        arena.close();
    }
}
