package dev.sluice.work;

/** Work in order of arrival, with the time of it; grows by doubling. Guarded by its worker. */
final class Fifo {
    private Runnable[] works = new Runnable[16];
    private long[] times = new long[16];
    private int head;
    private int count;

    void add(Runnable work, long nanos) {
        if (count == works.length) {
            grow();
        }
        int i = (head + count++) & (works.length - 1);
        works[i] = work;
        times[i] = nanos;
    }

    private void grow() {
        Runnable[] moreWorks = new Runnable[2 * count];
        long[] moreTimes = new long[2 * count];
        for (int i = 0; i < count; i++) {
            int from = (head + i) & (count - 1);
            moreWorks[i] = works[from];
            moreTimes[i] = times[from];
        }
        works = moreWorks;
        times = moreTimes;
        head = 0;
    }

    /** The oldest work; null when there is none. */
    Runnable poll() {
        if (count == 0) {
            return null;
        }
        Runnable work = works[head];
        works[head] = null;
        head = (head + 1) & (works.length - 1);
        count--;
        return work;
    }

    int count() {
        return count;
    }

    /** When the oldest came; only while there is one. */
    long oldestNanos() {
        return times[head];
    }
}
