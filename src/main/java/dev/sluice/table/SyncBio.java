package dev.sluice.table;

import dev.sluice.block.Bio;
import dev.sluice.block.Device;
import dev.sluice.block.Errno;
import dev.sluice.block.Op;
import dev.sluice.target.Host;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicBoolean;

/** A bio that a thread waits for, with a limit: for control, never for data. */
final class SyncBio implements Bio.End {
    private final CountDownLatch ended = new CountDownLatch(1);
    /** Whether somebody submits the bio, or has given up before anybody did. */
    private final AtomicBoolean taken = new AtomicBoolean();

    private SyncBio() {}

    /**
     * The outcome of a flush; ETIMEDOUT when it has not ended in time. It is then in flight, or
     * will never be submitted. A stack that may block does so on a worker, not in this thread.
     */
    static Errno flush(Device device, Host.Tasks tasks, long limitMillis)
            throws InterruptedException {
        SyncBio waiter = new SyncBio();
        Bio bio = new Bio(waiter).set(Op.FLUSH, 0, 0, false, null, 0, 0);
        Runnable submit = () -> {
            if (waiter.taken.compareAndSet(false, true)) {
                device.submit(bio);
                if (bio.release()) {
                    waiter.ended(bio);
                }
            }
        };
        if (device.limits().mayBlock()) {
            tasks.run(submit);
        } else {
            submit.run();
        }
        boolean over = false;
        try {
            over = waiter.ended.await(limitMillis, TimeUnit.MILLISECONDS);
        } finally {
            waiter.taken.set(true);
        }
        return over ? bio.outcome() : Errno.ETIMEDOUT;
    }

    @Override
    public void ended(Bio bio) {
        ended.countDown();
    }
}
