package dev.sluice.ploop;

import dev.sluice.block.Units;
import java.util.Map;
import java.util.Set;

/** What is told of an open image. */
final class Status {
    /** So many words are looked at to tell what a range takes up. */
    private static final int MOST_WORDS = 1 << 20;

    private final Common common;
    private final Writeback writeback;
    private final Limbo limbo;
    private final NoSpace noSpace;
    private final Growth growth;
    private final Copies copies;
    private final Moves moves;

    Status(Common common, Writeback writeback, Limbo limbo, NoSpace noSpace, Growth growth,
            Copies copies, Moves moves) {
        this.common = common;
        this.writeback = writeback;
        this.limbo = limbo;
        this.noSpace = noSpace;
        this.growth = growth;
        this.copies = copies;
        this.moves = moves;
    }

    void put(Map<String, Object> all) {
        String failure = common.failure();
        boolean readOnly = common.backing.readOnly();
        boolean full = noSpace.isFull();
        all.put("state", failure != null ? "failed" : full ? "no_space"
                : readOnly ? "read_only" : "running");
        all.put("failure", failure == null ? "" : failure);
        all.put("event", full ? "ENOSPC" : "");
        all.put("enospc_events", noSpace.events());
        all.put("parked", noSpace.parkedCount());
        all.put("retries", noSpace.retries());
        all.put("version", common.header.version());
        all.put("cluster", common.header.clusterBytes());
        all.put("block", common.backing.blockSize());
        all.put("file_bytes", common.backing.size());
        synchronized (common.lock) {
            all.put("clusters", common.disk);
            all.put("allocated", common.mapped);
            all.put("only_below", common.onlyBelow);
            all.put("ready", common.clusters.readyCount());
            all.put("stale", common.clusters.staleCount());
            all.put("under_way", common.epochs.underWay());
        }
        all.put("levels", common.below.levels() + 1);
        all.put("copying", copies.count());
        all.put("copied", copies.done());
        all.put("moved", moves.moved());
        all.put("limbo", limbo.count());
        all.put("punched", limbo.punched());
        all.put("growths", growth.grown());
        all.put("prepared", growth.prepared());
        all.put("table_pages", common.bat.pages());
        all.put("dirty_pages", writeback.dirtyPages());
        all.put("page_writes", writeback.written());
        all.put("hottest_page", writeback.hottest());
        all.put("rounds", writeback.rounds());
        all.put("joined", writeback.joined());
        all.put("syncs", common.syncs());
        Tuning tuning = common.tuning;
        all.put("dirty_timeout", Units.duration(tuning.timeoutNanos()));
        all.put("dirty_max_age", Units.duration(tuning.ageNanos()));
    }

    /** Bytes of the disk that have a cluster. */
    long allocated() {
        synchronized (common.lock) {
            return Math.min(common.header.diskBytes(),
                    (common.mapped + common.onlyBelow) * common.header.clusterBytes());
        }
    }

    /** The same of a range; of a very large one, the most that it may be. */
    long allocated(long offset, long length) {
        long cluster = common.header.clusterBytes();
        int from = (int) (offset / cluster);
        int until = (int) Math.min(common.disk, (offset + length + cluster - 1) / cluster);
        if (until - from > MOST_WORDS) {
            return allocated();
        }
        long bytes = 0;
        for (int at = from; at < until; at += Mapping.AT_ONCE) {
            synchronized (common.lock) {
                if (common.sealed) {
                    return -1;
                }
                for (int i = at; i < Math.min(until, at + Mapping.AT_ONCE); i++) {
                    bytes += !common.has(i) ? 0 : Math.min((i + 1) * cluster, offset + length)
                            - Math.max(i * cluster, offset);
                }
            }
        }
        return bytes;
    }

    /** See {@link dev.sluice.block.Target#seek}; less than 0 where another image stands on it. */
    long seek(long offset, boolean data) {
        long cluster = common.header.clusterBytes();
        int index = (int) (offset / cluster);
        while (index < common.disk) {
            synchronized (common.lock) {
                if (common.sealed) {
                    return -1;
                }
                int end = Math.min(common.disk, index + Mapping.AT_ONCE);
                while (index < end && common.has(index) != data) {
                    index++;
                }
                if (index < end) {
                    return Math.max(offset, index * cluster);
                }
            }
        }
        return common.header.diskBytes();
    }

    /** Whether a cluster has data above some files below; while that changes it may. */
    boolean has(int index, Set<Lower> base) {
        synchronized (common.lock) {
            Below below = common.below;
            return common.sealed || common.own(index) || below.has(index)
                    && !base.contains(below.lowers().get(below.level(index)));
        }
    }

    /** Whether what the class comment of {@link Top} says holds. */
    boolean check() {
        assert Thread.holdsLock(common.lock);
        int named = 0;
        int only = 0;
        try (Guard seen = new Guard(new Bits(common.host.arena(), common.clusters.capacity()))) {
            for (int i = 0; i < common.disk; i++) {
                int place = common.bat.get(i);
                only += place == Bat.NONE && common.below.has(i) ? 1 : 0;
                if (place != Bat.NONE) {
                    require(place != Bat.BAD, "a word names no cluster", i);
                    require(common.clusters.used(place), "a word names a free cluster", i);
                    require(!limbo.holds(place), "a word names a discarded cluster", i);
                    seen.bits.add(place);
                    named++;
                }
            }
        }
        require(named == common.mapped, "words are miscounted", named);
        require(only == common.onlyBelow, "clusters below are miscounted", only);
        int held = 0;
        for (int i = common.clusters.first(); i < common.clusters.end(); i++) {
            if (limbo.holds(i)) {
                require(common.clusters.used(i), "a discarded cluster is free", i);
                held++;
            }
        }
        require(common.clusters.usedCount() == named + held + copies.count()
                + moves.targets(),
                "used clusters are miscounted", common.clusters.usedCount());
        return true;
    }

    private record Guard(Bits bits) implements AutoCloseable {
        @Override
        public void close() {
            bits.close();
        }
    }

    private static void require(boolean holds, String what, int which) {
        if (!holds) {
            throw new AssertionError(which + ": " + what);
        }
    }
}
