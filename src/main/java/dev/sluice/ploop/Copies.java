package dev.sluice.ploop;

import dev.sluice.block.Bio;
import dev.sluice.block.Errno;
import dev.sluice.block.Limits;
import dev.sluice.block.Memory;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.function.Consumer;

/**
 * Brings clusters up that only a level below has, for who wants to change them. Each is filled in a
 * cluster that nothing names yet, and then named: whoever waits for it goes on at once, and does
 * not wait until the copy is durable. A word that is durable before what it names would show zeros
 * where the levels below have data, so its page is written behind a sync ({@link Common#copied}).
 *
 * <table>
 * <caption>States of a cluster</caption>
 * <tr><th>state</th><th>goes on by</th></tr>
 * <tr><td>below</td><td>somebody changes a part of it: begun; others who change it wait</td></tr>
 * <tr><td>begun</td><td>{@link #add}: queued</td></tr>
 * <tr><td>queued</td><td>copied: its word is set, those who wait go on; a failure is theirs, and it
 *     is below again</td></tr>
 * </table>
 */
final class Copies {
    private final Common common;
    private final Writeback writeback;
    private final NoSpace noSpace;
    private final Consumer<Bio> written;
    private final Errand errand;
    private final Memory buffer; // the round's
    private final Map<Integer, Job> jobs = new HashMap<>(); // guarded by common.lock
    private List<Job> queued = new ArrayList<>(); // guarded by common.lock
    private long done; // guarded by common.lock

    /** A cluster of the disk on its way to a cluster of the file. */
    static final class Job {
        private final int index;
        private final int place;
        private final Below below;
        /** Whether who has claimed it brings it up. */
        private final boolean claimed;
        private final List<Bio> waiting = new ArrayList<>(); // guarded by common.lock
        /** What replaces all of it, so that nothing has to be copied; or null. */
        private Bio whole;
        private boolean ended; // guarded by common.lock
        private Errno outcome = Errno.OK; // of who carries it

        private Job(int index, int place, Below below, boolean claimed) {
            this.index = index;
            this.place = place;
            this.below = below;
            this.claimed = claimed;
        }
    }

    /** {@code written} is told of a request whose data is in the file. */
    Copies(Common common, Writeback writeback, NoSpace noSpace, Consumer<Bio> written) {
        this.common = common;
        this.writeback = writeback;
        this.noSpace = noSpace;
        this.written = written;
        this.errand = new Errand(common.queue, this::round, common.host.log());
        this.buffer = common.below.levels() == 0 ? null : common.host.arena().map(Limits.MAX_DATA);
    }

    /** Who is at a cluster of the disk, or null. */
    Job of(int index) {
        assert Thread.holdsLock(common.lock);
        return jobs.get(index);
    }

    /** Begins with a cluster that was taken for it; {@link #add} follows. */
    Job begin(int index, int place) {
        return begin(index, place, false);
    }

    /** Begins with a cluster for nobody; {@link #carry} follows. */
    Job claim(int index, int place) {
        return begin(index, place, true);
    }

    private Job begin(int index, int place, boolean claimed) {
        assert Thread.holdsLock(common.lock);
        Job job = new Job(index, place, common.below, claimed);
        common.below.enter();
        jobs.put(index, job);
        return job;
    }

    /** Takes a change of the cluster, to go on when it is there. */
    void add(Job job, Bio bio, boolean whole) {
        boolean late;
        boolean first;
        synchronized (common.lock) {
            late = job.ended;
            first = !late && !job.claimed && job.waiting.isEmpty() && job.whole == null;
            if (first) {
                queued.add(job);
            }
            if (first && whole) {
                job.whole = bio;
            } else if (!late) {
                job.waiting.add(bio);
            }
        }
        if (late) {
            noSpace.start(bio);
        } else if (first) {
            errand.ask();
        }
    }

