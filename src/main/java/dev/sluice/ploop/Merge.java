package dev.sluice.ploop;

import dev.sluice.block.BlockException;
import dev.sluice.block.Errno;
import dev.sluice.block.Limits;
import dev.sluice.block.Memory;
import java.util.ArrayList;
import java.util.List;

/**
 * Takes the image below the top out of the chain: what only it shows comes up to the top, as by
 * writes of nothing, and then nobody needs it. Until the chain is written down without it, all that
 * has changed is that the top has more: so it may end at any moment, and go on from there another
 * time. What other levels show stays where it is.
 *
 * <table>
 * <caption>Phases</caption>
 * <tr><th>phase</th><th>what is done</th></tr>
 * <tr><td>pull</td><td>clusters come up, some at a time, until the level has none that
 *     shows</td></tr>
 * <tr><td>sync</td><td>the words that name them are made durable</td></tr>
 * <tr><td>commit</td><td>the chain is written down without the level, and the map of what lies
 *     below is made anew from those that are left</td></tr>
 * <tr><td>leave</td><td>who still reads from the level ends; its file is removed</td></tr>
 * </table>
 */
final class Merge implements LongWork.Job {
    private static final int MOST_CLUSTERS = 64;
    private static final long MOST_BYTES = 4 << 20;

    private enum Phase { PULL, SYNC, COMMIT, LEAVE, DONE }

    private final Top top;
    private final Common common;
    private final Snapshots snapshots;
    private final Runnable again;
    private final Below old;
    private final int level;
    private final Lower lower;
    private final int most;
    private volatile Phase phase = Phase.PULL;
    private Memory buffer; // the step's, as what follows
    private int at;
    private boolean found;
    private boolean claimed;
    private boolean grew;
    private boolean described;
    private Below next;
    private volatile Errno synced;
    private volatile long done;
    private volatile long total;

    /** {@code again} has {@link #step} called. */
    Merge(Top top, Snapshots snapshots, Runnable again) throws BlockException {
        this.top = top;
        this.common = top.common;
        this.snapshots = snapshots;
        this.again = again;
        this.old = common.below;
        this.level = old.levels() - 1;
        if (level < 0) {
            throw new BlockException(Errno.ENOENT, common.options.path() + " stands on nothing that"
                    + " could be merged with it; files in status must name two or more");
        }
        this.lower = old.lowers().get(level);
        this.most = (int) Math.max(1, Math.min(MOST_CLUSTERS,
                MOST_BYTES / common.header.clusterBytes()));
        DiskDescriptor now = snapshots.of(common);
        now.onlyChild(now.shot(now.top()).parent());
    }

    @Override
    public String name() {
        return "merge";
    }

    @Override
    public LongWork.Step step() throws BlockException {
        switch (phase) {
            case PULL -> {
                return pull();
            }
            case SYNC -> {
                return sync();
            }
            case COMMIT -> {
                commit();
                phase = Phase.LEAVE;
                return leave();
            }
            default -> {
                return leave();
            }
        }
    }

    private LongWork.Step pull() throws BlockException {
        if (buffer == null) {
            buffer = common.host.arena().map(Limits.MAX_DATA);
            count();
        }
        List<Copies.Job> jobs = new ArrayList<>();
        boolean ready = claim(jobs);
        if (!jobs.isEmpty()) {
            grew = false;
            claimed = true;
            Errno outcome = top.copies.carry(jobs, buffer);
            if (outcome != Errno.OK) {
                throw new BlockException(outcome, "a cluster cannot be brought up to "
                        + common.options.path() + " (" + outcome.text() + "); what came up so far"
                        + " stays there");
            }
            done += jobs.size();
            return LongWork.Step.MORE;
        }
        if (!ready) {
            return grow();
        }
        if (at < common.disk) {
            return LongWork.Step.MORE;
        }
        // What somebody else is bringing up may fail: it is waited for, and looked at again.
        boolean others = found && !claimed;
        phase = found ? Phase.PULL : Phase.SYNC;
        at = 0;
        found = false;
        claimed = false;
        return others ? LongWork.Step.WAIT : LongWork.Step.MORE;
    }

