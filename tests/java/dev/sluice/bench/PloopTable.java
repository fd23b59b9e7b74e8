package dev.sluice.bench;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import dev.sluice.bench.Side.Serving;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.channels.FileChannel;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.util.ArrayList;
import java.util.Collections;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Random;
import java.util.concurrent.Callable;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.concurrent.TimeUnit;
import java.util.stream.Collectors;
import java.util.stream.IntStream;
import picocli.CommandLine.Command;
import picocli.CommandLine.Option;

/**
 * How often pages of an image's table are written: 4k first writes, each to a cluster of its own in
 * random order, until every cluster is taken; and how long a flush among them takes.
 */
@Command(name = "ploop-table",
        description = "Counts writes of an image's table by when its pages are written.")
final class PloopTable implements Callable<Integer> {
    private static final int CLUSTER = 1 << 20;
    private static final int PAGE = 4096;
    private static final int ENOUGH = 10 << 10;
    private static final int TIMES = 3;
    private static final int FLUSH_EVERY = 32;
    private static final double FEWER = 20;
    private static final int[] WRITERS = {1, 16};

    /** When pages are written: how it is called and asked for. The first is what is compared. */
    private enum Policy {
        AT_ONCE("dirty-timeout=0", "dirty-timeout=0"),
        COMMON("20 ms, common", "dirty-timeout=20ms dirty-policy=common"),
        PAGE("20 ms, page", "dirty-timeout=20ms");

        private final String what;
        private final String words;

        Policy(String what, String words) {
            this.what = what;
            this.words = words;
        }
    }

    @Option(names = "--scratch", paramLabel = "DIR", required = true, hidden = true)
    private Path scratch;
    @Option(names = "--size", paramLabel = "MIB",
            description = "MiB of the image, default 10240")
    private int mib = ENOUGH;
    @Option(names = "--reps", paramLabel = "N", description = "repetitions, 3 if not given")
    private int reps = TIMES;
    @Option(names = {"-h", "--help"}, usageHelp = true, description = "this text")
    private boolean help;

    /** All runs of a policy with so many writers, with or without flushes. */
    record Kind(String policy, int writers, boolean flushes) { }

    /** What the runs of a kind counted. */
    static final class Counts {
        final List<Double> rates = new ArrayList<>();
        final List<Double> writes = new ArrayList<>();
        final List<Long> hottest = new ArrayList<>();
        final List<Long> flushNanos = new ArrayList<>();
    }

    @Override
    public Integer call() throws IOException, InterruptedException {
        String load = Machine.load();
        String text = report(new Shell(scratch.toRealPath()), mib, reps);
        System.out.print(text + "\nLoad average before and after: " + load + ", "
                + Machine.load() + ".\n");
        return 0;
    }

    static String report(Shell shell) throws IOException, InterruptedException {
        return report(shell, ENOUGH, TIMES);
    }

    private static String report(Shell shell, int mib, int reps)
            throws IOException, InterruptedException {
        Map<Kind, Counts> all = new LinkedHashMap<>();
        for (int rep = 0; rep < reps; rep++) {
            for (boolean flushes : new boolean[] {false, true}) {
                for (int writers : WRITERS) {
                    for (Policy policy : Policy.values()) {
                        Kind kind = new Kind(policy.what, writers, flushes);
                        run(shell, mib, policy, kind, rep,
                                all.computeIfAbsent(kind, k -> new Counts()));
                    }
                }
            }
        }
        return "\n### Pages of the table: 4k first writes to all " + mib + " clusters, "
                + reps + " times\n\n" + Report.table(rows(all)) + "\n### Goals\n\n"
                + Report.table(goals(all));
    }

    static List<String[]> rows(Map<Kind, Counts> all) {
        List<String[]> rows = new ArrayList<>();
        rows.add(new String[] {"pages are written", "writers", "flushes", "writes a second",
            "page writes per 1,000", "hottest page", "flush p50 ms", "p99", "most"});
        all.forEach((kind, counts) -> {
            long[] nanos = sorted(counts.flushNanos);
            rows.add(new String[] {kind.policy, "" + kind.writers,
                kind.flushes ? "every " + FLUSH_EVERY : "-",
                spread(counts.rates, 0), spread(counts.writes, 1),
                spread(counts.hottest.stream().map(Long::doubleValue).toList(), 0),
                millis(nanos, 0.5), millis(nanos, 0.99), millis(nanos, 1)});
        });
        return rows;
    }

    /** Judged without flushes, which write all pages whatever the policy. */
    static List<String[]> goals(Map<Kind, Counts> all) {
        List<String[]> rows = new ArrayList<>();
        rows.add(new String[] {"goal", "wanted", "figure", "verdict"});
        for (int writers : WRITERS) {
            double atOnce = median(all.get(new Kind(Policy.AT_ONCE.what, writers, false)).writes);
            double page = median(all.get(new Kind(Policy.PAGE.what, writers, false)).writes);
            rows.add(new String[] {"fewer page writes, writers: " + writers,
                String.format(Locale.ROOT, "≥ %.0f×", FEWER),
                String.format(Locale.ROOT, "%.1f", atOnce / page),
                atOnce / page >= FEWER ? "pass" : "FAIL"});
        }
        return rows;
    }

