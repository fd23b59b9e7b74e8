package dev.sluice.bench;

import dev.sluice.bench.Results.Sample;
import dev.sluice.bench.Results.Spread;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Locale;
import java.util.function.ToDoubleFunction;

/** The results as Markdown that is aligned for the eye as well. */
final class Report {
    private final Results results;
    private final List<Cell> cells;

    /** The cells are those that ran. */
    Report(Results results, List<Cell> cells) {
        this.results = results;
        this.cells = cells;
    }

    /** One table for each pair of the group, or one for a side that is alone. */
    String group(Group group) {
        if (group.peers().isEmpty()) {
            return alone(group.first());
        }
        StringBuilder out = new StringBuilder();
        for (Side peer : group.peers()) {
            out.append(pair(group.first(), peer));
        }
        return out.toString();
    }

    private String pair(Side ours, Side peer) {
        List<String[]> rows = new ArrayList<>();
        rows.add(new String[] {"cell", "unit", ours.name(), peer.name(), "ratio",
            "CPU µs " + ours.name(), "CPU µs " + peer.name(), "switches " + ours.name(),
            "switches " + peer.name()});
        for (Cell cell : cells) {
            rows.add(new String[] {cell.name(), cell.unit(), rate(ours, cell),
                rate(peer, cell), fixed(2, results.ratio(ours.name(), peer.name(), cell)),
                median(ours, cell, Sample::cpuMicros), median(peer, cell, Sample::cpuMicros),
                median(ours, cell, Sample::switches), median(peer, cell, Sample::switches)});
        }
        double mean = Results.geometricMean(cells.stream()
                .mapToDouble(c -> results.ratio(ours.name(), peer.name(), c)).toArray());
        return "\n### " + ours.what() + " beside " + peer.what() + "\n\n" + table(rows)
                + "\nGeometric mean of the ratios: " + fixed(2, mean) + ".\n"
                + collections(ours);
    }

    private String alone(Side side) {
        List<String[]> rows = new ArrayList<>();
        rows.add(new String[] {"cell", "unit", side.name(), "CPU µs", "switches"});
        for (Cell cell : cells) {
            rows.add(new String[] {cell.name(), cell.unit(), rate(side, cell),
                median(side, cell, Sample::cpuMicros), median(side, cell, Sample::switches)});
        }
        return "\n### " + side.what() + "\n\n" + table(rows)
                + collections(side);
    }

    private String collections(Side side) {
        long count = results.collections(side.name());
        return count < 0 ? "" : "\nGarbage collections of " + side.name()
                + " during the measured runs: " + count + ".\n";
    }

    String goals(List<Goal> goals, List<Cell> all) {
        List<String[]> rows = new ArrayList<>();
        rows.add(new String[] {"goal", "cells", "wanted", "worst figure", "verdict"});
        for (Goal goal : goals) {
            Goal.Verdict verdict = goal.judge(results, all);
            rows.add(new String[] {goal.ours() + " beside " + goal.peer(), goal.cells(),
                goal.wanted(), verdict.figure(), verdict.verdict()});
        }
        return "\n### Goals\n\n" + table(rows);
    }

    private String rate(Side side, Cell cell) {
        Spread spread = results.spread(side.name(), cell, Sample::rate);
        int digits = cell.small() ? 1 : 0;
        return fixed(digits, spread.median()) + " [" + fixed(digits, spread.least()) + "–"
                + fixed(digits, spread.most()) + "]";
    }

    private String median(Side side, Cell cell, ToDoubleFunction<Sample> figure) {
        double median = results.spread(side.name(), cell, figure).median();
        return Double.isNaN(median) ? "-" : fixed(median < 10 ? 2 : 1, median);
    }

    private static String fixed(int digits, double value) {
        return String.format(Locale.ROOT, "%." + digits + "f", value);
    }

    /** The first row is the head. */
    static String table(List<String[]> rows) {
        int[] widths = new int[rows.get(0).length];
        for (String[] row : rows) {
            for (int i = 0; i < widths.length; i++) {
                widths[i] = Math.max(widths[i], row[i].length());
            }
        }
        StringBuilder out = new StringBuilder();
        for (int r = 0; r < rows.size(); r++) {
            line(out, rows.get(r), widths, ' ');
            if (r == 0) {
                String[] rule = new String[widths.length];
                Arrays.fill(rule, "");
                line(out, rule, widths, '-');
            }
        }
        return out.toString();
    }

    private static void line(StringBuilder out, String[] row, int[] widths, char pad) {
        for (int i = 0; i < widths.length; i++) {
            out.append("| ").append(row[i]);
            out.append(String.valueOf(pad).repeat(widths[i] - row[i].length())).append(' ');
        }
        out.append("|\n");
    }
}
