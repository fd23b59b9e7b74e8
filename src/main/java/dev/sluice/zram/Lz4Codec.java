package dev.sluice.zram;

import dev.sluice.block.BlockException;
import dev.sluice.block.Memory;
import dev.sluice.sys.Arena;
import net.jpountz.lz4.LZ4Compressor;
import net.jpountz.lz4.LZ4Exception;
import net.jpountz.lz4.LZ4Factory;
import net.jpountz.lz4.LZ4JNIFastResetCompressor;
import net.jpountz.lz4.LZ4JNIHCFastResetCompressor;
import net.jpountz.lz4.LZ4SafeDecompressor;

/** LZ4, fast or with the slower search for better matches; both decompress alike. */
final class Lz4Codec extends Codec {
    private static final int HC_LEAST = 1;
    private static final int HC_MOST = 12;
    private static final int HC_DEFAULT = 9;
    private static final int MOST_ACCELERATION = 65537;

    private final boolean high;
    private final LZ4Factory factory = Lz4Library.load();
    private final LZ4SafeDecompressor decompressor = factory.safeDecompressor();

    private Lz4Codec(boolean high, int level) {
        super(high ? "lz4hc" : "lz4", level);
        this.high = high;
    }

    /** The level is an acceleration: more is faster and larger. */
    static Lz4Codec fast(int level) throws BlockException {
        checkLevel("lz4", level, 0, MOST_ACCELERATION);
        return new Lz4Codec(false, level);
    }

    static Lz4Codec high(int level) throws BlockException {
        checkLevel("lz4hc", level == 0 ? HC_DEFAULT : level, HC_LEAST, HC_MOST);
        return new Lz4Codec(true, level);
    }

    @Override
    int compressNanos() {
        return !high ? 1_800 : level() <= HC_DEFAULT ? 15_000 : 80_000;
    }

    @Override
    int decompressNanos() {
        return 600;
    }

    @Override
    int bound(int page) {
        return page + page / 255 + 16;
    }

    @Override
    Stream open(Arena arena, int page) {
        return new Lz4Stream(arena, bound(page));
    }

    private LZ4Compressor compressor() {
        if (high) {
            return factory.highFastResetCompressor(level() == 0 ? HC_DEFAULT : level());
        }
        return factory.fastResetCompressor(Math.max(1, level()));
    }

    private final class Lz4Stream extends Stream {
        /** It keeps its tables from call to call, where the plain one clears new ones each time. */
        private final LZ4Compressor compressor = compressor();

        Lz4Stream(Arena arena, int bytes) {
            super(arena, bytes);
        }

        @Override
        int compress(Memory from, int at, int page) {
            return compressor.compress(from.bytes(), at, page, result.bytes(), 0, bound(page));
        }

        @Override
        boolean decompress(Memory from, int at, int length, Memory to, int toAt, int page) {
            try {
                return decompressor.decompress(from.bytes(), at, length, to.bytes(), toAt, page)
                        == page;
            } catch (LZ4Exception e) {
                return false;
            }
        }

        @Override
        void close() {
            super.close();
            if (compressor instanceof LZ4JNIFastResetCompressor fast) {
                fast.close();
            } else {
                ((LZ4JNIHCFastResetCompressor) compressor).close();
            }
        }
    }
}
