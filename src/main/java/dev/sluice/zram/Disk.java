package dev.sluice.zram;

import dev.sluice.block.Device;
import dev.sluice.block.Errno;
import dev.sluice.block.Memory;
import dev.sluice.sys.Arena;
import java.util.function.IntUnaryOperator;

/**
 * The pages of a device that has been set up, one at a time: what a slot may be and how it comes
 * to be that. Thread-safe.
 *
 * <table>
 * <caption>Slots</caption>
 * <tr><td>EMPTY</td><td>reads zeros</td></tr>
 * <tr><td>SAME</td><td>repeats a word, which is in the slot</td></tr>
 * <tr><td>compressed</td><td>in the store, by the codec that the slot names</td></tr>
 * <tr><td>HUGE</td><td>in the store as it came: compressing won too little</td></tr>
 * <tr><td>AWAY</td><td>on the backing device, in a block that the slot names</td></tr>
 * </table>
 *
 * <p>A write makes the new content complete first, then puts it into the slot under the slot's
 * lock, and frees the old content afterwards. So a failed write leaves what was there, and a read,
 * which holds the lock while it copies, sees all of one write. Recompression and writeback work
 * without the lock on a copy of a slot that is PICKED; every use of the slot takes that mark away,
 * and without it what they made is dropped.
 */
final class Disk implements PageStore.Owners {
    /** Of 64: what shrinks to less than this is compressed, else it is huge; as in the kernel. */
    static final int HUGE_OF_64 = 57;
    /** From so many slots on, a discard looks whether the memory of empty ones can go. */
    private static final int MANY = 16;

    private final String name;
    private final int page;
    private final int hugeSize;
    private final Arena arena;
    private final Device.Log log;
    private final SlotTable slots;
    private final PageStore store;
    private final StreamPool streams;
    private final Memory zeros;
    private final Counters counters = new Counters();
    private final Blocks blocks;
    private final Guards guards;

    /** {@code blocks}: of the backing device, or null; the disk closes them. */
    Disk(String name, long size, int page, Codec[] codecs, Blocks blocks, Guards guards,
            Arena arena, Device.Log log) {
        this.name = name;
        this.page = page;
        this.hugeSize = page / 64 * HUGE_OF_64;
        this.arena = arena;
        this.log = log;
        this.slots = new SlotTable(arena, size / page);
        this.store = new PageStore(arena, page);
        this.streams = new StreamPool(codecs, arena, page);
        this.zeros = arena.map(page);
        this.blocks = blocks;
        this.guards = guards;
    }

    int page() {
        return page;
    }

    long size() {
        return slots.slots() * page;
    }

    /** What compresses to this or more is stored as it came. */
    int hugeSize() {
        return hugeSize;
    }

    /** Of the backing device; null without. */
    Blocks blocks() {
        return blocks;
    }

    StreamPool streams() {
        return streams;
    }

    PageStore store() {
        return store;
    }

    SlotTable slots() {
        return slots;
    }

    Counters counters() {
        return counters;
    }

    /** Zeros for a whole page, not to be written. */
    Memory zeros() {
        return zeros;
    }

    /** Stores a page; OK, or EIO with the old content still there. */
    Errno write(long slot, Memory from, int at, Streams own, int second) {
        if (SamePage.is(from, at, page)) {
            return install(slot, SlotChunk.STORED | SlotChunk.SAME, SamePage.word(from, at),
                    second);
        }
        Codec.Stream stream = own.of(0);
        int bytes = stream.compress(from, at, page);
        boolean huge = bytes >= hugeSize;
        int length = huge ? page : bytes;
        long place = store.allocate(length, slot);
        if (place == PageStore.FULL) {
            return failedWrite();
        }
        store.memory(place).copyFrom(PageStore.at(place), huge ? from : stream.result,
                huge ? at : 0, length);
        Errno outcome = install(slot,
                SlotChunk.STORED | (huge ? SlotChunk.HUGE : 0) | length, place, second);
        if (outcome != Errno.OK) {
            store.free(place, length);
        } else if (huge) {
            counters.hugePagesSince.increment();
        }
        return outcome;
    }

    private Errno failedWrite() {
        counters.failedWrites.increment();
        return Errno.EIO;
    }

    private Errno install(long slot, int after, long value, int second) {
        SlotChunk chunk = slots.make(slot);
        if (chunk == null) {
            return failedWrite();
        }
        int i = SlotTable.inChunk(slot);
        int before = chunk.lock(i);
        long old = chunk.value(i);
        chunk.value(i, value);
        chunk.used(i, second);
        if (!SlotChunk.isStored(before)) {
            chunk.count(1);
        }
        counters.replaced(before, after);
        chunk.unlock(i, after);
        release(before, old);
        return Errno.OK;
    }

