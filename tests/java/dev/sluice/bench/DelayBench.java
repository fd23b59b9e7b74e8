package dev.sluice.bench;

import dev.sluice.bench.ServerLoad.Spent;
import dev.sluice.bench.Side.Serving;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.concurrent.Callable;
import java.util.regex.Pattern;
import picocli.CommandLine.Command;
import picocli.CommandLine.Option;

/**
 * How exactly a delay is kept: the table of the patch that gave dm-delay its thread, shorter delays
 * than its ticks allow, and a deep queue; beside qemu's null-co with the same latency, by turns.
 * And what goes on while thousands of requests are held.
 */
@Command(name = "delay", sortOptions = false,
        description = "Measures delayed requests, beside qemu's and the kernel's.")
final class DelayBench implements Callable<Integer> {
    private static final long SIZE = 64L << 30;

    @Option(names = "--cells", paramLabel = "REGEX", description = "only cells it is found in")
    private String pattern = "";
    @Option(names = "--reps", paramLabel = "N", description = "repetitions, 5 if not given")
    private int reps = 5;
    @Option(names = "--seconds", paramLabel = "S", description = "seconds of each run, default 4")
    private int seconds = 4;
    @Option(names = "--warm", paramLabel = "S", description = "seconds of warming, default 6")
    private int warm = 6;
    @Option(names = "--mount-options", paramLabel = "LIST",
            description = "passed with -o to each mount of ours")
    private String mountOptions = "";
    @Option(names = "--scratch", paramLabel = "DIR", required = true, hidden = true)
    private Path scratch;
    @Option(names = {"-h", "--help"}, usageHelp = true, description = "this text")
    private boolean help;

    private final Map<String, List<Double>> rates = new LinkedHashMap<>();
    private final Map<String, List<Double>> loads = new LinkedHashMap<>();
    private final Map<String, String> proofs = new LinkedHashMap<>();
    private Shell shell;
    private Fio fio;
    private Sides sides;

    @Override
    public Integer call() throws IOException, InterruptedException {
        shell = new Shell(scratch.toRealPath());
        fio = new Fio(shell, SIZE);
        sides = new Sides(shell, SIZE, mountOptions);
        List<DelayCell> cells = DelayCell.all().stream().filter(c -> wanted(c.name())).toList();
        Crowd crowd = new Crowd(shell, fio, mountOptions, seconds, warm);
        if (cells.isEmpty() && !wanted(Crowd.NAME)) {
            throw new IllegalArgumentException("--cells=" + pattern + " is found in none of "
                    + DelayCell.all().stream().map(DelayCell::name).toList() + " and "
                    + Crowd.NAME);
        }
        System.out.println("## Delay\n");
        new Machine(shell).facts().forEach((k, v) -> System.out.println("- " + k + ": " + v));
        System.out.println("- runs: " + reps + " of " + seconds + " s, each after " + warm
                + " s of warming, over `zero`"
                + (mountOptions.isEmpty() ? "" : ", mounted with -o " + mountOptions));
        long[] before = Machine.ticks();
        String load = Machine.load();
        for (int rep = 0; rep < reps; rep++) {
            for (DelayCell cell : cells) {
                measure(cell, rep % 2 == 1);
            }
            if (wanted(Crowd.NAME)) {
                crowd.measure(rep % 2 == 1);
            }
        }
        long[] after = Machine.ticks();
        System.out.println("- load average before and after: " + load + ", " + Machine.load());
        System.out.println("- processor time stolen by the host: " + String.format(Locale.ROOT,
                "%.1f %%", 100.0 * (after[0] - before[0]) / (after[1] - before[1])));
        if (!cells.isEmpty()) {
            report(cells);
        }
        if (wanted(Crowd.NAME)) {
            System.out.print(crowd.report());
        }
        return 0;
    }

    private boolean wanted(String name) {
        return Pattern.compile(pattern).matcher(name).find();
    }

    private void measure(DelayCell cell, boolean reverse)
            throws IOException, InterruptedException {
        List<Callable<Void>> turns = new ArrayList<>(List.of(
                () -> ours(cell, cell.name(), cell.micros()),
                () -> qemu(cell)));
        if (cell.deep()) {
            turns.add(() -> ours(cell, cell.name() + " undelayed", 0));
        }
        for (int i = 0; i < turns.size(); i++) {
            try {
                turns.get(reverse ? turns.size() - 1 - i : i).call();
            } catch (IOException | InterruptedException | RuntimeException e) {
                throw e;
            } catch (Exception e) {
                throw new AssertionError(e);
            }
        }
    }

