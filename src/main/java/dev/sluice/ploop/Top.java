package dev.sluice.ploop;

import dev.sluice.block.Bio;
import dev.sluice.block.BlockException;
import dev.sluice.block.Errno;
import dev.sluice.block.Limits;
import dev.sluice.block.Memory;
import dev.sluice.block.Op;
import dev.sluice.file.FileIo;
import dev.sluice.ploop.Mapping.Found;
import dev.sluice.ploop.Mapping.Piece;
import java.util.List;
import java.util.function.Consumer;

/**
 * The image that is written, with all that works on it. A request is mapped under the lock and goes
 * to the file from the thread that brought it; a write to a place without a cluster takes one that
 * is ready, and its word is seen by all at once. The table is written later, unless somebody waits
 * for it.
 *
 * <p>Once another image stands on it, all that comes here goes on there, and this one comes to
 * rest: what is under way ends, all of it is made durable, and then it only is read, from above.
 *
 * <p>What holds under the lock ({@link #check}):
 * <ul>
 * <li>a word names a used cluster, and no other word does;
 * <li>a used cluster is named by a word, or in limbo;
 * <li>a cluster in limbo is named by no word, and is not ready.
 * </ul>
 */
final class Top {
    private static final long CLOSE_MILLIS = 60_000;

    final Common common;
    final FileIo io;
    final Writeback writeback;
    final Limbo limbo;
    final NoSpace noSpace;
    final Growth growth;
    final Copies copies;
    final Moves moves;
    private volatile Limits limits;
    private final Status status;
    private final Memory zeros;
    private final long cluster;
    private final Mapping mapping;
    private final FlightPool flights;
    /** Takes what comes here no longer. */
    private final Consumer<Bio> next;
    private final Rest rest;
    /** The one below, until it is at rest. */
    private Top before; // guarded by common.lock

    /**
     * @param zeros what reads of nothing are answered with
     * @param next takes what comes here once another image stands on this one
     */
    Top(Common common, FileIo io, Memory zeros, Consumer<Bio> next) {
        this.common = common;
        this.rest = new Rest(this);
        this.io = io;
        this.zeros = zeros;
        this.next = next;
        int block = Math.max(common.backing.blockSize(), common.below.block());
        limits = new Limits(common.header.diskBytes(), block, false, true, true, true,
                common.backing.readOnly());
        cluster = common.header.clusterBytes();
        writeback = new Writeback(common);
        limbo = new Limbo(common, writeback);
        noSpace = new NoSpace(common, next, writeback::add);
        growth = new Growth(common, limbo, noSpace);
        flights = new FlightPool(common.epochs, this::landed);
        copies = new Copies(common, writeback, noSpace, bio -> written(bio, true));
        moves = new Moves(common, writeback, limbo, noSpace);
        mapping = new Mapping(common, writeback, limbo, growth, flights, io, copies, moves);
        status = new Status(common, writeback, limbo, noSpace, growth, copies, moves);
        writeback.noSpace(noSpace);
        limbo.freed(this::freed);
        growth.whenCut(common.still);
        common.whenFailed(this::gaveUp);
    }

    Limits limits() {
        return limits;
    }

    Status status() {
        return status;
    }

    /** As of {@link Ploop}. */
    void submit(Bio bio) {
        if (bio.op() != Op.READ && common.failed()) {
            bio.fail(Errno.EIO);
            return;
        }
        switch (bio.op()) {
            case READ, WRITE -> transfer(bio);
            case DISCARD, WRITE_ZEROES -> zero(bio);
            default -> flush(bio);
        }
    }

    /** What the one below still owes is part of it. */
    private void flush(Bio bio) {
        boolean gone;
        synchronized (common.lock) {
            gone = common.sealed;
        }
        if (limits.readOnly()) {
            bio.complete();
        } else if (gone) {
            next.accept(bio);
        } else {
            await(bio, Wait.of(bio, 0, common.bat.pages(), true));
        }
    }

    /**
     * Has it wait for pages, and for a sync only after all that the one below owes: what is zero
     * here may be so by a discard that is not durable down there yet.
     */
    private void await(Bio bio, Wait mine) {
        Top below = mine.sync() ? before() : null;
        if (below == null) {
            writeback.add(mine);
            return;
        }
        below.writeback.add(new Wait(bio, 0, below.common.bat.pages(), true, outcome -> {
            if (outcome == Errno.OK) {
                writeback.add(mine);
            } else {
                bio.fail(outcome);
            }
        }));
    }

    private void transfer(Bio bio) {
        Flight flight = mapping.whole(bio);
        if (flight != null) {
            go(flight);
        } else {
            pieces(bio);
        }
    }

    private void go(Flight flight) {
        Bio bio = flight.bio;
        Bio down = flight.io;
        down.set(bio.op(), flight.offset, bio.length(), false, bio.data(), bio.dataAt(),
                bio.caller());
        try {
            flight.to.submit(down);
        } catch (RuntimeException | Error e) {
            common.host.log().error("no worker for a request: " + e, e);
            down.fail(Errno.EIO);
        }
        if (down.release()) {
            landed(flight);
        }
    }