    /** Nobody can reach it any more. */
    private void release(int flags, long value) {
        if (SlotChunk.hasPlace(flags)) {
            store.free(value, SlotChunk.size(flags));
        } else if ((flags & SlotChunk.AWAY) != 0) {
            blocks.free(value);
        }
    }

    /** Whether the slot reads zeros without being looked at closer. */
    boolean isEmpty(long slot) {
        SlotChunk chunk = slots.at(slot);
        return chunk == null || !SlotChunk.isStored(chunk.flags(SlotTable.inChunk(slot)));
    }

    /** Reads a page; null when it is on the backing device: see {@link #pin}. */
    Errno read(long slot, Memory to, int at, Streams own, int second) {
        SlotChunk chunk = slots.at(slot);
        int i = SlotTable.inChunk(slot);
        if (chunk == null || !SlotChunk.isStored(chunk.flags(i))) {
            to.copyFrom(at, zeros, 0, page);
            return Errno.OK;
        }
        int flags = chunk.lock(i);
        boolean good = true;
        try {
            if ((flags & SlotChunk.AWAY) != 0) {
                return null;
            }
            good = copyOut(flags, chunk.value(i), to, at, own);
            chunk.used(i, second);
        } finally {
            chunk.unlock(i, flags & ~(SlotChunk.IDLE | SlotChunk.PICKED));
        }
        return good ? Errno.OK : failedRead(slot);
    }

    private boolean copyOut(int flags, long value, Memory to, int at, Streams own) {
        if (!SlotChunk.isStored(flags)) {
            to.copyFrom(at, zeros, 0, page);
        } else if ((flags & SlotChunk.SAME) != 0 && value == 0) {
            to.copyFrom(at, zeros, 0, page);
        } else if ((flags & SlotChunk.SAME) != 0) {
            SamePage.fill(to, at, page, value);
        } else if ((flags & SlotChunk.HUGE) != 0) {
            to.copyFrom(at, store.memory(value), PageStore.at(value), page);
        } else {
            return own.of(SlotChunk.priority(flags)).decompress(store.memory(value),
                    PageStore.at(value), SlotChunk.size(flags), to, at, page);
        }
        return true;
    }

    private Errno failedRead(long slot) {
        counters.failedReads.increment();
        long failed = counters.failedReads.sum();
        // The first, the second, the fourth …: a damaged disk must not fill the log's.
        if (Long.bitCount(failed) == 1) {
            log.error(name + ": page " + slot + " does not decompress, its bytes are damaged,"
                    + " or its backing device fails; failed reads so far: " + failed, null);
        }
        return Errno.EIO;
    }

    /** Empties slots, as a discard does. */
    void discard(long first, long count) {
        long until = first + count;
        for (long slot = first; slot < until; slot++) {
            SlotChunk chunk = slots.at(slot);
            if (chunk == null || chunk.stored() == 0) {
                long end = Math.min(until, (slot | (SlotTable.CHUNK_SLOTS - 1)) + 1);
                counters.notifyFree.add(end - slot);
                slot = end - 1;
            } else {
                empty(chunk, SlotTable.inChunk(slot));
                counters.notifyFree.increment();
            }
        }
        if (count >= MANY) {
            forget(first, until);
        }
    }

    /** Gives back the memory of slots that are all empty now. */
    private void forget(long first, long until) {
        for (long slot = first; slot < until;
                slot = (slot | SlotChunk.PAGE_SLOTS - 1) + 1) {
            SlotChunk chunk = slots.at(slot);
            if (chunk != null) {
                chunk.forgetPage(SlotTable.inChunk(slot));
            }
        }
    }

    private void empty(SlotChunk chunk, int i) {
        if (!SlotChunk.isStored(chunk.flags(i))) {
            return;
        }
        int before = chunk.lock(i);
        long old = chunk.value(i);
        if (SlotChunk.isStored(before)) {
            chunk.count(-1);
        }
        counters.replaced(before, SlotChunk.EMPTY);
        chunk.unlock(i, SlotChunk.EMPTY);
        release(before, old);
    }

    /**
     * A page that is on the backing device, to be read from there.
     *
     * @param flags say how it is there
     */
    record Away(long slot, int flags, long block) {}

    /** Keeps the block of such a page until {@link #fetched}; null when it is no such page. */
    Away pin(long slot, int second) {
        SlotChunk chunk = slots.at(slot);
        int i = SlotTable.inChunk(slot);
        int flags = chunk.lock(i);
        Away away = null;
        if ((flags & SlotChunk.AWAY) != 0) {
            away = new Away(slot, flags, chunk.value(i));
            blocks.pin(away.block);
            chunk.used(i, second);
            counters.bdReads.increment();
        }
        chunk.unlock(i, flags);
        return away;
    }

