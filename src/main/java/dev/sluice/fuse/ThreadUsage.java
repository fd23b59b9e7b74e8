package dev.sluice.fuse;

import dev.sluice.block.Memory;
import dev.sluice.sys.Arena;
import dev.sluice.sys.Libc;

/**
 * How often the calling thread gave its CPU up, as the kernel counts it (getrusage(2), ru_nvcsw and
 * ru_nivcsw). One thread's.
 */
final class ThreadUsage {
    private static final int SLEPT = 128;
    private static final int PREEMPTED = 136;
    private static final int THIS_THREAD = 1;

    private final Memory usage;

    ThreadUsage(Arena arena) {
        usage = arena.map(Arena.PAGE);
    }

    /** To sleep, or to another. */
    long switches() {
        return preempted() + usage.bytes().getLong(SLEPT);
    }

    /** To another, though it had not done. */
    long preempted() {
        Libc.LIBC.getrusage(THIS_THREAD, usage.address());
        return usage.bytes().getLong(PREEMPTED);
    }
}
