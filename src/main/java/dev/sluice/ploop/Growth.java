package dev.sluice.ploop;

import dev.sluice.block.Errno;
import java.util.ArrayList;
import java.util.List;

/**
 * Makes clusters ready ahead of need: durably zero, before any word can name them. Those that are
 * free and may hold old data first, then new ones at the end of the file; one sync for all of them.
 */
final class Growth {
    private static final int MOST_RUNS = 1024;

    private record Run(int from, int until) {}

    private final Common common;
    private final Limbo limbo;
    private final NoSpace noSpace;
    private final Errand errand;
    private List<Run> inHand = List.of(); // guarded by common.lock; what is being zeroed
    private Runnable told = () -> { };
    private boolean needed; // guarded by common.lock; one more at least, whatever else is wanted
    private boolean blocked; // guarded by common.lock
    private long cutsAsked; // guarded by common.lock
    private long cuts; // guarded by common.lock
    private long reach = Integer.MAX_VALUE; // guarded by common.lock
    private Runnable once; // guarded by common.lock
    private long grown; // guarded by common.lock
    private long prepared; // guarded by common.lock

    Growth(Common common, Limbo limbo, NoSpace noSpace) {
        this.common = common;
        this.limbo = limbo;
        this.noSpace = noSpace;
        this.errand = new Errand(common.queue, this::round, common.host.log());
    }

    /** Whether clusters run short and more can be of use. */
    boolean wanted() {
        assert Thread.holdsLock(common.lock);
        return !blocked && 2L * common.clusters.readyCount() <= step() && useful() > 0;
    }

    /** After a cut it begins with little: what was given back is not to be taken at once. */
    private long step() {
        return Math.min(reach,
                Math.max(1, common.tuning.preallocBytes() / common.header.clusterBytes()));
    }

    /** How many more can ever be taken. */
    private int useful() {
        return common.disk - common.mapped - common.clusters.readyCount();
    }

    /** Has clusters made ready soon. */
    void ask() {
        errand.ask();
    }

    /** Has the file reach to where clusters may be taken, and one be ready, soon. */
    void need() {
        synchronized (common.lock) {
            needed = true;
        }
        errand.ask();
    }

    /** Has clusters made ready soon, and {@code then} told when that is done or cannot be. */
    void ask(Runnable then) {
        synchronized (common.lock) {
            once = then;
        }
        errand.ask();
    }

    /** Whether none could be made ready when that was tried last. */
    boolean blocked() {
        synchronized (common.lock) {
            return blocked;
        }
    }

    /** Has clusters made ready now, before anybody else uses the image. */
    void prepare() {
        work();
    }

    /** There may be room again. */
    void unblock() {
        synchronized (common.lock) {
            blocked = false;
        }
    }

    /** Has the free end of the file cut off; tells {@link #cut(long)} which cut is meant. */
    long cut() {
        long ticket;
        synchronized (common.lock) {
            ticket = ++cutsAsked;
        }
        errand.ask();
        return ticket;
    }

    /** Whether it was done. */
    boolean cut(long ticket) {
        synchronized (common.lock) {
            return cuts >= ticket;
        }
    }

    /** Who is told of a cut. Before the first request. */
    void whenCut(Runnable to) {
        told = to;
    }

    /** Whether a free cluster is being made ready now. */
    boolean prepares(int cluster) {
        assert Thread.holdsLock(common.lock);
        return inHand.stream().anyMatch(run -> run.from <= cluster && cluster < run.until);
    }

    /** The same of any cluster before one. */
    boolean preparesBefore(int cluster) {
        assert Thread.holdsLock(common.lock);
        return inHand.stream().anyMatch(run -> run.from < cluster);
    }

    private boolean cutNow() {
        long asked;
        int end;
        synchronized (common.lock) {
            asked = cutsAsked;
            if (cuts == asked) {
                return false;
            }
            end = common.clusters.usedEnd();
            common.clusters.cut(end);
            common.bat.end(end);
            reach = 1;
        }
        Errno outcome = common.backing.resize(common.header.offset(end));
        if (outcome != Errno.OK) {
            common.host.log().error(common.options.path() + ": what is free at its end is not given"
                    + " back: " + outcome.text(), null);
        }
        synchronized (common.lock) {
            cuts = asked;
        }
        told.run();
        return true;
    }

    private void round() {
        Runnable then;
        synchronized (common.lock) {
            then = once;
            once = null;
        }
        work();
        if (then != null) {
            then.run();
        }
    }

