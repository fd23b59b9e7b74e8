package dev.sluice.bench;

import com.fasterxml.jackson.databind.ObjectMapper;
import dev.sluice.bench.Results.Sample;
import dev.sluice.bench.ServerLoad.Spent;
import dev.sluice.bench.Side.Data;
import dev.sluice.bench.Side.Serving;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Collections;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.concurrent.Callable;
import java.util.regex.Pattern;
import picocli.CommandLine.Command;
import picocli.CommandLine.Option;

/**
 * Measures requests through the mounted file. Every repetition starts each side afresh; the sides
 * of a group take turns at each cell, so that what else the machine does meets them alike.
 */
@Command(sortOptions = false)
final class TransportBench implements Callable<Integer> {
    @Option(names = "--quick", description = "2 repetitions of 1 s after 1 s of warming")
    private boolean quick;
    @Option(names = "--cells", paramLabel = "REGEX", description = "only cells it is found in")
    private String cellsPattern = "";
    @Option(names = "--sides", paramLabel = "NAME", split = ",", description = "only these")
    private List<String> names = List.of();
    @Option(names = "--reps", paramLabel = "N", description = "repetitions, 5 if not given")
    private Integer reps;
    @Option(names = "--seconds", paramLabel = "S",
            description = "whole seconds of each measured run, 2 if not given")
    private Integer seconds;
    @Option(names = "--warm", paramLabel = "S",
            description = "whole seconds of warming before each, 2 if not given")
    private Integer warm;
    @Option(names = "--turns", paramLabel = "N", description = "measured runs after each warming,"
            + " by turns with the other sides, of which the mean counts as one; 1 if not given")
    private int turns = 1;
    @Option(names = "--size", paramLabel = "MIB", description = "MiB of each file, default 256")
    private int mib = 256;
    @Option(names = "--mount-options", paramLabel = "LIST",
            description = "passed with -o to each mount of ours")
    private String mountOptions = "";
    @Option(names = "--json", paramLabel = "FILE", description = "all samples, for programs")
    private Path json;
    @Option(names = "--scratch", paramLabel = "DIR", required = true, hidden = true)
    private Path scratch;
    @Option(names = {"-h", "--help"}, usageHelp = true, description = "this text")
    private boolean help;

    private final Plan plan;
    private final Results results = new Results();
    private Shell shell;
    private Fio fio;
    private List<Cell> cells;

    TransportBench() {
        this(Plan.transport());
    }

    /** Another comparison of the same kind. */
    TransportBench(Plan plan) {
        this.plan = plan;
    }

    @Override
    public Integer call() throws IOException, InterruptedException {
        reps = reps != null ? reps : quick ? 2 : 5;
        seconds = seconds != null ? seconds : quick ? 1 : 2;
        warm = warm != null ? warm : quick ? 1 : 2;
        if (reps < 1 || seconds < 1 || warm < 1 || turns < 1 || mib < 4) {
            throw new IllegalArgumentException("--reps, --seconds, --warm and --turns start at 1, "
                    + "--size at 4");
        }
        shell = new Shell(scratch.toRealPath());
        fio = new Fio(shell, (long) mib << 20, plan.data());
        Pattern pattern = Pattern.compile(cellsPattern);
        cells = plan.cells().stream().filter(c -> pattern.matcher(c.name()).find()).toList();
        if (cells.isEmpty()) {
            throw new IllegalArgumentException("--cells=" + cellsPattern + " is found in none of "
                    + plan.cells().stream().map(Cell::name).toList());
        }
        List<Group> groups = Group.only(plan.groups().apply(
                new Sides(shell, (long) mib << 20, mountOptions)), names);
        Map<String, String> facts = new Machine(shell).facts();
        head(facts, groups);
        long[] before = Machine.ticks();
        String load = Machine.load();
        for (Group group : groups) {
            for (int rep = 0; rep < reps; rep++) {
                repeat(group, rep);
            }
        }
        long[] after = Machine.ticks();
        double stolen = 100.0 * (after[0] - before[0]) / (after[1] - before[1]);
        facts.put("load average before and after", load + ", " + Machine.load());
        facts.put("processor time stolen by the host",
                String.format(Locale.ROOT, "%.1f %%", stolen));
        tail(facts, groups);
        return 0;
    }

    private void head(Map<String, String> facts, List<Group> groups) {
        long runs = groups.stream().mapToLong(group -> (long) group.sides().size()
                * group.of(cells).size()).sum() * reps;
        // A second for fio to start twice, and what a loop device takes.
        long estimate = runs * (turns * seconds + warm + 1) / 60;
        System.err.println("runs: " + runs + "; takes about " + (estimate + 1) + " min");
        System.out.println("## " + plan.title() + "\n");
        facts.forEach((name, value) -> System.out.println("- " + name + ": " + value));
        System.out.println("- runs: " + reps + " of " + seconds + " s, each after " + warm
                + " s of warming" + (turns > 1 ? ", means of " + turns : "")
                + ", files of " + mib + " MiB"
                + (mountOptions.isEmpty() ? "" : ", mounted with -o " + mountOptions));
    }

