package dev.sluice.zram;

import dev.sluice.block.Device;
import dev.sluice.block.Errno;
import dev.sluice.block.Memory;
import dev.sluice.sys.Arena;

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
 * </table>
 *
 * <p>A write makes the new content complete first, then puts it into the slot under the slot's
 * lock, and frees the old content afterwards. So a failed write leaves what was there, and a read,
 * which holds the lock while it copies, sees all of one write.
 */
final class Disk implements PageStore.Owners {
    /** Of 64: what shrinks to less than this is compressed, else it is huge; as in the kernel. */
    static final int HUGE_OF_64 = 57;

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

    Disk(String name, long size, int page, Codec codec, Arena arena, Device.Log log) {
        this.name = name;
        this.page = page;
        this.hugeSize = page / 64 * HUGE_OF_64;
        this.arena = arena;
        this.log = log;
        this.slots = new SlotTable(arena, size / page);
        this.store = new PageStore(arena, page);
        this.streams = new StreamPool(codec, arena, page);
        this.zeros = arena.map(page);
    }

    int page() {
        return page;
    }

    long size() {
        return slots.slots() * page;
    }

    Codec codec() {
        return streams.codec();
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
    Errno write(long slot, Memory from, int at, Codec.Stream stream) {
        if (SamePage.is(from, at, page)) {
            return install(slot, SlotChunk.STORED | SlotChunk.SAME, SamePage.word(from, at));
        }
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
                SlotChunk.STORED | (huge ? SlotChunk.HUGE : 0) | length, place);
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

    private Errno install(long slot, int after, long value) {
        SlotChunk chunk = slots.make(slot);
        if (chunk == null) {
            return failedWrite();
        }
        int i = SlotTable.inChunk(slot);
        int before = chunk.lock(i);
        long old = chunk.value(i);
        chunk.value(i, value);
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
        }
    }

    /** Whether the slot reads zeros without being looked at closer. */
    boolean isEmpty(long slot) {
        SlotChunk chunk = slots.at(slot);
        return chunk == null || !SlotChunk.isStored(chunk.flags(SlotTable.inChunk(slot)));
    }

    /** Reads a page. */
    Errno read(long slot, Memory to, int at, Codec.Stream stream) {
        SlotChunk chunk = slots.at(slot);
        int i = SlotTable.inChunk(slot);
        if (chunk == null || !SlotChunk.isStored(chunk.flags(i))) {
            to.copyFrom(at, zeros, 0, page);
            return Errno.OK;
        }
        int flags = chunk.lock(i);
        boolean good = true;
        try {
            good = copyOut(flags, chunk.value(i), to, at, stream);
        } finally {
            chunk.unlock(i, flags);
        }
        return good ? Errno.OK : failedRead(slot);
    }

    private boolean copyOut(int flags, long value, Memory to, int at, Codec.Stream stream) {
        if (!SlotChunk.isStored(flags)) {
            to.copyFrom(at, zeros, 0, page);
        } else if ((flags & SlotChunk.SAME) != 0 && value == 0) {
            to.copyFrom(at, zeros, 0, page);
        } else if ((flags & SlotChunk.SAME) != 0) {
            SamePage.fill(to, at, page, value);
        } else if ((flags & SlotChunk.HUGE) != 0) {
            to.copyFrom(at, store.memory(value), PageStore.at(value), page);
        } else {
            return stream.decompress(store.memory(value), PageStore.at(value),
                    SlotChunk.size(flags), to, at, page);
        }
        return true;
    }

    private Errno failedRead(long slot) {
        counters.failedReads.increment();
        long failed = counters.failedReads.sum();
        // The first, the second, the fourth …: a damaged disk must not fill the log's.
        if (Long.bitCount(failed) == 1) {
            log.error(name + ": page " + slot + " does not decompress, its bytes are damaged;"
                    + " failed reads so far: " + failed, null);
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
    }
}
