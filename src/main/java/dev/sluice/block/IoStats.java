package dev.sluice.block;

import java.util.LinkedHashMap;
import java.util.Map;
import org.HdrHistogram.Histogram;

/**
 * Counters and latencies of one device, by operation. Not thread-safe: its {@link Device} calls it
 * under its lock.
 */
final class IoStats {
    private static final long SHORTEST_NANOS = 100;
    private static final long LONGEST_NANOS = 3_600_000_000_000L;
    private static final Op[] OPS = Op.values();

    private final long[] ended = new long[OPS.length];
    private final long[] bytes = new long[OPS.length];
    private final long[] failed = new long[OPS.length];
    private final long[] tookNanos = new long[OPS.length];
    /** Made when first used: one takes 30 KiB, and most devices see few kinds. */
    private final Histogram[] nanos = new Histogram[OPS.length];
    private long fuaWrites;
    private long rewrites;

    void count(Bio bio, long took) {
        int op = bio.op().ordinal();
        // A thread that came late to the lock may bring a time before the bio's own.
        long nanosOfOne = Math.max(0, took);
        ended[op]++;
        if (bio.outcome() == Errno.OK) {
            bytes[op] += bio.length();
        } else {
            failed[op]++;
        }
        if (bio.fua()) {
            fuaWrites++;
        }
        if (bio.rewrites) {
            rewrites++;
        }
        if (nanos[op] == null) {
            nanos[op] = new Histogram(SHORTEST_NANOS, LONGEST_NANOS, 2);
        }
        tookNanos[op] += nanosOfOne;
        nanos[op].recordValue(Math.min(nanosOfOne, LONGEST_NANOS));
    }

    long ended(Op op) {
        return ended[op.ordinal()];
    }

    long fuaWrites() {
        return fuaWrites;
    }

    /**
     * Values for status and stats, latencies in microseconds.
     *
     * @param upToNanos in ascending order; where there are any, {@code latencies} says how many
     *     took up to each but more than the one before, and last, how many took more than all
     */
    Map<String, Object> snapshot(long... upToNanos) {
        Map<String, Object> all = new LinkedHashMap<>();
        for (Op op : OPS) {
            int i = op.ordinal();
            Map<String, Object> one = new LinkedHashMap<>();
            one.put("ended", ended[i]);
            one.put("bytes", bytes[i]);
            one.put("failed", failed[i]);
            one.put("time_ns", tookNanos[i]);
            Histogram h = nanos[i];
            one.put("p50_us", h == null ? 0.0 : micros(h.getValueAtPercentile(50)));
            one.put("p99_us", h == null ? 0.0 : micros(h.getValueAtPercentile(99)));
            one.put("max_us", h == null ? 0.0 : micros(h.getMaxValue()));
            if (upToNanos.length > 0) {
                one.put("latencies", latencies(h, upToNanos));
            }
            all.put(op.name().toLowerCase(java.util.Locale.ROOT), one);
        }
        all.put("fua_writes", fuaWrites);
        all.put("rewrites", rewrites);
        return all;
    }

    private static long[] latencies(Histogram h, long[] upToNanos) {
        long[] counts = new long[upToNanos.length + 1];
        if (h == null) {
            return counts;
        }
        long from = 0;
        long left = h.getTotalCount();
        for (int i = 0; i < upToNanos.length; i++) {
            // The histogram's own steps: what lies in one step with the limit counts as within.
            counts[i] = h.getCountBetweenValues(from, upToNanos[i]);
            from = h.highestEquivalentValue(upToNanos[i]) + 1;
            left -= counts[i];
        }
        counts[upToNanos.length] = left;
        return counts;
    }

    private static double micros(long nanos) {
        return nanos / 100 / 10.0;
    }
}
