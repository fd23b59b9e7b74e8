package dev.sluice.target;

import dev.sluice.block.BlockException;
import dev.sluice.block.Errno;
import dev.sluice.block.Units;
import java.util.Map;
import java.util.concurrent.TimeUnit;

/**
 * What a {@link FlakeyTarget} does and when. Immutable.
 *
 * @param upNanos how long the device is as the one below
 * @param downNanos how long it then is not, before all begins anew
 * @param reads what becomes of reads while it is down
 * @param writes what becomes of changes and flushes then
 * @param sinceNanos when the first round began, by the clock
 */
record FlakeySettings(long upNanos, long downNanos, Fate reads, Fate writes, long sinceNanos) {
    /** The most that dm-flakey takes: seconds in 32 bits. Two of them fit into nanoseconds. */
    private static final long LONGEST = TimeUnit.SECONDS.toNanos((1L << 32) - 1);

    /** What becomes of an operation. */
    enum Fate {
        /** It goes on as ever. */
        PASS("pass"),
        /** It fails with EIO. */
        FAIL("fail"),
        /** It ends well and was not carried out. */
        DROP("drop");

        final String word;

        Fate(String word) {
            this.word = word;
        }
    }

    static FlakeySettings initial(long nowNanos) {
        return new FlakeySettings(0, 0, Fate.FAIL, Fate.FAIL, nowNanos);
    }

    /** The same with changes; other times begin a round of their own. */
    FlakeySettings with(Map<String, String> changes, long nowNanos) throws BlockException {
        long up = upNanos;
        long down = downNanos;
        Fate nextReads = reads;
        Fate nextWrites = writes;
        for (Map.Entry<String, String> change : changes.entrySet()) {
            String value = change.getValue();
            switch (change.getKey()) {
                case "up" -> up = interval("up", value);
                case "down" -> down = interval("down", value);
                case "reads" -> nextReads = fate("reads", value, Fate.PASS, Fate.FAIL);
                case "writes" -> nextWrites = fate("writes", value, Fate.values());
                default -> throw new BlockException(Errno.EINVAL, change.getKey()
                        + " cannot change while the device is in use; up, down, reads and writes"
                        + " can");
            }
        }
        if (up == 0 && down == 0) {
            throw new BlockException(Errno.EINVAL,
                    "up and down are both 0; give one of them a time, as in up=10s down=5s");
        }
        boolean anew = changes.containsKey("up") || changes.containsKey("down");
        return new FlakeySettings(up, down, nextReads, nextWrites, anew ? nowNanos : sinceNanos);
    }

    private static long interval(String key, String value) throws BlockException {
        long nanos = Units.parseDuration(key, value);
        if (nanos > LONGEST) {
            throw TargetArgs.bad(key, value, Units.duration(LONGEST) + " or less");
        }
        return nanos;
    }

    private static Fate fate(String key, String value, Fate... possible) throws BlockException {
        StringBuilder words = new StringBuilder();
        for (Fate fate : possible) {
            if (fate.word.equals(value)) {
                return fate;
            }
            words.append(words.isEmpty() ? "" : ", ").append(fate.word);
        }
        throw TargetArgs.bad(key, value, "one of " + words);
    }

    /** How far the round is at a time; what came before the first began belongs to it. */
    private long at(long nanos) {
        return Math.max(0, nanos - sinceNanos) % (upNanos + downNanos);
    }

    boolean up(long nanos) {
        return downNanos == 0 || at(nanos) < upNanos;
    }

    /** How long it stays as it is at a time; -1 for ever. */
    long left(long nanos) {
        if (upNanos == 0 || downNanos == 0) {
            return -1;
        }
        return (up(nanos) ? upNanos : upNanos + downNanos) - at(nanos);
    }

    /** As a table line has them, with a blank in front. */
    String text() {
        return " up=" + Units.duration(upNanos) + " down=" + Units.duration(downNanos)
                + " reads=" + reads.word + " writes=" + writes.word;
    }
}
