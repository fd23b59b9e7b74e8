package dev.sluice.work;

import dev.sluice.block.Clock;
import dev.sluice.block.Device;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.function.Consumer;

/**
 * All threads of a mount that run bios. What may block goes to a worker of its own for each device
 * and cgroup, made on need, as the kernel's loop driver has it: one cgroup's slow I/O holds up
 * nobody else's, nor a stuck device another. Where no thread can be had for a worker, the root
 * worker, whose thread is permanent, does its work.
 */
public final class WorkerPool implements AutoCloseable {
    private final String name;
    private final int most;
    private final int depth;
    private final Callers callers;
    private final Clock clock;
    private final Device.Log log;
    private final Consumer<Thread> starter;
    private final Map<String, Queue> queues = new ConcurrentHashMap<>();
    private final Worker root;
    private final AtomicInteger threads = new AtomicInteger();
    private final AtomicInteger made = new AtomicInteger();
    private final List<Thread> members = new ArrayList<>(); // guarded by itself
    private volatile Charge charge;
    private volatile boolean closed;

    /** Whose work it is: the cgroup of a thread id. */
    @FunctionalInterface
    public interface Callers {
        /** The cgroup's path; {@link Cgroups#ROOT} when unknown. Must not block. */
        String cgroup(int caller);
    }

    /**
     * A pool that starts with its root worker.
     *
     * @param name what threads are named after
     * @param most threads of all workers together, besides the root worker's own
     * @param depth threads of one worker
     */
    public WorkerPool(String name, int most, int depth, Callers callers, Clock clock,
            Device.Log log) {
        this(name, most, depth, callers, clock, log, Thread::start);
    }

    /** {@code starter} starts a thread, or throws as {@link Thread#start} does. */
    WorkerPool(String name, int most, int depth, Callers callers, Clock clock, Device.Log log,
            Consumer<Thread> starter) {
        this.name = name;
        this.most = most;
        this.depth = depth;
        this.callers = callers;
        this.clock = clock;
        this.log = log;
        this.starter = starter;
        this.root = new Worker(this, "", Cgroups.ROOT, 1);
        root.hirePermanent();
    }

    /** The queue of a device, the same for the same name. */
    public WorkQueue queue(String device) {
        return queues.computeIfAbsent(device, Queue::new);
    }

    /** Forgets a device that was closed, and has its threads end. */
    public void forget(String device) {
        Queue queue = queues.remove(device);
        if (queue != null) {
            queue.workers.values().forEach(Worker::retire);
        }
    }

    private final class Queue implements WorkQueue {
        private final String device;
        private final Map<String, Worker> workers = new ConcurrentHashMap<>();

        Queue(String device) {
            this.device = device;
        }

        @Override
        public void run(int caller, Runnable work) {
            String cgroup = callers.cgroup(caller);
            while (!closed) {
                Worker worker = workers.get(cgroup);
                if (worker == null) {
                    worker = workers.computeIfAbsent(cgroup,
                            c -> new Worker(WorkerPool.this, device, c, depth));
                }
                Worker.Taken taken = worker.take(work);
                if (taken == Worker.Taken.YES) {
                    return;
                }
                workers.remove(cgroup, worker);
                if (taken == Worker.Taken.NO_THREAD && root.take(work) == Worker.Taken.YES) {
                    return;
                }
            }
            throw new IllegalStateException("the mount has ended");
        }

        @Override
        public boolean inWorker() {
            return Thread.currentThread() instanceof Worker.Hand h && h.pool() == WorkerPool.this;
        }

        @Override
        public boolean watched() {
            if (charge == null && Thread.currentThread() instanceof Watched watched) {
                watched.risks.run();
                return true;
            }
            return false;
        }
    }

    /** Starts a thread for a worker; false when there are enough, or the system grants none. */
    boolean start(Worker.Hand hand) {
        if (threads.incrementAndGet() > most + 1) {
            threads.decrementAndGet();
            return false;
        }
        try {
            starter.accept(hand);
            return true;
        } catch (OutOfMemoryError e) {
            threads.decrementAndGet();
            return false;
        }
    }

    /** From now on new threads enter the cgroup of their worker. */
    public void charge(Charge to) {
        charge = to;
    }

    /** A thread of a cgroup's worker has started. */
    void entered(String cgroup) {
        Charge to = charge;
        if (to != null) {
            to.enter(cgroup);
        }
    }

    String threadName(String device) {
        return name + (device.isEmpty() ? "-root" : "-" + device) + "-" + made.getAndIncrement();
    }

    /** A thread ended, perhaps the worker's last. */
    void left(Worker worker) {
        threads.decrementAndGet();
        Queue queue = queues.get(worker.device());
        if (queue != null && worker.gone()) {
            queue.workers.remove(worker.cgroup(), worker);
        }
    }

    /** Starts a thread that runs bios but is no worker, and must not block: the timer. */
    public Thread member(String threadName, Runnable loop) {
        return begin(new Thread(loop, threadName));
    }

    /**
     * The same for a thread that somebody stands in for when it blocks: a session thread.
     *
     * @param risks is run by the thread before it does what may block
     */
    public Thread watchedMember(String threadName, Runnable loop, Runnable risks) {
        return begin(new Watched(loop, threadName, risks));
    }

    private static final class Watched extends Thread {
        private final Runnable risks;

        Watched(Runnable loop, String name, Runnable risks) {
            super(loop, name);
            this.risks = risks;
        }
    }

    private Thread begin(Thread thread) {
        thread.setDaemon(true);
        synchronized (members) {
            members.add(thread);
        }
        thread.start();
        return thread;
    }

    Clock clock() {
        return clock;
    }

    Device.Log log() {
        return log;
    }

    boolean closed() {
        return closed;
    }

    /** What status shows: the threads that run bios, and each worker. */
    public Map<String, Object> status() {
        Map<String, Object> all = new LinkedHashMap<>();
        synchronized (members) {
            members.removeIf(t -> !t.isAlive());
            all.put("threads", members.stream().map(Thread::getName).toList());
        }
        all.put("worker_threads", threads.get());
        all.put("workers_most", most);
        all.put("depth", depth);
        if (charge != null) {
            all.put("not_charged", List.copyOf(charge.refused()));
        }
        List<Object> each = new ArrayList<>();
        each.add(root.status());
        queues.values().forEach(q -> q.workers.values().forEach(w -> each.add(w.status())));
        all.put("worker", each);
        return all;
    }

    /** Lets the workers end once their queues are empty; does not wait for them. */
    @Override
    public void close() {
        closed = true;
        look();
    }

    /** Has idle threads look whether they leave. */
    void look() {
        root.look();
        queues.values().forEach(q -> q.workers.values().forEach(Worker::look));
    }
}
