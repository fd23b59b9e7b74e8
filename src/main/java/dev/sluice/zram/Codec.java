package dev.sluice.zram;

import dev.sluice.block.BlockException;
import dev.sluice.block.Errno;
import dev.sluice.block.Memory;
import dev.sluice.sys.Arena;
import java.util.List;

/**
 * A way to compress pages: immutable, shared by all threads. Each thread that uses it takes a
 * {@link Stream} of its own.
 */
public abstract class Codec {
    /** The names, in the order shown. */
    public static final List<String> NAMES = List.of("lz4", "lz4hc", "zstd");

    private final String name;
    private final int level;

    Codec(String name, int level) {
        this.name = name;
        this.level = level;
    }

    /**
     * The codec of a name.
     *
     * @param level the codec's own scale; 0 is its default
     * @param dictionary what pages are expected to look like; null for none
     */
    public static Codec of(String name, int level, byte[] dictionary) throws BlockException {
        boolean zstd = name.equals("zstd");
        if (!NAMES.contains(name)) {
            throw new BlockException(Errno.EINVAL, "there is no codec " + name + "; there are "
                    + String.join(", ", NAMES));
        }
        if (dictionary != null && !zstd) {
            throw new BlockException(Errno.EINVAL, name + " takes no dictionary; zstd does");
        }
        try {
            return zstd ? new ZstdCodec(level, dictionary)
                    : name.equals("lz4") ? Lz4Codec.fast(level) : Lz4Codec.high(level);
        } catch (UnsatisfiedLinkError | ExceptionInInitializerError | NoClassDefFoundError e) {
            throw new BlockException(Errno.ENOENT, "the library of " + name
                    + " does not load: " + e.getMessage() + "; it is unpacked in "
                    + System.getProperty("java.io.tmpdir")
                    + ", which must allow that and execution", e);
        }
    }

    static void checkLevel(String name, int level, int least, int most) throws BlockException {
        if (level < least || level > most) {
            throw new BlockException(Errno.EINVAL, "level=" + level + " must be from " + least
                    + " to " + most + " for " + name);
        }
    }

    /** Its name, as in the table. */
    public final String name() {
        return name;
    }

    /** Its level; 0 is the codec's default. */
    public final int level() {
        return level;
    }

    /** About how long compressing 4 KiB takes: what decides who does it, not a promise. */
    abstract int compressNanos();

    /** The same for decompressing. */
    abstract int decompressNanos();

    /** The most bytes a page can become. */
    abstract int bound(int page);

    /** A stream for one thread at a time, and its memory. */
    abstract Stream open(Arena arena, int page);

    /** What one thread compresses and decompresses with. */
    abstract static class Stream {
        private final Arena arena;
        /** Where compressed bytes are until they have a place of their own. */
        final Memory result;

        Stream(Arena arena, int bytes) {
            this.arena = arena;
            this.result = arena.map(bytes);
        }

        /** Compresses a page into {@link #result}; answers how many bytes it became. */
        abstract int compress(Memory from, int at, int page);

        /** Decompresses; false when the bytes are no page, whatever they are. */
        abstract boolean decompress(Memory from, int at, int length, Memory to, int toAt,
                int page);

        /** Gives its memory back. */
        void close() {
            arena.unmap(result);
        }
    }
}