    private void work() {
        if (cutNow() && !noSpace.some()) {
            return;
        }
        List<Run> stale = new ArrayList<>();
        int extend;
        int end;
        int want;
        synchronized (common.lock) {
            want = (int) Math.min(step(), useful());
            if (common.failed() || want <= 0 || 2L * common.clusters.readyCount() > step()) {
                want = 0;
            }
            if (needed && common.clusters.readyCount() == 0) {
                want = Math.max(1, want);
            }
            needed = false;
            int behind = Math.max(0, common.clusters.floor() - common.clusters.end());
            int found = findStale(stale, want);
            inHand = List.copyOf(stale);
            end = common.clusters.end();
            extend = Math.min(want - found + behind, common.clusters.capacity() - end);
        }
        Errno outcome = zero(stale);
        if (extend > 0) {
            Errno last = extend(end, extend);
            outcome = outcome == Errno.OK ? last : outcome;
        }
        boolean some = !stale.isEmpty() || extended > 0;
        if (!some || common.sync() != Errno.OK) {
            stale.clear();
            extended = 0;
        }
        ready(stale);
        if (want > 0 && !some && !common.failed()) {
            nothing(outcome);
        } else {
            restart();
        }
    }

    private int findStale(List<Run> stale, int want) {
        ClusterMap clusters = common.clusters;
        int found = 0;
        int at = clusters.stale(0);
        while (at > 0 && found < want && stale.size() < MOST_RUNS) {
            int until = Math.min(clusters.notStale(at), at + want - found);
            stale.add(new Run(at, until));
            found += until - at;
            at = clusters.stale(until);
        }
        return found;
    }

    /** Clusters made at the end of the file in this run; the errand's own, like its start. */
    private int extended;
    private int extendedFrom;

    /** Zeroes them and keeps only those that could be. */
    private Errno zero(List<Run> stale) {
        extended = 0;
        Errno outcome = Errno.OK;
        List<Run> all = List.copyOf(stale);
        stale.clear();
        for (Run run : all) {
            if (outcome == Errno.OK) {
                outcome = common.backing.zero(common.header.offset(run.from),
                        (run.until - run.from) * common.header.clusterBytes());
            }
            if (outcome == Errno.OK) {
                stale.add(run);
            }
        }
        return outcome;
    }

    /** Makes the file longer, by less where there is no room for as much. */
    private Errno extend(int end, int most) {
        long at = common.header.offset(end);
        extendedFrom = end;
        Errno outcome = Errno.OK;
        for (int count = most; count > 0; count /= 2) {
            if (common.backing.size() > at) {
                // What is there may hold anything; what is new reads as zeros.
                outcome = common.backing.resize(at);
            }
            if (outcome == Errno.OK) {
                outcome = common.backing.reserve(at, count * common.header.clusterBytes());
            }
            if (outcome == Errno.OK) {
                extended = count;
                return outcome;
            }
            if (!Common.full(outcome) && outcome != Errno.EFBIG) {
                break;
            }
            outcome = count > 1 ? Errno.OK : outcome;
        }
        if (common.backing.size() > at) {
            common.backing.resize(at);
        }
        return outcome;
    }

    private void ready(List<Run> stale) {
        synchronized (common.lock) {
            inHand = List.of();
            for (Run run : stale) {
                common.clusters.ready(run.from, run.until);
                prepared += run.until - run.from;
            }
            if (extended > 0) {
                int until = extendedFrom + extended;
                common.clusters.grow(until);
                common.bat.end(until);
                common.clusters.ready(extendedFrom, until);
                prepared += extended;
                grown++;
                reach = Math.min(Integer.MAX_VALUE, 2 * reach);
            }
            blocked &= stale.isEmpty() && extended == 0;
        }
    }

    /** No cluster could be made ready, though some are wanted. */
    private void nothing(Errno outcome) {
        boolean needed;
        synchronized (common.lock) {
            blocked = true;
            needed = common.clusters.readyCount() == 0 && noSpace.some();
        }
        if (!needed) {
            restart();
        } else if (outcome == Errno.OK && limbo.some()) {
            // The file may not be longer, but clusters come back.
            return;
        } else if (outcome == Errno.OK || Common.full(outcome)) {
            if (common.tuning.waits()) {
                noSpace.full();
            } else {
                noSpace.fail(Errno.ENOSPC);
            }
        } else {
            common.host.log().error(common.options.path() + " cannot grow: " + outcome.text(),
                    null);
            noSpace.fail(outcome);
        }
    }

    private void restart() {
        if (noSpace.some()) {
            noSpace.restart();
        }
    }

    /** How often the file became longer. */
    long grown() {
        synchronized (common.lock) {
            return grown;
        }
    }

    /** Clusters made ready so far. */
    long prepared() {
        synchronized (common.lock) {
            return prepared;
        }
    }

    boolean stop(Runnable then) {
        return errand.stop(then);
    }

    boolean end(long limitMillis) throws InterruptedException {
        return errand.end(limitMillis);
    }
}
