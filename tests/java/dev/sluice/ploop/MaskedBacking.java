package dev.sluice.ploop;

import dev.sluice.block.Bio;
import dev.sluice.block.Errno;
import dev.sluice.block.Memory;
import dev.sluice.storage.Backing;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;

/** A file that shows something else than it holds. */
final class MaskedBacking implements Backing {
    private final Backing file;
    private final HostileImageTest.Mask mask;

    MaskedBacking(Backing file, HostileImageTest.Mask mask) {
        this.file = file;
        this.mask = mask;
    }

    @Override
    public long size() {
        return file.size();
    }

    @Override
    public int blockSize() {
        return file.blockSize();
    }

    @Override
    public boolean readOnly() {
        return file.readOnly();
    }

    @Override
    public Errno read(long offset, Memory memory, int at, int length) {
        Errno outcome = file.read(offset, memory, at, length);
        if (offset == 0 && length >= Header.BYTES) {
            ByteBuffer bytes = memory.bytes().duplicate().order(ByteOrder.LITTLE_ENDIAN);
            int table = Math.min(length, Header.BYTES + 4 * Math.min(bytes.getInt(32) & 0xffff,
                    length));
            mask.change(bytes, Math.min(table, length));
        }
        return outcome;
    }

    @Override
    public Errno write(long offset, Memory memory, int at, int length) {
        return file.write(offset, memory, at, length);
    }

    @Override
    public boolean start(Bio bio) {
        return false;
    }

    @Override
    public Errno sync() {
        return file.sync();
    }

    @Override
    public void forgive() {}

    @Override
    public Errno punch(long offset, long length) {
        return file.punch(offset, length);
    }

    @Override
    public Errno zero(long offset, long length) {
        return file.zero(offset, length);
    }

    @Override
    public Errno resize(long bytes) {
        return file.resize(bytes);
    }

    @Override
    public Errno reserve(long offset, long length) {
        return file.reserve(offset, length);
    }

    @Override
    public long allocated() {
        return file.allocated();
    }

    @Override
    public long seek(long offset, boolean data) {
        return file.seek(offset, data);
    }

    @Override
    public void close() {}
}
