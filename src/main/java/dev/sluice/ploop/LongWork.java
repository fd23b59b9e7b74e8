package dev.sluice.ploop;

import dev.sluice.block.BlockException;
import dev.sluice.block.Errno;
import dev.sluice.work.Host;
import dev.sluice.work.Slice;
import dev.sluice.work.Timer;
import dev.sluice.work.WorkQueue;
import java.util.Map;
import java.util.function.Supplier;

/**
 * Long work that a message asks for, one at a time: a worker does it in short steps, with pauses
 * between them while others use the device. It ends when it is done, when it fails, when somebody
 * cancels it, and when the device is closed, always between two steps.
 *
 * <table>
 * <caption>States</caption>
 * <tr><th>state</th><th>goes on by</th></tr>
 * <tr><td>idle</td><td>{@link #begin}: working</td></tr>
 * <tr><td>working</td><td>a step: pausing, waiting or idle; cancelled or closed: idle</td></tr>
 * <tr><td>pausing</td><td>the timer: working; cancelled or closed: idle</td></tr>
 * <tr><td>waiting</td><td>{@link #again}: working; cancelled or closed: idle</td></tr>
 * </table>
 */
final class LongWork {
    /** How a step ended. */
    enum Step { MORE, LATER, WAIT, DONE }

    /** What is to be done. Its steps come one after the other, from any worker. */
    interface Job {
        /** The message that asked for it. */
        String name();

        /**
         * Does a little of it; may block, for some milliseconds. After {@link Step#WAIT} it comes
         * again when {@link #again} was called, and perhaps before; after {@link Step#LATER} in
         * some milliseconds. A throw ends the job.
         */
        Step step() throws BlockException;

        /** How much is done, in the unit of {@link #total}. From any thread. */
        long done();

        /** How much there is to do, as far as is known. From any thread. */
        long total();

        /** What is being done, or waited for. From any thread. */
        default String state() {
            return "";
        }

        /** Whether it may be left as it is now; asked between two steps. */
        default boolean stops() {
            return true;
        }

        /** What is said of it when it is done, behind that. */
        default String summary() {
            return "";
        }

        /** No step follows: lets go of all it has. {@code well}: it was done. */
        void ended(boolean well);
    }

    private static final long PAUSE_MILLIS = 50;
    private static final long LATER_NANOS = 10_000_000;

    private final Supplier<Common> present;
    private final Host host;
    private final Errand errand;
    private Job job; // guarded by this
    private boolean cancelled; // guarded by this
    private boolean closed; // guarded by this
    private boolean armed; // guarded by this
    private long notBefore = Long.MIN_VALUE; // guarded by this
    private long usesSeen; // the errand's
    private String result = ""; // guarded by this
    private Job last; // guarded by this
    private BlockException failure; // guarded by this; of the last one

    private final Timer.Entry alarm = new Timer.Entry() {
        @Override
        protected void expired() {
            synchronized (LongWork.this) {
                armed = false;
            }
            errand.ask();
        }
    };

    /** {@code present} is the image that is written, which may change. */
    LongWork(Supplier<Common> present, Host host, WorkQueue queue) {
        this.present = present;
        this.host = host;
        this.errand = new Errand(queue, this::run, host.log());
    }

    /** Throws where a job of such a name cannot begin now. */
    synchronized void free(String name) throws BlockException {
        Common common = present.get();
        if (common.backing.readOnly()) {
            throw new BlockException(Errno.EROFS, name + " is not possible: "
                    + common.options.path() + " is only read; open it with readonly=off");
        }
        if (common.failed()) {
            throw new BlockException(Errno.EIO, name + " is not possible: " + common.failure());
        }
        if (job != null || closed) {
            throw new BlockException(Errno.EBUSY, name + " has to wait: "
                    + (closed ? "the device is being closed" : job.name()
                    + " is at work; see status, or end it with the message cancel"));
        }
    }

    /** Begins with a job, and does not wait for it. */
    void begin(Job next) throws BlockException {
        synchronized (this) {
            free(next.name());
            job = next;
            cancelled = false;
            notBefore = Long.MIN_VALUE;
        }
        errand.ask();
    }

    /** Has the job ended that is at work, soon. */
    void cancel() throws BlockException {
        synchronized (this) {
            if (job == null) {
                throw new BlockException(Errno.ENOENT, "nothing is at work that could be"
                        + " cancelled; last_work in status says how the last one ended");
            }
            if (!job.stops()) {
                throw new BlockException(Errno.EBUSY, job.name() + " is about to be done and is"
                        + " not cancelled any more; wait for it, status says when it is done");
            }
            cancelled = true;
            disarm();
        }
        errand.ask();
    }

