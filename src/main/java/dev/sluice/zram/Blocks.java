package dev.sluice.zram;

import dev.sluice.block.Memory;
import dev.sluice.sys.Arena;
import java.util.HashMap;
import java.util.HashSet;
import java.util.Map;
import java.util.Set;

/**
 * Which blocks of a backing device are in use. A block that is freed while it is being read stays
 * in use until that has ended. Thread-safe.
 */
final class Blocks {
    static final long NONE = -1;

    private final Arena arena;
    private final Memory bits; // guarded by this
    private final long count;
    private final boolean pinned;
    private long next; // guarded by this; where to look first
    private volatile long used; // written under this
    private final Map<Long, Integer> pins = new HashMap<>(); // guarded by this
    private final Set<Long> freed = new HashSet<>(); // guarded by this; but pinned

    Blocks(Arena arena, long blocks, Guards guards) {
        this.arena = arena;
        this.count = Math.min(blocks, (long) Memory.MAX_BYTES * Byte.SIZE);
        this.bits = arena.map((int) (((count + Long.SIZE - 1) / Long.SIZE) * Long.BYTES));
        this.pinned = guards.pinned();
    }

    long count() {
        return count;
    }

    /** How many are in use, now or a moment ago. */
    long used() {
        return used;
    }

    /** A block that nobody has, or {@link #NONE}. */
    synchronized long take() {
        if (used == count) {
            return NONE;
        }
        long block = next;
        while (true) {
            if (block >= count) {
                block = 0;
            }
            long free = ~word(block) & -1L << block;
            if (free == 0) {
                block = (block | Long.SIZE - 1) + 1;
                continue;
            }
            block = (block & -Long.SIZE) + Long.numberOfTrailingZeros(free);
            if (block < count) {
                flip(block);
                next = block + 1;
                used++;
                return block;
            }
        }
    }

    /** Gives a block back. */
    synchronized void free(long block) {
        if (pinned && pins.containsKey(block)) {
            freed.add(block);
            return;
        }
        clear(block);
    }

    private void clear(long block) {
        if ((word(block) & 1L << block) == 0) {
            throw new AssertionError("block " + block + " is not in use");
        }
        flip(block);
        used--;
    }

    /** It is about to be read, by who knows that it is in use. */
    synchronized void pin(long block) {
        pins.merge(block, 1, Integer::sum);
    }

    /** The read has ended. */
    synchronized void unpin(long block) {
        if (pins.computeIfPresent(block, (b, n) -> n == 1 ? null : n - 1) == null
                && freed.remove(block)) {
            clear(block);
        }
    }

    private long word(long block) {
        return bits.bytes().getLong((int) (block >>> 6) * Long.BYTES);
    }

    private void flip(long block) {
        bits.bytes().putLong((int) (block >>> 6) * Long.BYTES, word(block) ^ 1L << block);
    }

    void close() {
        arena.unmap(bits);
    }
}
