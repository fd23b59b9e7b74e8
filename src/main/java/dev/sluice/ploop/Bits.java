package dev.sluice.ploop;

import dev.sluice.block.Memory;
import dev.sluice.sys.Arena;

/** A set of clusters, outside the heap; costs memory where it holds some. For one thread. */
final class Bits {
    private final Arena arena;
    private Memory words;
    private int size;
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

    /** Takes larger clusters too from now on. */
    void grow(int more) {
        if (more <= size) {
            return;
        }
        Memory before = words;
        words = arena.map(((more - 1 >>> 6) + 1) * 8);
        for (int at = 0; at < before.size() && count > 0; at += Long.BYTES) {
            if (before.bytes().getLong(at) != 0) {
                words.bytes().putLong(at, before.bytes().getLong(at));
            }
        }
        arena.unmap(before);
        lowest = count == 0 ? more : lowest;
        size = more;
    }

    boolean has(int cluster) {
        return cluster < size && (word(cluster) >>> cluster & 1) != 0;
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