    private static String spread(List<Double> values, int digits) {
        return String.format(Locale.ROOT, "%." + digits + "f [%." + digits + "f–%." + digits
                + "f]", median(values), Collections.min(values), Collections.max(values));
    }

    private static double median(List<Double> values) {
        return Results.median(values.stream().mapToDouble(d -> d).sorted().toArray());
    }

    private static long[] sorted(List<Long> values) {
        return values.stream().mapToLong(l -> l).sorted().toArray();
    }

    private static String millis(long[] sorted, double part) {
        return sorted.length == 0 ? "-"
                : String.format(Locale.ROOT, "%.2f", percentile(sorted, part) / 1e6);
    }

    /** The least value that so large a part of all is not above. */
    static long percentile(long[] sorted, double part) {
        return sorted[Math.max(0, (int) Math.ceil(part * sorted.length) - 1)];
    }

    /** All clusters in an order that the seed decides. */
    static List<Integer> order(int clusters, long seed) {
        List<Integer> order = IntStream.range(0, clusters).boxed()
                .collect(Collectors.toCollection(ArrayList::new));
        Collections.shuffle(order, new Random(seed));
        return order;
    }

    private static void run(Shell shell, int mib, Policy policy, Kind kind, int seed,
            Counts counts) throws IOException, InterruptedException {
        Path data = shell.scratch().resolve("table.data");
        Sides sides = new Sides(shell, (long) mib << 20, "");
        List<Integer> order = order(mib, seed);
        try {
            shell.run(120, "sync");
            try (Serving serving = sides.ploop("table", " " + policy.words).start(data)) {
                long start = System.nanoTime();
                List<Long> nanos = write(serving.file(), order, kind);
                counts.rates.add(order.size() * 1e9 / (System.nanoTime() - start));
                JsonNode status = settled(serving.file());
                counts.writes.add(1000.0 * status.get("page_writes").asLong()
                        / status.get("allocated").asLong());
                counts.hottest.add(status.get("hottest_page").asLong());
                counts.flushNanos.addAll(nanos);
                System.err.printf(Locale.ROOT, "%-16s %2d writers %-14s %8.1f per 1,000%n",
                        kind.policy, kind.writers, kind.flushes ? "with flushes" : "",
                        counts.writes.get(counts.writes.size() - 1));
            }
        } finally {
            Files.deleteIfExists(data);
        }
    }

    /** The device's own words, when no page is left to be written. */
    private static JsonNode settled(Path file) throws IOException, InterruptedException {
        long deadline = System.nanoTime() + TimeUnit.SECONDS.toNanos(20);
        Path folder = file.resolveSibling(".sluice");
        while (true) {
            JsonNode status = new ObjectMapper().readTree(
                    Files.readString(folder.resolve("status.json")));
            JsonNode disk = status.findParent("dirty_pages");
            if (disk != null && disk.get("dirty_pages").asLong() == 0) {
                return disk;
            }
            if (System.nanoTime() > deadline) {
                throw new IOException("pages of the table stay dirty: " + status);
            }
            Thread.sleep(10);
        }
    }

    /** How long the flushes took, but for the first fifth, which are for the compiler. */
    private static List<Long> write(Path file, List<Integer> order, Kind kind)
            throws IOException, InterruptedException {
        ExecutorService writers = Executors.newFixedThreadPool(kind.writers);
        try {
            List<Future<List<Long>>> parts = new ArrayList<>();
            int each = order.size() / kind.writers;
            for (int w = 0; w < kind.writers; w++) {
                List<Integer> part = order.subList(w * each, (w + 1) * each);
                parts.add(writers.submit(() -> write(file, part, kind.flushes)));
            }
            List<Long> nanos = new ArrayList<>();
            for (Future<List<Long>> part : parts) {
                nanos.addAll(part.get());
            }
            return nanos;
        } catch (ExecutionException e) {
            throw new IOException("a first write failed: " + e.getCause(), e);
        } finally {
            writers.shutdownNow();
        }
    }

    private static List<Long> write(Path file, List<Integer> clusters, boolean flushes)
            throws IOException {
        List<Long> nanos = new ArrayList<>();
        Random random = new Random(clusters.get(0));
        byte[] bytes = new byte[PAGE];
        random.nextBytes(bytes);
        try (FileChannel channel = FileChannel.open(file, StandardOpenOption.WRITE)) {
            for (int i = 0; i < clusters.size(); i++) {
                long at = (long) clusters.get(i) * CLUSTER
                        + (long) random.nextInt(CLUSTER / PAGE) * PAGE;
                channel.write(ByteBuffer.wrap(bytes), at);
                if (flushes && i % FLUSH_EVERY == FLUSH_EVERY - 1) {
                    long start = System.nanoTime();
                    channel.force(false);
                    if (i >= clusters.size() / 5) {
                        nanos.add(System.nanoTime() - start);
                    }
                }
            }
        }
        return nanos;
    }
}
