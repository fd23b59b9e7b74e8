package dev.sluice.work;

import dev.sluice.block.Device;
import java.util.ArrayDeque;
import java.util.Deque;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.locks.LockSupport;
import java.util.function.Consumer;

/**
 * The threads of a mount that carry out what may block. Work goes to the worker that fell idle
 * last, whose caches are warm; a new one is made when all are busy, up to a limit; beyond it work
 * queues in order. A worker idle for a minute ends. The queue is bounded by the memory of the
 * requests in it.
 */
public final class WorkerPool implements AutoCloseable {
    private static final long IDLE_NANOS = TimeUnit.SECONDS.toNanos(60);

    private final String name;
    private final int most;
    private final Device.Log log;
    private final Consumer<Thread> starter;
    private final Deque<Runnable> queue = new ArrayDeque<>(); // guarded by this
    private final Deque<Worker> idle = new ArrayDeque<>(); // guarded by this
    private int threads; // guarded by this
    private int made; // guarded by this
    private long served; // guarded by this
    private boolean closed; // guarded by this

    /** A pool of at most so many threads, named after the mount. */
    public WorkerPool(String name, int most, Device.Log log) {
        this(name, most, log, Thread::start);
    }

    /** {@code starter} starts a thread, or throws as {@link Thread#start} does. */
    WorkerPool(String name, int most, Device.Log log, Consumer<Thread> starter) {
        this.starter = starter;
        this.name = name;
        this.most = most;
        this.log = log;
    }

    /**
     * Runs the work soon, in some worker. From any thread. Throws when there is no worker and none
     * can be made; then the work is not run.
     */
    public void execute(Runnable work) {
        Worker wake;
        synchronized (this) {
            if (closed) {
                throw new IllegalStateException("the pool is closed");
            }
            wake = idle.pollLast();
            if (wake != null) {
                wake.work = work;
            } else if (threads < most) {
                make(work);
                return;
            } else {
                queue.addLast(work);
                return;
            }
        }
        LockSupport.unpark(wake);
    }

    private void make(Runnable work) {
        assert Thread.holdsLock(this);
        try {
            starter.accept(new Worker(work, made++));
            threads++;
        } catch (OutOfMemoryError e) {
            // The system grants no thread more: those that are there do it.
            if (threads == 0) {
                throw e;
            }
            queue.addLast(work);
        }
    }

    /** What status shows: threads, idle ones, work queued and work done. */
    public synchronized Map<String, Object> status() {
        Map<String, Object> all = new LinkedHashMap<>();
        all.put("threads", threads);
        all.put("most", most);
        all.put("idle", idle.size());
        all.put("queued", queue.size());
        all.put("served", served);
        return all;
    }

    /** Lets the workers end once the queue is empty; does not wait for them. */
    @Override
    public void close() {
        synchronized (this) {
            closed = true;
            idle.forEach(LockSupport::unpark);
        }
    }

    private synchronized Runnable next(Worker worker) {
        served++;
        Runnable work = queue.pollFirst();
        if (work == null) {
            worker.work = null;
            idle.addLast(worker);
        }
        return work;
    }

    /** Whether an idle worker leaves: closed, or idle too long and not just given work. */
    private synchronized boolean leaves(Worker worker, boolean tooLong) {
        if (worker.work == null && (closed || tooLong) && idle.remove(worker)) {
            threads--;
            return true;
        }
        return false;
    }

    private final class Worker extends Thread {
        private volatile Runnable work;

        Worker(Runnable first, int number) {
            super(name + "-worker-" + number);
            setDaemon(true);
            work = first;
        }

        @Override
        public void run() {
            Runnable now = work;
            while (now != null) {
                try {
                    now.run();
                } catch (RuntimeException | Error e) {
                    log.error(getName() + ": " + e, e);
                }
                now = next(this);
                if (now == null) {
                    now = await();
                }
            }
        }

        private Runnable await() {
            long since = System.nanoTime();
            while (work == null) {
                long left = IDLE_NANOS - (System.nanoTime() - since);
                if (leaves(this, left <= 0)) {
                    return null;
                }
                LockSupport.parkNanos(this, Math.max(1, left));
            }
            return work;
        }
    }
}
