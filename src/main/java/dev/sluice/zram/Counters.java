package dev.sluice.zram;

import java.util.concurrent.atomic.LongAdder;

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

    /** What a slot held is replaced; under its lock. */
    void replaced(int before, int after) {
        if (before == after) {
            return;
        }
        add(pagesStored, bit(after, SlotChunk.STORED) - bit(before, SlotChunk.STORED));
        add(samePages, bit(after, SlotChunk.SAME) - bit(before, SlotChunk.SAME));
        add(hugePages, bit(after, SlotChunk.HUGE) - bit(before, SlotChunk.HUGE));
        add(comprDataSize, SlotChunk.size(after) - SlotChunk.size(before));
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
