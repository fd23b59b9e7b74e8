package dev.sluice.zram;

import dev.sluice.block.Bio;
import dev.sluice.block.BlockException;
import dev.sluice.block.Device;
import dev.sluice.block.Errno;
import dev.sluice.block.Memory;
import dev.sluice.block.Op;

/** Another device of the same table, which is its owner's to close. */
final class DeviceStore implements BackingStore {
    private final Device lower;

    DeviceStore(Device lower) throws BlockException {
        if (lower.limits().readOnly()) {
            throw new BlockException(Errno.EROFS, "backing=" + lower.name()
                    + " is read-only; name a device that can be written");
        }
        this.lower = lower;
    }

    @Override
    public String name() {
        return lower.name();
    }

    @Override
    public long size() {
        return lower.limits().size();
    }

    @Override
    public void read(long offset, Memory to, int at, int length, int caller, Done done) {
        submit(Op.READ, offset, to, at, length, caller, done);
    }

    @Override
    public void write(long offset, Memory from, int at, int length, Done done) {
        submit(Op.WRITE, offset, from, at, length, 0, done);
    }

    private void submit(Op op, long offset, Memory data, int at, int length, int caller,
            Done done) {
        Bio bio = new Bio(b -> ended(b, done));
        lower.submit(bio.set(op, offset, length, false, data, at, caller));
        if (bio.release()) {
            ended(bio, done);
        }
    }

    private static void ended(Bio bio, Done done) {
        if (bio.op() == Op.READ && bio.outcome() == Errno.OK
                && bio.answerMemory() != bio.data()) {
            bio.data().copyFrom(bio.dataAt(), bio.answerMemory(), bio.answerAt(),
                    (int) bio.length());
        }
        done.ended(bio.outcome());
    }

    @Override
    public void close() {}
}
