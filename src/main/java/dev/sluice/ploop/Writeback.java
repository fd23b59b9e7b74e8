package dev.sluice.ploop;

import dev.sluice.block.Errno;
import dev.sluice.block.Memory;
import dev.sluice.work.Timer;
import java.util.ArrayList;
import java.util.BitSet;
import java.util.List;
import java.util.function.IntPredicate;

/**
 * Writes pages of the table: those that are due, those that somebody waits for, and for a flush all
 * that are dirty when it begins. In rounds, one after the other: a round takes all who wait by
 * then, writes their pages, makes all durable once if any of them needs that, and tells them.
 *
 * <p>Every word names a cluster that is durably zero or was ready before, so a page may be written
 * at any time, and in any order with data and other pages; what is side by side goes in one piece.
 * Only where a word may name a copy of what is below does a sync come first.
 */
final class Writeback {
    /** So many pages are written at a time: copying them is to hold up nobody for long. */
    static final int TOGETHER = 16;

    private final Common common;
    private final Pages pages; // guarded by common.lock
    private final Errand errand;
    private final Memory copy; // the round's
    private NoSpace noSpace;
    private List<Wait> waits = new ArrayList<>(); // guarded by common.lock
    private boolean armed; // guarded by common.lock
    private boolean closed; // guarded by common.lock
    private long notBefore = Long.MIN_VALUE; // guarded by common.lock
    private Errno rested; // guarded by common.lock; null until nothing will be dirty any more
    private boolean stuck; // the round's: the last page did not fit
    private int end; // the round's: behind the last page that was written
    private long rounds; // guarded by common.lock
    private long joined; // guarded by common.lock

    private final Timer.Entry alarm = new Timer.Entry() {
        @Override
        protected void expired() {
            boolean now;
            synchronized (common.lock) {
                armed = false;
                now = dueNanos() <= common.now();
                if (!now) {
                    arm();
                }
            }
            if (now) {
                errand.ask();
            }
        }
    };

    Writeback(Common common) {
        this.common = common;
        this.pages = new Pages(common.bat.pages());
        this.copy = common.host.arena().map(TOGETHER * Bat.PAGE);
        this.errand = new Errand(common.queue, this::round, common.host.log());
    }

    /** Who takes what does not fit. Before the first request. */
    void noSpace(NoSpace to) {
        noSpace = to;
    }

    /** A word has changed; {@code soon}: its page is not to wait for its time. */
    void changed(int index, boolean soon) {
        assert Thread.holdsLock(common.lock);
        int page = Bat.page(index);
        pages.dirty(page, common.now());
        if (soon) {
            pages.hasten(page);
        }
        arm();
    }

    /** A page is to be written soon, whatever has changed in it. */
    void dirty(int page) {
        assert Thread.holdsLock(common.lock);
        pages.dirty(page, common.now());
        pages.hasten(page);
    }

    /** The table has more pages from now on. */
    void grow() {
        assert Thread.holdsLock(common.lock);
        pages.grow(common.bat.pages());
    }

    /** Whether a page of the file is not yet as it is here. */
    boolean behind(int page) {
        assert Thread.holdsLock(common.lock);
        return pages.isDirty(page) || pages.isWriting(page);
    }

    private long dueNanos() {
        long due = pages.due(common.tuning);
        return due == Pages.NEVER ? due : Math.max(due, notBefore);
    }

    private void arm() {
        assert Thread.holdsLock(common.lock);
        if (armed || closed || common.failed()) {
            return;
        }
        long due = dueNanos();
        if (due != Pages.NEVER) {
            armed = true;
            common.host.timer().add(alarm, Math.max(due, common.now()));
        }
    }

    /** The tuning has changed: what was due later may be due now. */
    void tuned() {
        synchronized (common.lock) {
            if (armed && common.host.timer().remove(alarm)) {
                armed = false;
            }
            arm();
        }
    }

    /** Has pages that were hastened written now, whatever the alarm says. */
    void hurry() {
        errand.ask();
    }

    /** Takes somebody who waits. */
    void add(Wait wait) {
        Errno known;
        synchronized (common.lock) {
            known = rested;
            if (known == null) {
                waits.add(wait);
            }
        }
        if (known == null) {
            errand.ask();
        } else {
            wait.tell(known);
        }
    }

    /** There is room again: pages that did not fit are due as they were. */
    void again() {
        synchronized (common.lock) {
            notBefore = Long.MIN_VALUE;
        }
        tuned();
    }

    private void round() {
        List<Wait> mine;
        synchronized (common.lock) {
            mine = waits;
            waits = new ArrayList<>();
            rounds++;
            joined += Math.max(0, mine.size() - 1);
        }
        boolean wasStuck = stuck;
        stuck = false;
        Errno outcome = common.failed() ? Errno.EIO : write(mine);
        if (outcome == Errno.OK && mine.stream().anyMatch(Wait::sync)) {
            outcome = common.sync();
        }
        for (Wait wait : mine) {
            settle(wait, outcome);
        }
        synchronized (common.lock) {
            assert pages.check();
            arm();
        }
        if (wasStuck && !stuck) {
            // Who waits for other pages may go on as well.
            noSpace.restart();
        }
    }

    private void settle(Wait wait, Errno outcome) {
        try {
            if (Common.full(outcome) && (common.tuning.waits() || wait.bio() == null)) {
                noSpace.park(wait);
            } else {
                wait.tell(outcome);
            }
        } catch (RuntimeException | Error e) {
            common.host.log().error(common.options.path() + ": the owner of a request failed: " + e,
                    e);
        }
    }

