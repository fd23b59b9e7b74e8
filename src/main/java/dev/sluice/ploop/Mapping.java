package dev.sluice.ploop;

import dev.sluice.block.Bio;
import dev.sluice.block.Memory;
import dev.sluice.block.Op;
import dev.sluice.file.FileIo;

/**
 * From the disk to the file, and back to nothing: finds where a piece of a request is, takes
 * clusters for what is written to a hole, and lets go of what is discarded. Each step under the
 * lock.
 */
final class Mapping {
    /** So many clusters are looked at before others have the lock again. */
    static final int AT_ONCE = 1024;

    private final Common common;
    private final Writeback writeback;
    private final Limbo limbo;
    private final Growth growth;
    private final FlightPool flights;
    private final FileIo io;
    private final Copies copies;
    private final Moves moves;
    private final long cluster;
    private final long base;

    Mapping(Common common, Writeback writeback, Limbo limbo, Growth growth, FlightPool flights,
            FileIo io, Copies copies, Moves moves) {
        this.common = common;
        this.writeback = writeback;
        this.limbo = limbo;
        this.growth = growth;
        this.flights = flights;
        this.io = io;
        this.copies = copies;
        this.moves = moves;
        this.cluster = common.header.clusterBytes();
        this.base = common.header.offset(0);
    }

    /** What the next piece of a request finds. */
    enum Found { FLIGHT, HOLE, BAD, NONE_READY, LATER, COPY, HELD, MOVED }

    /** The next piece; {@code until} is where it ends. */
    static final class Piece {
        Found found;
        Flight flight;
        /** Who brings the cluster up, and whether it is replaced as a whole. */
        Copies.Job job;
        boolean whole;
        /** Who holds the cluster. */
        Moves.Move move;
        long until;
    }

    /**
     * The way of a request all of which is in clusters that follow each other in the file; null
     * where it is not. Allocates nothing.
     */
    Flight whole(Bio bio) {
        long offset = bio.offset();
        int index = (int) (offset / cluster);
        long inside = offset - index * cluster;
        int last = inside + bio.length() <= cluster ? index
                : (int) ((bio.until() - 1) / cluster);
        synchronized (common.lock) {
            if (common.sealed) {
                return null;
            }
            int place = common.bat.get(index);
            if (place == Bat.NONE && bio.op() == Op.READ && common.below.has(index)) {
                return bio.until() <= common.below.end(index) && runBelow(index, last) > last
                        ? flightBelow(bio, index, inside) : null;
            }
            return place > 0 && run(index, last, place) > last
                    && (bio.op() == Op.READ || moves.change(index, last + 1) > last)
                    ? flight(bio, index, base + place * cluster + inside) : null;
        }
    }

    private Flight flight(Bio bio, int index, long offset) {
        Flight flight = flights.take(bio, io, offset);
        // Its cluster may have come up by itself, before the write that wanted it.
        flight.allocated = common.below.levels() > 0 && bio.op() != Op.READ
                && writeback.behind(Bat.page(index));
        return flight;
    }

    private Flight flightBelow(Bio bio, int index, long inside) {
        Below below = common.below;
        Flight flight = flights.take(bio, below.io(index), below.offset(index) + inside);
        flight.below = below;
        below.enter();
        return flight;
    }

    /** Behind the last cluster that follows in the same file below. */
    private int runBelow(int index, int last) {
        int i = index + 1;
        while (i <= last && common.bat.get(i) == Bat.NONE && common.below.follows(i, index)) {
            i++;
        }
        return i;
    }

    /** Behind the last cluster of the disk up to one that follows in the file. */
    private int run(int index, int last, int place) {
        int i = index + 1;
        while (i <= last && common.bat.get(i) == place + (i - index)) {
            i++;
        }
        return i;
    }

    /**
     * What is at a place of a request, and how far.
     *
     * @param solid up to where what is written has to have a cluster
     */
    void find(Bio bio, long at, long solid, Piece piece) {
        boolean grow = false;
        synchronized (common.lock) {
            if (common.sealed) {
                piece.found = Found.MOVED;
                return;
            }
            int index = (int) (at / cluster);
            int last = (int) Math.min((bio.until() - 1) / cluster, index + AT_ONCE - 1L);
            int place = common.bat.get(index);
            if (place == Bat.NONE && common.below.has(index)) {
                grow = bio.op() == Op.READ ? readBelow(bio, at, last, piece)
                        : change(bio, at, last, piece);
            } else {
                grow = own(bio, at, last, solid, piece);
            }
        }
        if (grow) {
            growth.ask();
        }
    }

