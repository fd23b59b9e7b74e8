package dev.sluice.target;

import dev.sluice.block.BlockException;
import dev.sluice.storage.Backing;
import dev.sluice.work.Host;
import dev.sluice.work.WorkQueue;
import java.util.concurrent.TimeUnit;

/**
 * How much storage a backing takes, for those who must not wait for it: a worker asks, one at a
 * time, and who wants to know waits a little for it and takes the last answer otherwise. Where an
 * answer is overdue, nobody waits any more until it has come.
 */
final class FileAllocation {
    private static final long PATIENCE_NANOS = TimeUnit.MILLISECONDS.toNanos(100);

    private final Backing backing;
    private final WorkQueue queue;
    private final Host host;
    private long bytes; // guarded by this
    private boolean asking; // guarded by this
    private boolean overdue; // guarded by this
    private boolean closed; // guarded by this

    /** Asks once, in this thread. */
    FileAllocation(Backing backing, WorkQueue queue, Host host) {
        this.backing = backing;
        this.queue = queue;
        this.host = host;
        this.bytes = Math.max(0, backing.allocated());
    }

    /** The bytes as they are now, or as they were when the backing last answered. */
    synchronized long get() {
        if (!asking && !closed) {
            asking = true;
            try {
                queue.run(0, this::ask);
            } catch (IllegalStateException e) {
                // The pool is closed already: the mount ends, and the last answer does.
                asking = false;
            }
        }
        long deadline = host.clock().nanos() + PATIENCE_NANOS;
        while (asking && !overdue) {
            long left = deadline - host.clock().nanos();
            if (left <= 0) {
                overdue = true;
            } else if (!pause(left)) {
                return bytes;
            }
        }
        return bytes;
    }

    private boolean pause(long nanos) {
        try {
            wait(TimeUnit.NANOSECONDS.toMillis(nanos) + 1);
            return true;
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            return false;
        }
    }

    private void ask() {
        long found = backing.allocated();
        boolean close;
        synchronized (this) {
            asking = false;
            overdue = false;
            if (found >= 0) {
                bytes = found;
            }
            close = closed;
            notifyAll();
        }
        if (close) {
            closeLate();
        }
    }

    private void closeLate() {
        try {
            backing.close();
        } catch (BlockException e) {
            host.log().error(e.getMessage(), e);
        }
    }

    /** Closes the backing: now, or, while it does not answer, when it has. */
    void close() throws BlockException {
        synchronized (this) {
            long deadline = host.clock().nanos() + PATIENCE_NANOS;
            long left = PATIENCE_NANOS;
            while (asking && left > 0 && pause(left)) {
                left = deadline - host.clock().nanos();
            }
            closed = true;
            if (asking) {
                return;
            }
        }
        backing.close();
    }
}
