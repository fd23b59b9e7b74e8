package dev.sluice.ploop;

import dev.sluice.block.Memory;
import dev.sluice.sys.Arena;

/** A set of clusters, outside the heap; costs memory where it holds some. For one thread. */
final class Bits {
    private final Arena arena;
    private final Memory words;
    private final int size;
    private int count;
    /** None is below. */
    private int lowest;

    Bits(Arena arena, int size) {
        this.arena = arena;
        this.size = size;
        this.lowest = size;
        this.words = arena.map(((size - 1 >>> 6) + 1) * 8);
    }

    private long word(int cluster) {
        return words.bytes().getLong((cluster >>> 6) * 8);
    }

    private void flip(int cluster) {
        words.bytes().putLong((cluster >>> 6) * 8, word(cluster) ^ 1L << cluster);
    }

    boolean has(int cluster) {
        return (word(cluster) >>> cluster & 1) != 0;
    }

    void add(int cluster) {
        if (has(cluster)) {
            throw new AssertionError("cluster " + cluster + " is in the set");
        }
        flip(cluster);
        count++;
        lowest = Math.min(lowest, cluster);
    }

    void remove(int cluster) {
        if (!has(cluster)) {
            throw new AssertionError("cluster " + cluster + " is not in the set");
        }
        flip(cluster);
        count--;
    }

    int count() {
        return count;
    }

    /** The first in the set from one on, or -1. */
    int next(int from) {
        int cluster = Math.max(from, lowest);
        while (count > 0 && cluster < size) {
            long rest = word(cluster) & -1L << cluster;
            if (rest != 0) {
                int found = (cluster & -1 << 6) + Long.numberOfTrailingZeros(rest);
                lowest = from <= lowest ? found : lowest;
                return found;
            }
            cluster = (cluster | 63) + 1;
        }
        return -1;
    }

    void close() {
        arena.unmap(words);
    }
}