    private Errno write(List<Wait> mine) {
        for (Wait wait : mine) {
            Errno outcome = wait.until() - wait.from() >= pages.count() ? writeAll()
                    : write(wait);
            if (outcome != Errno.OK) {
                return outcome;
            }
        }
        return writeDue();
    }

    private Errno write(Wait wait) {
        Errno outcome = Errno.OK;
        if (wait.from() == wait.until()) {
            for (int page = urgent(); page >= 0 && outcome == Errno.OK; page = urgent()) {
                outcome = write(page, pages::isUrgent);
            }
        }
        for (int p = wait.from(); p < wait.until() && outcome == Errno.OK;
                p = Math.max(p + 1, end)) {
            outcome = write(p, page -> page >= wait.from() && page < wait.until());
        }
        return outcome;
    }

    private int urgent() {
        synchronized (common.lock) {
            return pages.urgent();
        }
    }

    /** All that are dirty now, from the first on; one that changes meanwhile is not waited for. */
    Errno writeAll() {
        BitSet left;
        synchronized (common.lock) {
            left = pages.dirty();
        }
        Errno outcome = Errno.OK;
        for (int page = left.nextSetBit(0); page >= 0 && outcome == Errno.OK;
                page = left.nextSetBit(0)) {
            outcome = write(page, left::get);
            left.clear(0, Math.max(page + 1, end));
        }
        return outcome;
    }

    private Errno writeDue() {
        Errno outcome = Errno.OK;
        while (outcome == Errno.OK) {
            int page;
            long now = common.now();
            synchronized (common.lock) {
                page = notBefore > now ? -1 : pages.duePage(common.tuning, now);
            }
            if (page < 0) {
                return Errno.OK;
            }
            outcome = write(page, other -> pages.goesAlong(other, common.tuning, now));
        }
        return outcome;
    }

    /** Writes a page, if it is dirty, together with dirty ones beside it that are to go with it. */
    private Errno write(int page, IntPredicate along) {
        int start = page;
        int length = 0;
        boolean ahead;
        synchronized (common.lock) {
            end = page;
            if (!pages.isDirty(page)) {
                return Errno.OK;
            }
            for (end++; end - start < TOGETHER && end < pages.count() && goes(end, along); end++) {
                continue;
            }
            while (end - start < TOGETHER && start > 0 && goes(start - 1, along)) {
                start--;
            }
            pages.begin(start, end);
            for (int p = start; p < end; p++) {
                length += common.bat.copyPage(p, copy, length);
            }
            ahead = common.copiesAhead();
        }
        long at = (long) start * Bat.PAGE;
        Errno outcome = Errno.EIO;
        try {
            if (!ahead || common.sync() == Errno.OK) {
                outcome = common.backing.write(at, copy, 0, length);
            }
        } finally {
            synchronized (common.lock) {
                long now = common.now();
                pages.end(outcome == Errno.OK, now);
                if (Common.full(outcome)) {
                    notBefore = now + NoSpace.RETRY_NANOS;
                }
            }
            if (Common.full(outcome)) {
                stuck = true;
                if (common.tuning.waits()) {
                    noSpace.full();
                }
            } else if (outcome != Errno.OK) {
                common.fail("the table could not be written at byte " + at, outcome);
            }
        }
        return outcome;
    }

    private boolean goes(int page, IntPredicate along) {
        return pages.isDirty(page) && along.test(page);
    }

    /**
     * All was made durable and no page changes any more, or it has failed: who waits is told, and
     * who comes later at once. False where it is at work yet, and then {@code then} is told.
     */
    boolean rest(Runnable then) {
        if (!errand.stop(then)) {
            return false;
        }
        List<Wait> left;
        Errno outcome;
        synchronized (common.lock) {
            assert pages.dirtyCount() == 0 || common.failed();
            closed = true;
            if (armed && common.host.timer().remove(alarm)) {
                armed = false;
            }
            outcome = common.failed() ? Errno.EIO : Errno.OK;
            rested = outcome;
            left = waits;
            waits = new ArrayList<>();
        }
        left.forEach(wait -> settle(wait, outcome));
        return true;
    }

    boolean stop(Runnable then) {
        return errand.stop(then);
    }

    /** Whether no request waits. */
    boolean idle() {
        assert Thread.holdsLock(common.lock);
        return waits.stream().allMatch(wait -> wait.bio() == null);
    }

    int dirtyPages() {
        synchronized (common.lock) {
            return pages.dirtyCount();
        }
    }

    /** Pages written so far. */
    long written() {
        synchronized (common.lock) {
            return pages.written();
        }
    }

    /** How often the page was written that was written most often. */
    long hottest() {
        synchronized (common.lock) {
            return pages.hottest();
        }
    }

    long rounds() {
        synchronized (common.lock) {
            return rounds;
        }
    }

    /** How many shared their round with another. */
    long joined() {
        synchronized (common.lock) {
            return joined;
        }
    }

    boolean check() {
        assert Thread.holdsLock(common.lock);
        return pages.check();
    }

    /** Nothing is written any more by itself; false where something still is. */
    boolean end(long limitMillis) throws InterruptedException {
        synchronized (common.lock) {
            closed = true;
            if (armed && common.host.timer().remove(alarm)) {
                armed = false;
            }
        }
        return errand.end(limitMillis);
    }

    /** Gives memory back; nobody is in it any more. */
    void close() {
        common.host.arena().unmap(copy);
    }
}
