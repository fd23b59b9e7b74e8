package dev.sluice.zram;

import com.github.luben.zstd.Zstd;
import com.github.luben.zstd.ZstdCompressCtx;
import com.github.luben.zstd.ZstdDecompressCtx;
import com.github.luben.zstd.ZstdDictCompress;
import com.github.luben.zstd.ZstdDictDecompress;
import com.github.luben.zstd.ZstdException;
import dev.sluice.block.BlockException;
import dev.sluice.block.Memory;
import dev.sluice.sys.Arena;

/**
 * Zstandard. A page needs none of what a frame tells about itself (magic number, length, checksum,
 * dictionary id), so none is stored.
 */
final class ZstdCodec extends Codec {
    private static final int DEFAULT = 3;

    private final byte[] dictionary;
    private final int level;

    ZstdCodec(int level, byte[] dictionary) throws BlockException {
        super("zstd", level);
        this.level = level == 0 ? DEFAULT : level;
        checkLevel("zstd", this.level, -100, Zstd.maxCompressionLevel());
        this.dictionary = dictionary;
    }

    @Override
    int compressNanos() {
        return level <= DEFAULT ? 5_500 : level <= 9 ? 20_000 : 200_000;
    }

    @Override
    int decompressNanos() {
        return 1_200;
    }

    @Override
    int bound(int page) {
        return (int) Zstd.compressBound(page);
    }

    @Override
    Stream open(Arena arena, int page) {
        return new ZstdStream(arena, bound(page));
    }

    private final class ZstdStream extends Stream {
        private final ZstdCompressCtx compressor = new ZstdCompressCtx();
        private final ZstdDecompressCtx decompressor = new ZstdDecompressCtx();
        // The digested dictionaries are each stream's own: sharing them takes a lock at each page.
        private final ZstdDictCompress compressDictionary;
        private final ZstdDictDecompress decompressDictionary;

        ZstdStream(Arena arena, int bytes) {
            super(arena, bytes);
            compressor.setLevel(level).setMagicless(true).setChecksum(false)
                    .setContentSize(false).setDictID(false);
            decompressor.setMagicless(true);
            if (dictionary == null) {
                compressDictionary = null;
                decompressDictionary = null;
            } else {
                compressDictionary = new ZstdDictCompress(dictionary, level);
                decompressDictionary = new ZstdDictDecompress(dictionary);
                compressor.loadDict(compressDictionary);
                decompressor.loadDict(decompressDictionary);
            }
        }

        @Override
        int compress(Memory from, int at, int page) {
            return compressor.compressDirectByteBuffer(result.bytes(), 0, result.size(),
                    from.bytes(), at, page);
        }

        @Override
        boolean decompress(Memory from, int at, int length, Memory to, int toAt, int page) {
            try {
                return decompressor.decompressDirectByteBuffer(to.bytes(), toAt, page,
                        from.bytes(), at, length) == page;
            } catch (ZstdException e) {
                return false;
            }
        }

        @Override
        void close() {
            super.close();
            compressor.close();
            decompressor.close();
            if (dictionary != null) {
                compressDictionary.close();
                decompressDictionary.close();
            }
        }
    }
}
