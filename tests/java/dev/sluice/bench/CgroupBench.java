package dev.sluice.bench;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.concurrent.Callable;
import java.util.concurrent.TimeUnit;
import picocli.CommandLine.Command;
import picocli.CommandLine.Option;

/**
 * What is left to one cgroup while another saturates a device on slow storage: a file on the delay
 * device of a second mount. Both devices are of one mount; the ways to serve them take turns, each
 * with fresh daemons.
 */
@Command(name = "cgroup", sortOptions = false,
        description = "Measures one cgroup's reads while another's requests wait for slow storage.")
final class CgroupBench implements Callable<Integer> {
    private static final Path BLKIO = Path.of("/sys/fs/cgroup/blkio");

    @Option(names = "--reps", paramLabel = "N", description = "repetitions, 5 if not given")
    private int reps = 5;
    @Option(names = "--seconds", paramLabel = "S", description = "seconds of each run, default 2")
    private int seconds = 2;
    @Option(names = "--delay", paramLabel = "TIME", description = "of the storage, default 20ms")
    private String delay = "20ms";
    @Option(names = "--scratch", paramLabel = "DIR", required = true, hidden = true)
    private Path scratch;
    @Option(names = {"-h", "--help"}, usageHelp = true, description = "this text")
    private boolean help;

    /** A way to serve requests, by its mount options. */
    private record Way(String name, String options) {}

    /** How the measured cgroup asks. */
    private record Load(String name, String engine, int depth) {}

    private static final List<Way> WAYS = List.of(new Way("worker a cgroup", ""),
            new Way("worker a cgroup, inline=off", "inline=off"),
            new Way("one shared worker, inline=off", "inline=off,workers=0"));
    private static final List<Load> LOADS = List.of(new Load("psync", "psync", 1),
            new Load("libaio QD16", "libaio", 16));

    private final Map<String, List<Double>> alone = new LinkedHashMap<>();
    private final Map<String, List<Double>> beside = new LinkedHashMap<>();
    private Shell shell;

    @Override
    public Integer call() throws IOException, InterruptedException {
        shell = new Shell(scratch.toRealPath());
        System.out.println("## Cgroups\n");
        new Machine(shell).facts().forEach((k, v) -> System.out.println("- " + k + ": " + v));
        System.out.println("- runs: " + reps + " of " + seconds + " s; storage of " + delay
                + ", saturated by 2 jobs of QD32, 4k random reads and writes");
        String load = Machine.load();
        for (int rep = 0; rep < reps; rep++) {
            for (int i = 0; i < WAYS.size(); i++) {
                measure(WAYS.get(rep % 2 == 0 ? i : WAYS.size() - 1 - i));
            }
        }
        System.out.println("- load average before and after: " + load + ", " + Machine.load());
        report();
        return 0;
    }

    private void measure(Way way) throws IOException, InterruptedException {
        Path other = shell.scratch().resolve("other.data");
        if (!Files.exists(other)) {
            shell.run(20, "truncate", "--size=64M", other.toString());
            shell.run(60, "dd", "if=/dev/zero", "of=" + other, "bs=1M", "count=64",
                    "status=none");
        }
        try (OurMount below = OurMount.of(shell, "below", "", "disk 64M ram\nslow - delay disk"
                + " read=" + delay + " write=" + delay + "\n");
                OurMount above = OurMount.of(shell, "above", way.options, "slow - file "
                        + below.file("slow") + "\nother - file " + other + "\n")) {
            measure(way, above.dir());
        }
    }

    private void measure(Way way, Path above) throws IOException, InterruptedException {
        Path a = cgroup("a");
        Path b = cgroup("b");
        try {
            for (Load load : LOADS) {
                run(b, above.resolve("other"), load);
                note(alone, way, load, run(b, above.resolve("other"), load));
                Process saturating = shell.spawn("saturating", fio(a, above.resolve("slow"),
                        "libaio", 32, seconds + 20, "--rw=randrw", "--numjobs=2"));
                try {
                    Thread.sleep(1000);
                    note(beside, way, load, run(b, above.resolve("other"), load));
                } finally {
                    // fio ends its jobs and gives its files back when it is asked to end.
                    shell.stop("saturating", saturating);
                }
            }
        } finally {
            remove(a);
            remove(b);
        }
    }

    private static Path cgroup(String name) throws IOException {
        Path root = Files.isDirectory(BLKIO) ? BLKIO : BLKIO.getParent();
        return Files.createDirectories(root.resolve(
                "sluice-bench-" + ProcessHandle.current().pid() + "-" + name));
    }

    /** Members that have ended take a moment to leave. */
    private static void remove(Path cgroup) throws IOException, InterruptedException {
        long deadline = System.nanoTime() + TimeUnit.SECONDS.toNanos(10);
        while (true) {
            try {
                Files.delete(cgroup);
                return;
            } catch (IOException e) {
                if (System.nanoTime() > deadline) {
                    throw e;
                }
                Thread.sleep(20);
            }
        }
    }

    private double run(Path cgroup, Path file, Load load)
            throws IOException, InterruptedException {
        String json = shell.run(seconds + 60, fio(cgroup, file, load.engine, load.depth,
                seconds, "--rw=randread", "--output-format=json"));
        return Fio.parse(json.substring(json.indexOf('{')), false).iops();
    }

    private static String[] fio(Path cgroup, Path file, String engine, int depth, int seconds,
            String... more) {
        List<String> command = new ArrayList<>(List.of("sh", "-c",
                "echo $$ > " + cgroup + "/cgroup.procs && exec \"$@\"", "sh", "fio",
                "--name=job", "--filename=" + file, "--size=64M", "--bs=4k", "--direct=1",
                "--ioengine=" + engine, "--iodepth=" + depth, "--time_based",
                "--runtime=" + seconds, "--norandommap", "--randrepeat=0", "--invalidate=0",
                "--allow_file_create=0", "--group_reporting"));
        command.addAll(Arrays.asList(more));
        return command.toArray(String[]::new);
    }

    private static void note(Map<String, List<Double>> where, Way way, Load load, double iops) {
        where.computeIfAbsent(way.name + load.name, k -> new ArrayList<>()).add(iops);
        System.err.printf(Locale.ROOT, "%-30s %-12s %9.0f IOPS%n", way.name, load.name, iops);
    }

    private static double median(List<Double> values) {
        return Results.median(values.stream().mapToDouble(d -> d).sorted().toArray());
    }

    private static String spread(List<Double> values) {
        return String.format(Locale.ROOT, "%.0f [%.0f–%.0f]", median(values),
                values.stream().mapToDouble(d -> d).min().orElseThrow(),
                values.stream().mapToDouble(d -> d).max().orElseThrow());
    }

    private void report() {
        List<String[]> rows = new ArrayList<>();
        rows.add(new String[] {"served by", "the other's reads", "IOPS alone",
            "IOPS beside the saturating one", "kept", "× one shared worker"});
        for (Load load : LOADS) {
            double shared = median(beside.get(WAYS.get(WAYS.size() - 1).name + load.name));
            for (Way way : WAYS) {
                List<Double> a = alone.get(way.name + load.name);
                List<Double> b = beside.get(way.name + load.name);
                rows.add(new String[] {way.name, load.name, spread(a), spread(b),
                    String.format(Locale.ROOT, "%.2f", median(b) / median(a)),
                    String.format(Locale.ROOT, "%.1f", median(b) / shared)});
            }
        }
        System.out.println("\n" + Report.table(rows)
                + "\nWanted: kept ≥ 0.80, and ≥ 10 × one shared worker.");
    }
}
