package dev.sluice.ploop;

import dev.sluice.block.BlockException;
import dev.sluice.block.Memory;
import dev.sluice.storage.Backing;
import dev.sluice.sys.Arena;
import dev.sluice.testing.MemoryFile;
import java.nio.ByteOrder;
import java.util.ArrayList;
import java.util.List;

/** An image written byte by byte, in memory, so that nothing of the program makes it right. */
final class RawImage implements AutoCloseable {
    final Arena arena = new Arena();
    final List<String> log = new ArrayList<>();
    final MemoryFile file;
    private final Memory word = arena.map(64);

    /** Of version 2, with the least header, nothing allocated, and so many clusters of the file. */
    RawImage(int cluster, int entries, int clusters) {
        this(2, cluster, entries, clusters);
    }

    RawImage(int version, int cluster, int entries, int clusters) {
        int first = (64 + 4 * entries + cluster - 1) / cluster;
        file = new MemoryFile((long) (first + clusters) * cluster, 1);
        word.bytes().order(ByteOrder.LITTLE_ENDIAN);
        byte[] magic = (version == 1 ? "WithoutFreeSpace" : "WithouFreSpacExt").getBytes();
        word.bytes().put(0, magic);
        file.write(0, word, 0, 16);
        put(16, 2);
        put(20, 16);
        put(28, cluster / 512);
        put(32, entries);
        put(36, entries * (cluster / 512));
        put(48, first * (cluster / 512));
        for (int c = first; c < first + clusters; c++) {
            for (int at = 0; at < cluster; at += 512) {
                put((long) c * cluster + at, c);
            }
        }
    }

    RawImage put(long at, int value) {
        word.bytes().putInt(0, value);
        file.write(at, word, 0, 4);
        return this;
    }

    int get(long at) {
        file.read(at, word, 0, 4);
        return word.bytes().getInt(0);
    }

    RawImage word(int index, int value) {
        return put(64 + 4L * index, value);
    }

    /** The file, as one that may not be written: an attempt fails the test. */
    Backing sealed() {
        return new SealedBacking(file);
    }

    Image examine() throws BlockException {
        return Image.examine("a.hds", sealed(), arena, (text, cause) -> log.add(text));
    }

    Image open() throws BlockException {
        return Image.open("a.hds", file, arena, (text, cause) -> log.add(text));
    }

    Image openReadOnly() throws BlockException {
        return Image.open("a.hds", sealed(), arena, (text, cause) -> log.add(text));
    }

    @Override
    public void close() {
        arena.close();
    }
}