    private void round() {
        List<Job> mine;
        synchronized (common.lock) {
            if (common.unsettled) {
                return;
            }
            mine = queued;
            queued = new ArrayList<>();
        }
        for (Job job : mine) {
            job.outcome = common.failed() ? Errno.EIO : fill(job, buffer);
            synchronized (common.lock) {
                if (job.outcome == Errno.OK) {
                    common.copied();
                }
                name(job);
            }
            settle(job);
        }
        if (!mine.isEmpty()) {
            writeback.hurry();
        }
        common.still.run();
    }

    /**
     * Brings them up together, and durably: who does much of it goes no faster than the storage.
     * The first failure, if there is one. Blocks.
     */
    Errno carry(List<Job> mine, Memory through) {
        boolean some = false;
        for (Job job : mine) {
            job.outcome = common.failed() ? Errno.EIO : fill(job, through);
            some |= job.outcome == Errno.OK;
        }
        Errno synced = some ? common.sync() : Errno.OK;
        synchronized (common.lock) {
            for (Job job : mine) {
                job.outcome = job.outcome == Errno.OK ? synced : job.outcome;
                name(job);
            }
        }
        if (synced == Errno.OK && some) {
            writeback.hurry();
        }
        mine.forEach(this::settle);
        common.still.run();
        return mine.stream().map(job -> job.outcome).filter(outcome -> outcome != Errno.OK)
                .findFirst().orElse(Errno.OK);
    }

    private Errno fill(Job job, Memory through) {
        long to = common.header.offset(job.place);
        try {
            if (job.whole != null) {
                return common.backing.write(to, job.whole.data(), job.whole.dataAt(),
                        (int) job.whole.length());
            }
            long start = job.index * common.header.clusterBytes();
            long left = Math.min(common.header.clusterBytes(), job.below.end(job.index) - start);
            for (long at = 0; at < left; at += through.size()) {
                int length = (int) Math.min(through.size(), left - at);
                Errno outcome = job.below.read(job.index, at, through, 0, length);
                // What is taken is durably zero: zeros are there already.
                if (outcome == Errno.OK && !Mapping.zero(through, 0, length)) {
                    outcome = common.backing.write(to + at, through, 0, length);
                }
                if (outcome != Errno.OK) {
                    return outcome;
                }
            }
            return Errno.OK;
        } catch (RuntimeException | Error e) {
            common.host.log().error(common.options.path() + ": copying cluster " + job.index
                    + " failed: " + e, e);
            return Errno.EIO;
        }
    }

    /** From now on it is where it was copied to, or can be begun with again. */
    private void name(Job job) {
        assert Thread.holdsLock(common.lock);
        jobs.remove(job.index);
        job.below.leave();
        job.ended = true;
        if (job.outcome == Errno.OK) {
            common.name(job.index, job.place);
            writeback.changed(job.index, true);
            done++;
        } else {
            common.clusters.free(job.place, false);
        }
    }

    /** Nobody adds to it any more. */
    private void settle(Job job) {
        if (job.outcome == Errno.OK) {
            if (job.whole != null) {
                written.accept(job.whole);
            }
            job.waiting.forEach(noSpace::start);
            return;
        }
        if (job.whole != null) {
            job.waiting.add(job.whole);
        }
        if (Common.full(job.outcome) && common.tuning.waits()) {
            job.waiting.forEach(noSpace::park);
            noSpace.full();
        } else {
            job.waiting.forEach(bio -> bio.fail(job.outcome));
        }
    }

    /** Has a look whether it can go on. */
    void ask() {
        errand.ask();
    }

    /** Whether no cluster is on its way. */
    boolean idle() {
        assert Thread.holdsLock(common.lock);
        return jobs.isEmpty();
    }

    boolean stop(Runnable then) {
        return errand.stop(then);
    }

    /** Clusters that are on their way. */
    int count() {
        synchronized (common.lock) {
            return jobs.size();
        }
    }

    /** Clusters that came up so far. */
    long done() {
        synchronized (common.lock) {
            return done;
        }
    }

    boolean end(long limitMillis) throws InterruptedException {
        return errand.end(limitMillis);
    }

    /** Gives memory back; nobody is in it any more. */
    void close() {
        if (buffer != null) {
            common.host.arena().unmap(buffer);
        }
    }
}