    /** It has come to its end in the file. */
    private void landed(Flight flight) {
        Bio bio = flight.bio;
        Errno outcome = flight.io.outcome();
        boolean allocated = flight.allocated;
        boolean turned;
        boolean last;
        synchronized (common.lock) {
            Below below = flight.below;
            turned = flights.give(flight);
            last = common.sealed && common.epochs.underWay() == 0
                    || below != null && below != common.below && !below.used();
        }
        if (turned) {
            limbo.ask();
        }
        if (turned || last) {
            common.still.run();
        }
        if (outcome == Errno.OK) {
            written(bio, allocated);
        } else if (Common.full(outcome) && bio.op() != Op.READ && common.tuning.waits()) {
            noSpace.park(bio);
            noSpace.full();
        } else {
            bio.fail(outcome);
        }
    }

    /** Its data is where it belongs: ends it, or has it wait for what it asked for. */
    private void written(Bio bio, boolean allocated) {
        boolean sync = bio.fua() && bio.op() != Op.READ;
        if (sync || allocated && common.tuning.timeoutNanos() == 0) {
            await(bio, Wait.of(bio, Bat.page((int) (bio.offset() / cluster)),
                    Bat.page((int) ((bio.until() - 1) / cluster)) + 1, sync));
        } else {
            bio.complete();
        }
    }

    /** A request whose clusters are anywhere, or not there yet. */
    private void pieces(Bio bio) {
        long at = bio.offset();
        // Up to here it is known that data is not zero, and has to have a cluster.
        long solid = at;
        Piece piece = new Piece();
        while (at < bio.until()) {
            mapping.find(bio, at, solid, piece);
            if (piece.found == Found.HOLE && bio.op() == Op.WRITE) {
                solid = mapping.solid(bio, at);
                if (solid > at) {
                    continue;
                }
                piece.until = Math.min(bio.until(), (at / cluster + 1) * cluster);
                solid = piece.until;
            }
            if (piece.found == Found.NONE_READY || piece.found == Found.MOVED) {
                piece.until = bio.until();
            }
            boolean whole = at == bio.offset() && piece.until == bio.until();
            take(piece, whole ? bio : bio.part(at - bio.offset(), piece.until - at, at));
            if (whole) {
                return;
            }
            at = piece.until;
        }
        bio.complete();
    }

    private void take(Piece piece, Bio part) {
        switch (piece.found) {
            case FLIGHT -> {
                piece.flight.bio = part;
                go(piece.flight);
            }
            case HOLE -> {
                if (part.op() == Op.READ) {
                    part.answer(zeros, 0);
                }
                written(part, false);
            }
            case NONE_READY -> {
                if (noSpace.park(part)) {
                    growth.ask();
                }
            }
            case LATER -> hold(part);
            case HELD -> moves.add(piece.move, part);
            case COPY -> copies.add(piece.job, part, piece.whole);
            case MOVED -> next.accept(part);
            default -> part.fail(Errno.EIO);
        }
    }

    /** Keeps it until another image stands on this one, or none is to. */
    private void hold(Bio part) {
        boolean late;
        synchronized (common.lock) {
            late = !common.holding;
            if (!late) {
                noSpace.park(part);
            }
        }
        if (late) {
            next.accept(part);
        }
    }

    /** A large range takes a worker's time. */
    private void zero(Bio bio) {
        if (bio.length() / cluster > Mapping.AT_ONCE && !common.queue.inWorker()) {
            common.queue.run(bio.caller(), () -> zeroHere(bio));
        } else {
            zeroHere(bio);
        }
    }

    private void zeroHere(Bio bio) {
        int from = (int) ((bio.offset() + cluster - 1) / cluster);
        // To the end of the disk as the request knows it: the disk may have grown.
        int until = bio.until() == limits.size() ? (int) ((bio.until() + cluster - 1) / cluster)
                : (int) (bio.until() / cluster);
        boolean chain = common.below.levels() > 0;
        if (bio.op() == Op.WRITE_ZEROES || from >= until || chain) {
            if (chain && bio.op() == Op.DISCARD) {
                mapping.discard(from, until);
            }
            // What has data below keeps its cluster, or takes one: zeros there hide it.
            pieces(bio);
            return;
        }
        long start = from * cluster;
        long end = Math.min(bio.until(), until * cluster);
        if (bio.offset() < start) {
            pieces(bio.part(0, start - bio.offset(), bio.offset()));
        }
        if (end < bio.until()) {
            pieces(bio.part(end - bio.offset(), bio.until() - end, end));
        }
        long done = Math.min(end, mapping.discard(from, until) * cluster);
        if (done < end) {
            next.accept(bio.part(done - bio.offset(), end - done, done));
        }
        if (bio.fua() && done > start) {
            written(bio.part(start - bio.offset(), done - start, start), false);
        }
        bio.complete();
    }

    /** Clusters came back. */
    private void freed() {
        common.still.run();
        growth.unblock();
        if (noSpace.some()) {
            noSpace.restart();
        }
    }