    private Void ours(DelayCell cell, String name, long micros)
            throws IOException, InterruptedException {
        OurMount mount = OurMount.of(shell, "delay", mountOptions, "void 64G zero\n"
                + (micros == 0 ? "disk - linear void\n" : "disk - delay void read=" + micros
                        + "us\n"));
        try (Serving serving = new Serving(mount.file("disk"), List.of(mount.pid()),
                Side.Gc.NONE, mount::close)) {
            run(cell, name, serving);
            if (micros > 0) {
                proofs.put(name, proof(mount.dir(), cell));
            }
        }
        return null;
    }

    /** What the device says of itself, of the last repetition. */
    private static String proof(Path mount, DelayCell cell) throws IOException {
        String kind = "delayed_" + (cell.shape().writes() ? "write." : "read.");
        StringBuilder text = new StringBuilder();
        for (String line : Files.readAllLines(mount.resolve(".sluice/disk/stats"))) {
            if (line.startsWith(kind) && !line.contains("asked_p99")) {
                text.append(text.length() == 0 ? "" : ", ").append(line.substring(kind.length())
                        .replace("_us ", " ").replace('_', ' '));
            }
        }
        return text.toString();
    }

    private Void qemu(DelayCell cell) throws IOException, InterruptedException {
        try (Serving serving = sides.qemu("qdelay", data -> List.of("null-co,node-name=disk,"
                + "read-zeroes=on,size=" + SIZE + ",latency-ns=" + cell.micros() * 1000))
                .start(null)) {
            run(cell, cell.name() + " qemu", serving);
        }
        return null;
    }

    private void run(DelayCell cell, String name, Serving serving)
            throws IOException, InterruptedException {
        if (!cell.shape().loop()) {
            run(cell, name, serving, serving.file(), true);
            return;
        }
        try (Loop loop = Loop.attach(shell, serving.file(), true)) {
            run(cell, name, serving, loop.device(), false);
        }
    }

    private void run(DelayCell cell, String name, Serving serving, Path file, boolean direct)
            throws IOException, InterruptedException {
        // One at a time, a slow request takes minutes to have its code compiled.
        Cell shape = cell.shape();
        fio.run(new Cell(shape.name(), shape.rw(), shape.blockSize(), "libaio", 64, 1,
                shape.loop()), file, direct, warm);
        fio.run(shape, file, direct, warm);
        ServerLoad before = ServerLoad.of(serving.pids());
        Fio.Result result = fio.run(cell.shape(), file, direct, seconds);
        Spent spent = ServerLoad.of(serving.pids()).since(before);
        rates.computeIfAbsent(name, n -> new ArrayList<>()).add(result.iops());
        loads.computeIfAbsent(name, n -> new ArrayList<>())
                .add(spent.cpuNanos() / 1e7 / seconds);
        System.err.printf(Locale.ROOT, "%-28s %10.1f%n", name, result.iops());
    }

    private static double median(List<Double> values) {
        return Results.median(values.stream().mapToDouble(Double::doubleValue).sorted().toArray());
    }

    private String spread(String name) {
        List<Double> all = rates.get(name);
        return String.format(Locale.ROOT, "%.0f [%.0f–%.0f]", median(all),
                all.stream().mapToDouble(d -> d).min().orElseThrow(),
                all.stream().mapToDouble(d -> d).max().orElseThrow());
    }

    private void report(List<DelayCell> cells) {
        List<String[]> rows = new ArrayList<>();
        rows.add(new String[] {"cell", "theory", "sluice IOPS", "CPU %", "qemu IOPS", "CPU %",
            "known of others", "wanted", "verdict"});
        for (DelayCell cell : cells) {
            double rate = median(rates.get(cell.name()));
            double cpu = median(loads.get(cell.name()));
            double wanted = cell.wanted();
            if (cell.deep()) {
                wanted = 0.75 * Math.min(cell.theory(), median(rates.get(cell.name()
                        + " undelayed")));
            }
            boolean met = rate >= wanted && cpu <= cell.mostCpu();
            rows.add(new String[] {cell.name(), String.format(Locale.ROOT, "%.0f",
                cell.theory()), spread(cell.name()), String.format(Locale.ROOT, "%.1f", cpu),
                spread(cell.name() + " qemu"), String.format(Locale.ROOT, "%.1f",
                        median(loads.get(cell.name() + " qemu"))), cell.known(),
                String.format(Locale.ROOT, "≥ %.0f", wanted) + (cell.mostCpu() > 100 ? ""
                        : String.format(Locale.ROOT, ", ≤ %.0f %%", cell.mostCpu())),
                wanted == 0 ? "-" : met ? "pass" : "FAIL"});
        }
        System.out.print("\n### Requests a second\n\n" + Report.table(rows));
        cells.stream().filter(DelayCell::deep).forEach(c -> System.out.println("\nUndelayed, "
                + c.name() + ": " + spread(c.name() + " undelayed") + "."));
        System.out.println("\n### Asked and given, as the device counts (µs)\n");
        proofs.forEach((name, text) -> System.out.println("- " + name + ": " + text));
    }
}
