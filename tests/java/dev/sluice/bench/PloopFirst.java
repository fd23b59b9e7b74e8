package dev.sluice.bench;

import dev.sluice.bench.Results.Sample;
import dev.sluice.bench.ServerLoad.Spent;
import dev.sluice.bench.Side.Data;
import dev.sluice.bench.Side.Gc;
import dev.sluice.bench.Side.Serving;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.Locale;
import java.util.concurrent.Callable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Option;

/**
 * What a first write costs, where the image has to grow for it: 1 MiB each, in order, with one
 * fsync at the end, into a new image and into a raw file that fallocate made. Nothing is written
 * twice, but for the row that shows what the file system itself takes for a first write.
 */
@Command(name = "ploop-first", description = "Measures first writes into an image.")
final class PloopFirst implements Callable<Integer> {
    static final Cell CELL = new Cell("1m-firstwrite-qd4", "write", 1 << 20, "libaio", 4, 1,
            false);
    private static final double WANTED = 0.85;
    private static final int ENOUGH = 1024;
    private static final int TIMES = 5;
    private static final String OVERWRITE = "-again";

    @Option(names = "--scratch", paramLabel = "DIR", required = true, hidden = true)
    private Path scratch;
    @Option(names = "--sides", paramLabel = "NAME", split = ",",
            description = "only these of ploop, file, bare, qploop, and each with -direct")
    private List<String> names = List.of();
    @Option(names = "--size", paramLabel = "MIB",
            description = "MiB of each measured run, as many are written before; default 1024")
    private int mib = ENOUGH;
    @Option(names = "--reps", paramLabel = "N", description = "repetitions, 5 if not given")
    private int reps = TIMES;
    @Option(names = {"-h", "--help"}, usageHelp = true, description = "this text")
    private boolean help;

    @Override
    public Integer call() throws IOException, InterruptedException {
        String load = Machine.load();
        String text = report(new Shell(scratch.toRealPath()), names, mib, reps);
        System.out.print(text + "\nLoad average before and after: " + load + ", "
                + Machine.load() + ".\n");
        return 0;
    }

    static String report(Shell shell) throws IOException, InterruptedException {
        return report(shell, List.of(), ENOUGH, TIMES);
    }

    static List<Goal> goals() {
        List<Goal> goals = new ArrayList<>();
        for (String kind : List.of("", "-direct")) {
            goals.add(new Goal("ploop" + kind, "bare" + kind, "1m first writes",
                    Goal.Kind.RATIO, WANTED, cell -> true));
        }
        return goals;
    }

    private static String report(Shell shell, List<String> names, int mib, int reps)
            throws IOException, InterruptedException {
        Results results = new Results();
        Sides sides = new Sides(shell, 2L * mib << 20, "");
        List<Group> groups = Group.only(List.of(PloopPlan.group(sides, false),
                PloopPlan.group(sides, true)), names);
        for (int rep = 0; rep < reps; rep++) {
            for (Group group : groups) {
                List<Side> order = new ArrayList<>(group.sides());
                if (rep % 2 == 1) {
                    Collections.reverse(order);
                }
                for (Side side : order) {
                    measure(shell, mib, side, results);
                }
            }
        }
        StringBuilder out = new StringBuilder("\n### 1 MiB first writes, " + mib + " MiB after "
                + mib + " MiB of warming, " + reps + " times\n\n");
        out.append(Report.table(rows(groups, results)));
        long collections = groups.stream().flatMap(group -> group.sides().stream())
                .mapToLong(side -> Math.max(0, results.collections(side.name()))).sum();
        out.append("\nGarbage collections of ours during the measured runs: ")
                .append(collections).append(".\n");
        return out + new Report(results, List.of(CELL)).goals(goals(), List.of(CELL));
    }

    /** Each side, and what a bare file's was when written again, beside the bare file. */
    static List<String[]> rows(List<Group> groups, Results results) {
        List<String[]> rows = new ArrayList<>();
        rows.add(new String[] {"side", "MiB/s", "of the bare file", "CPU µs"});
        for (Group group : groups) {
            for (Side side : group.sides()) {
                rows.add(row(side.name(), side, results));
                if (results.has(side.name() + OVERWRITE, CELL)) {
                    rows.add(row(side.name() + OVERWRITE, side, results));
                }
            }
        }
        return rows;
    }

    private static String[] row(String name, Side side, Results results) {
        String bare = side.name().endsWith("-direct") ? "bare-direct" : "bare";
        Results.Spread rate = results.spread(name, CELL, Sample::rate);
        double cpu = results.spread(name, CELL, Sample::cpuMicros).median();
        return new String[] {side.what() + (name.endsWith(OVERWRITE) ? ", written again" : ""),
            String.format(Locale.ROOT, "%.0f [%.0f–%.0f]", rate.median(), rate.least(),
                    rate.most()),
            !results.has(bare, CELL) ? "-" : String.format(Locale.ROOT, "%.2f",
                    results.ratio(name, bare, CELL)),
            Double.isNaN(cpu) ? "-" : String.format(Locale.ROOT, "%.0f", cpu)};
    }

    private static void measure(Shell shell, int mib, Side side, Results results)
            throws IOException, InterruptedException {
        Path data = shell.scratch().resolve("first.data");
        long half = (long) mib << 20;
        Fio warming = new Fio(shell, half);
        Fio measured = new Fio(shell, half, List.of("--offset=" + half));
        if (side.data() == Data.COMMON) {
            shell.run(60, "fallocate", "--length=" + 2 * half, data.toString());
        }
        try {
            // Neither the file before this one, nor its end, is to be paid for by this one.
            shell.run(120, "sync");
            try (Serving serving = side.starter().start(data)) {
                warming.first(serving.file(), side.fioDirect());
                run(measured, side, serving, results);
                if (serving.gc() == Gc.NONE && serving.pids().isEmpty()) {
                    Side again = new Side(side.name() + OVERWRITE, "", side.data(), side.cached(),
                            side.fioDirect(), side.starter());
                    run(measured, again, serving, results);
                }
            }
        } finally {
            Files.deleteIfExists(data);
        }
    }

    private static void run(Fio fio, Side side, Serving serving, Results results)
            throws IOException, InterruptedException {
        long collections = serving.gc().count();
        ServerLoad before = ServerLoad.of(serving.pids());
        Fio.Result result = fio.first(serving.file(), side.fioDirect());
        Spent spent = ServerLoad.of(serving.pids()).since(before);
        boolean served = !serving.pids().isEmpty();
        double requests = result.requests();
        results.add(side, CELL, new Sample(result.rate(CELL),
                served ? spent.cpuNanos() / 1e3 / requests : Double.NaN,
                served ? spent.switches() / requests : Double.NaN,
                collections < 0 ? -1 : serving.gc().count() - collections));
        System.err.printf(Locale.ROOT, "%-20s %9.1f MiB/s%n", side.name(), result.rate(CELL));
    }
}
