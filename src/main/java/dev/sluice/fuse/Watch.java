package dev.sluice.fuse;

import java.util.concurrent.TimeUnit;
import java.util.concurrent.locks.LockSupport;

/**
 * Sees to it that somebody reads while a session thread is stuck: in a write that a disk mostly
 * takes into its cache at once, and now does not. It looks every millisecond while there is work,
 * and sleeps otherwise; a thread that is at the same request at two looks is stuck, and another is
 * asked in. Thread-safe.
 */
final class Watch implements Runnable {
    private static final long LOOK_NANOS = TimeUnit.MILLISECONDS.toNanos(1);
    /** So many looks without work, and it sleeps. */
    private static final int PATIENCE = 50;

    private final Sessions sessions;
    private volatile boolean asleep;
    private volatile boolean closed;
    private volatile Thread thread;

    Watch(Sessions sessions) {
        this.sessions = sessions;
    }

    @Override
    public void run() {
        thread = Thread.currentThread();
        int quiet = 0;
        while (!closed) {
            quiet = look() ? 0 : quiet + 1;
            if (quiet < PATIENCE) {
                LockSupport.parkNanos(this, LOOK_NANOS);
                continue;
            }
            asleep = true;
            // Once more: who began before it could see that this thread sleeps did not wake it.
            if (!look() && !closed) {
                LockSupport.park(this);
            }
            asleep = false;
            quiet = 0;
        }
    }

    /** A session thread begins what may get it stuck; it has said so already. */
    void begins() {
        if (asleep) {
            LockSupport.unpark(thread);
        }
    }

    /** One look at all; false when nobody was at work. */
    private boolean look() {
        boolean some = false;
        for (Session session : sessions.all()) {
            some |= session.look();
        }
        return some;
    }

    void close() {
        closed = true;
        LockSupport.unpark(thread);
    }
}
