package dev.sluice.fuse;

import java.util.Arrays;

/**
 * How long before something is due a thread is to be woken, so that it is awake in time. A CPU that
 * was idle takes its time to come back, the more the longer it was; how much differs by machine and
 * hour, so it is learnt from each sleep: who woke too late is woken earlier next time. Threads may
 * share one; an update that gets lost does no harm.
 */
final class Lead {
    /** More than this, and the thread might as well stay awake. */
    static final long MOST_NANOS = 120_000;

    /**
     * A third of the shortest sleeps end late, by very little: to be sure would cost more time
     * awake. Of those of a millisecond and more, which it is little to, one in 33 does.
     */
    private static final long EARLIER_NANOS = 2_000;
    private static final long LATER_NANOS = 1_000;
    private static final int RAREST = 4;

    /** Sleeps of less than 64 us, each rung twice as long as the one before, and all beyond. */
    private static final int RUNGS = 10;
    private static final int FIRST_RUNG = 16;

    private final long least;
    private final long most;
    private final long[] nanos = new long[RUNGS];

    /** {@code least}: nanoseconds that are always kept; none at all where it is 0. */
    Lead(long least) {
        this.least = least;
        this.most = least == 0 ? 0 : Math.max(least, MOST_NANOS);
        Arrays.fill(nanos, least);
    }

    /** How long before the end of a sleep of so many nanoseconds it is to be cut off. */
    long of(long sleepNanos) {
        return nanos[rung(sleepNanos)];
    }

    /** Such a sleep ended by itself: the thread was awake after what was due, or before. */
    void woke(long sleepNanos, boolean late) {
        int rung = rung(sleepNanos);
        long now = nanos[rung];
        nanos[rung] = late ? Math.min(most, now + EARLIER_NANOS)
                : Math.max(least, now - (LATER_NANOS >> Math.min(RAREST, rung * rung / 4)));
    }

    private static int rung(long sleepNanos) {
        int bits = Long.SIZE - Long.numberOfLeadingZeros(Math.max(0, sleepNanos));
        return Math.min(RUNGS - 1, Math.max(0, bits - FIRST_RUNG));
    }
}
