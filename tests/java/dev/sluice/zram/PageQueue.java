package dev.sluice.zram;

import dev.sluice.block.Errno;
import java.util.function.Consumer;
import java.util.function.IntFunction;

/** What a queue that shares out the pages of requests must do, ours or another. */
interface PageQueue {
    /** One request: its pages, what to do with each, and who is told. */
    final class Request {
        private final long first;
        private final int pages;
        private final boolean changes;
        private final IntFunction<Errno> work;
        private final Consumer<Errno> end;

        Request(long first, int pages, boolean changes, IntFunction<Errno> work,
                Consumer<Errno> end) {
            this.first = first;
            this.pages = pages;
            this.changes = changes;
            this.work = work;
            this.end = end;
        }

        long first() {
            return first;
        }

        int pages() {
            return pages;
        }

        boolean changes() {
            return changes;
        }

        Errno carry(int page) {
            return work.apply(page);
        }

        void end(Errno outcome) {
            end.accept(outcome);
        }
    }

    void submit(Request request);

    /** Pages queued and not taken by a writer. */
    int queued();

    /** Returns once all that was submitted has ended. */
    void close() throws InterruptedException;

    /** Ours. */
    static PageQueue ours(Threads threads, int writers, boolean whole) {
        BatchQueue queue = new BatchQueue(new BatchQueue.Work() {
            @Override
            public Errno carry(BatchQueue.Job job, int from, int count) {
                Errno outcome = Errno.OK;
                for (int i = from; i < from + count; i++) {
                    Errno one = ((Request) job.what).carry(i);
                    outcome = outcome == Errno.OK ? one : outcome;
                }
                return outcome;
            }

            @Override
            public void ended(BatchQueue.Job job, Errno outcome) {
                ((Request) job.what).end(outcome);
            }
        }, threads, writers, whole, System::nanoTime);
        return new PageQueue() {
            @Override
            public void submit(Request r) {
                queue.submit(r, r.first(), r.first() + r.pages() - 1, r.changes(), r.pages(), 0);
            }

            @Override
            public int queued() {
                return (int) queue.status().get("queued");
            }

            @Override
            public void close() throws InterruptedException {
                if (!queue.close(20_000_000_000L)) {
                    throw new AssertionError("the queue is not drained: " + queue.status());
                }
            }
        };
    }
}
