package dev.sluice.bench;

import dev.sluice.bench.Results.Sample;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.function.Predicate;

/** What the transport is to reach beside a peer. */
record Goal(String ours, String peer, String cells, Kind kind, double bound,
        Predicate<Cell> taken) {

    /** What is held against the bound. */
    enum Kind {
        /** Each ratio of the rates is at least the bound. */
        RATIO("≥ %.2f×"),
        /** The geometric mean of the ratios is at least the bound. */
        MEAN("geometric mean ≥ %.2f×"),
        /** Our CPU per request is at most the bound, in microseconds. */
        CPU("CPU ≤ %.1f µs/req");

        private final String format;

        Kind(String format) {
            this.format = format;
        }
    }

    /** The verdict of a goal: where it was nearest to failing, and whether it did. */
    record Verdict(Goal goal, String figure, String verdict) { }

    static List<Goal> transport() {
        return List.of(
                new Goal("zero", "null", "every 4k cell", Kind.RATIO, 0.95, Cell::small),
                new Goal("zero", "null", "4k reads at QD1 and QD32", Kind.RATIO, 1.1, in(
                        "4k-read-psync", "4k-read-qd1", "4k-read-qd32")),
                new Goal("zero", "null", "four psync writers", Kind.RATIO, 3, in(
                        "4k-write-psync-x4")),
                new Goal("zero", "null", "all cells", Kind.MEAN, 1.25, cell -> true),
                new Goal("zero", "null", "4k at QD32", Kind.CPU, 4.5, in(
                        "4k-read-qd32", "4k-write-qd32")),
                new Goal("ram", "nbdkit", "every cell", Kind.RATIO, 3, cell -> true),
                new Goal("file-direct", "bare-direct", "4k at QD16", Kind.RATIO, 0.8, in(
                        "4k-read-qd16", "4k-write-qd16")));
    }

    private static Predicate<Cell> in(String... names) {
        return cell -> List.of(names).contains(cell.name());
    }

    String wanted() {
        return String.format(Locale.ROOT, kind.format, bound);
    }

    /** A goal of which cells were left out is failed by those that ran, but not passed. */
    Verdict judge(Results results, List<Cell> all) {
        List<Cell> wanted = all.stream().filter(taken).toList();
        List<Cell> measured = new ArrayList<>(wanted);
        measured.removeIf(cell -> !results.has(ours, cell)
                || kind != Kind.CPU && !results.has(peer, cell));
        if (measured.isEmpty()) {
            return new Verdict(this, "", "not run");
        }
        double worst = kind == Kind.CPU ? 0 : Double.MAX_VALUE;
        String where = "";
        for (Cell cell : measured) {
            double figure = kind == Kind.CPU
                    ? results.spread(ours, cell, Sample::cpuMicros).median()
                    : results.ratio(ours, peer, cell);
            if (kind == Kind.CPU ? figure > worst : figure < worst) {
                worst = figure;
                where = " in " + cell.name();
            }
        }
        if (kind == Kind.MEAN) {
            worst = Results.geometricMean(measured.stream()
                    .mapToDouble(cell -> results.ratio(ours, peer, cell)).toArray());
            where = "";
        }
        boolean met = kind == Kind.CPU ? worst <= bound : worst >= bound;
        String some = measured.size() < wanted.size()
                ? " (" + measured.size() + " of " + wanted.size() + " cells)" : "";
        return new Verdict(this, String.format(Locale.ROOT, "%.2f%s%s", worst, where, some),
                !met ? "FAIL" : some.isEmpty() ? "pass" : "incomplete");
    }
}
