package dev.sluice.bench;

import dev.sluice.bench.Side.Data;
import java.io.IOException;
import java.util.ArrayList;
import java.util.List;
import java.util.function.Function;

/** What a comparison of sides measures, and what is to come out. */
record Plan(String title, Function<Sides, List<Group>> groups, List<Cell> cells,
        List<Goal> goals, List<String> data, More more) {

    /** What else a plan measures, when nothing was left out. */
    interface More {
        More NOTHING = shell -> "";

        /** A part of the report. */
        String report(Shell shell) throws IOException, InterruptedException;
    }

    static Plan transport() {
        return new Plan("Transport", Sides::transport, Cell.transport(), Goal.transport(),
                List.of(), More.NOTHING);
    }

    /** The sweep of the kernel's caller completion (io_uring, 4k random overwrite, one CPU). */
    static Plan completion() {
        List<Cell> cells = new ArrayList<>();
        List<Goal> goals = new ArrayList<>();
        for (int depth : new int[] {1, 2, 4, 8, 16}) {
            String name = "4k-write-qd" + depth;
            cells.add(new Cell(name, "randwrite", Cell.SMALL, "libaio", depth, 1, false));
            goals.add(new Goal("caller", "worker", "4k overwrite at QD" + depth, Goal.Kind.RATIO,
                    depth == 16 ? 1.37 : 1.0, cell -> cell.name().equals(name)));
        }
        return new Plan("Completion", Plan::completions, cells, goals, List.of(), More.NOTHING);
    }

    /** Compressed memory beside the kernel's, and beside that of a server in user space. */
    static Plan zram() {
        List<Cell> cells = new ArrayList<>();
        List<Goal> goals = new ArrayList<>();
        int mib = 1 << 20;
        cells.add(zram(goals, "1m-seqwrite-qd4", "write", mib, 4, 1.3, 1.5));
        cells.add(zram(goals, "128k-seqread-qd8", "read", mib / 8, 8, 0.8, 1.5));
        for (String way : List.of("read", "write")) {
            cells.add(zram(goals, "4k-" + way + "-qd32", "rand" + way, Cell.SMALL, 32, 0.5,
                    4));
            cells.add(zram(goals, "4k-" + way + "-qd1", "rand" + way, Cell.SMALL, 1, 0, 3));
        }
        Cell one = new Cell("1m-seqwrite-qd1", "write", mib, "libaio", 1, 1, false);
        cells.add(one);
        goals.add(new Goal("zstd", "zstd-plain", "1m writes at QD1", Goal.Kind.RATIO, 1.6,
                cell -> cell.equals(one)));
        return new Plan("zram", Plan::zrams, cells, goals,
                List.of("--buffer_compress_percentage=50", "--buffer_compress_chunk=4096",
                        "--refill_buffers"), ZramMemory::report);
    }

    private static Cell zram(List<Goal> goals, String name, String rw,
            int blockSize, int depth, double kernel, double nbdkit) {
        if (kernel > 0) {
            goals.add(new Goal("lz4", "kernel", name, Goal.Kind.RATIO, kernel,
                    cell -> cell.name().equals(name)));
        }
        goals.add(new Goal("lz4", "nbdkit-zstd", name, Goal.Kind.RATIO, nbdkit,
                cell -> cell.name().equals(name)));
        return new Cell(name, rw, blockSize, "libaio", depth, 1, false);
    }

    private static List<Group> zrams(Sides sides) {
        Side ours = new Side("lz4", "sluice zram", Data.MEMORY, false, true,
                sides.sluice("lz4", "", data -> sides.mib() + " zram"));
        Side kernel = new Side("kernel", "the kernel's zram with lz4", Data.MEMORY, false, true,
                data -> sides.kernelZram("lz4"));
        Side nbdkit = new Side("nbdkit-zstd", "nbdkit memory allocator=zstd through nbdfuse",
                Data.MEMORY, false, true, data -> sides.nbdkit("allocator=zstd"));
        Side zstd = new Side("zstd", "sluice zram codec=zstd", Data.MEMORY, false, true,
                sides.sluice("zstd", "", data -> sides.mib() + " zram codec=zstd"));
        Side plain = new Side("zstd-plain", "the same with async=off", Data.MEMORY, false, true,
                sides.sluice("zstd-plain", "",
                        data -> sides.mib() + " zram codec=zstd async=off"));
        return List.of(new Group(List.of(ours, kernel, nbdkit)), new Group(List.of(zstd, plain)));
    }

    private static List<Group> completions(Sides sides) {
        return List.of(new Group(List.of(
                completion(sides, "caller"), completion(sides, "worker"))),
                new Group(List.of(completion(sides, "auto"))));
    }

    private static Side completion(Sides sides, String mode) {
        return new Side(mode, "sluice file, completion=" + mode, Data.FILE, true, true,
                sides.sluice(mode, "completion=" + mode, data -> "- file " + data));
    }
}
