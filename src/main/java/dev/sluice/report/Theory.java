package dev.sluice.report;

import java.util.Arrays;

/** What could be reached at most, from what was asked for and what is below. */
final class Theory {
    private Theory() {}

    /**
     * Requests a second with so many in flight, by Little's law: each takes what it is delayed and
     * what an undelayed one takes at least; and no more than the ceiling.
     *
     * @param delays asked for, in nanoseconds; empty for none
     * @param serviceNanos of an undelayed request alone, mostly
     * @param ceiling requests a second that what is below makes at this depth
     */
    static double iops(int depth, long[] delays, double serviceNanos, double ceiling) {
        double nanos = mean(delays) + serviceNanos;
        return delays.length == 0 ? ceiling : Math.min(ceiling, depth * 1e9 / nanos);
    }

    /**
     * The same for large requests, where what each takes beside its delay is not known: so many in
     * flight at most, each for its delay at least.
     */
    static double bytes(int depth, long size, long[] delays, double ceiling) {
        double nanos = mean(delays);
        return nanos <= 0 ? ceiling : Math.min(ceiling, depth * size * 1e9 / nanos);
    }

    /** The lesser of what is known to bound; 0 is a bound that is not known. */
    static double least(double most, double bound) {
        return bound > 0 ? Math.min(most, bound) : most;
    }

    static double mean(long[] delays) {
        return Arrays.stream(delays).average().orElse(0);
    }

    /** Nanoseconds that so many of a hundred were not to take longer than. */
    static double percentile(long[] sorted, double percent) {
        int at = (int) Math.ceil(sorted.length * percent / 100) - 1;
        return sorted.length == 0 ? 0 : sorted[Math.max(0, Math.min(sorted.length - 1, at))];
    }
}
