package dev.sluice.bench;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import dev.sluice.bench.Fio.Latency;
import dev.sluice.bench.Side.Serving;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.EnumSet;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Set;
import java.util.concurrent.Callable;
import java.util.concurrent.CompletionException;
import java.util.concurrent.CompletableFuture;
import java.util.function.ToLongFunction;
import picocli.CommandLine.Command;
import picocli.CommandLine.Option;

/**
 * What the long operations of an image cost those who use it meanwhile: how long nothing is
 * answered when a snapshot is made, and how late writes are beside a merge and a compaction.
 */
@Command(name = "ploop-life",
        description = "Measures requests beside snapshots, a merge and a compaction.")
final class PloopLife implements Callable<Integer> {
    private static final int MIB = 1 << 20;
    private static final int TIMES = 5;
    private static final int SECONDS = 4;
    private static final int SNAPSHOTS = 3;
    /** Written before, so that what is measured brings nothing up itself. */
    private static final long BUSY = 64L * MIB;
    private static final long MOST_GAP = 50;
    private static final double MOST_LATER = 3;
    private static final Cell READS = new Cell("4k-read-qd16", "randread", Cell.SMALL, "libaio",
            16, 1, false);
    private static final Cell WRITES = new Cell("4k-write-qd16", "randwrite", Cell.SMALL,
            "libaio", 16, 1, false);

    /** What goes on while a row is measured. */
    enum Row {
        READS_ALONE("reads", "-"),
        READS_SNAPSHOT("reads", SNAPSHOTS + " snapshots"),
        WRITES_ALONE("writes", "-"),
        WRITES_SNAPSHOT("writes", SNAPSHOTS + " snapshots"),
        MERGE("writes", "a merge"),
        COMPACT("writes", "a compaction");

        private final String requests;
        private final String beside;

        Row(String requests, String beside) {
            this.requests = requests;
            this.beside = beside;
        }
    }

    @Option(names = "--scratch", paramLabel = "DIR", required = true, hidden = true)
    private Path scratch;
    @Option(names = "--size", paramLabel = "MIB", description = "MiB of the image, default 2048")
    private int mib = 2048;
    @Option(names = "--reps", paramLabel = "N", description = "repetitions, 5 if not given")
    private int reps = TIMES;
    @Option(names = "--seconds", paramLabel = "S", description = "seconds of each run, default 4")
    private int seconds = SECONDS;
    @Option(names = {"-h", "--help"}, usageHelp = true, description = "this text")
    private boolean help;

    /** What ended while requests beside it were measured yet: they show too little. */
    private final Set<Row> early = EnumSet.noneOf(Row.class);
    private Shell shell;
    private Fio fio;

    @Override
    public Integer call() throws IOException, InterruptedException {
        shell = new Shell(scratch.toRealPath());
        fio = new Fio(shell, (long) mib * MIB);
        String load = Machine.load();
        Map<String, Map<Row, List<Latency>>> all = new LinkedHashMap<>();
        for (int rep = 0; rep < reps; rep++) {
            for (String kind : List.of("", " direct=on")) {
                measure(kind, all.computeIfAbsent("ploop" + kind, k -> new LinkedHashMap<>()));
            }
        }
        System.out.print("### Requests beside long operations: " + mib + " MiB, " + reps
                + " times " + seconds + " s\n\n" + Report.table(rows(all)) + "\n### Goals\n\n"
                + Report.table(goals(all, early)) + "\nLoad average before and after: "
                + load + ", " + Machine.load() + ".\n");
        return 0;
    }

    private void measure(String words, Map<Row, List<Latency>> rows)
            throws IOException, InterruptedException {
        Path data = shell.scratch().resolve("life.data");
        Sides sides = new Sides(shell, (long) mib * MIB, "");
        try (Serving serving = sides.ploop("life", words).start(data)) {
            Path device = serving.file();
            fio.fill(device, true);
            // Nobody is to wait for what was written before.
            shell.run(120, "sync", "-f", shell.scratch().toString());
            take(rows, Row.READS_ALONE, device, READS);
            take(rows, Row.WRITES_ALONE, device, WRITES);
            PloopChain.message(device, "snapshot");
            measureWork(rows, Row.MERGE, "merge", device);
            // Every other cluster of what nobody writes to becomes a hole.
            for (long at = BUSY; at < (long) mib * MIB; at += 2 * MIB) {
                shell.run(20, "fallocate", "--punch-hole", "--offset=" + at, "--length=" + MIB,
                        device.toString());
            }
            measureWork(rows, Row.COMPACT, "compact", device);
            CompletableFuture<Latency> reads = beside(device, READS);
            snapshots(device);
            rows.computeIfAbsent(Row.READS_SNAPSHOT, r -> new ArrayList<>()).add(of(reads));
            CompletableFuture<Latency> writes = beside(device, WRITES);
            snapshots(device);
            rows.computeIfAbsent(Row.WRITES_SNAPSHOT, r -> new ArrayList<>()).add(of(writes));
        } finally {
            for (Path left : files()) {
                Files.delete(left);
            }
        }
    }

    private List<Path> files() throws IOException {
        try (var files = Files.list(shell.scratch())) {
            return files.filter(f -> f.getFileName().toString().startsWith("life.data")).toList();
        }
    }

