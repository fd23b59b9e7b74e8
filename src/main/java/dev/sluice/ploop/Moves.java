package dev.sluice.ploop;

import dev.sluice.block.Bio;
import dev.sluice.block.BlockException;
import dev.sluice.block.Errno;
import dev.sluice.block.Memory;
import dev.sluice.ploop.LongWork.Step;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;

/**
 * Moves clusters of the disk to other clusters of the file, in batches, while they are in use. All
 * of a batch are copied and made durable by one sync; only then do words name the copies, and only
 * when those words are durable are the old clusters free, as what is discarded is. What is changed
 * while it is copied is copied again, a few at a time, and who changes it then waits. What turns
 * out to be zeros gets no cluster at all.
 *
 * <p>A sync writes all that others have changed as well, and they wait for it: a batch is as large
 * as makes it a few times a second. What is held is no more than can be copied in milliseconds.
 *
 * <table>
 * <caption>States of a cluster of the disk</caption>
 * <tr><th>state</th><th>goes on by</th></tr>
 * <tr><td>still</td><td>{@link #add}: watched</td></tr>
 * <tr><td>watched</td><td>copied and synced: moved; changed before: held, or watched once more;
 *     {@link #forget}: still</td></tr>
 * <tr><td>held</td><td>copied and synced: moved; who waited goes on; {@link #forget}: still</td>
 *     </tr>
 * <tr><td>any</td><td>{@link #end}: still, where it was</td></tr>
 * </table>
 */
final class Moves {
    /** No batch is larger. */
    static final int MOST = 256;
    /** Bytes that a step copies, those of a batch, and those that are held at a time. */
    private static final int PIECE = 256 << 10;
    private static final int BATCH = 16 << 20;
    private static final int HELD = 4 << 20;

    private final Common common;
    private final Writeback writeback;
    private final Limbo limbo;
    private final NoSpace noSpace;
    private final Map<Integer, Move> moves = new HashMap<>(); // guarded by common.lock
    private List<Move> batch = new ArrayList<>(); // the job's
    /** Those that were changed while they were copied, and are not held yet. */
    private List<Move> later = new ArrayList<>(); // the job's
    private int targets; // guarded by common.lock
    private long moved; // guarded by common.lock
    private long turn; // the job's, as are those that follow
    private boolean started;
    private boolean settled;
    private boolean holding;
    private int at;
    private long inside;
    private Memory buffer;

    /** One of a batch. */
    static final class Move {
        private final int index;
        private final int from;
        /** 0 where it is only looked whether there are zeros. */
        private final int to;
        /** Whether the target may hold something. */
        private boolean stale; // the job's
        private final List<Bio> waiting = new ArrayList<>(); // guarded by common.lock
        private boolean touched; // guarded by common.lock
        private boolean held; // guarded by common.lock
        private boolean gone; // guarded by common.lock
        private boolean ended; // guarded by common.lock
        private boolean zeros; // the job's

        private Move(int index, int from, int to, boolean stale) {
            this.index = index;
            this.from = from;
            this.to = to;
            this.stale = stale;
        }
    }

    Moves(Common common, Writeback writeback, Limbo limbo, NoSpace noSpace) {
        this.common = common;
        this.writeback = writeback;
        this.limbo = limbo;
        this.noSpace = noSpace;
    }

    /** Whether there is room in the batch. */
    boolean room() {
        return !started && batch.size() < MOST
                && (batch.isEmpty() || (batch.size() + 1) * common.header.clusterBytes() <= BATCH);
    }

    /** Whether the batch has anything in it. */
    boolean some() {
        return !batch.isEmpty();
    }

    /**
     * Puts a cluster of the disk into the batch, which is not being carried out.
     *
     * @param to a cluster that was claimed for it; 0 to look only whether it holds zeros
     * @param stale whether that may hold old data
     */
    void add(int index, int to, boolean stale) {
        assert Thread.holdsLock(common.lock);
        Move move = new Move(index, common.bat.get(index), to, stale);
        if (moves.put(index, move) != null) {
            throw new AssertionError("cluster " + index + " is moved twice");
        }
        targets += to == 0 ? 0 : 1;
        batch.add(move);
    }

    /** Clusters that are being filled and that no word names. */
    int targets() {
        assert Thread.holdsLock(common.lock);
        return targets;
    }

    /** Clusters that were moved so far. */
    long moved() {
        synchronized (common.lock) {
            return moved;
        }
    }

    /**
     * Somebody changes clusters of the disk; the first of them that is held, before which it may go
     * on, or the end.
     */
    int change(int from, int until) {
        assert Thread.holdsLock(common.lock);
        for (int i = from; i < until && !moves.isEmpty(); i++) {
            Move move = moves.get(i);
            if (move != null && move.held) {
                return i;
            }
            if (move != null) {
                move.touched = true;
            }
        }
        return until;
    }

    /** Who is at a cluster, or null. */
    Move of(int index) {
        assert Thread.holdsLock(common.lock);
        return moves.get(index);
    }

    /** Takes a change of a cluster that is held, to go on when it has moved. */
    void add(Move move, Bio bio) {
        synchronized (common.lock) {
            if (!move.ended) {
                move.waiting.add(bio);
                return;
            }
        }
        noSpace.start(bio);
    }

