package dev.sluice.zram;

import dev.sluice.sys.Arena;
import java.util.Arrays;

/**
 * A codec's streams: as many as were ever in use at once, which is at most as many as threads.
 * Thread-safe.
 */
final class StreamPool {
    private final Codec codec;
    private final Arena arena;
    private final int page;
    private Codec.Stream[] free = new Codec.Stream[4]; // guarded by this
    private int count; // guarded by this
    private int made; // guarded by this

    StreamPool(Codec codec, Arena arena, int page) {
        this.codec = codec;
        this.arena = arena;
        this.page = page;
        give(make());
    }

    private Codec.Stream make() {
        Codec.Stream stream = codec.open(arena, page);
        synchronized (this) {
            made++;
        }
        return stream;
    }

    Codec codec() {
        return codec;
    }

    /** The one used last, whose tables are warm. */
    Codec.Stream take() {
        synchronized (this) {
            if (count > 0) {
                return free[--count];
            }
        }
        return make();
    }

    synchronized void give(Codec.Stream stream) {
        if (count == free.length) {
            free = Arrays.copyOf(free, 2 * count);
        }
        free[count++] = stream;
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
