package dev.sluice.ploop;

import dev.sluice.block.Bio;
import dev.sluice.block.Memory;

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
    private final long cluster;
    private final long base;

    Mapping(Common common, Writeback writeback, Limbo limbo, Growth growth, FlightPool flights) {
        this.common = common;
        this.writeback = writeback;
        this.limbo = limbo;
        this.growth = growth;
        this.flights = flights;
        this.cluster = common.header.clusterBytes();
        this.base = common.header.offset(0);
    }

    /** What the next piece of a request finds. */
    enum Found { FLIGHT, HOLE, BAD, NONE_READY }

    /** The next piece; {@code until} is where it ends. */
    static final class Piece {
        Found found;
        Flight flight;
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
            int place = common.bat.get(index);
            return place > 0 && run(index, last, place) > last
                    ? flights.take(bio, base + place * cluster + inside) : null;
        }
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
            int index = (int) (at / cluster);
            int last = (int) Math.min((bio.until() - 1) / cluster, index + AT_ONCE - 1L);
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
                while (!allocates && end <= last && common.bat.get(end) == Bat.NONE) {
                    end++;
                }
            } else {
                piece.found = Found.FLIGHT;
                piece.flight = flights.take(bio, base + place * cluster + (at - index * cluster));
                end = run(index, last, place);
                while (end <= last && end * cluster < solid && common.bat.get(end) == Bat.NONE
                        && common.clusters.peek() == place + (end - index)) {
                    allocates = true;
                    allocate(end);
                    end = run(end, last, place + (end - index));
                }
                piece.flight.allocated = allocates;
            }
            piece.until = Math.min(bio.until(), end * cluster);
            grow = allocates && growth.wanted();
        }
        if (grow) {
            growth.ask();
        }
    }

    /** Takes the lowest cluster that is ready; 0 where there is none. */
    private int allocate(int index) {
        assert Thread.holdsLock(common.lock);
        int place = common.clusters.take();
        if (place != 0) {
            common.bat.set(index, place);
            common.mapped++;
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

    private static boolean zero(Memory data, int from, int length) {
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

    /** Nothing names the clusters any more: they read as zeros from now on. */
    void discard(int from, int until) {
        boolean some = false;
        for (int at = from; at < until; at += AT_ONCE) {
            synchronized (common.lock) {
                int end = Math.min(until, at + AT_ONCE);
                for (int i = at; i < end; i++) {
                    int place = common.bat.get(i);
                    if (place != Bat.NONE) {
                        common.bat.set(i, Bat.NONE);
                        common.mapped--;
                        limbo.add(place);
                        writeback.changed(i, true);
                        some = true;
                    }
                }
            }
        }
        if (some) {
            limbo.ask();
        }
    }
}
