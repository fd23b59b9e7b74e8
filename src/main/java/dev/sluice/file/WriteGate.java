package dev.sluice.file;

import dev.sluice.block.Clock;

/**
 * Whether a write through the page cache is made by the thread that has it. Mostly the cache takes
 * it in a few microseconds, less than handing it to a worker costs; but where too much is dirty, or
 * the journal is full, a write waits for the disk. So it is tried until writes are slow on average:
 * one that merely lost its CPU for a while does not count for much. Then workers make so many, and
 * twice as many each time that they are slow again. From any thread.
 */
final class WriteGate {
    /** More than this on average, and writes wait for something. */
    static final long SLOW_NANOS = 400_000;
    /** A write that takes longer is stuck, and no other thread follows it. */
    static final long STUCK_NANOS = 1_000_000;
    static final int LEAST = 64;
    static final int MOST = 1024;
    /** So many tried without closing, and the times before are forgotten. */
    static final int FORGIVEN = 1024;

    private static final int WEIGHT = 32;

    private final Clock clock;
    private long average; // guarded by this
    private int closedFor; // guarded by this
    private int penalty = LEAST; // guarded by this
    private int tried; // guarded by this
    private int inside; // guarded by this
    private long since; // guarded by this

    WriteGate(Clock clock) {
        this.clock = clock;
    }

    /** Whether the calling thread may make the write; then it says {@link #leave}. */
    synchronized boolean enter() {
        long now = clock.nanos();
        if (inside > 0 && now - since > STUCK_NANOS) {
            return false;
        }
        if (closedFor > 0) {
            closedFor--;
            return false;
        }
        inside++;
        since = now;
        return true;
    }

    /** The write has ended. */
    synchronized void leave() {
        inside--;
        average += (clock.nanos() - since - average) / WEIGHT;
        if (average > SLOW_NANOS) {
            average = 0;
            closedFor = penalty;
            penalty = Math.min(MOST, 2 * penalty);
            tried = 0;
        } else if (++tried == FORGIVEN) {
            penalty = LEAST;
        }
    }
}
