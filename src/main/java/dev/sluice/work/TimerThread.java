package dev.sluice.work;

import dev.sluice.block.Clock;
import dev.sluice.sys.Native;
import java.util.concurrent.locks.LockSupport;

/**
 * A thread for a {@link Timer} that nobody else drives: sleeps until shortly before the next entry
 * is due, then looks at the clock until it is. Started when first needed.
 */
public final class TimerThread implements AutoCloseable {
    private static final int PR_SET_TIMERSLACK = 29;

    private final Clock clock;
    private final long spin;
    private final Timer timer;
    private Thread thread; // guarded by this
    private volatile boolean closed;

    /** {@code spinNanos}: how long it looks at the clock before something is due. */
    public TimerThread(Clock clock, long spinNanos, Timer timer) {
        this.clock = clock;
        this.spin = spinNanos;
        this.timer = timer;
        timer.wakeBy(this::wake);
        if (timer.size() > 0) {
            // Added before anybody could be woken for it.
            wake();
        }
    }

    /** Has the kernel wake the calling thread as soon as it can, not some 50 µs later. */
    public static void wakeExactly() {
        Native.prctl(PR_SET_TIMERSLACK, 1);
    }

    private synchronized void wake() {
        if (thread == null && !closed) {
            thread = new Thread(this::run, "timer");
            thread.setDaemon(true);
            thread.start();
        }
        LockSupport.unpark(thread);
    }

    private void run() {
        wakeExactly();
        while (!closed) {
            if (timer.expire(clock.nanos()) > 0) {
                continue;
            }
            long due = timer.earliest();
            long left = due - clock.nanos() - spin;
            if (left <= 0) {
                Thread.onSpinWait();
            } else if (timer.sleeps(due) && !closed) {
                if (due == Timer.NEVER) {
                    LockSupport.park(this);
                } else {
                    LockSupport.parkNanos(this, left);
                }
            }
            timer.awake();
        }
    }

    /** Ends the thread; what is in the timer stays there. */
    @Override
    public synchronized void close() {
        closed = true;
        LockSupport.unpark(thread);
    }
}