    /** What is at work, or null. */
    synchronized Job job() {
        return job;
    }

    /** What a step waited for may be there. From any thread. */
    void again() {
        synchronized (this) {
            if (job == null) {
                return;
            }
        }
        errand.ask();
    }

    /**
     * Waits for a job that was begun. Throws what it failed with, and EINPROGRESS where it still is
     * at work after the time: then it goes on.
     */
    synchronized void await(Job which, long limitMillis) throws BlockException {
        long left = limitMillis;
        try {
            while (job == which && left > 0) {
                wait(Math.min(left, PAUSE_MILLIS));
                left -= PAUSE_MILLIS;
            }
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            throw new BlockException(Errno.EINTR, which.name() + " goes on, its caller was"
                    + " interrupted; status says how far it is", e);
        }
        if (last == which && failure != null) {
            throw failure;
        }
        if (job == which) {
            throw new BlockException(Errno.EINPROGRESS, which.name() + " takes long and goes on;"
                    + " status says how far it is");
        }
    }

    private void run() {
        Common common = present.get();
        Job now;
        boolean stop;
        long start = host.clock().nanos();
        synchronized (this) {
            now = job;
            stop = cancelled && now != null && now.stops();
            if (now == null || closed || start < notBefore && !stop) {
                return;
            }
        }
        if (common.failed()) {
            end(now, "failed with the device", new BlockException(Errno.EIO, now.name()
                    + " was not done: " + common.failure()));
            return;
        }
        try {
            Step step = stop ? Step.DONE : politely(now);
            if (stop) {
                end(now, "cancelled", new BlockException(Errno.EINTR, now.name()
                        + " was cancelled; ask for it again to have it done"));
            } else if (step == Step.DONE) {
                end(now, "done" + now.summary(), null);
            } else if (step == Step.MORE) {
                share(host.clock().nanos() - start);
            } else if (step == Step.LATER) {
                pause(LATER_NANOS);
            }
        } catch (BlockException e) {
            end(now, "failed: " + e.getMessage(), e);
        } catch (RuntimeException | Error e) {
            host.log().error(present.get().options.path() + ": " + now.name() + " failed: " + e, e);
            end(now, "failed: " + e, new BlockException(Errno.EIO, now.name() + " failed: " + e
                    + "; the log of its mount says more", e));
        }
    }

    /** Who is woken during a step goes before it. */
    private Step politely(Job now) throws BlockException {
        long before = Slice.ask(Slice.BACKGROUND);
        try {
            return now.step();
        } finally {
            Slice.ask(before);
        }
    }

    /** Lets others have their share, if there are any. */
    private void share(long tookNanos) {
        Common common = present.get();
        long uses;
        synchronized (common.lock) {
            uses = common.epochs.entered();
        }
        boolean alone = uses == usesSeen;
        usesSeen = uses;
        int share = common.tuning.background();
        pause(alone ? 0 : tookNanos * (100 - share) / share);
    }

    private void pause(long pause) {
        synchronized (this) {
            if (pause > 0 && !cancelled && !closed && !armed) {
                notBefore = host.clock().nanos() + pause;
                armed = true;
                host.timer().add(alarm, notBefore);
                return;
            }
        }
        errand.ask();
    }

    private void end(Job which, String how, BlockException why) {
        which.ended(why == null);
        synchronized (this) {
            job = null;
            last = which;
            failure = why;
            result = which.name() + ": " + how;
            disarm();
            notifyAll();
        }
    }

    private void disarm() {
        assert Thread.holdsLock(this);
        notBefore = Long.MIN_VALUE;
        if (armed && host.timer().remove(alarm)) {
            armed = false;
        }
    }

    /** Puts what is at work, how far it is, and how the last one ended. */
    synchronized void status(Map<String, Object> all) {
        all.put("work", job == null ? "" : job.name());
        all.put("work_state", job == null ? "" : job.state());
        all.put("work_done", job == null ? 0 : job.done());
        all.put("work_total", job == null ? 0 : job.total());
        all.put("last_work", result);
    }

    /** Nothing is at work any more, what was is left as it is; false where it still is. */
    boolean end(long limitMillis) throws InterruptedException {
        synchronized (this) {
            closed = true;
            disarm();
        }
        if (!errand.end(limitMillis)) {
            return false;
        }
        Job left;
        synchronized (this) {
            left = job;
        }
        if (left != null) {
            end(left, "ended with the device", new BlockException(Errno.EINTR, left.name()
                    + " was not done when the device was closed; ask for it again when it is"
                    + " open"));
        }
        return true;
    }
}
