package dev.sluice.testing;

import dev.sluice.block.Clock;

/** Time that a test moves by hand. Not thread-safe. */
public final class VirtualClock implements Clock {
    private long now = 1_000_000;

    @Override
    public long nanos() {
        return now;
    }

    /** Lets time pass. */
    public void advance(long nanos) {
        now += nanos;
    }
}
