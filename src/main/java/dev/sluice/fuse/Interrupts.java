package dev.sluice.fuse;

import dev.sluice.block.Clock;
import dev.sluice.block.Device;
import dev.sluice.work.Timer;
import dev.sluice.work.WorkQueue;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.function.Predicate;

/**
 * Requests whose caller got a signal. The kernel tells once for each, whatever the signal, and the
 * caller sleeps on until it is answered. Where a bio of the request is held back, and the caller
 * is to die, it ends with EINTR; otherwise it goes on, and as long as it is held back the caller
 * is looked at again. Thread-safe.
 */
final class Interrupts {
    private static final long STEP_NANOS = 50_000_000;
    /** A request may be on its way to where it is held back while it is interrupted. */
    private static final int MISSES = 4;
    /** Beyond it nobody is remembered, and a caller dies when its request ends. */
    private static final int MOST = 65_536;

    private final Visitor devices;
    private final Timer timer;
    private final WorkQueue workers;
    private final Clock clock;
    private final Device.Log log;
    /** How often in a row nothing was held back for a request. */
    private final Map<Long, Integer> misses = new HashMap<>(); // guarded by this
    private boolean looking; // guarded by this
    private final Timer.Entry next = new Timer.Entry() {
        @Override
        protected void expired() {
            // It reads files, and may end many bios.
            try {
                workers.run(0, Interrupts.this::look);
            } catch (RuntimeException | Error e) {
                Interrupts.this.log.error("no worker for interrupted requests: " + e, e);
                timer.add(this, clock.nanos() + STEP_NANOS);
            }
        }
    };

    /** Shows the devices there are, which stay open while they are looked at. */
    @FunctionalInterface
    interface Visitor {
        /** Answers what the look answers. */
        boolean visit(Predicate<List<Device>> look);
    }

    Interrupts(Visitor devices, Timer timer, WorkQueue workers, Clock clock,
            Device.Log log) {
        this.devices = devices;
        this.timer = timer;
        this.workers = workers;
        this.clock = clock;
        this.log = log;
    }

    /** The caller of a request got a signal. */
    void add(long request) {
        if (!timer.used()) {
            // Nothing is ever held back in this mount, and nobody would look at the timer.
            return;
        }
        synchronized (this) {
            if (misses.size() >= MOST) {
                return;
            }
            misses.put(request, 0);
            if (looking) {
                return;
            }
            looking = true;
        }
        timer.add(next, clock.nanos());
    }

    private void look() {
        List<Long> requests;
        synchronized (this) {
            requests = List.copyOf(misses.keySet());
        }
        try {
            for (long request : requests) {
                note(request, devices.visit(all -> heldOn(all, request)));
            }
        } finally {
            again();
        }
    }

    /** Whether the request is held back still, and its caller lives. */
    private static boolean heldOn(List<Device> devices, long request) {
        int caller = heldFor(devices, request);
        boolean ends = caller > 0 && Dying.is(caller);
        if (ends) {
            devices.forEach(d -> d.target().interrupt(request));
        }
        return caller >= 0 && !ends;
    }

    private void again() {
        synchronized (this) {
            looking = !misses.isEmpty();
            if (!looking) {
                return;
            }
        }
        timer.add(next, clock.nanos() + STEP_NANOS);
    }

    private synchronized void note(long request, boolean held) {
        int missed = held ? 0 : misses.get(request) + 1;
        if (missed == MISSES) {
            misses.remove(request);
        } else {
            misses.put(request, missed);
        }
    }

    private static int heldFor(List<Device> devices, long request) {
        for (Device device : devices) {
            int caller = device.target().heldFor(request);
            if (caller >= 0) {
                return caller;
            }
        }
        return -1;
    }
}
