package dev.sluice.table;

import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicIntegerArray;
import java.util.concurrent.locks.LockSupport;

/**
 * Who looks at devices, and for how long one that was taken out must stay: a visitor finds what is
 * there when it comes, and may use it until it leaves. Visitors never wait. Thread-safe.
 */
final class Visits {
    private static final long STEP_NANOS = TimeUnit.MILLISECONDS.toNanos(1);

    /** Visitors by the turn in which they came. */
    private final AtomicIntegerArray here = new AtomicIntegerArray(2);
    private volatile int turn;

    /** Somebody comes; answers what {@link #leave} is to be given. */
    int enter() {
        while (true) {
            int now = turn;
            here.incrementAndGet(now);
            if (turn == now) {
                return now;
            }
            // The turn has changed: whoever waits for the old one should not wait for this one.
            here.decrementAndGet(now);
        }
    }

    void leave(int entered) {
        here.decrementAndGet(entered);
    }

    /** Waits until all who are here now have left; those who come later do not count. */
    synchronized void await() {
        int old = turn;
        turn = 1 - old;
        while (here.get(old) > 0) {
            LockSupport.parkNanos(STEP_NANOS);
        }
    }
}
