package dev.sluice.zram;

import dev.sluice.block.BlockException;
import dev.sluice.block.Errno;

/**
 * Compresses pages that are stored once more, with codecs that take longer for it. A page is
 * copied, compressed without its lock, and replaced only if nobody used it meanwhile.
 */
final class Recompression {
    /** How it went with one slot. */
    enum Outcome {
        /** Smaller than it was. */
        SMALLER,
        /** Tried, and left as it was. */
        IN_VAIN,
        /** Nothing to try: it has been used since it was picked, or is small enough. */
        NOT_TRIED,
        /** Its bytes are damaged. */
        DAMAGED,
        /** No memory for the new bytes. */
        NO_MEMORY
    }

    /**
     * What is to be done.
     *
     * @param wanted flags that a slot must have
     * @param threshold bytes: what takes less is left alone, what comes out at no less is in vain;
     *     0 for none
     * @param first the lowest priority to try
     * @param last the highest
     * @param most slots to try
     */
    record Plan(int wanted, int threshold, int first, int last, long most)
            implements Candidates.Filter {
        @Override
        public boolean wants(int flags) {
            return (flags & wanted) == wanted && (flags & SlotChunk.INCOMPRESSIBLE) == 0
                    && SlotChunk.priority(flags) < last;
        }
    }

    private final Disk disk;
    private final Plan plan;

    Recompression(Disk disk, Plan plan) {
        this.disk = disk;
        this.plan = plan;
    }

    /** All slots of the disk that the plan wants, as many as it allows. */
    void run() throws BlockException {
        Candidates all = new Candidates(disk, plan, 0, disk.slots().slots());
        long left = plan.most;
        int damaged = 0;
        Streams own = disk.streams().take();
        try {
            while (left > 0 && all.next()) {
                int i = 0;
                try {
                    while (i < all.count() && left > 0) {
                        Outcome outcome = one(all.slot(i++), own);
                        if (outcome == Outcome.NO_MEMORY) {
                            throw new BlockException(Errno.ENOMEM, "recompress found no memory;"
                                    + " raise mem-limit, or free memory, and do it again");
                        }
                        damaged += outcome == Outcome.DAMAGED ? 1 : 0;
                        left -= outcome == Outcome.NOT_TRIED ? 0 : 1;
                    }
                } finally {
                    all.drop(i);
                }
            }
        } finally {
            disk.streams().give(own);
        }
        if (damaged > 0) {
            throw new BlockException(Errno.EIO, "recompress found " + damaged + " pages with"
                    + " damaged bytes and left them; write anew what cannot be read");
        }
    }

    /** One slot that was picked. */
    Outcome one(long slot, Streams own) {
        if (SlotChunk.size(disk.flags(slot)) < plan.threshold) {
            disk.drop(slot);
            return Outcome.NOT_TRIED;
        }
        disk.change(slot, f -> (f & SlotChunk.PICKED) == 0 ? f : f & ~SlotChunk.IDLE);
        int flags = disk.copy(slot, own.buffer(), false, own);
        if (flags == SlotChunk.EMPTY || flags == -1) {
            return flags == -1 ? Outcome.DAMAGED : Outcome.NOT_TRIED;
        }
        PageStore store = disk.store();
        int old = store.roundedUp(SlotChunk.size(flags));
        boolean smaller = false;
        for (int p = Math.max(plan.first, SlotChunk.priority(flags) + 1); p <= plan.last; p++) {
            if (disk.streams().codec(p) == null) {
                continue;
            }
            int bytes = own.of(p).compress(own.buffer(), 0, disk.page());
            if (bytes < disk.hugeSize() && store.roundedUp(bytes) < old) {
                smaller = true;
                if (plan.threshold == 0 || bytes < plan.threshold) {
                    return put(slot, own.of(p), p, bytes);
                }
            }
        }
        inVain(slot, smaller);
        return Outcome.IN_VAIN;
    }

    private Outcome put(long slot, Codec.Stream stream, int priority, int bytes) {
        PageStore store = disk.store();
        long place = store.allocateInstead(bytes, slot);
        if (place == PageStore.FULL) {
            disk.drop(slot);
            return Outcome.NO_MEMORY;
        }
        store.memory(place).copyFrom(PageStore.at(place), stream.result, 0, bytes);
        int after = SlotChunk.STORED | priority << SlotChunk.PRIORITY_SHIFT | bytes;
        if (!disk.replace(slot, after, place)) {
            store.free(place, bytes);
            return Outcome.IN_VAIN;
        }
        disk.counters().recompressed.increment();
        return Outcome.SMALLER;
    }

    /** When the strongest codec wins nothing either, nobody need try again. */
    private void inVain(long slot, boolean smaller) {
        boolean never = !smaller && plan.last >= disk.streams().highest();
        int tried = plan.last << SlotChunk.TRIED_SHIFT;
        disk.change(slot, f -> (f & SlotChunk.PICKED) == 0 ? f
                : f & ~(SlotChunk.PICKED | SlotChunk.TRIED) | tried
                        | (never ? SlotChunk.INCOMPRESSIBLE : 0));
    }
}