    /** The block has been read into this memory; makes it the page. */
    Errno fetched(Away away, Memory to, int at, Errno outcome) {
        blocks.unpin(away.block);
        boolean good = outcome == Errno.OK;
        int size = SlotChunk.size(away.flags);
        if (good && size > 0 && size < page) {
            Streams own = streams.take();
            try {
                own.buffer().copyFrom(0, to, at, size);
                good = own.of(SlotChunk.priority(away.flags))
                        .decompress(own.buffer(), 0, size, to, at, page);
            } finally {
                streams.give(own);
            }
        }
        return good ? Errno.OK : failedRead(away.slot);
    }

    /** The flags of a slot, as they are or were a moment ago. */
    int flags(long slot) {
        SlotChunk chunk = slots.at(slot);
        return chunk == null ? SlotChunk.EMPTY : chunk.flags(SlotTable.inChunk(slot));
    }

    /** Changes the flags of a slot that is stored, under its lock. */
    int change(long slot, IntUnaryOperator change) {
        SlotChunk chunk = slots.at(slot);
        int i = SlotTable.inChunk(slot);
        int flags = chunk.lock(i);
        chunk.unlock(i, SlotChunk.isStored(flags) ? change.applyAsInt(flags) : flags);
        return flags;
    }

    /** Marks a slot as picked if it is wanted; answers its flags, or EMPTY if it is not. */
    int pick(long slot, Candidates.Filter filter) {
        int flags = change(slot, f -> filter.wants(f) ? f | SlotChunk.PICKED : f);
        return filter.wants(flags) ? flags : SlotChunk.EMPTY;
    }

    /** Takes the mark away. */
    void drop(long slot) {
        change(slot, f -> f & ~SlotChunk.PICKED);
    }

    private static boolean isPicked(int flags) {
        return (flags & SlotChunk.PICKED) != 0;
    }

    /**
     * Copies the page of a picked slot: as it was written, or its bytes as they are stored. Answers
     * the slot's flags; EMPTY when it is no longer picked, -1 when its bytes are damaged.
     */
    int copy(long slot, Memory to, boolean stored, Streams own) {
        SlotChunk chunk = slots.at(slot);
        int i = SlotTable.inChunk(slot);
        int flags = chunk.lock(i);
        int after = flags;
        try {
            if (!isPicked(flags)) {
                return SlotChunk.EMPTY;
            }
            long place = chunk.value(i);
            if (stored) {
                to.copyFrom(0, store.memory(place), PageStore.at(place), SlotChunk.size(flags));
            } else if (!copyOut(flags, place, to, 0, own)) {
                after = flags & ~SlotChunk.PICKED;
                failedRead(slot);
                return -1;
            }
            return flags;
        } finally {
            chunk.unlock(i, after);
        }
    }

    /** Gives a slot other bytes for the same page, unless it was used since it was picked. */
    boolean replace(long slot, int after, long value) {
        SlotChunk chunk = slots.at(slot);
        int i = SlotTable.inChunk(slot);
        int before = chunk.lock(i);
        if (!isPicked(before) && guards.unchanged()) {
            chunk.unlock(i, before);
            return false;
        }
        long old = chunk.value(i);
        chunk.value(i, value);
        counters.replaced(before, after);
        chunk.unlock(i, after);
        release(before, old);
        return true;
    }

    /**
     * Marks as idle what was not used for more than so many seconds, and the rest as not; all that
     * can be for a negative age.
     */
    void idle(long age, int second) {
        for (long s = slots.next(0, true); s < slots.slots(); s = slots.next(s + 1, true)) {
            int used = slots.at(s).used(SlotTable.inChunk(s));
            boolean idle = age < 0 || second - used > age;
            change(s, f -> !SlotChunk.hasPlace(f) ? f
                    : idle ? f | SlotChunk.IDLE : f & ~SlotChunk.IDLE);
        }
    }

    /** Moves what is stored together, and gives memory back. */
    void compact() {
        counters.pagesCompacted.add(store.compact(this));
    }

    @Override
    public boolean hold(long owner, long place) {
        SlotChunk chunk = slots.at(owner);
        int i = SlotTable.inChunk(owner);
        // A place that is allocated but not yet in its slot has an owner that may have no chunk.
        if (chunk == null || !chunk.tryLock(i)) {
            return false;
        }
        int flags = chunk.flags(i);
        if (SlotChunk.hasPlace(flags) && chunk.value(i) == place) {
            return true;
        }
        chunk.unlock(i, flags);
        return false;
    }

    @Override
    public void moved(long owner, long place) {
        SlotChunk chunk = slots.at(owner);
        int i = SlotTable.inChunk(owner);
        chunk.value(i, place);
        chunk.unlock(i, chunk.flags(i));
    }

    /** Gives all memory back; nobody uses it any more. */
    void close() {
        streams.close();
        store.close();
        slots.close();
        arena.unmap(zeros);
        if (blocks != null) {
            blocks.close();
        }
    }
}
