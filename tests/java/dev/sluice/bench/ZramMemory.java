package dev.sluice.bench;

import dev.sluice.bench.Side.Serving;
import java.io.BufferedOutputStream;
import java.io.IOException;
import java.io.InputStream;
import java.io.OutputStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Locale;
import java.util.Random;
import java.util.concurrent.Callable;
import java.util.function.Predicate;
import java.util.stream.Stream;
import picocli.CommandLine.Command;
import picocli.CommandLine.Option;

/** What the same data takes in our zram and in the kernel's. */
@Command(name = "zram-memory", description = "Weighs the same data in our zram and the kernel's.")
final class ZramMemory implements Callable<Integer> {
    private static final int MIB = 1 << 20;
    private static final int PAGE = 4096;
    private static final int ENOUGH = 1024;

    @Option(names = "--scratch", paramLabel = "DIR", required = true, hidden = true)
    private Path scratch;
    @Option(names = "--size", paramLabel = "MIB", description = "MiB of data, default 1024")
    private int mib = ENOUGH;
    @Option(names = {"-h", "--help"}, usageHelp = true, description = "this text")
    private boolean help;

    @Override
    public Integer call() throws IOException, InterruptedException {
        System.out.print(report(new Shell(scratch.toRealPath()), mib));
        return 0;
    }

    static String report(Shell shell) throws IOException, InterruptedException {
        return report(shell, ENOUGH);
    }

    /** What one side took, in bytes; growth is of its process, negative where it has none. */
    private record Taken(String side, long stored, long used, long table, long start,
            long growth, long left) { }

    private static String report(Shell shell, int mib) throws IOException, InterruptedException {
        Path corpus = shell.scratch().resolve("corpus");
        make(corpus, mib);
        List<Taken> all = new ArrayList<>();
        all.add(ours(shell, corpus, mib));
        all.add(kernel(shell, corpus, mib));
        Files.delete(corpus);
        List<String[]> rows = new ArrayList<>();
        rows.add(new String[] {"side", "stored", "used for it", "table of pages",
            "process at the start", "its growth", "and after all was discarded"});
        for (Taken one : all) {
            rows.add(new String[] {one.side, mib(one.stored), mib(one.used), mib(one.table),
                mib(one.start), mib(one.growth), mib(one.left)});
        }
        Taken ours = all.get(0);
        Taken kernel = all.get(1);
        return "\n### Memory for " + mib + " MiB of executables, text, noise and zeros, in MiB\n\n"
                + Report.table(rows) + String.format(Locale.ROOT, "%nOurs to the kernel's: stored"
                + " %.4f, used %.4f, used and table %.4f, growth of the process to used %.4f."
                + " Discarded, the process is at %.3f of its start.%n",
                (double) ours.stored / kernel.stored, (double) ours.used / kernel.used,
                (double) (ours.used + ours.table) / kernel.used,
                (double) ours.growth / kernel.used,
                (double) (ours.start + ours.left) / ours.start);
    }

    private static String mib(long bytes) {
        return bytes < 0 ? "-" : String.format(Locale.ROOT, "%.1f", (double) bytes / MIB);
    }

    private static Taken ours(Shell shell, Path corpus, int mib)
            throws IOException, InterruptedException {
        Sides sides = new Sides(shell, (long) mib * MIB, "");
        try (Serving serving = sides.sluice("memory", "", data -> mib + "M zram")
                .start(corpus)) {
            long pid = serving.pids().get(0);
            long before = resident(pid);
            copy(shell, corpus, serving.file());
            long after = resident(pid);
            Path folder = serving.file().resolveSibling(".sluice").resolve("disk");
            long[] mm = numbers(Files.readString(folder.resolve("mm_stat")));
            long table = Files.readAllLines(folder.resolve("status")).stream()
                    .filter(l -> l.startsWith("table_bytes"))
                    .mapToLong(l -> Long.parseLong(l.replaceAll("\\D", ""))).sum();
            shell.run(60, "fallocate", "--punch-hole", "--offset=0",
                    "--length=" + (long) mib * MIB, serving.file().toString());
            return new Taken("sluice zram", mm[1], mm[2], table, before,
                    after - before, resident(pid) - before);
        }
    }

    private static Taken kernel(Shell shell, Path corpus, int mib)
            throws IOException, InterruptedException {
        KernelZram.setUp(shell.scratch(), "lz4", (long) mib * MIB);
        try {
            copy(shell, corpus, KernelZram.DEVICE);
            long[] mm = numbers(KernelZram.get("mm_stat"));
            return new Taken("kernel zram", mm[1], mm[2], -1, -1, -1, -1);
        } finally {
            KernelZram.reset(shell.scratch());
        }
    }

    private static void copy(Shell shell, Path from, Path to)
            throws IOException, InterruptedException {
        shell.run(120, "dd", "if=" + from, "of=" + to, "bs=1M", "oflag=direct", "conv=notrunc",
                "status=none");
        shell.run(120, "cmp", "--bytes=" + Files.size(from), from.toString(), to.toString());
    }

    private static long[] numbers(String line) {
        return Arrays.stream(line.strip().split("\\s+")).mapToLong(Long::parseLong).toArray();
    }

    private static long resident(long pid) throws IOException {
        return Files.readAllLines(Path.of("/proc", "" + pid, "status")).stream()
                .filter(l -> l.startsWith("VmRSS:"))
                .mapToLong(l -> Long.parseLong(l.replaceAll("\\D", "")) << 10).sum();
    }

    /** Half shared objects, then text, noise and zeros, of what this machine has. */
    private static void make(Path corpus, int mib) throws IOException {
        long size = (long) mib * MIB;
        Random random = new Random(1);
        try (OutputStream out = new BufferedOutputStream(Files.newOutputStream(corpus), MIB)) {
            files(out, size / 2, p -> p.toString().matches(".*\\.so(\\.[0-9.]+)?"));
            files(out, size * 5 / 16, p -> p.toString()
                    .matches(".*\\.(txt|h|py|pl|pm|sh|xml|conf|html|json|c|mo|list)"));
            byte[] page = new byte[PAGE];
            for (long at = 0; at < size / 8; at += PAGE) {
                random.nextBytes(page);
                out.write(page);
            }
            Arrays.fill(page, (byte) 0);
            for (long at = 0; at < size / 16; at += PAGE) {
                out.write(page);
            }
        }
    }

    /** So many bytes of files below /usr, each from a page's start; over again if need be. */
    private static void files(OutputStream out, long bytes, Predicate<Path> wanted)
            throws IOException {
        List<Path> found;
        try (Stream<Path> all = Files.walk(Path.of("/usr"))) {
            found = all.filter(p -> Files.isRegularFile(p) && Files.isReadable(p))
                    .filter(wanted).sorted().toList();
        }
        if (found.isEmpty()) {
            throw new IOException("/usr has nothing to make data of");
        }
        long left = bytes;
        for (int i = 0; left > 0; i = (i + 1) % found.size()) {
            long taken = Math.min(left, (Files.size(found.get(i)) + PAGE - 1) & -PAGE);
            try (InputStream in = Files.newInputStream(found.get(i))) {
                pages(in, out, taken);
            }
            left -= taken;
        }
    }

    /** The first pages of what comes in; zeros behind its end. */
    private static void pages(InputStream in, OutputStream out, long bytes) throws IOException {
        byte[] piece = new byte[PAGE];
        for (long at = 0; at < bytes; at += PAGE) {
            int n = in.readNBytes(piece, 0, PAGE);
            Arrays.fill(piece, n, PAGE, (byte) 0);
            out.write(piece);
        }
    }
}
