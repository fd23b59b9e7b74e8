package dev.sluice.storage;

import dev.sluice.block.Errno;
import dev.sluice.block.Memory;
import dev.sluice.sys.Libc;
import dev.sluice.sys.Native;
import java.util.concurrent.atomic.AtomicInteger;

/**
 * What the page cache does at once, in the thread that asks: RWF_NOWAIT. A file system that cannot
 * says EOPNOTSUPP, once, and is not asked again. A write is tried only while none is at a
 * worker: a sparse file whose writes mostly have to wait would be asked twice for each
 * (drivers/block/loop.c). From any thread.
 */
final class Nowait {
    /** A larger copy takes a session thread too long. */
    static final int MOST = 128 << 10;

    private static final int VECTOR = 16;
    /**
     * A thread's own, for all files: who reads the many files of a chain by turns would find each
     * file's own in no cache.
     */
    private static final ThreadLocal<Memory> VECTORS =
            ThreadLocal.withInitial(() -> Native.few(2 * VECTOR));

    private final Libc libc;
    private final int fd;
    private final AtomicInteger waiting = new AtomicInteger();
    private volatile boolean reads;
    private volatile boolean writes;

    /** {@code writable}: writes are of use too. */
    Nowait(Libc libc, int fd, boolean writable) {
        this.libc = libc;
        this.fd = fd;
        this.writes = writable;
        this.reads = true;
        // A byte tells whether reads may be asked for; of writes the first one tells.
        read(0, VECTORS.get(), VECTOR, 1);
    }

    /** Whether all of it was read now; otherwise memory may hold part of it. */
    boolean read(long offset, Memory memory, int at, int length) {
        if (!reads || length > MOST) {
            return false;
        }
        long n = libc.preadv2(fd, fill(memory, at, length), 1, offset, Native.RWF_NOWAIT);
        if (n < 0 && Native.error() == Errno.EOPNOTSUPP) {
            reads = false;
        }
        return n == length;
    }

    /** Whether all of it was written now; otherwise the file may hold part of it. */
    boolean write(long offset, Memory memory, int at, int length) {
        if (!writes || length > MOST || waiting.get() > 0) {
            return false;
        }
        long n = libc.pwritev2(fd, fill(memory, at, length), 1, offset, Native.RWF_NOWAIT);
        if (n < 0 && Native.error() == Errno.EOPNOTSUPP) {
            writes = false;
        }
        return n == length;
    }

    /**
     * A file system that reads without waiting is of this machine, not of a server's or another
     * process's; where it could also tell which writes wait, that has been asked.
     */
    boolean cachesWrites() {
        return reads && !writes;
    }

    /** A write goes to a worker. */
    void writeWaits() {
        waiting.incrementAndGet();
    }

    /** It has ended there. */
    void writeEnded() {
        waiting.decrementAndGet();
    }

    private long fill(Memory memory, int at, int length) {
        Memory v = VECTORS.get();
        v.bytes().putLong(0, memory.address() + at);
        v.bytes().putLong(8, length);
        return v.address();
    }

    /** Whether reads, and writes, are tried; for status. */
    boolean triesReads() {
        return reads;
    }

    boolean triesWrites() {
        return writes;
    }
}
