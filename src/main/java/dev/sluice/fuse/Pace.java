package dev.sluice.fuse;

import dev.sluice.block.Clock;
import dev.sluice.sys.Arena;
import java.util.function.LongSupplier;

/**
 * Tells a session thread whether it and its caller merely take turns, slowly: then each request
 * costs waking a CPU from idle, twice. A second reader makes that rarer, for the one that sleeps
 * on the caller's own CPU has its turn without. Looked at once in {@link #WINDOW} requests.
 */
final class Pace {
    /** Requests between two looks, and for how many of them this thread must have stood back. */
    private static final int WINDOW = 64;
    private static final int MOSTLY = 48;
    /** Turns on one CPU take some 12 µs, on two 25 to 60 µs. */
    private static final long SLOW_NANOS = WINDOW * 18_000L;

    private final Clock clock;
    private final LongSupplier given;
    private int requests;
    private long switches;
    private long since;

    /** {@code given}: how often its thread gave its CPU up, to sleep or to whom it had woken. */
    Pace(Clock clock, LongSupplier given) {
        this.clock = clock;
        this.given = given;
    }

    /** Of the thread that asks. */
    static Pace ofThread(Clock clock, Arena arena) {
        return new Pace(clock, new ThreadUsage(arena)::switches);
    }

    /**
     * Notes a request; true when it is the last of a window of slow turns.
     *
     * @param others whether other threads read too: with one about, this one sleeps for want of
     *     requests, which looks like slow turns and tells nothing
     * @param looks whether this one is kept awake by something else
     */
    boolean isSlow(boolean others, boolean looks) {
        if (others) {
            requests = 0;
            return false;
        }
        return !looks && slowTurns();
    }

    private boolean slowTurns() {
        if (requests++ == 0) {
            switches = given.getAsLong();
            since = clock.nanos();
            return false;
        }
        if (requests < WINDOW) {
            return false;
        }
        requests = 0;
        return clock.nanos() - since > SLOW_NANOS && given.getAsLong() - switches >= MOSTLY;
    }
}
