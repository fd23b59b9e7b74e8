package dev.sluice.zram;

import java.util.concurrent.atomic.LongAdder;
import java.util.stream.Stream;

/** What a disk counts, by the kernel's names. Exact whenever nothing is under way. */
final class Counters {
    final LongAdder pagesStored = new LongAdder();
    final LongAdder comprDataSize = new LongAdder();
    final LongAdder samePages = new LongAdder();
    final LongAdder hugePages = new LongAdder();
    final LongAdder hugePagesSince = new LongAdder();
    final LongAdder pagesCompacted = new LongAdder();
    final LongAdder failedReads = new LongAdder();
    final LongAdder failedWrites = new LongAdder();
    final LongAdder notifyFree = new LongAdder();
    final LongAdder bdReads = new LongAdder();
    final LongAdder bdWrites = new LongAdder();
    final LongAdder recompressed = new LongAdder();
    /** Pages in the store by the codec of a recompression, and their bytes. */
    private final LongAdder[] pagesBy = adders();
    private final LongAdder[] bytesBy = adders();

    private static LongAdder[] adders() {
        return Stream.generate(LongAdder::new).limit(Algorithms.MOST).toArray(LongAdder[]::new);
    }

    /** What a slot held is replaced; under its lock. */
    void replaced(int before, int after) {
        if (before == after) {
            return;
        }
        add(pagesStored, bit(after, SlotChunk.STORED) - bit(before, SlotChunk.STORED));
        add(samePages, bit(after, SlotChunk.SAME) - bit(before, SlotChunk.SAME));
        add(hugePages, huge(after) - huge(before));
        add(comprDataSize, bytes(after) - bytes(before));
        if (((before | after) & SlotChunk.PRIORITY) != 0) {
            by(before, -1);
            by(after, 1);
        }
    }

    private void by(int flags, int sign) {
        int priority = SlotChunk.priority(flags);
        if (priority > 0 && SlotChunk.hasPlace(flags)) {
            pagesBy[priority].add(sign);
            bytesBy[priority].add((long) sign * SlotChunk.size(flags));
        }
    }

    /** Pages that a codec has compressed and memory holds; {@code away} are on the backing. */
    long pages(int priority, long away) {
        if (priority > 0) {
            return pagesBy[priority].sum();
        }
        long rest = pagesStored.sum() - samePages.sum() - hugePages.sum() - away;
        for (LongAdder others : pagesBy) {
            rest -= others.sum();
        }
        return rest;
    }

    /** Bytes that these pages take. */
    long bytes(int priority, int page) {
        if (priority > 0) {
            return bytesBy[priority].sum();
        }
        long rest = comprDataSize.sum() - hugePages.sum() * page;
        for (LongAdder others : bytesBy) {
            rest -= others.sum();
        }
        return rest;
    }

    private static int huge(int flags) {
        return SlotChunk.hasPlace(flags) ? bit(flags, SlotChunk.HUGE) : 0;
    }

    /** What is on the backing device takes none. */
    private static int bytes(int flags) {
        return SlotChunk.hasPlace(flags) ? SlotChunk.size(flags) : 0;
    }

    private static int bit(int flags, int bit) {
        return (flags & bit) == 0 ? 0 : 1;
    }

    private static void add(LongAdder counter, int change) {
        if (change != 0) {
            counter.add(change);
        }
    }
}
