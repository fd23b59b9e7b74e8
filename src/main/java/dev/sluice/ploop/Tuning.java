package dev.sluice.ploop;

import dev.sluice.block.BlockException;
import dev.sluice.block.Errno;
import dev.sluice.block.Units;
import java.util.List;
import java.util.Map;
import java.util.TreeSet;

/**
 * What can change while an image is in use.
 *
 * @param timeoutNanos how long after its last change a page of the table is written; 0: a write
 *     that takes a cluster waits for the page
 * @param maxAgeNanos how long after its first change at the latest; negative: ten times the timeout
 * @param ratio of a hundred pages, how many may wait before the oldest are written at once
 * @param common whether all pages are written together, the timeout after the first change
 * @param waits whether requests wait where the file system is full
 * @param preallocBytes how far the file grows at a time
 * @param background of a hundred parts of time, how many long work takes while others use the disk
 */
public record Tuning(long timeoutNanos, long maxAgeNanos, int ratio, boolean common, boolean waits,
        long preallocBytes, int background) {
    /** When nothing is asked for. */
    public static final Tuning USUAL = new Tuning(20_000_000, -1, 50, false, true, 128L << 20, 10);

    /** The keys of a table line that are kept here. */
    public static final List<String> KEYS = List.of("dirty-timeout", "dirty-max-age",
            "dirty-ratio", "dirty-policy", "enospc", "prealloc", "background");

    private static final long MOST_TIMEOUT = 10_000_000_000L;
    private static final long MOST_AGE = 3_600_000_000_000L;
    private static final long MOST_PREALLOC = 1L << 40;
    private static final int AGES = 10;

    /** How long after its first change a page is written at the latest. */
    public long ageNanos() {
        return maxAgeNanos < 0 ? AGES * timeoutNanos : maxAgeNanos;
    }

    /** The same with changes; a key that is not known here is refused. */
    public Tuning with(Map<String, String> changes) throws BlockException {
        long timeout = timeoutNanos;
        long age = maxAgeNanos;
        int percent = ratio;
        boolean together = common;
        boolean wait = waits;
        long prealloc = preallocBytes;
        int share = background;
        for (String key : new TreeSet<>(changes.keySet())) {
            String value = changes.get(key);
            switch (key) {
                case "dirty-timeout" -> timeout = duration(key, value, MOST_TIMEOUT);
                case "dirty-max-age" -> age = duration(key, value, MOST_AGE);
                case "dirty-ratio" -> percent = percent(key, value);
                case "dirty-policy" -> together = oneOf(key, value, "page", "common") == 1;
                case "enospc" -> wait = oneOf(key, value, "fail", "wait") == 1;
                case "prealloc" -> prealloc = size(key, value);
                case "background" -> share = percent(key, value);
                default -> throw new BlockException(Errno.EINVAL, key + " cannot change while the"
                        + " device is in use; what can: " + String.join(", ", KEYS));
            }
        }
        Tuning next = new Tuning(timeout, age, percent, together, wait, prealloc, share);
        if (next.ageNanos() < timeout) {
            throw new BlockException(Errno.EINVAL, "dirty-max-age=" + Units.duration(age)
                    + " must be at least dirty-timeout=" + Units.duration(timeout));
        }
        return next;
    }

    private static BlockException bad(String key, String value, String right) {
        return new BlockException(Errno.EINVAL, key + "=" + value + " must be " + right);
    }

    private static long duration(String key, String value, long most) throws BlockException {
        long nanos = Units.parseDuration(key, value);
        if (nanos > most) {
            throw bad(key, value, "at most " + Units.duration(most));
        }
        return nanos;
    }

    private static long size(String key, String value) throws BlockException {
        long bytes = Units.parseSize(key, value);
        if (bytes > MOST_PREALLOC) {
            throw bad(key, value, "at most " + Units.size(MOST_PREALLOC));
        }
        return bytes;
    }

    private static int percent(String key, String value) throws BlockException {
        if (value.matches("\\d{1,3}")) {
            int n = Integer.parseInt(value);
            if (n >= 1 && n <= 100) {
                return n;
            }
        }
        throw bad(key, value, "a number from 1 to 100");
    }

    private static int oneOf(String key, String value, String... words) throws BlockException {
        int at = List.of(words).indexOf(value);
        if (at < 0) {
            throw bad(key, value, String.join(" or ", words));
        }
        return at;
    }

    /** The keys whose values are not the usual ones, each with a blank in front. */
    String text() {
        StringBuilder text = new StringBuilder();
        add(text, "dirty-timeout", Units.duration(timeoutNanos),
                timeoutNanos != USUAL.timeoutNanos);
        add(text, "dirty-max-age", Units.duration(maxAgeNanos), maxAgeNanos >= 0);
        add(text, "dirty-ratio", Integer.toString(ratio), ratio != USUAL.ratio);
        add(text, "dirty-policy", "common", common);
        add(text, "enospc", "fail", !waits);
        add(text, "prealloc", Units.size(preallocBytes), preallocBytes != USUAL.preallocBytes);
        add(text, "background", Integer.toString(background), background != USUAL.background);
        return text.toString();
    }

    private static void add(StringBuilder text, String key, String value, boolean shown) {
        if (shown) {
            text.append(' ').append(key).append('=').append(value);
        }
    }
}
