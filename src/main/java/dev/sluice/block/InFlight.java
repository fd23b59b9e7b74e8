package dev.sluice.block;

import java.util.LinkedHashMap;
import java.util.Map;

/**
 * The bios that a device has taken and that have not ended, in order of arrival; and for how long
 * there were any, and how many. Its device's lock's.
 */
final class InFlight {
    private Bio oldest;
    private Bio newest;
    private int count;
    /** Until when the two below are summed up. */
    private long atNanos;
    private long busyNanos;
    private long weightedNanos;

    InFlight(long nowNanos) {
        atNanos = nowNanos;
    }

    /** Sums up until now; threads may come with times in another order than they were taken. */
    void pass(long nowNanos) {
        long nanos = nowNanos - atNanos;
        if (nanos > 0) {
            atNanos = nowNanos;
            if (count > 0) {
                busyNanos += nanos;
                weightedNanos += nanos * count;
            }
        }
    }

    void add(Bio bio, long nowNanos) {
        pass(nowNanos);
        bio.before = newest;
        bio.after = null;
        if (newest == null) {
            oldest = bio;
        } else {
            newest.after = bio;
        }
        newest = bio;
        count++;
    }

    void remove(Bio bio, long nowNanos) {
        pass(nowNanos);
        if (bio.before == null) {
            oldest = bio.after;
        } else {
            bio.before.after = bio.after;
        }
        if (bio.after == null) {
            newest = bio.before;
        } else {
            bio.after.before = bio.before;
        }
        // A recycled bio must not keep those that came after it from being collected.
        bio.before = null;
        bio.after = null;
        count--;
    }

    /** Null when there is none. */
    Bio oldest() {
        return oldest;
    }

    /** Whether a change has begun that has not ended. */
    boolean changing() {
        for (Bio bio = oldest; bio != null; bio = bio.after) {
            if (bio.op().changes() && bio.blockers == 0) {
                return true;
            }
        }
        return false;
    }

    int count() {
        return count;
    }

    /**
     * Values for status and stats: until when ({@code at_ns}), for how long there was any
     * ({@code busy_ns}, the kernel's io_ticks), and the same, each moment as often as there were
     * bios ({@code weighted_ns}, the kernel's weighted time).
     */
    Map<String, Object> snapshot(long nowNanos) {
        pass(nowNanos);
        Map<String, Object> all = new LinkedHashMap<>();
        all.put("in_flight", count);
        all.put("oldest_us", oldest == null ? 0 : (nowNanos - oldest.startNanos) / 1000);
        all.put("at_ns", atNanos);
        all.put("busy_ns", busyNanos);
        all.put("weighted_ns", weightedNanos);
        return all;
    }
}
