package dev.sluice.work;

import dev.sluice.block.Clock;

/** The one place that asks the machine for the time. */
public final class SystemClock implements Clock {
    @Override
    public long nanos() {
        return System.nanoTime();
    }

    /** Seconds of the calendar, for the times of files. */
    public static long epochSeconds() {
        return System.currentTimeMillis() / 1000;
    }
}
