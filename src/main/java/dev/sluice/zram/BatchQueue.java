package dev.sluice.zram;

import dev.sluice.block.Clock;
import dev.sluice.block.Errno;
import java.util.ArrayDeque;
import java.util.Deque;
import java.util.LinkedHashMap;
import java.util.Map;

/**
 * Requests of many pages, cut into batches that several writers drain, so that one submitter uses
 * all processors. Nobody waits here but {@link #close}.
 *
 * <p>A job ends when its last unit has been carried out, with its first error. Changes that touch a
 * common slot are carried out one after the other, in the order they came in: a later one waits
 * until the earlier one has been told to its owner. The units that are ready to be taken are
 * bounded; a job beyond waits whole, and takes nothing but itself. How many there can be is the
 * submitter's bound: a mount's, the memory of its requests.
 *
 * <p>A job: waiting → ready (some units not taken) → taken (all taken, some not done) → ended.
 */
final class BatchQueue {
    /** Units that a writer takes at once, at most. */
    static final int BATCH = 32;
    /** And at least, near the end of a request, so that its writers end together. */
    private static final int LEAST = 4;
    /** Units that may be ready at most, unless a single job has more. */
    static final int MOST_READY = 64 * BATCH;
    private static final int SPARES = 32;
    private static final long STEP_MILLIS = 10;

    /** What jobs are for. From any thread; must not throw. */
    interface Work {
        /** Carries units out, one after the other; the first error, or OK. */
        Errno carry(Job job, int from, int count);

        /** All units are done. The job is the queue's again afterwards. */
        void ended(Job job, Errno outcome);
    }

    /** A request; its owner sets what it needs in {@link #what}. */
    static final class Job {
        Object what;
        private long first;
        private long last;
        private boolean changes;
        private int units;
        private int caller;
        private int taken; // guarded by the queue
        private int undone; // guarded by the queue
        private Errno failure; // guarded by the queue
    }

    private final Work work;
    private final Threads threads;
    private final int writers;
    private final boolean whole;
    private final Clock clock;
    private final Runnable drain = this::drain;

    private final Deque<Job> waiting = new ArrayDeque<>(); // guarded by this
    private final Deque<Job> ready = new ArrayDeque<>(); // guarded by this
    private final Deque<Job> changing = new ArrayDeque<>(); // guarded by this
    private final Job[] spare = new Job[SPARES]; // guarded by this
    private int spares; // guarded by this
    private int queued; // guarded by this; units in ready not taken
    private int running; // guarded by this
    private int underWay; // guarded by this; jobs waiting, ready or taken
    private int mostQueued; // guarded by this
    private long batches; // guarded by this
    private long wakes; // guarded by this
    /** Changes under way, so that others need no lock to know that there are none. */
    private volatile int changesUnderWay; // written under this

    /** {@code whole}: a job is one batch, however many units it has. */
    BatchQueue(Work work, Threads threads, int writers, boolean whole, Clock clock) {
        this.work = work;
        this.threads = threads;
        this.writers = writers;
        this.whole = whole;
        this.clock = clock;
    }

    /** Whether a change of these slots need not wait for one that came earlier. */
    boolean isFree(long first, long last) {
        if (changesUnderWay == 0) {
            return true;
        }
        synchronized (this) {
            return isFree(changing, first, last) && isFree(waiting, first, last);
        }
    }

    private static boolean isFree(Deque<Job> jobs, long first, long last) {
        for (Job job : jobs) {
            if (job.changes && job.first <= last && first <= job.last) {
                return false;
            }
        }
        return true;
    }

