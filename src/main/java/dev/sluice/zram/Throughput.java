package dev.sluice.zram;

import dev.sluice.block.Clock;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.LongAdder;

/** How much was done, and of several things how much each second since somebody last asked. */
final class Throughput {
    private static final long LEAST = TimeUnit.SECONDS.toNanos(1);

    /** Reads, writes and discards so far. */
    final LongAdder requests = new LongAdder();
    final LongAdder bytesRead = new LongAdder();
    final LongAdder bytesWritten = new LongAdder();

    private final Clock clock;
    private long since; // guarded by this
    private Map<String, Long> before = Map.of(); // guarded by this
    private Map<String, Object> last = Map.of(); // guarded by this

    Throughput(Clock clock) {
        this.clock = clock;
        this.since = clock.nanos();
    }

    /** From what was done in all; who asks again within a second gets the same answer. */
    synchronized Map<String, Object> of(Map<String, Long> totals) {
        long now = clock.nanos();
        long nanos = now - since;
        if (nanos < LEAST && !last.isEmpty()) {
            return last;
        }
        Map<String, Object> rates = new LinkedHashMap<>();
        totals.forEach((name, total) -> rates.put(name, Math.round(
                (total - before.getOrDefault(name, 0L)) * (double) LEAST / Math.max(1, nanos))));
        if (nanos >= LEAST) {
            since = now;
            before = Map.copyOf(totals);
        }
        last = rates;
        return rates;
    }
}
