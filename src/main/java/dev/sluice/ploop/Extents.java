package dev.sluice.ploop;

import dev.sluice.block.BlockException;

/** Which ranges of a disk are where in its files. */
public final class Extents {
    private final Stack stack;
    private final long cluster;
    private Visitor visitor;
    private long start;
    private long end;
    private long from;
    private int level;

    /** Of a chain that stays open meanwhile. */
    public Extents(Stack stack) {
        this.stack = stack;
        this.cluster = stack.top().header().clusterBytes();
    }

    /** Who is told. */
    @FunctionalInterface
    public interface Visitor {
        /**
         * A range of the disk in bytes.
         *
         * @param at where it is in the file, -1 for nowhere: zeros
         * @param level the file, 0 for the lowest
         */
        void extent(long start, long length, long at, int level);
    }

    /** Goes through the disk; what follows each other in both is one range. One at least. */
    public void each(Visitor to) throws BlockException {
        visitor = to;
        start = 0;
        end = 0;
        for (int i = 0; i < stack.clusters(); i++) {
            long begin = i * cluster;
            long until = Math.min(begin + cluster, stack.size());
            int has = stack.level(i);
            long data = has < 0 ? begin : Math.min(until, stack.end(i));
            if (data > begin) {
                add(data, stack.offset(i), has);
            }
            if (data < until) {
                add(until, -1, -1);
            }
        }
        visitor.extent(start, end - start, end == 0 ? -1 : from, level);
    }

    private void add(long until, long at, int has) {
        boolean follows = has == level && (has < 0 || at == from + (end - start));
        if (end > 0 && !follows) {
            visitor.extent(start, end - start, from, level);
            start = end;
        }
        if (start == end) {
            from = at;
            level = has;
        }
        end = until;
    }
}
