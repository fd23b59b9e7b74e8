package dev.sluice.zram;

import dev.sluice.block.Memory;
import dev.sluice.sys.Arena;
import dev.sluice.sys.Native;
import java.util.concurrent.atomic.AtomicReferenceArray;

/**
 * What is known of each page: sixteen bytes, in two levels, so that a device of any size costs
 * what is written on it. Chunks are mapped when something in them is first written.
 */
final class SlotTable {
    /** Slots that one chunk holds. */
    static final int CHUNK_SLOTS = 1 << SlotChunk.SHIFT;

    private final Arena arena;
    private final long slots;
    private final AtomicReferenceArray<SlotChunk> chunks;

    SlotTable(Arena arena, long slots) {
        this.arena = arena;
        this.slots = slots;
        this.chunks = new AtomicReferenceArray<>(
                (int) ((slots + CHUNK_SLOTS - 1) >>> SlotChunk.SHIFT));
    }

    long slots() {
        return slots;
    }

    /** The chunk of a slot; null when nothing in it was ever written. */
    SlotChunk at(long slot) {
        return chunks.getAcquire((int) (slot >>> SlotChunk.SHIFT));
    }

    /** The same, made if missing; null when there is no memory for it. */
    SlotChunk make(long slot) {
        SlotChunk chunk = at(slot);
        return chunk != null ? chunk : map((int) (slot >>> SlotChunk.SHIFT));
    }

    private synchronized SlotChunk map(int index) {
        SlotChunk chunk = chunks.get(index);
        if (chunk == null) {
            try {
                Memory memory = arena.map(SlotChunk.BYTES);
                Native.noHugePages(memory);
                chunk = new SlotChunk(memory);
            } catch (OutOfMemoryError e) {
                // Nothing was taken: the writer is told, and the device goes on.
                return null;
            }
            chunks.setRelease(index, chunk);
        }
        return chunk;
    }

    static int inChunk(long slot) {
        return (int) (slot & (CHUNK_SLOTS - 1));
    }

    /** Slots of the chunk at this slot, fewer in the last one. */
    private int size(long slot) {
        long first = slot & -CHUNK_SLOTS;
        return (int) Math.min(CHUNK_SLOTS, slots - first);
    }

    /** The next slot from this one on that is stored, or is not; or the number of slots. */
    long next(long from, boolean stored) {
        long slot = from;
        while (slot < slots) {
            SlotChunk chunk = at(slot);
            int size = size(slot);
            int count = chunk == null ? 0 : chunk.stored();
            long end = (slot & -CHUNK_SLOTS) + size;
            if (count == (stored ? 0 : size)) {
                slot = end;
                continue;
            }
            for (; slot < end; slot++) {
                boolean is = chunk != null
                        && SlotChunk.isStored(chunk.flags(inChunk(slot)));
                if (is == stored) {
                    return slot;
                }
            }
        }
        return slots;
    }

    /** Bytes mapped for what is known of pages. */
    long bytes() {
        long sum = 0;
        for (int i = 0; i < chunks.length(); i++) {
            if (chunks.getAcquire(i) != null) {
                sum += SlotChunk.BYTES;
            }
        }
        return sum;
    }

    void close() {
        for (int i = 0; i < chunks.length(); i++) {
            SlotChunk chunk = chunks.getAndSet(i, null);
            if (chunk != null) {
                arena.unmap(chunk.memory());
            }
        }
    }
}
