package dev.sluice.zram;

import dev.sluice.block.Clock;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.LongAdder;
import java.util.concurrent.locks.LockSupport;

/** Who uses a disk: counted in before they look for it, and out when they are done with it. */
final class Users {
    private static final long LIMIT_NANOS = TimeUnit.SECONDS.toNanos(30);
    private static final long NAP_NANOS = 100_000;

    private final Clock clock;
    private final LongAdder entered = new LongAdder();
    private final LongAdder left = new LongAdder();

    Users(Clock clock) {
        this.clock = clock;
    }

    void enter() {
        entered.increment();
    }

    void leave() {
        left.increment();
    }

    /** Waits until nobody uses the disk, which none can find any more; false when it takes long. */
    boolean gone() {
        long since = clock.nanos();
        while (true) {
            // In this order: what came in after the first look is in the second, not in the first.
            long out = left.sum();
            if (out == entered.sum()) {
                return true;
            }
            if (clock.nanos() - since > LIMIT_NANOS) {
                return false;
            }
            LockSupport.parkNanos(NAP_NANOS);
        }
    }
}
