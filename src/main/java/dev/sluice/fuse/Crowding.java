package dev.sluice.fuse;

import dev.sluice.block.Clock;
import dev.sluice.sys.Arena;
import dev.sluice.sys.Native;
import java.util.function.LongSupplier;

/**
 * Has a session thread that hands in much direct I/O leave a CPU on which it is interrupted all the
 * time. The kernel ends direct writes in a thread of its own on the CPU that the disk interrupts
 * (fs/iomap/direct-io.c); the scheduler lets a thread that never sleeps be where it is, though
 * another CPU has time. Looked at once in {@link #WINDOW} requests. One thread's.
 */
final class Crowding {
    static final int WINDOW = 1024;
    /** So many interruptions in that time are too many: the end of each turn makes a few. */
    static final int OFTEN = WINDOW / 16;
    /** More deep requests than so, or a caller waits for each answer and is best near. */
    private static final int FEW = WINDOW / 16;
    /** Where it is no better elsewhere it goes on looking, more and more rarely. */
    static final long FIRST_NANOS = 50_000_000;
    static final long LAST_NANOS = 10_000_000_000L;

    private final Clock clock;
    private final LongSupplier interrupted;
    private final Runnable leave;
    private int requests;
    private int deepOnes;
    private long seen;
    private long wait = FIRST_NANOS;
    private long next = Long.MIN_VALUE;

    /** {@code interrupted}: how often its thread had to give its CPU up; {@code leave}: how. */
    Crowding(Clock clock, LongSupplier interrupted, Runnable leave) {
        this.clock = clock;
        this.interrupted = interrupted;
        this.leave = leave;
    }

    /** Of the thread that asks. */
    static Crowding ofThread(Clock clock, Arena arena) {
        return new Crowding(clock, new ThreadUsage(arena)::preempted, Native::leaveCpu);
    }

    /** Notes a request; {@code deep}: of many under way, all of them this thread's to hand in. */
    void request(boolean deep) {
        deepOnes += deep ? 1 : 0;
        if (++requests < WINDOW) {
            return;
        }
        boolean much = deepOnes > FEW;
        requests = 0;
        deepOnes = 0;
        long now = interrupted.getAsLong();
        boolean often = now - seen >= OFTEN;
        seen = now;
        if (!often) {
            wait = FIRST_NANOS;
        } else if (much && clock.nanos() >= next) {
            leave.run();
            next = clock.nanos() + wait;
            wait = Math.min(LAST_NANOS, 2 * wait);
        }
    }
}
