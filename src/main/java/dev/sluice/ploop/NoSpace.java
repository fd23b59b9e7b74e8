package dev.sluice.ploop;

import dev.sluice.block.Bio;
import dev.sluice.block.Errno;
import dev.sluice.work.Timer;
import java.util.ArrayList;
import java.util.List;
import java.util.function.Consumer;

/**
 * Requests that wait for room: for clusters that are being made, or, where the file system is full,
 * until that is tried again, after a time or when somebody says so. Each is then started anew. How
 * many there are is bounded by how many the kernel sends.
 */
final class NoSpace {
    /** How long until it is tried again. */
    static final long RETRY_NANOS = 20_000_000_000L;
    /** What is found full so soon after it was tried again was full all the time. */
    private static final long SAME_NANOS = 5_000_000_000L;

    private final Common common;
    private final Consumer<Bio> start;
    private final Consumer<Wait> write;
    private List<Bio> parked = new ArrayList<>(); // guarded by common.lock
    private List<Wait> waits = new ArrayList<>(); // guarded by common.lock
    private boolean full; // guarded by common.lock
    private boolean closed; // guarded by common.lock
    private boolean armed; // guarded by common.lock
    private long events; // guarded by common.lock
    private long retries; // guarded by common.lock
    private long retriedNanos; // guarded by common.lock

    private final Timer.Entry alarm = new Timer.Entry() {
        @Override
        protected void expired() {
            synchronized (common.lock) {
                armed = false;
            }
            retry();
        }
    };

    /** {@code start} carries a request out from its start, {@code write} takes one that waits. */
    NoSpace(Common common, Consumer<Bio> start, Consumer<Wait> write) {
        this.common = common;
        this.start = start;
        this.write = write;
    }

    /** Keeps a request; false where nobody tries to make room for it now. */
    boolean park(Bio bio) {
        synchronized (common.lock) {
            if (!common.sealed) {
                parked.add(bio);
                return !full;
            }
        }
        start(bio);
        return false;
    }

    /** Keeps somebody who waits for a page that does not fit. */
    void park(Wait wait) {
        synchronized (common.lock) {
            waits.add(wait);
        }
    }

    /** The file system is full: it is tried again later. */
    void full() {
        synchronized (common.lock) {
            if (full || closed) {
                return;
            }
            full = true;
            long now = common.now();
            if (!armed) {
                armed = true;
                common.host.timer().add(alarm, now + RETRY_NANOS);
            }
            if (retries > 0 && now - retriedNanos < SAME_NANOS) {
                return;
            }
            events++;
        }
        common.host.log().error(common.options.path() + ": its file system is full; requests wait"
                + " and are tried again every 20 seconds, or at once with: sluice message"
                + " DEVICE retry", null);
    }

    boolean isFull() {
        synchronized (common.lock) {
            return full;
        }
    }

    /** Whether requests are kept that want a cluster. */
    boolean some() {
        synchronized (common.lock) {
            return !parked.isEmpty();
        }
    }

    /** Somebody says that there may be room, or the time has come. */
    void retry() {
        synchronized (common.lock) {
            retries += full ? 1 : 0;
            retriedNanos = common.now();
        }
        restart();
    }

    /** There is room, or no more reason to wait: all are started anew. */
    void restart() {
        List<Bio> bios;
        List<Wait> others;
        synchronized (common.lock) {
            full = false;
            disarm();
            bios = parked;
            parked = new ArrayList<>();
            others = waits;
            waits = new ArrayList<>();
        }
        others.forEach(write);
        for (Bio bio : bios) {
            start(bio);
        }
    }

    /** Has a request that waited carried out from its start, by a worker. */
    void start(Bio bio) {
        try {
            common.queue.run(bio.caller(), () -> again(bio));
        } catch (RuntimeException | Error e) {
            common.host.log().error("no worker for a request that waited: " + e, e);
            bio.fail(Errno.EIO);
        }
    }

    private void again(Bio bio) {
        try {
            start.accept(bio);
        } catch (RuntimeException | Error e) {
            common.host.log().error(common.options.path() + " failed on " + bio + ": " + e, e);
            bio.fail(Errno.EIO);
        }
    }

    private void disarm() {
        assert Thread.holdsLock(common.lock);
        if (armed && common.host.timer().remove(alarm)) {
            armed = false;
        }
    }

    /** No request waits any more: all that are kept end so. */
    void fail(Errno outcome) {
        List<Bio> bios;
        List<Wait> others = new ArrayList<>();
        synchronized (common.lock) {
            bios = parked;
            parked = new ArrayList<>();
            waits.removeIf(wait -> wait.bio() != null && others.add(wait));
        }
        bios.forEach(bio -> bio.fail(outcome));
        others.forEach(wait -> wait.tell(outcome));
    }

    /** The device is to come to rest: where the file system is full, nobody waits for it. */
    void drain() {
        if (isFull()) {
            fail(Errno.ENOSPC);
        }
    }

    /** See {@link dev.sluice.block.Target#heldFor}. */
    int heldFor(long request) {
        synchronized (common.lock) {
            for (Bio bio : parked) {
                if (bio.request() == request) {
                    return bio.caller();
                }
            }
            for (Wait wait : waits) {
                if (wait.bio() != null && wait.bio().request() == request) {
                    return wait.bio().caller();
                }
            }
        }
        return -1;
    }

    /** See {@link dev.sluice.block.Target#interrupt}. */
    void interrupt(long request) {
        List<Bio> taken = new ArrayList<>();
        List<Wait> others = new ArrayList<>();
        synchronized (common.lock) {
            parked.removeIf(bio -> bio.request() == request && taken.add(bio));
            waits.removeIf(wait -> wait.bio() != null && wait.bio().request() == request
                    && others.add(wait));
        }
        taken.forEach(bio -> bio.fail(Errno.EINTR));
        others.forEach(wait -> wait.tell(Errno.EINTR));
    }

    int parkedCount() {
        synchronized (common.lock) {
            return parked.size() + waits.size();
        }
    }

    /** How often the file system was found full. */
    long events() {
        synchronized (common.lock) {
            return events;
        }
    }

    /** How often it was tried again. */
    long retries() {
        synchronized (common.lock) {
            return retries;
        }
    }

    void close() {
        synchronized (common.lock) {
            closed = true;
            disarm();
        }
    }
}
