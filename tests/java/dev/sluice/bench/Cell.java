package dev.sluice.bench;

import java.util.ArrayList;
import java.util.List;

/**
 * One shape of requests to measure.
 *
 * @param rw fio's word: read, write, randread, randwrite
 * @param blockSize in bytes
 * @param engine fio's engine
 * @param depth requests in flight of each job
 * @param jobs processes doing the same
 * @param loop whether a loop device lies between fio and the file
 */
record Cell(String name, String rw, int blockSize, String engine, int depth, int jobs,
        boolean loop) {

    static final int SMALL = 4096;
    private static final int MIB = 1 << 20;

    boolean small() {
        return blockSize == SMALL;
    }

    boolean writes() {
        return rw.endsWith("write");
    }

    /** Small requests are counted, large ones weighed. */
    String unit() {
        return small() ? "kIOPS" : "MiB/s";
    }

    static List<Cell> transport() {
        List<Cell> cells = new ArrayList<>();
        for (String way : List.of("read", "write")) {
            cells.add(random(way, "psync", "psync", 1, 1, false));
            for (int depth : new int[] {1, 4, 16, 32}) {
                cells.add(random(way, "qd" + depth, "libaio", depth, 1, false));
            }
        }
        cells.add(random("write", "psync-x4", "psync", 1, 4, false));
        cells.add(random("read", "qd32-loop", "libaio", 32, 1, true));
        cells.add(random("write", "qd32-loop", "libaio", 32, 1, true));
        cells.add(new Cell("128k-seqread-qd8", "read", MIB / 8, "libaio", 8, 1, false));
        cells.add(new Cell("128k-seqwrite-qd8", "write", MIB / 8, "libaio", 8, 1, false));
        cells.add(new Cell("1m-seqwrite-qd4", "write", MIB, "libaio", 4, 1, false));
        return cells;
    }

    private static Cell random(String way, String suffix, String engine, int depth, int jobs,
            boolean loop) {
        return new Cell("4k-" + way + "-" + suffix, "rand" + way, SMALL, engine, depth, jobs,
                loop);
    }
}
