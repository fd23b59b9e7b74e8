package dev.sluice.zram;

import java.util.Arrays;

/**
 * The slots that are to be recompressed or written back: those that take most memory first, by
 * steps of 64 bytes as in the kernel. A disk may have more of them than should be kept in memory,
 * so they come in rounds; each round's slots are marked as picked, and whoever uses one takes the
 * mark away.
 */
final class Candidates {
    /** How many a round has at most. */
    static final int MOST = 1 << 17;
    private static final int STEP_SHIFT = 6;

    /** What is looked for. */
    @FunctionalInterface
    interface Filter {
        boolean wants(int flags);
    }

    private final Disk disk;
    private final Filter filter;
    private final long first;
    private final long until;
    private final int most;
    private final long[] histogram;
    private final long[] keys;
    private int count;
    private int step;
    /** Where to go on in the slots of {@link #step}. */
    private long cursor;

    /** Of the slots from {@code first} to before {@code until}. */
    Candidates(Disk disk, Filter filter, long first, long until) {
        this(disk, filter, first, until, MOST);
    }

    Candidates(Disk disk, Filter filter, long first, long until, int most) {
        this.disk = disk;
        this.filter = filter;
        this.first = first;
        this.until = until;
        this.most = most;
        this.histogram = new long[(disk.page() >> STEP_SHIFT) + 1];
        this.step = histogram.length - 1;
        this.cursor = first;
        SlotTable slots = disk.slots();
        for (long s = slots.next(first, true); s < until; s = slots.next(s + 1, true)) {
            int flags = disk.flags(s);
            if (wants(flags)) {
                histogram[stepOf(flags)]++;
            }
        }
        this.keys = new long[(int) Math.min(most, Arrays.stream(histogram).sum())];
    }

    private boolean wants(int flags) {
        return SlotChunk.hasPlace(flags) && filter.wants(flags);
    }

    private static int stepOf(int flags) {
        return SlotChunk.size(flags) >> STEP_SHIFT;
    }

    /** Picks the next round; false when there is none. */
    boolean next() {
        count = 0;
        while (count == 0 && step >= 0 && keys.length > 0) {
            int lowest = step;
            long sum = histogram[step];
            while (lowest > 0 && sum + histogram[lowest - 1] <= most) {
                sum += histogram[--lowest];
            }
            cursor = collect(lowest, step);
            if (cursor >= until || lowest < step) {
                step = lowest - 1;
                cursor = first;
            }
        }
        Arrays.sort(keys, 0, count);
        return count > 0;
    }

    /** Answers where it stopped. */
    private long collect(int lowest, int highest) {
        SlotTable slots = disk.slots();
        for (long s = slots.next(cursor, true); s < until; s = slots.next(s + 1, true)) {
            int now = disk.flags(s);
            if (!wants(now) || stepOf(now) < lowest || stepOf(now) > highest) {
                continue;
            }
            if (count == keys.length) {
                return s;
            }
            int flags = disk.pick(s, this::wants);
            if (flags != SlotChunk.EMPTY) {
                keys[count++] = (long) (histogram.length - stepOf(flags)) << Integer.SIZE | s;
            }
        }
        return until;
    }

    int count() {
        return count;
    }

    long slot(int i) {
        return Integer.toUnsignedLong((int) keys[i]);
    }

    /** Takes the marks of the rest of a round away, which nobody will look at. */
    void drop(int from) {
        for (int i = from; i < count; i++) {
            disk.drop(slot(i));
        }
    }
}