    /** Nothing can be changed any more: nobody waits for that. */
    private void gaveUp() {
        noSpace.restart();
        common.still.run();
    }

    /** Work that makes the disk larger. */
    Grow grow(LongWork work, long bytes, Runnable then) throws BlockException {
        return new Grow(common, limbo, moves, growth, writeback, work, now -> {
            limits = limits.withSize(now);
            then.run();
        }, bytes);
    }

    /** Work that moves clusters to the front of the file. */
    Compaction compaction() {
        return new Compaction(common, limbo, moves, growth);
    }

    /** As of {@link Ploop}; less than 0 where another stands on it. */
    long allocated(long offset, long length) {
        return length >= limits.size() ? status.allocated() : status.allocated(offset, length);
    }

    /** As of {@link Ploop}; less than 0 where another stands on it. */
    long seek(long offset, boolean data) {
        return status.seek(offset, data);
    }

    /** The tuning has changed. */
    void tuned(Tuning next) {
        boolean gaveUp = common.tuning.waits() && !next.waits();
        common.tuning = next;
        growth.unblock();
        writeback.tuned();
        if (gaveUp) {
            retry();
        }
    }

    void retry() {
        growth.unblock();
        writeback.again();
        noSpace.retry();
    }

    /** Whether the invariants hold; looks at every word. */
    boolean check() {
        synchronized (common.lock) {
            return writeback.check() && status.check();
        }
    }

    /** Whether nothing is under way, nor waits. */
    boolean idle() {
        assert Thread.holdsLock(common.lock);
        return before == null && common.epochs.underWay() == 0 && copies.idle()
                && noSpace.parkedCount() == 0 && writeback.idle();
    }

    /** From now on all that comes goes to the one that stands on it. Under the lock. */
    void seal(Top above) {
        assert Thread.holdsLock(common.lock) && copies.idle();
        common.sealed = true;
        common.holding = false;
        common.heir = null;
        above.before = this;
        above.common.unsettled = common.epochs.underWay() > 0;
        above.common.onlyBelow = above.common.below.count();
    }

    /** Requests have ended that were under way below. */
    void settled() {
        synchronized (common.lock) {
            boolean some = before != null && before.common.epochs.underWay() > 0;
            if (!common.unsettled || some) {
                return;
            }
            common.unsettled = false;
        }
        copies.ask();
    }

    /** Whether the one below is to come to rest yet. */
    Top before() {
        synchronized (common.lock) {
            return before;
        }
    }

    /** It, and the one below where that is to come to rest yet: a flush may wait there. */
    List<Top> awake() {
        Top below = before();
        return below == null ? List.of(this) : List.of(this, below);
    }

    /** As of {@link Rest}. */
    boolean rest(Runnable again) {
        return rest.step(again);
    }

    /** The one below is at rest. */
    void rested() {
        synchronized (common.lock) {
            before = null;
        }
        // Who ended the last request down there may not have come to say so.
        settled();
    }

    /** Nothing is begun any more; false where something is being done: {@code then} is told. */
    boolean stop(Runnable then) {
        return copies.stop(then) && limbo.stop(then) && growth.stop(then)
                && writeback.stop(then);
    }

    /** Nothing is done any more. */
    void end() throws BlockException {
        noSpace.close();
        try {
            if (!copies.end(CLOSE_MILLIS) || !limbo.end(CLOSE_MILLIS) || !growth.end(CLOSE_MILLIS)
                    || !writeback.end(CLOSE_MILLIS)) {
                throw new BlockException(Errno.ETIMEDOUT, common.options.path() + " does not"
                        + " answer; it stays marked as in use");
            }
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            throw new BlockException(Errno.EINTR, common.options.path() + ": closing was"
                    + " interrupted; it stays marked as in use", e);
        }
    }

    /**
     * After {@link #end}. Where it cannot be closed well it stays marked as in use. Its files are
     * left open.
     */
    void close() throws BlockException {
        assert check();
        BlockException broken = limits.readOnly() ? null : finish();
        try {
            release();
        } catch (BlockException e) {
            broken = broken == null ? e : broken;
        }
        if (broken != null) {
            throw broken;
        }
    }

    /** Gives memory back, after all else. */
    void release() throws BlockException {
        try {
            common.image.close();
        } finally {
            limbo.close();
            writeback.close();
            copies.close();
            common.below.release();
        }
    }

    /** Null, or why the image stays marked as in use. */
    private BlockException finish() {
        Errno outcome = common.failed() ? Errno.EIO : writeback.writeAll();
        if (outcome == Errno.OK) {
            // A cluster goes only when the word is durable that names where its data moved.
            outcome = common.sync();
        }
        if (outcome == Errno.OK) {
            limbo.finish();
            return null;
        }
        common.image.abandon();
        String why = common.failed() ? common.failure() : "the table could not be written ("
                + outcome.text() + ")";
        return new BlockException(outcome, common.options.path() + " stays marked as in use: "
                + why + (common.failed() ? "" : "; see to its storage, then look at it with: sluice"
                + " image check " + common.options.path()));
    }
}
