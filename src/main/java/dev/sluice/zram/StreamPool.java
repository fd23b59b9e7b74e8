package dev.sluice.zram;

import dev.sluice.sys.Arena;
import java.util.Arrays;

/**
 * The codecs of a disk and their streams: as many as were ever in use at once, which is at most as
 * many as threads. Thread-safe.
 */
final class StreamPool {
    private final Arena arena;
    private final int page;
    private volatile Codec[] codecs; // written under this; an array is never changed
    private Streams[] free = new Streams[4]; // guarded by this
    private int count; // guarded by this
    private int made; // guarded by this

    /** {@code codecs}: by priority; null where there is none. */
    StreamPool(Codec[] codecs, Arena arena, int page) {
        this.codecs = codecs.clone();
        this.arena = arena;
        this.page = page;
        give(make());
    }

    private Streams make() {
        Streams streams = new Streams(this, arena, page);
        synchronized (this) {
            made++;
        }
        return streams;
    }

    /** The codec of a priority, or null. */
    Codec codec(int priority) {
        return codecs[priority];
    }

    /** The highest priority that has a codec. */
    int highest() {
        int p = Algorithms.MOST - 1;
        while (codecs[p] == null) {
            p--;
        }
        return p;
    }

    /** One more codec, at a priority that had none. */
    synchronized void add(int priority, Codec codec) {
        Codec[] more = codecs.clone();
        more[priority] = codec;
        codecs = more;
    }

    /** The one used last, whose tables are warm. */
    Streams take() {
        synchronized (this) {
            if (count > 0) {
                return free[--count];
            }
        }
        return make();
    }

    synchronized void give(Streams streams) {
        if (count == free.length) {
            free = Arrays.copyOf(free, 2 * count);
        }
        free[count++] = streams;
    }

    synchronized int made() {
        return made;
    }

    /** All have been given back. */
    synchronized void close() {
        if (count != made) {
            throw new AssertionError((made - count) + " streams are in use at the end");
        }
        while (count > 0) {
            free[--count].close();
        }
        made = 0;
    }
}
