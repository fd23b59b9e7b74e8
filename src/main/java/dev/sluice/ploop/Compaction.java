package dev.sluice.ploop;

import dev.sluice.block.BlockException;
import dev.sluice.block.Memory;
import dev.sluice.block.Units;

/**
 * Makes the file as short as it can be, while the disk is in use: lets go of clusters that hold
 * nothing but zeros, moves the last clusters of the file into free ones before them, and cuts off
 * what is free at the end. New clusters may be taken meanwhile, so the end is looked at again a few
 * times.
 *
 * <table>
 * <caption>States</caption>
 * <tr><th>state</th><th>goes on by</th></tr>
 * <tr><td>discards</td><td>all discarded before are free: zeros</td></tr>
 * <tr><td>zeros</td><td>all clusters looked at: owners</td></tr>
 * <tr><td>owners</td><td>it is known which word names which cluster: moves</td></tr>
 * <tr><td>moves</td><td>nothing is left to move: left</td></tr>
 * <tr><td>left</td><td>all moved away from are free: cut</td></tr>
 * <tr><td>cut</td><td>the file is shorter: owners, if that was not all; else done</td></tr>
 * </table>
 */
final class Compaction implements LongWork.Job {
    private static final int MOST_PASSES = 4;

    private enum State { DISCARDS, ZEROS, OWNERS, MOVES, LEFT, CUT }

    private final Common common;
    private final Limbo limbo;
    private final Moves moves;
    private final Growth growth;
    private final long bytesBefore;
    private final long movedBefore;
    private State state = State.DISCARDS;
    private boolean entered;
    private long ticket;
    private int passes;
    private int at;
    /** One more than the word that named a cluster of the file when it was looked at; 0: none. */
    private Memory owners;
    private int end;
    private int high;
    private int low;
    private long movedInPass;
    private volatile long total;

    Compaction(Common common, Limbo limbo, Moves moves, Growth growth) {
        this.common = common;
        this.limbo = limbo;
        this.moves = moves;
        this.growth = growth;
        this.bytesBefore = common.backing.size();
        this.movedBefore = moves.moved();
        synchronized (common.lock) {
            ClusterMap map = common.clusters;
            total = Math.max(0, map.usedEnd() - map.first() - map.usedCount());
        }
    }

    @Override
    public String name() {
        return "compact";
    }

    @Override
    public long done() {
        return moves.moved() - movedBefore;
    }

    @Override
    public long total() {
        return Math.max(total, done());
    }

    @Override
    public String summary() {
        return ", the file had " + Units.size(bytesBefore) + " and has "
                + Units.size(common.backing.size());
    }

    @Override
    public LongWork.Step step() throws BlockException {
        if (moves.some()) {
            LongWork.Step step = moves.step();
            return step == LongWork.Step.DONE ? LongWork.Step.MORE : step;
        }
        return switch (state) {
            case DISCARDS -> emptied(State.ZEROS);
            case ZEROS -> zeros();
            case OWNERS -> owners();
            case MOVES -> moves();
            case LEFT -> emptied(State.CUT);
            case CUT -> cut();
        };
    }

    private LongWork.Step go(State next) {
        state = next;
        entered = false;
        at = 0;
        return LongWork.Step.MORE;
    }

    private LongWork.Step emptied(State next) {
        if (!entered) {
            entered = true;
            ticket = limbo.ticket();
        }
        if (limbo.freed(ticket)) {
            return go(next);
        }
        limbo.ask();
        return LongWork.Step.WAIT;
    }

    /** Those that the file has no data for. */
    private LongWork.Step zeros() {
        int until = Math.min(common.disk, at + Mapping.AT_ONCE);
        while (at < until && moves.room()) {
            int place;
            synchronized (common.lock) {
                place = common.bat.get(at);
            }
            long from = common.header.offset(place);
            if (place > 0 && !common.below.has(at)
                    && common.backing.seek(from, true) >= from + common.header.clusterBytes()) {
                synchronized (common.lock) {
                    if (common.bat.get(at) == place) {
                        moves.add(at, 0, false);
                    }
                }
            }
            at++;
        }
        return at < common.disk ? LongWork.Step.MORE : go(State.OWNERS);
    }

    private LongWork.Step owners() {
        synchronized (common.lock) {
            if (!entered) {
                entered = true;
                release();
                end = common.clusters.end();
                owners = common.host.arena().map(Math.max(1, 4 * end));
            }
            int until = Math.min(common.disk, at + Mapping.AT_ONCE);
            for (; at < until; at++) {
                int place = common.bat.get(at);
                if (place > 0 && place < end) {
                    owners.bytes().putInt(4 * place, at + 1);
                }
            }
        }
        if (at < common.disk) {
            return LongWork.Step.MORE;
        }
        high = end;
        low = 0;
        movedInPass = done();
        return go(State.MOVES);
    }

    /** The last ones, as long as there is a free one before them. */
    private LongWork.Step moves() {
        synchronized (common.lock) {
            ClusterMap map = common.clusters;
            for (int i = 0; i < Mapping.AT_ONCE && moves.room(); i++) {
                high = map.usedBefore(high);
                low = map.unused(low);
                if (high == 0 || low >= high) {
                    return moves.some() ? LongWork.Step.MORE : go(State.LEFT);
                }
                int index = owners.bytes().getInt(4 * high) - 1;
                if (index < 0 || common.bat.get(index) != high) {
                    // Taken or let go of meanwhile: the next pass sees to it.
                    continue;
                }
                if (growth.prepares(low)) {
                    low++;
                    high++;
                    continue;
                }
                boolean stale = !map.ready(low);
                map.claim(low);
                moves.add(index, low, stale);
            }
        }
        return LongWork.Step.MORE;
    }

    private LongWork.Step cut() {
        if (!entered) {
            entered = true;
            ticket = growth.cut();
        }
        if (!growth.cut(ticket)) {
            return LongWork.Step.WAIT;
        }
        boolean all;
        synchronized (common.lock) {
            ClusterMap map = common.clusters;
            all = map.usedEnd() - map.first() == map.usedCount();
        }
        passes++;
        if (all || passes == MOST_PASSES || done() == movedInPass) {
            return LongWork.Step.DONE;
        }
        return go(State.OWNERS);
    }

    private void release() {
        if (owners != null) {
            common.host.arena().unmap(owners);
            owners = null;
        }
    }

    @Override
    public void ended(boolean well) {
        moves.end();
        release();
    }
}
