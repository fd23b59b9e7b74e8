package dev.sluice.ploop;

import dev.sluice.block.Bio;
import dev.sluice.block.Errno;
import dev.sluice.block.Memory;
import dev.sluice.storage.Backing;

/** A file that is only to be read; to change it is a fault of the program. */
final class SealedBacking implements Backing {
    private final Backing file;

    SealedBacking(Backing file) {
        this.file = file;
    }

    private static Errno changed() {
        throw new AssertionError("what is only read is changed");
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
        return true;
    }

    @Override
    public Errno read(long offset, Memory memory, int at, int length) {
        return file.read(offset, memory, at, length);
    }

    @Override
    public Errno write(long offset, Memory memory, int at, int length) {
        return changed();
    }

    @Override
    public boolean start(Bio bio) {
        return false;
    }

    @Override
    public Errno sync() {
        return changed();
    }

    @Override
    public void forgive() {}

    @Override
    public Errno punch(long offset, long length) {
        return changed();
    }

    @Override
    public Errno zero(long offset, long length) {
        return changed();
    }

    @Override
    public Errno resize(long bytes) {
        return changed();
    }

    @Override
    public Errno reserve(long offset, long length) {
        return changed();
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
