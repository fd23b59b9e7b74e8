package dev.sluice.table;

import dev.sluice.block.Bio;
import dev.sluice.block.Device;
import dev.sluice.block.Errno;
import dev.sluice.block.Op;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;

/** A bio that a thread waits for, with a limit: for control, never for data. */
final class SyncBio implements Bio.End {
    private final CountDownLatch ended = new CountDownLatch(1);

    private SyncBio() {}

    /**
     * The outcome of a flush; ETIMEDOUT when it has not ended in time, and is still in flight.
     */
    static Errno flush(Device device, long limitMillis) throws InterruptedException {
        SyncBio waiter = new SyncBio();
        Bio bio = new Bio(waiter).set(Op.FLUSH, 0, 0, false, null, 0, 0);
        device.submit(bio);
        if (bio.release()) {
            return bio.outcome();
        }
        return waiter.ended.await(limitMillis, TimeUnit.MILLISECONDS) ? bio.outcome()
                : Errno.ETIMEDOUT;
    }

    @Override
    public void ended(Bio bio) {
        ended.countDown();
    }
}
