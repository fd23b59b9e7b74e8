package dev.sluice.ploop;

import dev.sluice.block.Memory;
import dev.sluice.sys.Arena;

/**
 * Which clusters of the file are in use, and which of the others are ready: durably zero, so that a
 * word may name them at once. One bit each, outside the heap, touched where there is something.
 * Clusters in neither state are free but stale: they may hold old data. Its owner sees to it that
 * one thread at a time is in it.
 *
 * <p>stale → ready ({@link #ready}) → used ({@link #take}) → stale or ready ({@link #free}).
 */
final class ClusterMap {
    private static final int SHIFT = 6;

    private final Arena arena;
    private Memory used;
    private Memory ready;
    private int first;
    /** Clusters below are not given out, as they are to be none of data. */
    private int floor;
    private int capacity;
    private int end;
    private int usedCount;
    private int readyCount;
    /** No cluster below is ready. */
    private int lowest;

    /**
     * Nothing is used, all in the file is stale.
     *
     * @param first the first cluster that holds data
     * @param end the first that is not in the file
     * @param capacity the first that can never be in it
     */
    ClusterMap(Arena arena, int first, int end, int capacity) {
        this.arena = arena;
        this.first = first;
        this.floor = first;
        this.end = end;
        this.capacity = capacity;
        this.lowest = first;
        int bytes = ((capacity - 1 >>> SHIFT) + 1) * 8;
        this.used = arena.map(bytes);
        this.ready = arena.map(bytes);
    }

    private static boolean bit(Memory of, int cluster) {
        return (of.bytes().getLong((cluster >>> SHIFT) * 8) >>> cluster & 1) != 0;
    }

    private static void flip(Memory of, int cluster) {
        int at = (cluster >>> SHIFT) * 8;
        of.bytes().putLong(at, of.bytes().getLong(at) ^ 1L << cluster);
    }

    private void inFile(int cluster) {
        if (cluster < first || cluster >= end) {
            throw new AssertionError("cluster " + cluster + " is not in " + first + " to " + end);
        }
    }

    /** Whether a word names it, or something else needs it. */
    boolean used(int cluster) {
        return cluster >= first && cluster < end && bit(used, cluster);
    }

    boolean ready(int cluster) {
        return cluster >= first && cluster < end && bit(ready, cluster);
    }

    /** Marks a stale cluster as used; false where it was used before. */
    boolean use(int cluster) {
        inFile(cluster);
        if (bit(used, cluster)) {
            return false;
        }
        if (bit(ready, cluster)) {
            throw new AssertionError("cluster " + cluster + " is ready");
        }
        flip(used, cluster);
        usedCount++;
        return true;
    }

    /** A stale cluster is durably zero from now on. */
    void ready(int from, int until) {
        for (int cluster = from; cluster < until; cluster++) {
            inFile(cluster);
            if (bit(used, cluster) || bit(ready, cluster)) {
                throw new AssertionError("cluster " + cluster + " is not stale");
            }
            if (cluster >= floor) {
                flip(ready, cluster);
                readyCount++;
            }
        }
        lowest = Math.min(lowest, Math.max(from, floor));
    }

    /** The lowest ready cluster, or 0. */
    int peek() {
        if (readyCount == 0) {
            return 0;
        }
        int word = lowest >>> SHIFT;
        while (ready.bytes().getLong(word * 8) == 0) {
            word++;
        }
        lowest = (word << SHIFT) + Long.numberOfTrailingZeros(ready.bytes().getLong(word * 8));
        return lowest;
    }

    /** The lowest ready cluster, which is used from now on; 0 where there is none. */
    int take() {
        int cluster = peek();
        if (cluster != 0) {
            flip(ready, cluster);
            flip(used, cluster);
            readyCount--;
            usedCount++;
            lowest = cluster + 1;
        }
        return cluster;
    }

    /** A used cluster is so no more; ready if it is durably zero and no durable word names it. */
    void free(int cluster, boolean nowReady) {
        inFile(cluster);
        if (!bit(used, cluster)) {
            throw new AssertionError("cluster " + cluster + " is not used");
        }
        flip(used, cluster);
        usedCount--;
        if (nowReady) {
            ready(cluster, cluster + 1);
        }
    }

    /** The next stale cluster from one on that may be made ready, or 0. */
    int stale(int from) {
        int cluster = Math.max(floor, from);
        while (cluster < end) {
            int at = (cluster >>> SHIFT) * 8;
            long busy = used.bytes().getLong(at) | ready.bytes().getLong(at);
            long free = ~busy & -1L << cluster;
            if (free != 0) {
                int found = (cluster & -1 << SHIFT) + Long.numberOfTrailingZeros(free);
                return found < end ? found : 0;
            }
            cluster = (cluster | 63) + 1;
        }
        return 0;
    }

