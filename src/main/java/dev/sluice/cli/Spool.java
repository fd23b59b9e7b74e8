package dev.sluice.cli;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.channels.FileChannel;
import java.nio.channels.WritableByteChannel;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;

/** Keeps what is to be sent a moment later: in memory, and what is too much in a file. */
final class Spool implements WritableByteChannel {
    private final ByteBuffer memory;
    private final Path folder;
    private final ByteBuffer piece = ByteBuffer.allocateDirect(1 << 16);
    private int held;
    private FileChannel file;

    /** {@code memory} is its own, from now on. */
    Spool(ByteBuffer memory, Path folder) {
        this.memory = memory;
        this.folder = folder;
    }

    @Override
    public int write(ByteBuffer from) throws IOException {
        int length = from.remaining();
        if (file == null && length <= memory.capacity() - held) {
            memory.put(held, from, from.position(), length);
            held += length;
            from.position(from.limit());
            return length;
        }
        if (file == null) {
            Path path = Files.createTempFile(folder, "sluice-send", "");
            file = FileChannel.open(path, StandardOpenOption.READ, StandardOpenOption.WRITE,
                    StandardOpenOption.DELETE_ON_CLOSE);
        }
        while (from.hasRemaining()) {
            file.write(from);
        }
        return length;
    }

    /** Hands all on, and is empty then. */
    void drain(WritableByteChannel to) throws IOException {
        put(memory.slice(0, held), to);
        held = 0;
        if (file != null) {
            long left = file.position();
            file.position(0);
            while (left > 0) {
                ByteBuffer part = piece.slice(0, (int) Math.min(left, piece.capacity()));
                if (file.read(part) < 0) {
                    throw new IOException("what was kept in " + folder + " is gone");
                }
                left -= part.position();
                put(part.slice(0, part.position()), to);
            }
            file.close();
            file = null;
        }
    }

    private static void put(ByteBuffer all, WritableByteChannel to) throws IOException {
        while (all.hasRemaining()) {
            to.write(all);
        }
    }

    @Override
    public boolean isOpen() {
        return true;
    }

    @Override
    public void close() throws IOException {
        if (file != null) {
            file.close();
        }
    }
}
