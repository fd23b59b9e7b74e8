package dev.sluice.ploop;

import dev.sluice.block.Errno;

/**
 * Clusters that no word names any more, on their way to be taken again. In batches: what is
 * discarded gathers; when the batch before is done, it leaves. A batch is free once its pages are
 * in the file and every request that began before has ended: then it is punched, and a sync makes
 * that and the pages durable. Should the pages be lost, what was discarded reads as zeros; but what
 * has moved must not, and its pages are durable before.
 *
 * <table>
 * <caption>States of a batch</caption>
 * <tr><th>state</th><th>goes on by</th></tr>
 * <tr><td>gathering</td><td>no batch is leaving: leaving; the requests' counters turn</td></tr>
 * <tr><td>leaving</td><td>pages written and requests ended: punched</td></tr>
 * <tr><td>punched</td><td>synced: ready, or stale where it could not be punched</td></tr>
 * </table>
 */
final class Limbo {
    /** So many are freed before others have the lock again. */
    private static final int AT_ONCE = 4096;

    private final Common common;
    private final Writeback writeback;
    private final Errand errand;
    private Runnable freed = () -> { };
    private Bits gathering; // guarded by common.lock
    private Bits leaving; // guarded by common.lock; while punched, changed by the errand only
    private boolean moved; // guarded by common.lock; data of some that gather is elsewhere
    private boolean pagesWritten; // guarded by common.lock
    private boolean batch; // guarded by common.lock
    private long turn; // guarded by common.lock; all that began before this batch have ended
    private long batches; // guarded by common.lock; that have ended
    private long punched; // guarded by common.lock

    Limbo(Common common, Writeback writeback) {
        this.common = common;
        this.writeback = writeback;
        this.gathering = new Bits(common.host.arena(), common.clusters.capacity());
        this.leaving = new Bits(common.host.arena(), common.clusters.capacity());
        this.errand = new Errand(common.queue, this::work, common.host.log());
    }

    /** Who is told when clusters can be taken. Before the first request. */
    void freed(Runnable to) {
        freed = to;
    }

    /** No word names the cluster from now on; {@link #ask} follows. */
    void add(int cluster) {
        assert Thread.holdsLock(common.lock);
        gathering.add(cluster);
    }

    /** The same of one whose data is elsewhere by now: it stays until that is durably so. */
    void addMoved(int cluster) {
        add(cluster);
        moved = true;
    }

    /** There may be more clusters than before. */
    void grow() {
        assert Thread.holdsLock(common.lock);
        gathering.grow(common.clusters.capacity());
    }

    /** Has it look what can go on. */
    void ask() {
        errand.ask();
    }

    /** Whether clusters are on their way. */
    boolean some() {
        synchronized (common.lock) {
            return gathering.count() + leaving.count() > 0;
        }
    }

    /** Tells {@link #freed(long)} which clusters are meant: those that are on their way now. */
    long ticket() {
        synchronized (common.lock) {
            return batches + (batch ? 1 : 0) + (gathering.count() > 0 ? 1 : 0);
        }
    }

    /** Whether they can be taken again, or are kept because it failed. */
    boolean freed(long ticket) {
        synchronized (common.lock) {
            return batches >= ticket;
        }
    }

    int count() {
        synchronized (common.lock) {
            return gathering.count() + leaving.count();
        }
    }

    boolean holds(int cluster) {
        assert Thread.holdsLock(common.lock);
        return gathering.has(cluster) || leaving.has(cluster);
    }

    private void work() {
        if (common.failed()) {
            return;
        }
        boolean begins;
        boolean ends;
        boolean sync;
        synchronized (common.lock) {
            begins = !batch && gathering.count() > 0;
            sync = false;
            if (begins) {
                Bits empty = leaving;
                empty.grow(common.clusters.capacity());
                leaving = gathering;
                gathering = empty;
                batch = true;
                pagesWritten = false;
                sync = moved;
                moved = false;
                turn = common.epochs.ask();
            }
            ends = batch && common.epochs.passed(turn) && pagesWritten;
        }
        if (begins) {
            writeback.add(Wait.hastened(sync, this::written));
        } else if (ends) {
            release();
        }
    }

    private void written(Errno outcome) {
        if (outcome == Errno.OK) {
            synchronized (common.lock) {
                pagesWritten = true;
            }
            errand.ask();
        }
    }

    private void release() {
        boolean well = punch();
        if (common.sync() != Errno.OK) {
            return;
        }
        boolean more = true;
        while (more) {
            synchronized (common.lock) {
                more = free(well);
            }
        }
        boolean again;
        synchronized (common.lock) {
            batch = false;
            batches++;
            again = gathering.count() > 0;
        }
        freed.run();
        if (again) {
            errand.ask();
        }
    }

    /** Gives the storage back, neighbours together. */
    private boolean punch() {
        boolean well = true;
        int from = next(0);
        while (from >= 0) {
            int until = from + 1;
            int next = next(until);
            while (next == until) {
                until++;
                next = next(until);
            }
            Errno outcome = common.backing.punch(common.header.offset(from),
                    (until - from) * common.header.clusterBytes());
            if (outcome != Errno.OK) {
                common.host.log().error(common.options.path() + ": what was discarded keeps its"
                        + " storage: " + outcome.text(), null);
                well = false;
            }
            from = next;
        }
        return well;
    }

    /** Nobody else changes it while it is leaving. */
    private int next(int from) {
        return leaving.next(from);
    }

    private boolean free(boolean well) {
        for (int i = 0; i < AT_ONCE; i++) {
            int cluster = leaving.next(0);
            if (cluster < 0) {
                return false;
            }
            leaving.remove(cluster);
            common.clusters.free(cluster, well);
            punched++;
        }
        return true;
    }

    /** Clusters given back so far. */
    long punched() {
        synchronized (common.lock) {
            return punched;
        }
    }

    boolean stop(Runnable then) {
        return errand.stop(then);
    }

    boolean end(long limitMillis) throws InterruptedException {
        return errand.end(limitMillis);
    }

    /** All pages are in the file, and nothing is under way: gives all storage back. */
    void finish() {
        for (int i = 0; i < 2; i++) {
            if (leaving.count() > 0) {
                punch();
                while (free(false)) {
                    continue;
                }
            }
            Bits other = gathering;
            gathering = leaving;
            leaving = other;
        }
    }

    /** Gives memory back; nobody is in it any more. */
    void close() {
        gathering.close();
        leaving.close();
    }
}
