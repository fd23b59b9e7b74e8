package dev.sluice.volumes;

import dev.sluice.block.Device;
import dev.sluice.work.Service;
import java.util.ArrayDeque;
import java.util.Deque;
import java.util.HashMap;
import java.util.Map;

/**
 * Work that goes on one after the other in each lane, and beside that of other lanes. A lane has a
 * thread while it has work. Thread-safe.
 */
final class Lanes {
    private static final long STEP_MILLIS = 50;

    private final String name;
    private final int mostLanes;
    private final int mostWaiting;
    private final Device.Log log;
    private final Starter starter;
    /** What waits in each lane that has work. */
    private final Map<String, Deque<Runnable>> lanes = new HashMap<>(); // guarded by this
    private boolean closed; // guarded by this

    /** Starts threads. */
    interface Starter {
        void start(String name, Runnable loop);
    }

    Lanes(String name, int mostLanes, int mostWaiting, Device.Log log) {
        this(name, mostLanes, mostWaiting, log, Service::start);
    }

    Lanes(String name, int mostLanes, int mostWaiting, Device.Log log, Starter starter) {
        this.starter = starter;
        this.name = name;
        this.mostLanes = mostLanes;
        this.mostWaiting = mostWaiting;
        this.log = log;
    }

    /** Has work done in a lane; false when there is too much already, or they are closed. */
    synchronized boolean run(String lane, Runnable work) {
        Deque<Runnable> waiting = lanes.get(lane);
        if (closed || (waiting == null ? lanes.size() >= mostLanes
                : waiting.size() >= mostWaiting)) {
            return false;
        }
        return start(lane, work);
    }

    /** Waits until the work is taken, or they are closed. */
    synchronized void insist(String lane, Runnable work) {
        try {
            while (!closed && !run(lane, work)) {
                wait(STEP_MILLIS);
            }
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
        }
    }

    /** False where there is no thread for it. */
    private boolean start(String lane, Runnable work) {
        assert Thread.holdsLock(this);
        Deque<Runnable> waiting = lanes.get(lane);
        if (waiting != null) {
            waiting.add(work);
            return true;
        }
        waiting = new ArrayDeque<>();
        waiting.add(work);
        lanes.put(lane, waiting);
        try {
            starter.start(name + "-" + lane, () -> serve(lane));
            return true;
        } catch (RuntimeException | Error e) {
            // The system grants no thread: nobody would ever see to what waits there.
            lanes.remove(lane);
            log.error("work for " + lane + " cannot begin: " + e, e);
            return false;
        }
    }

    private void serve(String lane) {
        for (Runnable work = next(lane); work != null; work = next(lane)) {
            try {
                work.run();
            } catch (RuntimeException | Error e) {
                log.error("work for " + lane + " failed: " + e, e);
            }
        }
    }

    private synchronized Runnable next(String lane) {
        Runnable work = lanes.get(lane).poll();
        if (work == null) {
            lanes.remove(lane);
            notifyAll();
        }
        return work;
    }

    /** Takes nothing more; what waits is dropped, and in its place a last thing done. */
    synchronized void close(Map<String, Runnable> last) {
        closed = true;
        lanes.values().forEach(Deque::clear);
        last.forEach(this::start);
    }

    /** Waits until all work is done; false when it is not after the time. */
    synchronized boolean await(long limitMillis) throws InterruptedException {
        // Counted in steps: this waits at the very end, when no clock need be asked.
        for (long left = limitMillis; left > 0 && !lanes.isEmpty(); left -= STEP_MILLIS) {
            wait(STEP_MILLIS);
        }
        return lanes.isEmpty();
    }

    /** How many lanes have work. */
    synchronized int busy() {
        return lanes.size();
    }
}