    /** The first cluster from one on that is not stale, or the end. */
    int notStale(int from) {
        int cluster = from;
        while (cluster < end) {
            int at = (cluster >>> SHIFT) * 8;
            long busy = (used.bytes().getLong(at) | ready.bytes().getLong(at)) & -1L << cluster;
            if (busy != 0) {
                return Math.min(end,
                        (cluster & -1 << SHIFT) + Long.numberOfTrailingZeros(busy));
            }
            cluster = (cluster | 63) + 1;
        }
        return end;
    }

    /** The file has grown: new clusters are stale. */
    void grow(int newEnd) {
        if (newEnd < end || newEnd > capacity) {
            throw new AssertionError("from " + end + " to " + newEnd + " of " + capacity);
        }
        end = newEnd;
    }

    /**
     * From now on no cluster below is given out, and there may be more of them: those that are
     * used stay so until they are freed.
     */
    void floor(int newFloor, int newCapacity) {
        floor = newFloor;
        if (newCapacity > capacity) {
            used = larger(used, newCapacity);
            ready = larger(ready, newCapacity);
            capacity = newCapacity;
        }
        for (int cluster = first; cluster < Math.min(floor, end); cluster++) {
            unready(cluster);
        }
        lowest = Math.max(lowest, floor);
    }

    /** Data begins here from now on; nothing below is used. */
    void begin(int newFirst) {
        if (usedBefore(newFirst) != 0 || newFirst > end) {
            throw new AssertionError("cluster " + usedBefore(newFirst) + " is used");
        }
        first = newFirst;
        floor = newFirst;
    }

    private Memory larger(Memory before, int newCapacity) {
        Memory after = arena.map(((newCapacity - 1 >>> SHIFT) + 1) * 8);
        int bytes = ((end - 1 >>> SHIFT) + 1) * 8;
        for (int at = 0; at < bytes; at += 8) {
            if (before.bytes().getLong(at) != 0) {
                after.bytes().putLong(at, before.bytes().getLong(at));
            }
        }
        arena.unmap(before);
        return after;
    }

    /** The first cluster that may be given out. */
    int floor() {
        return floor;
    }

    /** The cluster behind the last one that is used; the first where none is. */
    int usedEnd() {
        int last = usedBefore(end);
        return last == 0 ? first : last + 1;
    }

    /** The last used cluster before one, or 0. */
    int usedBefore(int limit) {
        int cluster = Math.min(limit, end) - 1;
        while (cluster >= first) {
            long bits = used.bytes().getLong((cluster >>> SHIFT) * 8) & -1L >>> 63 - (cluster & 63);
            if (bits != 0) {
                return (cluster & -1 << SHIFT) + 63 - Long.numberOfLeadingZeros(bits);
            }
            cluster = (cluster & -1 << SHIFT) - 1;
        }
        return 0;
    }

    /** The first cluster from one on that is not used, ready or not; the end where none is. */
    int unused(int from) {
        int cluster = Math.max(first, from);
        while (cluster < end) {
            long free = ~used.bytes().getLong((cluster >>> SHIFT) * 8) & -1L << cluster;
            if (free != 0) {
                return Math.min(end,
                        (cluster & -1 << SHIFT) + Long.numberOfTrailingZeros(free));
            }
            cluster = (cluster | 63) + 1;
        }
        return end;
    }

    /** A free cluster is used from now on, whatever it holds. */
    void claim(int cluster) {
        inFile(cluster);
        unready(cluster);
        use(cluster);
    }

    /** A cluster that is ready is stale from now on. */
    private void unready(int cluster) {
        if (bit(ready, cluster)) {
            flip(ready, cluster);
            readyCount--;
        }
    }

    /** The file becomes shorter: nothing is used from there on. */
    void cut(int newEnd) {
        if (usedEnd() > newEnd) {
            throw new AssertionError("cluster " + (usedEnd() - 1) + " is used");
        }
        for (int cluster = newEnd; cluster < end; cluster++) {
            unready(cluster);
        }
        end = newEnd;
    }

    /** The first cluster that holds data. */
    int first() {
        return first;
    }

    /** The first cluster that is not in the file. */
    int end() {
        return end;
    }

    /** The first that can never be. */
    int capacity() {
        return capacity;
    }

    int usedCount() {
        return usedCount;
    }

    int readyCount() {
        return readyCount;
    }

    int staleCount() {
        return end - first - usedCount - readyCount;
    }

    void close() {
        arena.unmap(used);
        arena.unmap(ready);
    }
}
