package dev.sluice.fuse;

import dev.sluice.block.Bio;
import dev.sluice.block.Completion;
import dev.sluice.block.Device;
import dev.sluice.work.WorkQueue;

/**
 * Sends the replies that the thread which ended a bio should not send. Its queue is no device's: a
 * completion never waits behind a request, or who waits for requests to end, as fsync and fallocate
 * do, would wait for ever. Thread-safe.
 */
final class CompletionWorker {
    private final Completion.Mode mode;
    private final WorkQueue queue;
    private final Device.Log log;

    CompletionWorker(Completion.Mode mode, WorkQueue queue, Device.Log log) {
        this.mode = mode;
        this.queue = queue;
        this.log = log;
    }

    /** Whether the calling thread, which ended the bio, completes it. */
    boolean here(Bio bio) {
        return mode == Completion.Mode.CALLER || Completion.inCaller(mode, bio.outcome(),
                bio.owed(), mode == Completion.Mode.AUTO && queue.inWorker());
    }

    /** Has a worker complete it, or does so here where there is none any more. */
    void run(int caller, Runnable completion) {
        try {
            queue.run(caller, completion);
        } catch (RuntimeException | Error e) {
            log.error("no worker for a completion: " + e, e);
            completion.run();
        }
    }
}