    private LongWork.Step grow() throws BlockException {
        if (grew && top.growth.blocked()) {
            throw new BlockException(Errno.ENOSPC, "there is no room for what comes up to "
                    + common.options.path() + "; what came up so far stays there");
        }
        grew = true;
        top.growth.unblock();
        top.growth.ask(again);
        return LongWork.Step.WAIT;
    }

    private boolean shows(int index) {
        return common.bat.get(index) == Bat.NONE && old.has(index) && old.level(index) == level;
    }

    private void count() {
        for (int from = 0; from < common.disk; from += Mapping.AT_ONCE) {
            synchronized (common.lock) {
                for (int i = from; i < Math.min(common.disk, from + Mapping.AT_ONCE); i++) {
                    total += shows(i) ? 1 : 0;
                }
            }
        }
    }

    /** Takes clusters for some of what shows, from where it was; false where none are ready. */
    private boolean claim(List<Copies.Job> jobs) {
        int looked = 0;
        while (at < common.disk && jobs.size() < most && looked++ < Mapping.AT_ONCE) {
            synchronized (common.lock) {
                int end = Math.min(common.disk, at + Mapping.AT_ONCE);
                for (; at < end && jobs.size() < most; at++) {
                    if (!shows(at)) {
                        continue;
                    }
                    boolean others = top.copies.of(at) != null;
                    int place = others ? 0 : common.clusters.take();
                    if (place != 0) {
                        jobs.add(top.copies.claim(at, place));
                    } else if (!others) {
                        return false;
                    }
                    found = true;
                }
            }
        }
        return true;
    }

    private LongWork.Step sync() throws BlockException {
        if (synced == null) {
            synced = Errno.EAGAIN;
            top.writeback.add(new Wait(null, 0, common.bat.pages(), true, outcome -> {
                synced = outcome;
                again.run();
            }));
        }
        if (synced == Errno.EAGAIN) {
            return LongWork.Step.WAIT;
        }
        if (synced != Errno.OK) {
            throw new BlockException(synced, "what came up could not be made durable: "
                    + synced.text() + "; failure in status says what to do");
        }
        phase = Phase.COMMIT;
        return LongWork.Step.MORE;
    }

    private void commit() throws BlockException {
        next = Below.of(old.lowers().subList(0, level), common.options.path(), common.header,
                common.host.arena(), common.host.log());
        try {
            next.start(old);
            DiskDescriptor now = snapshots.of(common);
            described = snapshots.state().written() != null;
            if (described) {
                snapshots.leftovers().leaving(lower.path());
            }
            snapshots.write(now.without(now.shot(now.top()).parent()));
        } catch (BlockException | RuntimeException | Error e) {
            next.release();
            throw e;
        }
        synchronized (common.lock) {
            common.below = next;
        }
    }

    private LongWork.Step leave() {
        synchronized (common.lock) {
            if (old.used()) {
                return LongWork.Step.WAIT;
            }
        }
        remove();
        return LongWork.Step.DONE;
    }

    private void remove() {
        phase = Phase.DONE;
        old.release();
        try {
            lower.backing().close();
            if (described) {
                snapshots.leftovers().remove(lower.path());
            } else {
                common.host.log().error(lower.path() + " is no part of the disk any more; it is"
                        + " left where it is, as others may stand on it", null);
            }
        } catch (BlockException e) {
            common.host.log().error("what was merged is left behind: " + e.getMessage(), e);
        }
    }

    @Override
    public long done() {
        return done;
    }

    @Override
    public long total() {
        return total;
    }

    @Override
    public String state() {
        return switch (phase) {
            case PULL -> "brings clusters up";
            case SYNC -> "makes durable what came up";
            default -> "waits until nobody reads from " + lower.path();
        };
    }

    @Override
    public boolean stops() {
        return phase == Phase.PULL || phase == Phase.SYNC;
    }

    @Override
    public void ended(boolean well) {
        if (phase == Phase.LEAVE) {
            boolean used;
            synchronized (common.lock) {
                used = old.used();
            }
            if (used) {
                common.host.log().error(lower.path() + " is no part of the disk any more, but is"
                        + " read from yet; it is left where it is, and stays open"
                        + (described ? " until the disk is opened again" : ""), null);
            } else {
                remove();
            }
        }
        if (buffer != null) {
            common.host.arena().unmap(buffer);
        }
    }
}
