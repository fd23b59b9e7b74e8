package dev.sluice.target;

import dev.sluice.block.Device;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.concurrent.atomic.AtomicLong;
import org.HdrHistogram.Histogram;

/**
 * The operations of one kind of a {@link DelayTarget}: where they go, how long they wait, and the
 * proof of how long they did. Thread-safe, but for what the target guards.
 */
final class DelayClass {
    private static final long SHORTEST_NANOS = 100;
    /** Steps of this size visit every number of 64 bits, in an order that mixing hides. */
    private static final long STEP = 0x9e3779b97f4a7c15L;

    final String name;
    final Device lower;
    /** Where the class begins on the device below, in bytes. */
    final long start;

    /** How many bios are held back; guarded by the target's lock. */
    int held;

    private final AtomicLong chance = new AtomicLong();
    private volatile Rule rule;
    /** Made when first used, as most devices see few kinds. */
    private Histogram asked; // guarded by this
    private Histogram given; // guarded by this
    private Histogram over; // guarded by this

    /** How long, and how many of a hundred operations at all. */
    record Rule(Distribution delay, double percent) {}

    DelayClass(String name, Device lower, long start) {
        this.name = name;
        this.lower = lower;
        this.start = start;
    }

    /** Bytes of the device below from there on. */
    long room() {
        return lower.limits().size() - start;
    }

    void rule(Rule next) {
        rule = next;
    }

    Rule rule() {
        return rule;
    }

    /** What chance gives from now on. */
    void seed(long seed) {
        chance.set(mix(seed ^ name.hashCode()));
    }

    /** How long the next operation waits, in nanoseconds. */
    long next() {
        Rule now = rule;
        long drawn = mix(chance.getAndAdd(STEP));
        if (now.percent < 100 && 100 * even(mix(drawn + 2 * STEP)) >= now.percent) {
            return 0;
        }
        return now.delay.sample(even(drawn), even(mix(drawn + STEP)));
    }

    /** Every bit of the result depends on every bit of the number (splitmix64's last steps). */
    private static long mix(long number) {
        long z = (number ^ number >>> 30) * 0xbf58476d1ce4e5b9L;
        z = (z ^ z >>> 27) * 0x94d049bb133111ebL;
        return z ^ z >>> 31;
    }

    /** From 0 to less than 1. */
    private static double even(long bits) {
        return (bits >>> 11) * 0x1p-53;
    }

    /** Notes an operation that was handed out because its time had come. */
    synchronized void count(long askedNanos, long givenNanos) {
        if (asked == null) {
            asked = new Histogram(SHORTEST_NANOS, Distribution.LONGEST, 2);
            given = new Histogram(SHORTEST_NANOS, Distribution.LONGEST, 2);
            over = new Histogram(SHORTEST_NANOS, Distribution.LONGEST, 2);
        }
        record(asked, askedNanos);
        record(given, givenNanos);
        record(over, givenNanos - askedNanos);
    }

    private static void record(Histogram histogram, long nanos) {
        histogram.recordValue(Math.min(Math.max(0, nanos), Distribution.LONGEST));
    }

    /** Microseconds asked and given, and by how much more was given. */
    synchronized Map<String, Object> stats() {
        Map<String, Object> all = new LinkedHashMap<>();
        all.put("count", asked == null ? 0 : asked.getTotalCount());
        all.put("asked_p50_us", micros(asked, 50));
        all.put("asked_p99_us", micros(asked, 99));
        all.put("given_p50_us", micros(given, 50));
        all.put("given_p99_us", micros(given, 99));
        all.put("over_p50_us", micros(over, 50));
        all.put("over_p99_us", micros(over, 99));
        all.put("over_max_us", micros(over, 100));
        return all;
    }

    private static double micros(Histogram h, double percentile) {
        return h == null ? 0.0 : h.getValueAtPercentile(percentile) / 100 / 10.0;
    }
}