    private void tail(Map<String, String> facts, List<Group> groups)
            throws IOException, InterruptedException {
        System.out.println("- load average before and after: "
                + facts.get("load average before and after"));
        System.out.println("- processor time stolen by the host: "
                + facts.get("processor time stolen by the host"));
        groups.forEach(group -> System.out.print(
                new Report(results, group.of(cells)).group(group)));
        System.out.print(new Report(results, cells).goals(plan.goals(), plan.cells()));
        if (names.isEmpty() && cellsPattern.isEmpty()) {
            System.out.print(plan.more().report(shell));
        }
        if (json != null) {
            Map<String, Map<String, List<Sample>>> samples = new LinkedHashMap<>();
            results.samples().forEach((side, byCell) -> byCell.forEach((cell, list) -> samples
                    .computeIfAbsent(side, s -> new LinkedHashMap<>()).put(cell.name(), list)));
            new ObjectMapper().writerWithDefaultPrettyPrinter().writeValue(json.toFile(),
                    Map.of("facts", facts, "samples", samples));
        }
    }

    private void repeat(Group group, int rep) throws IOException, InterruptedException {
        List<Side> order = new ArrayList<>(group.sides());
        if (rep % 2 == 1) {
            Collections.reverse(order);
        }
        try (Started started = new Started()) {
            for (Side side : order) {
                started.serving.put(side, start(side));
            }
            for (Cell cell : group.of(cells)) {
                Map<Side, List<Sample>> samples = new LinkedHashMap<>();
                for (int turn = 0; turn < turns; turn++) {
                    for (Map.Entry<Side, Serving> entry : started.serving.entrySet()) {
                        Sample sample = measure(entry.getKey(), entry.getValue(), cell, turn == 0);
                        samples.computeIfAbsent(entry.getKey(), side -> new ArrayList<>())
                                .add(sample);
                        System.err.printf(Locale.ROOT, "%d/%d %-12s %-20s %9.1f %s%n", rep + 1,
                                reps, entry.getKey().name(), cell.name(), sample.rate(),
                                cell.unit());
                    }
                }
                samples.forEach((side, all) -> results.add(side, cell, Sample.mean(all)));
            }
        }
    }

    /** The sides that run now, in the order they were started in. */
    private static final class Started implements AutoCloseable {
        private final Map<Side, Serving> serving = new LinkedHashMap<>();

        /** Stops all of them; the first failure is thrown when all were tried. */
        @Override
        public void close() throws IOException, InterruptedException {
            IOException failure = null;
            for (Serving one : serving.values()) {
                try {
                    one.close();
                } catch (IOException e) {
                    if (failure == null) {
                        failure = e;
                    } else {
                        failure.addSuppressed(e);
                    }
                }
            }
            if (failure != null) {
                throw failure;
            }
        }
    }

    private Serving start(Side side) throws IOException, InterruptedException {
        Path data = shell.scratch().resolve(side.dataFile());
        boolean missing = !Files.exists(data);
        if (missing && (side.data() == Data.FILE || side.data() == Data.COMMON)) {
            shell.run(20, "truncate", "--size=" + mib + "M", data.toString());
            fio.fill(data, !side.cached());
        }
        Serving serving = side.starter().start(data);
        if (side.data() == Data.MEMORY || side.data() == Data.IMAGE && missing) {
            try {
                fio.fill(serving.file(), true);
            } catch (IOException | InterruptedException e) {
                serving.close();
                throw e;
            }
        }
        return serving;
    }

    private Sample measure(Side side, Serving serving, Cell cell, boolean cold)
            throws IOException, InterruptedException {
        if (!cell.loop()) {
            return measure(serving, cell, serving.file(), side.fioDirect(), cold);
        }
        try (Loop loop = Loop.attach(shell, serving.file(), side.fioDirect())) {
            return measure(serving, cell, loop.device(), true, cold);
        }
    }

    private Sample measure(Serving serving, Cell cell, Path file, boolean direct, boolean cold)
            throws IOException, InterruptedException {
        if (cold) {
            fio.run(cell, file, direct, warm);
        }
        long collections = serving.gc().count();
        ServerLoad before = ServerLoad.of(serving.pids());
        Fio.Result result = fio.run(cell, file, direct, seconds);
        Spent spent = ServerLoad.of(serving.pids()).since(before);
        boolean served = !serving.pids().isEmpty();
        double requests = result.requests();
        return new Sample(result.rate(cell), served ? spent.cpuNanos() / 1e3 / requests
                : Double.NaN, served ? spent.switches() / requests : Double.NaN,
                collections < 0 ? -1 : serving.gc().count() - collections);
    }
}
