package dev.sluice.table;

import dev.sluice.block.Bio;
import dev.sluice.block.Device;
import dev.sluice.block.Errno;
import dev.sluice.block.Op;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;

/** A bio that a thread waits for, with a limit: for control, never for data. */
final class SyncBio implements Bio.End {
    private static final long STEP_MILLIS = 10;

    private final CountDownLatch ended = new CountDownLatch(1);

    private SyncBio() {}

    /**
     * The outcome of a flush; ETIMEDOUT when it has not ended in time, and is still in flight.
     * Bios that are held back anywhere below are hastened meanwhile, for this one may be.
     */
    static Errno flush(Device device, long limitMillis) throws InterruptedException {
        SyncBio waiter = new SyncBio();
        Bio bio = new Bio(waiter).set(Op.FLUSH, 0, 0, false, null, 0, 0);
        device.submit(bio);
        if (bio.release()) {
            return bio.outcome();
        }
        boolean over = false;
        for (long left = limitMillis; !over && left > 0; left -= STEP_MILLIS) {
            over = waiter.ended.await(STEP_MILLIS - 1, TimeUnit.MILLISECONDS);
            if (!over) {
                device.drain(1);
            }
        }
        return over ? bio.outcome() : Errno.ETIMEDOUT;
    }

    @Override
    public void ended(Bio bio) {
        ended.countDown();
    }
}
