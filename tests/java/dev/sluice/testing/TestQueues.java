package dev.sluice.testing;

import dev.sluice.work.Host;
import dev.sluice.work.WorkQueue;
import java.util.concurrent.Executor;

/** Any executor in place of the workers of a mount. */
public final class TestQueues {
    private TestQueues() {}

    /** All devices' queues are the one executor. */
    public static Host.Queues of(Executor executor) {
        WorkQueue queue = new WorkQueue() {
            @Override
            public void run(int caller, Runnable work) {
                executor.execute(work);
            }

            @Override
            public boolean inWorker() {
                return false;
            }

            @Override
            public boolean watched() {
                return false;
            }
        };
        return device -> queue;
    }
}
