package dev.sluice.work;

import dev.sluice.block.Device;
import java.util.Arrays;

/**
 * What is to happen at some time, the earliest first; what is due at the same time in the order in
 * which it was added. It has no thread: those who have other work too call {@link #expire}, and
 * sleep no longer than until something is due. Thread-safe.
 */
public final class Timer {
    /** What {@link #earliest} answers when nothing is to happen. */
    public static final long NEVER = Long.MAX_VALUE;

    private static final int BATCH = 64;
    private static final int NOWHERE = -1;
    private static final long AWAKE = Long.MIN_VALUE;

    private final Object lock = new Object();
    private final Device.Log log;
    private Entry[] heap = new Entry[64]; // guarded by lock
    private int size; // guarded by lock
    private long added; // guarded by lock
    private volatile long earliest = NEVER; // written under lock

    /** What the last one to fall asleep knows to be due; for what is earlier one is woken. */
    private volatile long known = NEVER;
    private volatile Runnable waker = () -> { };
    private volatile boolean used;
    private volatile boolean exact;

    /** Something to happen. It may be added again when it has expired or was removed. */
    public abstract static class Entry {
        private long due; // guarded by the timer's lock, as are the others
        private long sequence;
        private int at = NOWHERE;

        /**
         * Called once, at its time or after, or a few microseconds before where it is asked to be;
         * must neither block nor take long.
         */
        protected abstract void expired();

        private boolean before(Entry other) {
            return due != other.due ? due < other.due : sequence < other.sequence;
        }
    }

    /** A timer with nothing in it. */
    public Timer(Device.Log log) {
        this.log = log;
    }

    /** Says that there will be entries: who drives the timer need not otherwise. */
    public void use() {
        used = true;
    }

    /** Says that there will be entries, and that they matter to some microseconds. */
    public void useExactly() {
        used = true;
        exact = true;
    }

    /** Whether those who have other work too are to drive it; else a thread of its own does. */
    public boolean exact() {
        return exact;
    }

    /** Whether there may be entries. */
    public boolean used() {
        return used;
    }

    /** Says how to wake who sleeps until something is due. It must be quick. */
    public void wakeBy(Runnable way) {
        waker = way;
    }

    /** Has the entry expire at a time of the clock's; it must not be in a timer. */
    public void add(Entry entry, long dueNanos) {
        boolean isFirst;
        synchronized (lock) {
            if (entry.at != NOWHERE) {
                throw new AssertionError("an entry is in a timer once");
            }
            if (size == heap.length) {
                heap = Arrays.copyOf(heap, 2 * size);
            }
            entry.due = dueNanos;
            entry.sequence = added++;
            size++;
            up(entry, size - 1);
            isFirst = entry.at == 0;
            if (isFirst) {
                earliest = dueNanos;
            }
        }
        if (isFirst && dueNanos < known) {
            waker.run();
        }
    }

    /** Takes an entry out; false when it has expired, is about to, or was never added. */
    public boolean remove(Entry entry) {
        synchronized (lock) {
            if (entry.at == NOWHERE) {
                return false;
            }
            take(entry.at);
            return true;
        }
    }

    /** The time at which something is to happen next, or {@link #NEVER}. */
    public long earliest() {
        return earliest;
    }

    /** How many entries there are. */
    public int size() {
        synchronized (lock) {
            return size;
        }
    }

    /**
     * Says that a thread sleeps now, until something is due at the time given; false when there is
     * something earlier by now, and it must not.
     */
    public boolean sleeps(long dueNanos) {
        known = dueNanos;
        // Who added something before it could see the line above woke nobody.
        return earliest >= dueNanos;
    }

    /** Says that a thread is awake: until it sleeps or leaves it sees by itself what is due. */
    public void awake() {
        known = AWAKE;
    }

    /** Says that a thread which is awake goes elsewhere, and does not see what is due. */
    public void leaves() {
        if (!sleeps(NEVER)) {
            waker.run();
        }
    }

    /**
     * Has expire what is due at a time, up to a few dozen entries, outside of the lock; how many.
     * The time may be a few microseconds ahead: what that matters to waits itself. A failure of
     * one is logged and keeps none of the others. Whoever gets stuck in one has taken no other, so
     * that another thread goes on with them.
     */
    public int expire(long nanos) {
        int n = 0;
        while (n < BATCH && earliest <= nanos) {
            Entry entry;
            synchronized (lock) {
                if (size == 0 || heap[0].due > nanos) {
                    break;
                }
                entry = take(0);
            }
            n++;
            try {
                entry.expired();
            } catch (RuntimeException | Error e) {
                log.error("what was due failed: " + e, e);
            }
        }
        return n;
    }

    private Entry take(int at) {
        assert Thread.holdsLock(lock);
        Entry taken = heap[at];
        Entry last = heap[--size];
        heap[size] = null;
        if (at < size) {
            up(last, at);
            down(last, last.at);
        }
        taken.at = NOWHERE;
        earliest = size == 0 ? NEVER : heap[0].due;
        return taken;
    }

    /** Puts an entry at a place, or nearer to the first. */
    private void up(Entry entry, int place) {
        int at = place;
        while (at > 0 && entry.before(heap[(at - 1) / 2])) {
            put(heap[(at - 1) / 2], at);
            at = (at - 1) / 2;
        }
        put(entry, at);
    }

    private void down(Entry entry, int place) {
        int at = place;
        while (true) {
            int child = 2 * at + 1;
            if (child + 1 < size && heap[child + 1].before(heap[child])) {
                child++;
            }
            if (child >= size || !heap[child].before(entry)) {
                break;
            }
            put(heap[child], at);
            at = child;
        }
        put(entry, at);
    }

    private void put(Entry entry, int at) {
        heap[at] = entry;
        entry.at = at;
    }
}
