package dev.sluice.zram;

import dev.sluice.block.Memory;
import dev.sluice.sys.Arena;

/** What one thread compresses and decompresses with: a stream for each codec, made on need. */
final class Streams {
    private final StreamPool pool;
    private final Arena arena;
    private final int page;
    private final Codec.Stream[] streams = new Codec.Stream[Algorithms.MOST];
    private Memory buffer;

    Streams(StreamPool pool, Arena arena, int page) {
        this.pool = pool;
        this.arena = arena;
        this.page = page;
        of(0);
    }

    /** The stream of the codec with this priority. */
    Codec.Stream of(int priority) {
        Codec.Stream stream = streams[priority];
        if (stream == null) {
            stream = pool.codec(priority).open(arena, page);
            streams[priority] = stream;
        }
        return stream;
    }

    /** Room for a page. */
    Memory buffer() {
        if (buffer == null) {
            buffer = arena.map(page);
        }
        return buffer;
    }

    void close() {
        for (Codec.Stream stream : streams) {
            if (stream != null) {
                stream.close();
            }
        }
        if (buffer != null) {
            arena.unmap(buffer);
        }
    }
}
