package dev.sluice.ploop;

import dev.sluice.block.BlockException;
import dev.sluice.block.Errno;
import dev.sluice.block.Units;
import java.util.function.LongConsumer;

/**
 * Makes the disk larger while it is in use. Where the table needs room, the clusters behind it move
 * away first; then that room is zeroed; then, as the last thing, one page says all that is new: a
 * crash leaves the disk as it was before or as it is afterwards.
 *
 * <table>
 * <caption>States</caption>
 * <tr><th>state</th><th>goes on by</th></tr>
 * <tr><td>away</td><td>no word names what the table needs: waits</td></tr>
 * <tr><td>waits</td><td>nothing else has it any more: room; something has: away</td></tr>
 * <tr><td>room</td><td>zeroed: page</td></tr>
 * <tr><td>page</td><td>the page at the end of the old table is clean, and all is durable: header
 *     </td></tr>
 * <tr><td>header</td><td>the new header is durable: done; it is not cancelled any more</td></tr>
 * </table>
 */
final class Grow implements LongWork.Job {
    private enum State { AWAY, WAITS, ROOM, PAGE, HEADER }

    private final Common common;
    private final Limbo limbo;
    private final Moves moves;
    private final Growth growth;
    private final Writeback writeback;
    private final LongWork work;
    private final LongConsumer grown;
    private final Header before;
    private final Header after;
    private volatile State state = State.AWAY;
    private boolean entered;
    private long ticket;
    private int at;
    private volatile boolean written;
    private boolean shortMoved;
    private volatile int moved;

    /** {@code grown} is told of the new size of the disk once it is durable. */
    Grow(Common common, Limbo limbo, Moves moves, Growth growth, Writeback writeback,
            LongWork work, LongConsumer grown, long bytes) throws BlockException {
        this.common = common;
        this.limbo = limbo;
        this.moves = moves;
        this.growth = growth;
        this.writeback = writeback;
        this.work = work;
        this.grown = grown;
        this.before = common.header;
        this.after = checked(before, bytes, common.options.path());
    }

    private static Header checked(Header before, long bytes, String path) throws BlockException {
        long now = before.diskBytes();
        if (bytes < now) {
            throw new BlockException(Errno.EINVAL, "size=" + Units.size(bytes) + " is less than the"
                    + " " + Units.size(now) + " of the disk, which cannot shrink: what is behind"
                    + " its end would be lost; copy what is needed to a smaller disk");
        }
        if (bytes > now && bytes % before.clusterBytes() != 0) {
            throw new BlockException(Errno.EINVAL, "size=" + Units.size(bytes) + " must be a"
                    + " multiple of " + Units.size(before.clusterBytes()) + ", the cluster of "
                    + path);
        }
        return before.grown(bytes);
    }

    @Override
    public String name() {
        return "grow";
    }

    @Override
    public long done() {
        return moved;
    }

    @Override
    public long total() {
        return moved;
    }

    /** Whether it makes a disk of so many bytes. */
    boolean makes(long bytes) {
        return after.diskBytes() == bytes;
    }

    @Override
    public String state() {
        return switch (state) {
            case AWAY -> "moves clusters away from where the table grows";
            case WAITS -> "waits until nobody needs what was there";
            case ROOM -> "zeroes the room for the table";
            case PAGE, HEADER -> "writes the table";
        };
    }

    @Override
    public boolean stops() {
        return state != State.HEADER;
    }

    @Override
    public LongWork.Step step() throws BlockException {
        if (moves.some()) {
            LongWork.Step step = moves.step();
            return step == LongWork.Step.DONE ? LongWork.Step.MORE : step;
        }
        return switch (state) {
            case AWAY -> away();
            case WAITS -> waits();
            case ROOM -> room();
            case PAGE -> page();
            case HEADER -> header();
        };
    }

    private LongWork.Step go(State next) {
        state = next;
        entered = false;
        at = 0;
        return LongWork.Step.MORE;
    }

