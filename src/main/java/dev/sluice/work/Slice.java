package dev.sluice.work;

import dev.sluice.sys.Native;

/**
 * How long the turns on a CPU are that a thread asks for (sched_setattr(2), kernel/sched/fair.c;
 * Linux from 6.12 on, older ones take no notice). Its share of the CPU stays the same. Who asks for
 * longer turns gets them later: a thread with shorter ones that is woken meanwhile goes first. A
 * thread that is started has what its starter asked for then.
 */
public final class Slice {
    /** What the kernel gives to who asks for nothing. */
    public static final long USUAL = 0;
    /** Longer than usual, in nanoseconds: whom such a thread wakes runs at once. */
    public static final long POLITE = 6_000_000;
    /** As long as may be: for what nobody waits for. */
    public static final long BACKGROUND = 100_000_000;

    private Slice() {}

    /**
     * Has the calling thread ask for turns of so many nanoseconds; what it had before, to be given
     * here again. Where the kernel refuses turns stay as they are, and that is {@link #USUAL}.
     */
    public static long ask(long nanos) {
        return Native.slice(nanos);
    }
}