    /** In a place that the image has, or that nothing has; whether clusters run short then. */
    private boolean own(Bio bio, long at, int most, long solid, Piece piece) {
        int index = (int) (at / cluster);
        int last = most;
        if (bio.op() != Op.READ) {
            last = moves.change(index, most + 1) - 1;
            if (last < index) {
                piece.found = Found.HELD;
                piece.move = moves.of(index);
                piece.until = Math.min(bio.until(), (index + 1) * cluster);
                return false;
            }
        }
        int place = common.bat.get(index);
        boolean allocates = place == Bat.NONE && at < solid;
        int end = index + 1;
        if (allocates) {
            place = allocate(index);
        }
        if (place == Bat.BAD) {
            piece.found = Found.BAD;
        } else if (place == Bat.NONE) {
            piece.found = allocates ? Found.NONE_READY : Found.HOLE;
            while (!allocates && end <= last && !common.has(end)) {
                end++;
            }
        } else {
            piece.found = Found.FLIGHT;
            piece.flight = flight(bio, index, base + place * cluster + (at - index * cluster));
            end = run(index, last, place);
            while (end <= last && end * cluster < solid && !common.has(end)
                    && common.clusters.peek() == place + (end - index)) {
                allocates = true;
                allocate(end);
                end = run(end, last, place + (end - index));
            }
            piece.flight.allocated |= allocates;
        }
        piece.until = Math.min(bio.until(), end * cluster);
        return allocates && growth.wanted();
    }

    private boolean readBelow(Bio bio, long at, int last, Piece piece) {
        int index = (int) (at / cluster);
        if (at < common.below.end(index)) {
            piece.found = Found.FLIGHT;
            piece.flight = flightBelow(bio, index, at - index * cluster);
            piece.until = Math.min(bio.until(),
                    Math.min(runBelow(index, last) * cluster, common.below.end(index)));
        } else {
            piece.found = Found.HOLE;
            piece.until = Math.min(bio.until(), (index + 1) * cluster);
        }
        return false;
    }

    /** A change of what only a level below has; whether clusters run short then. */
    private boolean change(Bio bio, long at, int last, Piece piece) {
        int index = (int) (at / cluster);
        long end = Math.min((index + 1) * cluster, common.header.diskBytes());
        piece.until = Math.min(bio.until(), end);
        piece.whole = at == index * cluster && piece.until == end;
        piece.job = copies.of(index);
        if (piece.job == null && piece.whole && bio.op() != Op.WRITE) {
            zeros(bio, index, last, piece);
            return growth.wanted();
        }
        if (piece.job == null && !common.holding) {
            int place = common.clusters.take();
            piece.job = place == 0 ? null : copies.begin(index, place);
        }
        piece.whole &= bio.op() == Op.WRITE;
        piece.found = piece.job != null ? Found.COPY : common.holding ? Found.LATER
                : Found.NONE_READY;
        return growth.wanted();
    }

    /** Puts clusters that are durably zero above those below, as far as all of them is zeroed. */
    private void zeros(Bio bio, int index, int last, Piece piece) {
        int place = allocate(index);
        if (place == 0) {
            piece.found = Found.NONE_READY;
            return;
        }
        int end = index + 1;
        while (end <= last && (end + 1) * cluster <= bio.until()
                && common.bat.get(end) == Bat.NONE && common.below.has(end)
                && copies.of(end) == null
                && common.clusters.peek() == place + (end - index)) {
            allocate(end);
            end++;
        }
        piece.found = Found.FLIGHT;
        piece.flight = flights.take(bio, io, base + place * cluster);
        piece.flight.allocated = true;
        piece.until = Math.min(bio.until(), end * cluster);
    }

    /** Takes the lowest cluster that is ready; 0 where there is none. */
    private int allocate(int index) {
        assert Thread.holdsLock(common.lock);
        int place = common.clusters.take();
        if (place != 0) {
            common.name(index, place);
            writeback.changed(index, false);
        }
        return place;
    }

    /** How far data is not zero, cluster by cluster. */
    long solid(Bio bio, long from) {
        long at = from;
        while (at < bio.until()) {
            long until = Math.min(bio.until(), (at / cluster + 1) * cluster);
            if (zero(bio.data(), bio.dataAt() + (int) (at - bio.offset()), (int) (until - at))) {
                return at;
            }
            at = until;
        }
        return at;
    }

    /** Whether bytes are all zero. */
    static boolean zero(Memory data, int from, int length) {
        int at = from;
        int until = from + length;
        for (; at + 8 <= until; at += 8) {
            if (data.bytes().getLong(at) != 0) {
                return false;
            }
        }
        for (; at < until; at++) {
            if (data.bytes().get(at) != 0) {
                return false;
            }
        }
        return true;
    }

    /**
     * Nothing names the clusters any more: they read as zeros from now on. But for those that a
     * level below has: without a word they would show that.
     *
     * @return where it goes on in an image that stands on this one
     */
    int discard(int from, int until) {
        boolean some = false;
        int stop = until;
        for (int at = from; at < until; at += AT_ONCE) {
            synchronized (common.lock) {
                if (common.sealed) {
                    stop = at;
                    break;
                }
                int end = Math.min(until, at + AT_ONCE);
                for (int i = at; i < end; i++) {
                    int place = common.bat.get(i);
                    if (place != Bat.NONE && !common.below.has(i)) {
                        common.forget(i);
                        limbo.add(place);
                        moves.forget(i);
                        writeback.changed(i, true);
                        some = true;
                    }
                }
            }
        }
        if (some) {
            limbo.ask();
        }
        return stop;
    }
}
