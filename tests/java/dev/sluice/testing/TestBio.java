package dev.sluice.testing;

import dev.sluice.block.Bio;
import dev.sluice.block.Device;
import dev.sluice.block.Errno;
import dev.sluice.block.Memory;
import dev.sluice.block.Op;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;

/** One bio of a test, and whether it has ended. */
public final class TestBio {
    private final CountDownLatch ended = new CountDownLatch(1);
    private final Bio bio = new Bio(b -> end());
    private final Runnable atEnd;

    private TestBio(Runnable atEnd) {
        this.atEnd = atEnd;
    }

    /** Submits a bio with memory of its own, filled with a byte, where it needs any. */
    public static TestBio submit(Device device, Op op, long offset, long length, int fill) {
        return submit(device, op, offset, length, fill, false, () -> { });
    }

    /** The same with FUA, if so, and something to do when it ends. */
    public static TestBio submit(Device device, Op op, long offset, long length, int fill,
            boolean fua, Runnable atEnd) {
        Memory data = op.hasData() ? SimHost.memory((int) length) : null;
        for (int i = 0; op == Op.WRITE && i < length; i++) {
            data.bytes().put(i, (byte) fill);
        }
        return submit(device, op, offset, length, fua, data, atEnd);
    }

    /** Submits any bio. */
    public static TestBio submit(Device device, Op op, long offset, long length, boolean fua,
            Memory data, Runnable atEnd) {
        TestBio t = new TestBio(atEnd);
        device.submit(t.bio.set(op, offset, length, fua, data, 0, 0));
        if (t.bio.release()) {
            t.end();
        }
        return t;
    }

    private void end() {
        atEnd.run();
        ended.countDown();
    }

    public boolean ended() {
        return ended.getCount() == 0;
    }

    public Bio bio() {
        return bio;
    }

    /** The outcome of a bio that must have ended, or does so within a minute. */
    public Errno outcome() {
        try {
            if (!ended.await(60, TimeUnit.SECONDS)) {
                throw new AssertionError("not ended: " + bio);
            }
        } catch (InterruptedException e) {
            throw new AssertionError(e);
        }
        return bio.outcome();
    }

    /** The bytes of a READ that must have ended well. */
    public byte[] bytes() {
        if (outcome() != Errno.OK) {
            throw new AssertionError(bio + " ended with " + outcome());
        }
        byte[] bytes = new byte[(int) bio.length()];
        bio.answerMemory().bytes().get(bio.answerAt(), bytes);
        return bytes;
    }
}
