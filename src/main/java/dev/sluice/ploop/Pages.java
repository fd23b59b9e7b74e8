package dev.sluice.ploop;

import java.util.Arrays;
import java.util.BitSet;

/**
 * Which pages of the table differ from the file, since when, and when they are to be written.
 *
 * <table>
 * <caption>States of a page</caption>
 * <tr><th>state</th><th>dirty</th><th>writing</th><th>goes on by</th></tr>
 * <tr><td>clean</td><td></td><td></td><td>{@link #dirty}: dirty</td></tr>
 * <tr><td>dirty</td><td>yes</td><td></td><td>{@link #dirty}: later; {@link #begin}: writing
 *     </td></tr>
 * <tr><td>writing</td><td></td><td>yes</td><td>{@link #dirty}: changed; {@link #end}: clean, or
 *     dirty after a failure</td></tr>
 * <tr><td>changed</td><td>yes</td><td>yes</td><td>{@link #end}: dirty</td></tr>
 * </table>
 *
 * <p>Pages that are written at a time lie side by side. A dirty page is in two lists, by its first
 * change since it was last copied and by its last one, so that the heads tell what is due; one that
 * must go soon is in a third. Guarded by the lock of its device.
 */
final class Pages {
    /** When nothing is due. */
    static final long NEVER = Long.MAX_VALUE;
    /** So many may always be dirty: a small table is not written for each change. */
    static final int LEAST_DIRTY = 16;

    private static final int NONE = -1;

    private int count;
    private final PageList byFirst;
    private final PageList byLast;
    private final PageList urgent;
    private long[] firstNanos;
    private long[] lastNanos;
    /** Those that are being written; none where both are the same. */
    private int writing;
    private int writingEnd;
    private boolean writingUrgent;
    private long written;
    private long hottest;
    private int[] writes;

    Pages(int count) {
        this.count = count;
        byFirst = new PageList(count);
        byLast = new PageList(count);
        urgent = new PageList(count);
        firstNanos = new long[count];
        lastNanos = new long[count];
        writes = new int[count];
    }

    /** There are more pages from now on. */
    void grow(int more) {
        count = more;
        byFirst.grow(more);
        byLast.grow(more);
        urgent.grow(more);
        firstNanos = Arrays.copyOf(firstNanos, more);
        lastNanos = Arrays.copyOf(lastNanos, more);
        writes = Arrays.copyOf(writes, more);
    }

    /** A word of the page has changed. */
    void dirty(int page, long nowNanos) {
        lastNanos[page] = nowNanos;
        if (byLast.has(page)) {
            byLast.remove(page);
        } else {
            firstNanos[page] = nowNanos;
            byFirst.add(page);
        }
        byLast.add(page);
    }

    /** The page is not to wait for its time. */
    void hasten(int page) {
        if (!urgent.has(page)) {
            urgent.add(page);
        }
    }

    boolean isDirty(int page) {
        return byFirst.has(page);
    }

    int dirtyCount() {
        return byFirst.count();
    }

    /** Whether a page that was to be hastened is not written yet. */
    boolean urgentLeft() {
        return urgent.count() > 0 || writingUrgent;
    }

    /** The one that has been dirty for the longest time, or -1. */
    int oldest() {
        return byFirst.first();
    }

    boolean isUrgent(int page) {
        return urgent.has(page);
    }

    /** One that is to be written without waiting, or -1. */
    int urgent() {
        return urgent.first();
    }

    /** When the next page is to be written, by the clock; {@link #NEVER} where none is dirty. */
    long due(Tuning tuning) {
        if (byFirst.first() == NONE) {
            return NEVER;
        }
        if (urgent.first() != NONE || tooMany(tuning)) {
            return Long.MIN_VALUE;
        }
        long first = firstNanos[byFirst.first()];
        return tuning.common() ? first + tuning.timeoutNanos()
                : Math.min(first + tuning.ageNanos(),
                        lastNanos[byLast.first()] + tuning.timeoutNanos());
    }

    /** A page whose time has come, or -1. */
    int duePage(Tuning tuning, long nowNanos) {
        int oldest = byFirst.first();
        if (oldest == NONE || urgent.first() != NONE) {
            return urgent.first();
        }
        if (tooMany(tuning) || tuning.common()
                || firstNanos[oldest] + tuning.ageNanos() <= nowNanos) {
            return due(tuning) <= nowNanos ? oldest : NONE;
        }
        int longest = byLast.first();
        return lastNanos[longest] + tuning.timeoutNanos() <= nowNanos ? longest : NONE;
    }

    private boolean tooMany(Tuning tuning) {
        return byFirst.count() > Math.max(LEAST_DIRTY, (long) count * tuning.ratio() / 100);
    }

    /** Whether a page that is dirty is to go with one that {@link #duePage} told. */
    boolean goesAlong(int page, Tuning tuning, long nowNanos) {
        return urgent.has(page) || tuning.common()
                || firstNanos[page] + tuning.ageNanos() <= nowNanos
                || lastNanos[page] + tuning.timeoutNanos() <= nowNanos;
    }

    /** Pages are copied and on their way; all of them are dirty. */
    void begin(int from, int until) {
        if (writing != writingEnd) {
            throw new AssertionError("page " + writing + " is being written, now " + from);
        }
        writing = from;
        writingEnd = until;
        writingUrgent = false;
        for (int page = from; page < until; page++) {
            byFirst.remove(page);
            byLast.remove(page);
            if (urgent.has(page)) {
                urgent.remove(page);
                writingUrgent = true;
            }
        }
    }

    /**
     * The pages are in the file, or, where they did not get there, dirty from now on, and in a
     * hurry if one of them was.
     */
    void end(boolean well, long nowNanos) {
        for (int page = writing; page < writingEnd; page++) {
            if (well) {
                written++;
                writes[page]++;
                hottest = Math.max(hottest, writes[page]);
                continue;
            }
            if (!byFirst.has(page)) {
                dirty(page, nowNanos);
            }
            if (writingUrgent) {
                hasten(page);
            }
        }
        writing = writingEnd;
        writingUrgent = false;
    }

    int count() {
        return count;
    }

    /** Pages written so far. */
    long written() {
        return written;
    }

    /** How often the page was written that was written most often. */
    long hottest() {
        return hottest;
    }

    boolean isWriting(int page) {
        return page >= writing && page < writingEnd;
    }

    /** All that are dirty. */
    BitSet dirty() {
        BitSet all = new BitSet(count);
        for (int page = byFirst.first(); page != NONE; page = byFirst.after(page)) {
            all.set(page);
        }
        return all;
    }

    /** Whether all that the class comment says holds. */
    boolean check() {
        int dirty = 0;
        for (int p = byFirst.first(); p != NONE; p = byFirst.after(p)) {
            require(byLast.has(p), "in one list of dirty pages", p);
            require(firstNanos[p] <= lastNanos[p], "first changed after its last change", p);
            int next = byLast.after(p);
            require(next == NONE || lastNanos[p] <= lastNanos[next], "out of order", p);
            dirty++;
        }
        require(dirty == byFirst.count() && dirty == byLast.count(), "miscounted", dirty);
        for (int p = urgent.first(); p != NONE; p = urgent.after(p)) {
            require(byFirst.has(p), "urgent but not dirty", p);
        }
        require(writing != writingEnd || !writingUrgent, "nothing is being written", writing);
        return true;
    }

    private static void require(boolean holds, String what, int page) {
        if (!holds) {
            throw new AssertionError("page " + page + ": " + what);
        }
    }
}
