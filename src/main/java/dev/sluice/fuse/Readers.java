package dev.sluice.fuse;

/**
 * How many session threads read. One serves small requests best: more only wake each other, and
 * turn about they keep no caller company. The others wait here until one is asked in: for large
 * requests, which are copied while another is read, where many reads of direct files are under
 * way, or to stand in for a thread that goes through libfuse. Thread-safe.
 */
final class Readers {
    /** So many are of use when none is away. */
    private final int enough;
    /** Those there are, with the spare ones that were needed once. */
    private volatile int others; // written under this
    /** Asked in and not yet left; read without the lock where a stale value does no harm. */
    private volatile int inside; // written under this
    private volatile int away; // written under this
    private int asked; // guarded by this
    private boolean closed; // guarded by this

    /** So many threads besides the one that always reads. */
    Readers(int others) {
        this.enough = others;
        this.others = others;
    }

    /** A spare one is only asked in for one that is away: it would be one too many later. */
    private int most() {
        return Math.min(others, enough + away);
    }

    /** Asks one more in, if one is left. */
    void ask() {
        if (inside < most()) {
            synchronized (this) {
                if (inside < most()) {
                    inside = inside + 1;
                    asked++;
                    notify();
                }
            }
        }
    }

    /**
     * A reader goes through libfuse, or is stuck: another stands in for it. False when there is
     * none left to do so.
     */
    boolean away() {
        synchronized (this) {
            away = away + 1;
        }
        ask();
        return inside >= away;
    }

    /** One more thread can be asked in, and is, if still nobody reads. */
    synchronized boolean more() {
        if (inside >= away) {
            return false;
        }
        others = others + 1;
        ask();
        return true;
    }

    /** It is back. */
    synchronized void back() {
        away = away - 1;
    }

    /** The thread that {@link #more} counted on does not come. */
    synchronized void less() {
        others = others - 1;
        inside = inside - 1;
        asked--;
    }

    /** Whether somebody has to stay for one that is away. */
    boolean someAway() {
        return away > 0;
    }

    /** Whether the one that always reads is not alone. */
    boolean someInside() {
        return inside > 0;
    }

    /** Waits to be asked in; false when the mount has ended. */
    synchronized boolean enter() throws InterruptedException {
        while (asked == 0 && !closed) {
            wait();
        }
        asked--;
        return !closed;
    }

    /** A thread that was asked in is no longer of use; false when it has to stay after all. */
    synchronized boolean leave() {
        if (away > 0) {
            return false;
        }
        inside = inside - 1;
        return true;
    }

    /** The mount has ended. */
    synchronized void close() {
        closed = true;
        notifyAll();
    }
}
