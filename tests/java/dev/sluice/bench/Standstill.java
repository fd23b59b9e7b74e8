package dev.sluice.bench;

import java.util.concurrent.TimeUnit;
import java.util.concurrent.locks.LockSupport;

/**
 * How long the machine itself stood still: a virtual one does while its host gives it no time, and
 * then nobody is answered, whoever is measured. A thread that wants to wake all the time tells.
 */
final class Standstill implements AutoCloseable {
    private static final long PAUSE = TimeUnit.MILLISECONDS.toNanos(2);

    private final Thread thread = new Thread(this::watch, "standstill");
    private volatile boolean over;
    private volatile long most;

    Standstill() {
        thread.setDaemon(true);
        thread.start();
    }

    private void watch() {
        long before = System.nanoTime();
        while (!over) {
            LockSupport.parkNanos(PAUSE);
            long now = System.nanoTime();
            most = Math.max(most, now - before - PAUSE);
            before = now;
        }
    }

    /** The longest time so far, in milliseconds; some are a busy machine's, and no standstill. */
    long millis() {
        return TimeUnit.NANOSECONDS.toMillis(most);
    }

    @Override
    public void close() {
        over = true;
        LockSupport.unpark(thread);
    }
}