    /** Clusters that stand where the table will, and a last one that is cut short now. */
    private LongWork.Step away() throws BlockException {
        boolean more;
        boolean cut = before.diskBytes() % before.clusterBytes() != 0;
        synchronized (common.lock) {
            int first = after.firstCluster();
            if (!entered) {
                entered = true;
                common.clusters.floor(first, common.image.room(after, common.clusters.end()));
                limbo.grow();
            }
            int until = Math.min(common.disk, at + Mapping.AT_ONCE);
            boolean ready = true;
            while (at < until && moves.room() && ready) {
                int place = common.bat.get(at);
                boolean last = cut && at == common.disk - 1 && !shortMoved;
                if (place > 0 && (place < first || last)) {
                    int to = common.clusters.end() < first ? 0 : common.clusters.take();
                    ready = to != 0;
                    if (ready) {
                        moves.add(at, to, false);
                        moved++;
                        shortMoved |= last;
                    }
                }
                at += ready ? 1 : 0;
            }
            if (!ready && !moves.some()) {
                growth.need();
                return LongWork.Step.LATER;
            }
            more = at < common.disk;
        }
        return more || moves.some() ? LongWork.Step.MORE : go(State.WAITS);
    }

    /** What is discarded there, or on its way up from a level below. */
    private LongWork.Step waits() {
        if (!entered) {
            entered = true;
            ticket = limbo.ticket();
        }
        if (!limbo.freed(ticket)) {
            limbo.ask();
            return LongWork.Step.WAIT;
        }
        boolean there;
        boolean free;
        synchronized (common.lock) {
            there = common.clusters.end() >= after.firstCluster();
            free = there && common.clusters.usedBefore(after.firstCluster()) == 0
                    && !growth.preparesBefore(after.firstCluster());
        }
        if (!there) {
            growth.need();
        }
        if (!free) {
            go(State.AWAY);
            return LongWork.Step.LATER;
        }
        return go(State.ROOM);
    }

    private LongWork.Step room() throws BlockException {
        long from = Math.min(before.dataStart(), (before.metaBytes() + Bat.PAGE - 1) & -Bat.PAGE);
        if (from < after.dataStart()) {
            Errno outcome = common.backing.zero(from, after.dataStart() - from);
            if (outcome != Errno.OK) {
                throw new BlockException(outcome, "the room for the table could not be zeroed: "
                        + outcome.text() + "; no data is lost, and it can be asked for again");
            }
        }
        return go(State.PAGE);
    }

    private LongWork.Step page() {
        if (!entered) {
            entered = true;
            int page = Bat.page(before.entries());
            synchronized (common.lock) {
                common.bat.clearRest();
                page = Math.min(page, common.bat.pages() - 1);
                writeback.dirty(page);
            }
            write(page);
        }
        return written ? go(State.HEADER) : LongWork.Step.WAIT;
    }

    private LongWork.Step header() {
        if (!entered) {
            entered = true;
            synchronized (common.lock) {
                common.bat.grow(after);
                common.clusters.begin(after.firstCluster());
                writeback.grow();
                common.header = after;
                writeback.dirty(0);
            }
            write(0);
        }
        if (!written) {
            return LongWork.Step.WAIT;
        }
        synchronized (common.lock) {
            common.disk = after.needed();
        }
        grown.accept(after.diskBytes());
        return LongWork.Step.DONE;
    }

    /** Has a page written and made durable, with all that was written before. */
    private void write(int page) {
        written = false;
        writeback.add(new Wait(null, page, page + 1, true, outcome -> {
            written = outcome == Errno.OK;
            work.again();
        }));
    }

    @Override
    public void ended(boolean well) {
        moves.end();
        if (state != State.HEADER || !entered) {
            synchronized (common.lock) {
                common.clusters.floor(before.firstCluster(), common.clusters.capacity());
            }
        }
    }
}