    /** Nothing names the old cluster any more: it was discarded. */
    void forget(int index) {
        assert Thread.holdsLock(common.lock);
        Move move = moves.remove(index);
        if (move != null) {
            move.gone = true;
        }
    }

    /** Carries the batch on. In a worker; at {@link Step#DONE} it is empty. */
    Step step() throws BlockException {
        if (!started) {
            started = true;
            ask();
        }
        if (!settled) {
            synchronized (common.lock) {
                settled = common.epochs.passed(turn);
            }
            if (!settled) {
                return Step.WAIT;
            }
        }
        if (buffer == null) {
            buffer = common.host.arena().map(PIECE);
        }
        for (int left = PIECE; at < batch.size() && (left > 0 || holding);) {
            left -= copy(batch.get(at));
        }
        if (at < batch.size()) {
            return Step.MORE;
        }
        check(common.sync(), "a sync failed");
        return name() ? step() : Step.DONE;
    }

    /** Waits until whoever may change a cluster without being seen has ended. */
    private void ask() {
        synchronized (common.lock) {
            turn = common.epochs.ask();
        }
        settled = false;
        at = 0;
        inside = 0;
    }

    /** The next piece; how long it was. */
    private int copy(Move move) throws BlockException {
        Header header = common.header;
        long end = Math.min(header.clusterBytes(),
                header.diskBytes() - move.index * header.clusterBytes());
        int length = (int) Math.min(PIECE, end - inside);
        boolean skip;
        synchronized (common.lock) {
            skip = move.gone || move.touched;
        }
        if (skip) {
            inside = end;
        } else {
            if (inside == 0) {
                clear(move);
            }
            copy(move, length);
            inside += length;
        }
        if (inside == end || !move.zeros && move.to == 0) {
            inside = 0;
            at++;
        }
        return skip ? 1 : length;
    }

    private void clear(Move move) throws BlockException {
        move.zeros = true;
        if (move.to != 0 && move.stale) {
            check(common.backing.punch(common.header.offset(move.to),
                    common.header.clusterBytes()), "a cluster could not be zeroed");
            move.stale = false;
        }
    }

    private void copy(Move move, int length) throws BlockException {
        check(common.backing.read(common.header.offset(move.from) + inside, buffer, 0, length),
                "cluster " + move.index + " of the disk could not be read");
        // The target is zero by now: zeros are there already.
        if (!Mapping.zero(buffer, 0, length)) {
            move.zeros = false;
            if (move.to != 0) {
                move.stale = true;
                check(common.backing.write(common.header.offset(move.to) + inside, buffer, 0,
                        length), "a cluster could not be written");
            }
        }
    }

    private void check(Errno outcome, String what) throws BlockException {
        if (outcome != Errno.OK) {
            throw new BlockException(outcome, what + ": " + outcome.text()
                    + "; no data is lost, and it can be asked for again");
        }
    }

    /** Copies that nobody changed are what words name from now on; whether there are others. */
    private boolean name() {
        List<Move> again = new ArrayList<>();
        List<Move> over = new ArrayList<>();
        synchronized (common.lock) {
            for (Move move : batch) {
                if (!move.touched || move.gone) {
                    over.add(move);
                    name(move);
                } else if (again.isEmpty()
                        || (again.size() + 1) * common.header.clusterBytes() <= HELD) {
                    move.touched = false;
                    move.held = true;
                    again.add(move);
                } else {
                    later.add(move);
                }
            }
            if (again.isEmpty()) {
                later.forEach(move -> move.touched = false);
            }
        }
        settle(over);
        holding = !again.isEmpty();
        batch = again;
        if (!holding) {
            batch = later;
            later = new ArrayList<>();
        }
        if (batch.isEmpty()) {
            reset();
            return false;
        }
        ask();
        return true;
    }

    private void name(Move move) {
        boolean drops = move.zeros && !common.below.has(move.index);
        if (!move.gone && (drops || move.to != 0)) {
            common.bat.set(move.index, drops ? Bat.NONE : move.to);
            common.mapped -= drops ? 1 : 0;
            limbo.addMoved(move.from);
            writeback.changed(move.index, true);
            moved++;
        }
        if (move.to != 0 && (move.gone || drops)) {
            common.clusters.free(move.to, !move.gone);
        }
        out(move);
    }

    private void out(Move move) {
        assert Thread.holdsLock(common.lock);
        targets -= move.to == 0 ? 0 : 1;
        move.ended = true;
        moves.remove(move.index, move);
    }

    /** Who waited goes on, and what is not named any more is on its way. */
    private void settle(List<Move> over) {
        over.forEach(move -> move.waiting.forEach(noSpace::start));
        if (!over.isEmpty()) {
            limbo.ask();
        }
    }

    private void reset() {
        batch = new ArrayList<>();
        started = false;
        holding = false;
    }

    /** What is in the batch stays where it was; gives memory back. No step is under way. */
    void end() {
        batch.addAll(later);
        later = new ArrayList<>();
        synchronized (common.lock) {
            for (Move move : batch) {
                if (move.to != 0) {
                    common.clusters.free(move.to, false);
                }
                out(move);
            }
        }
        settle(batch);
        reset();
        if (buffer != null) {
            common.host.arena().unmap(buffer);
            buffer = null;
        }
    }
}
