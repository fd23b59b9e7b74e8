package dev.sluice.ploop;

import dev.sluice.block.Device;
import dev.sluice.work.WorkQueue;

/**
 * Work that a worker does in one piece, never twice at a time; asked for meanwhile, it is done once
 * more afterwards.
 *
 * <table>
 * <caption>States</caption>
 * <tr><th>state</th><th>asked for</th><th>goes on by</th></tr>
 * <tr><td>idle</td><td></td><td>ask: queued</td></tr>
 * <tr><td>queued</td><td></td><td>the worker: running; end: idle for good</td></tr>
 * <tr><td>running</td><td></td><td>ask: again; its end: idle</td></tr>
 * <tr><td>again</td><td>yes</td><td>its end: running</td></tr>
 * </table>
 */
final class Errand {
    private static final int PAUSES = 10;

    private enum State { IDLE, QUEUED, RUNNING, AGAIN }

    private final WorkQueue queue;
    private final Runnable work;
    private final Device.Log log;
    private State state = State.IDLE; // guarded by this
    private boolean ended; // guarded by this
    private Runnable stopped = () -> { }; // guarded by this

    Errand(WorkQueue queue, Runnable work, Device.Log log) {
        this.queue = queue;
        this.work = work;
        this.log = log;
    }

    /** Has it done soon. From any thread; does not wait. */
    void ask() {
        synchronized (this) {
            if (ended || state == State.QUEUED || state == State.AGAIN) {
                return;
            }
            if (state == State.RUNNING) {
                state = State.AGAIN;
                return;
            }
            state = State.QUEUED;
        }
        try {
            queue.run(0, this::run);
        } catch (RuntimeException | Error e) {
            log.error("no worker for what an image needs: " + e, e);
            synchronized (this) {
                state = State.IDLE;
            }
        }
    }

    private void run() {
        synchronized (this) {
            if (state != State.QUEUED) {
                return;
            }
            state = State.RUNNING;
        }
        boolean more = true;
        Runnable told = null;
        while (more) {
            try {
                work.run();
            } catch (RuntimeException | Error e) {
                log.error("what an image needs failed: " + e, e);
            }
            synchronized (this) {
                more = state == State.AGAIN && !ended;
                state = more ? State.RUNNING : State.IDLE;
                told = stopped;
                notifyAll();
            }
        }
        told.run();
    }

    /** Not begun any more; false where it is being done: {@code then} is told of its end. */
    synchronized boolean stop(Runnable then) {
        stopped = then;
        return stop();
    }

    private boolean stop() {
        assert Thread.holdsLock(this);
        ended = true;
        if (state == State.QUEUED) {
            state = State.IDLE;
        }
        return state == State.IDLE;
    }

    /** Not done any more; false where it still is after the time. */
    synchronized boolean end(long limitMillis) throws InterruptedException {
        stop();
        for (int i = 0; i < PAUSES && state != State.IDLE; i++) {
            wait(limitMillis / PAUSES + 1);
        }
        return state == State.IDLE;
    }
}
