package dev.sluice.work;

import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Deque;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.locks.LockSupport;

/**
 * What one cgroup asks of one device and may block, in order: a FIFO, and up to so many threads
 * that take from it. Work goes to the thread that fell idle last, whose caches are warm; one idle
 * for a minute ends (drivers/block/loop.c), and the worker with its last one.
 *
 * <p>All fields are guarded by the worker itself.
 */
final class Worker {
    private static final long IDLE_NANOS = TimeUnit.SECONDS.toNanos(60);

    private final WorkerPool pool;
    private final String device;
    private final String cgroup;
    private final int depth;
    private final Fifo fifo = new Fifo();
    private final Deque<Hand> idle = new ArrayDeque<>();
    private final List<Hand> hands = new ArrayList<>();
    private long served;
    private boolean gone;
    private boolean retired;

    Worker(WorkerPool pool, String device, String cgroup, int depth) {
        this.pool = pool;
        this.device = device;
        this.cgroup = cgroup;
        this.depth = depth;
    }

    /** What came of {@link #take}. */
    enum Taken { YES, GONE, NO_THREAD }

    /** Takes work on, unless it has ended, or has no thread and gets none. */
    Taken take(Runnable work) {
        Hand wake;
        long now = pool.clock().nanos();
        synchronized (this) {
            if (gone) {
                return Taken.GONE;
            }
            wake = idle.pollLast();
            if (wake != null) {
                wake.since = now;
                wake.work = work;
            } else if (hands.size() < depth && hire(work, now)) {
                return Taken.YES;
            } else if (hands.isEmpty()) {
                gone = true;
                return Taken.NO_THREAD;
            } else {
                fifo.add(work, now);
                return Taken.YES;
            }
        }
        LockSupport.unpark(wake);
        return Taken.YES;
    }

    private boolean hire(Runnable work, long now) {
        Hand hand = new Hand(work, now);
        if (!pool.start(hand)) {
            return false;
        }
        hands.add(hand);
        return true;
    }

    /** Makes a thread that stays, whatever comes of the others. */
    synchronized void hirePermanent() {
        Hand hand = new Hand(null, 0);
        hand.permanent = true;
        if (!pool.start(hand)) {
            throw new IllegalStateException("the system grants no thread for the root worker");
        }
        hands.add(hand);
        idle.add(hand);
    }

    private synchronized Runnable next(Hand hand) {
        served++;
        hand.since = pool.clock().nanos();
        hand.work = fifo.poll();
        if (hand.work == null) {
            idle.addLast(hand);
        }
        return hand.work;
    }

    /** Whether an idle thread leaves: closed, retired or idle too long, and not just given work. */
    private synchronized boolean leaves(Hand hand) {
        boolean tooLong = !hand.permanent && pool.clock().nanos() - hand.since >= IDLE_NANOS;
        if (hand.work == null && (pool.closed() || retired || tooLong) && idle.remove(hand)) {
            hands.remove(hand);
            gone = hands.isEmpty();
            return true;
        }
        return false;
    }

    /** There will be no more work: threads leave as soon as they are idle. */
    synchronized void retire() {
        retired = true;
        look();
    }

    /** Has idle threads look whether they leave. */
    synchronized void look() {
        idle.forEach(LockSupport::unpark);
    }

    synchronized boolean gone() {
        return gone;
    }

    String device() {
        return device;
    }

    String cgroup() {
        return cgroup;
    }

    synchronized Map<String, Object> status() {
        long now = pool.clock().nanos();
        long oldest = fifo.count() > 0 ? fifo.oldestNanos() : now;
        for (Hand hand : hands) {
            oldest = hand.work == null ? oldest : Math.min(oldest, hand.since);
        }
        Map<String, Object> all = new LinkedHashMap<>();
        all.put("device", device);
        all.put("cgroup", cgroup);
        all.put("threads", hands.size());
        all.put("queued", fifo.count());
        all.put("in_flight", hands.size() - idle.size());
        all.put("served", served);
        all.put("oldest_us", (now - oldest) / 1000);
        return all;
    }

    /** A thread of this worker. */
    final class Hand extends Thread {
        /** Null while idle. Set by who gives it, under the worker's lock. */
        private volatile Runnable work;
        private long since;
        private boolean permanent;

        private Hand(Runnable first, long now) {
            super(pool.threadName(device));
            setDaemon(true);
            work = first;
            since = now;
        }

        WorkerPool pool() {
            return pool;
        }

        @Override
        public void run() {
            try {
                // Whoever needed it may have been at something that stands back.
                Slice.ask(Slice.USUAL);
                pool.entered(cgroup);
                serve();
            } finally {
                pool.left(Worker.this);
            }
        }

        private void serve() {
            Runnable now = work == null ? await() : work;
            while (now != null) {
                try {
                    now.run();
                } catch (RuntimeException | Error e) {
                    pool.log().error(getName() + ": " + e, e);
                }
                now = next(this);
                if (now == null) {
                    now = await();
                }
            }
        }

        private Runnable await() {
            while (work == null) {
                if (leaves(this)) {
                    return null;
                }
                LockSupport.parkNanos(this, IDLE_NANOS);
            }
            return work;
        }
    }
}