    /**
     * Takes a request, and ends it later.
     *
     * @param what is handed to {@link Work} with it
     * @param first the first slot it touches
     * @param last the last one
     * @param units how many pieces it has; at least 1
     */
    void submit(Object what, long first, long last, boolean changes, int units, int caller) {
        int wake;
        synchronized (this) {
            Job job = spares > 0 ? spare[--spares] : new Job();
            job.what = what;
            job.first = first;
            job.last = last;
            job.changes = changes;
            job.units = units;
            job.caller = caller;
            job.taken = 0;
            job.undone = units;
            job.failure = Errno.OK;
            underWay++;
            if (changes) {
                changesUnderWay++;
            }
            waiting.addLast(job);
            admit();
            wake = wake();
        }
        start(wake, caller);
    }

    /** In the order they came: one that must wait holds up those behind it. */
    private void admit() {
        Job job;
        while ((job = waiting.peekFirst()) != null) {
            if (queued > 0 && queued + job.units > MOST_READY
                    || job.changes && !isFree(changing, job.first, job.last)) {
                return;
            }
            waiting.removeFirst();
            if (job.changes) {
                changing.addLast(job);
            }
            ready.addLast(job);
            queued += job.units;
            mostQueued = Math.max(mostQueued, queued);
        }
    }

    /** How many writers to start; they count as running from here on. */
    private int wake() {
        int wake = WakeRule.starts(running, whole ? ready.size() * BATCH : queued, BATCH, writers);
        running += wake;
        wakes += wake;
        return wake;
    }

    private void start(int count, int caller) {
        for (int i = 0; i < count; i++) {
            try {
                threads.run(caller, drain);
            } catch (RuntimeException | Error e) {
                startless(count - i);
                return;
            }
        }
    }

    /** The writers that run do it; where there is none, this thread must. */
    private void startless(int missing) {
        synchronized (this) {
            running -= missing;
            if (running > 0) {
                return;
            }
            running = 1;
        }
        drain();
    }

    /** A writer: batch after batch until nothing is ready. */
    private void drain() {
        Job job = null;
        int from = 0;
        int count = 0;
        while (true) {
            synchronized (this) {
                job = ready.peekFirst();
                if (job == null) {
                    // In the same hold as the look: who comes later finds one writer fewer.
                    running--;
                    notifyAll();
                    return;
                }
                from = job.taken;
                count = batch(job.units - from);
                job.taken += count;
                queued -= count;
                batches++;
                if (job.taken == job.units) {
                    ready.removeFirst();
                }
            }
            done(job, count, work.carry(job, from, count));
        }
    }

    private int batch(int left) {
        int share = left / (2 * writers);
        return whole ? left : Math.min(left, Math.min(BATCH, Math.max(LEAST, share)));
    }

    private void done(Job job, int count, Errno outcome) {
        synchronized (this) {
            if (job.failure == Errno.OK) {
                job.failure = outcome;
            }
            job.undone -= count;
            if (job.undone > 0) {
                return;
            }
        }
        try {
            work.ended(job, job.failure);
        } finally {
            ended(job);
        }
    }

    private void ended(Job job) {
        int wake;
        int caller = job.caller;
        synchronized (this) {
            underWay--;
            if (job.changes) {
                changing.remove(job);
                changesUnderWay--;
            }
            job.what = null;
            if (spares < SPARES) {
                spare[spares++] = job;
            }
            admit();
            wake = wake();
        }
        start(wake, caller);
    }

    /** Waits until nothing is under way and no writer runs; false when that takes too long. */
    synchronized boolean close(long limitNanos) throws InterruptedException {
        long since = clock.nanos();
        while (underWay > 0 || running > 0) {
            if (clock.nanos() - since > limitNanos) {
                return false;
            }
            wait(STEP_MILLIS);
        }
        return true;
    }

    /** What status shows. */
    synchronized Map<String, Object> status() {
        Map<String, Object> all = new LinkedHashMap<>();
        all.put("running", running);
        all.put("queued", queued);
        all.put("waiting", waiting.size());
        all.put("under_way", underWay);
        all.put("most_queued", mostQueued);
        all.put("batches", batches);
        all.put("wakes", wakes);
        return all;
    }
}