    private void take(Map<Row, List<Latency>> rows, Row row, Path device, Cell cell)
            throws IOException, InterruptedException {
        // The first run has the code compiled.
        fio.latency(cell, device, seconds, BUSY);
        Latency latency = fio.latency(cell, device, seconds, BUSY);
        System.err.printf(Locale.ROOT, "%-16s %s%n", row, latency);
        rows.computeIfAbsent(row, r -> new ArrayList<>()).add(latency);
    }

    private CompletableFuture<Latency> beside(Path device, Cell cell) {
        return CompletableFuture.supplyAsync(() -> {
            try {
                return fio.latency(cell, device, seconds, BUSY);
            } catch (IOException | InterruptedException e) {
                throw new CompletionException(e);
            }
        });
    }

    private static Latency of(CompletableFuture<Latency> run) throws IOException {
        try {
            return run.join();
        } catch (CompletionException e) {
            throw new IOException(e.getCause().getMessage(), e);
        }
    }

    private void snapshots(Path device) throws IOException, InterruptedException {
        for (int i = 0; i < SNAPSHOTS; i++) {
            Thread.sleep(seconds * 1000L / (SNAPSHOTS + 1));
            PloopChain.message(device, "snapshot");
        }
    }

    private void measureWork(Map<Row, List<Latency>> rows, Row row, String word, Path device)
            throws IOException, InterruptedException {
        // The busy part is the top's own from here on.
        fio.latency(WRITES, device, 1, BUSY);
        PloopChain.message(device, word);
        Latency latency = fio.latency(WRITES, device, seconds, BUSY);
        System.err.printf(Locale.ROOT, "%-16s %s%n", row, latency);
        if (!works(device)) {
            early.add(row);
        }
        rows.computeIfAbsent(row, r -> new ArrayList<>()).add(latency);
        awaitEnd(device);
    }

    private static boolean works(Path device) throws IOException {
        JsonNode work = new ObjectMapper().readTree(Files.readString(device.resolveSibling(
                ".sluice/status.json"))).findValue("work");
        return work != null && !work.asText().isEmpty();
    }

    private static void awaitEnd(Path device) throws IOException, InterruptedException {
        long deadline = System.nanoTime() + 300_000_000_000L;
        while (works(device)) {
            if (System.nanoTime() > deadline) {
                throw new IOException("work on " + device + " did not end within 300 s");
            }
            Thread.sleep(50);
        }
    }

    private static double median(List<Latency> runs, ToLongFunction<Latency> figure) {
        return Results.median(runs.stream().mapToDouble(l -> figure.applyAsLong(l)).sorted()
                .toArray());
    }

    private static String range(List<Latency> runs, ToLongFunction<Latency> figure) {
        return String.format(Locale.ROOT, "%.0f, at most %d", median(runs, figure),
                most(runs, figure));
    }

    private static long most(List<Latency> runs, ToLongFunction<Latency> figure) {
        return runs.stream().mapToLong(figure).max().orElseThrow();
    }

    static List<String[]> rows(Map<String, Map<Row, List<Latency>>> all) {
        List<String[]> rows = new ArrayList<>();
        rows.add(new String[] {"device", "4k requests, 16 in flight", "beside", "p50 ms", "p99 ms",
            "most ms", "none answered for, ms", "machine still, ms"});
        all.forEach((device, byRow) -> byRow.forEach((row, runs) -> rows.add(new String[] {device,
            row.requests, row.beside, millis(median(runs, Latency::p50)),
            millis(median(runs, Latency::p99)), millis(most(runs, Latency::most)),
            range(runs, Latency::gapMillis), range(runs, Latency::stillMillis)})));
        return rows;
    }

    static List<String[]> goals(Map<String, Map<Row, List<Latency>>> all,
            Set<Row> early) {
        List<String[]> rows = new ArrayList<>();
        rows.add(new String[] {"goal", "wanted", "figure", "verdict"});
        all.forEach((device, byRow) -> {
            for (Row row : List.of(Row.READS_SNAPSHOT, Row.WRITES_SNAPSHOT)) {
                long gap = most(byRow.get(row), Latency::gapMillis);
                rows.add(new String[] {device + ": no answer to " + row.requests
                        + " at a snapshot", "≤ " + MOST_GAP + " ms", gap + " ms",
                    gap <= MOST_GAP ? "pass" : "FAIL"});
            }
            double alone = median(byRow.get(Row.WRITES_ALONE), Latency::p99);
            for (Row row : List.of(Row.MERGE, Row.COMPACT)) {
                double later = median(byRow.get(row), Latency::p99) / alone;
                rows.add(new String[] {device + ": p99 of writes beside " + row.beside,
                    String.format(Locale.ROOT, "≤ %.0f×", MOST_LATER),
                    String.format(Locale.ROOT, "%.2f×", later),
                    later > MOST_LATER ? "FAIL" : early.contains(row)
                            ? "it ended too early: take a larger --size" : "pass"});
            }
        });
        return rows;
    }

    private static String millis(double nanos) {
        return String.format(Locale.ROOT, "%.2f", nanos / 1e6);
    }
}
