package dev.sluice.testing;

import dev.sluice.block.Bio;
import dev.sluice.block.BlockException;
import dev.sluice.block.Errno;
import dev.sluice.block.Memory;
import dev.sluice.storage.Backing;
import java.util.Arrays;

/**
 * Tells of every change of a file before it is made, with its content, and lets it be carried out,
 * fail, or be dropped while its caller believes in it.
 */
public final class RecordingBacking implements Backing {
    /** Who is told. */
    public interface Watcher {
        /**
         * A change is about to be made.
         *
         * @return null to have it made; else the outcome its caller is told without it, where OK
         *     plants a fault
         */
        Errno before(FileOp op);

        /** It was made. */
        void after(FileOp op);

        /** Bytes were read. */
        default void read() {}
    }

    private final Backing file;
    private final Watcher watcher;

    public RecordingBacking(Backing file, Watcher watcher) {
        this.file = file;
        this.watcher = watcher;
    }

    private interface Call {
        Errno make();
    }

    private Errno tell(FileOp op, Call call) {
        Errno instead = watcher.before(op);
        if (instead != null) {
            return instead;
        }
        Errno outcome = call.make();
        watcher.after(op);
        return outcome;
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
        watcher.read();
        return outcome;
    }

    @Override
    public Errno write(long offset, Memory memory, int at, int length) {
        FileOp op = FileOp.write(offset, memory, at, length);
        return tell(op, () -> {
            if (!Arrays.equals(op.data(), FileOp.write(offset, memory, at, length).data())) {
                throw new AssertionError("the memory of a write changed before it ended: " + op);
            }
            return file.write(offset, memory, at, length);
        });
    }

    @Override
    public boolean start(Bio bio) {
        return false;
    }

    @Override
    public Errno sync() {
        return tell(FileOp.of(FileOp.Kind.SYNC, 0, 0), file::sync);
    }

    @Override
    public void forgive() {
        file.forgive();
    }

    @Override
    public Errno punch(long offset, long length) {
        return tell(FileOp.of(FileOp.Kind.PUNCH, offset, length),
                () -> file.punch(offset, length));
    }

    @Override
    public Errno zero(long offset, long length) {
        return tell(FileOp.of(FileOp.Kind.ZERO, offset, length), () -> file.zero(offset, length));
    }

    @Override
    public Errno resize(long bytes) {
        return tell(FileOp.of(FileOp.Kind.RESIZE, 0, bytes), () -> file.resize(bytes));
    }

    @Override
    public Errno reserve(long offset, long length) {
        return tell(FileOp.of(FileOp.Kind.RESERVE, offset, length),
                () -> file.reserve(offset, length));
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
    public void close() throws BlockException {
        file.close();
    }
}
