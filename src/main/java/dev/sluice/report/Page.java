package dev.sluice.report;

import dev.sluice.block.BlockException;
import dev.sluice.block.Units;
import dev.sluice.report.Fio.Result;
import dev.sluice.report.Plot.Axis;
import dev.sluice.report.Survey.Comparison;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.Map;

/** The report as one HTML page that needs nothing beside itself. */
final class Page {
    private static final double MICRO = 1e3;
    private static final double MIB = 1 << 20;

    private final List<Comparison> comparisons;
    private final Map<String, String> facts;
    private final List<String> commands;
    private final StringBuilder out = new StringBuilder();

    Page(List<Comparison> comparisons, Map<String, String> facts, List<String> commands) {
        this.comparisons = comparisons;
        this.facts = facts;
        this.commands = commands;
    }

    /** Text as HTML and XML have it. */
    static String text(String raw) {
        StringBuilder safe = new StringBuilder();
        for (char c : raw.toCharArray()) {
            switch (c) {
                case '&' -> safe.append("&amp;");
                case '<' -> safe.append("&lt;");
                case '>' -> safe.append("&gt;");
                case '"' -> safe.append("&quot;");
                default -> safe.append(c < ' ' && c != '\n' ? ' ' : c);
            }
        }
        return safe.toString();
    }

    String html() throws BlockException {
        out.append("<!DOCTYPE html>\n<html lang=\"en\">\n<head><meta charset=\"utf-8\"/>")
                .append("<meta name=\"viewport\" content=\"width=device-width\"/>")
                .append("<title>sluice: what the devices reach</title>\n<style>")
                .append(Style.TEXT).append("</style></head>\n<body>\n")
                .append("<h1>What the devices reach</h1>\n");
        boolean writes = comparisons.get(0).writes();
        out.append("<p class=\"lead\">fio on the files of the mount, direct, ")
                .append(writes ? "overwriting" : "only reading")
                .append("; beside each what was asked for and what is below could reach.</p>\n");
        summary();
        for (Comparison c : comparisons) {
            device(c);
        }
        out.append("<h2>Where this was measured</h2>\n<table class=\"facts\">");
        facts.forEach((k, v) -> out.append("<tr><th>").append(text(k)).append("</th><td>")
                .append(text(v)).append("</td></tr>"));
        out.append("</table>\n<h2>What was run</h2>\n<details><summary>")
                .append(commands.size()).append(" runs of fio, one after the other</summary><pre>")
                .append(text(String.join("\n", commands))).append("</pre></details>\n");
        return out.append("</body>\n</html>\n").toString();
    }

    private void summary() throws BlockException {
        boolean alone = comparisons.get(0).figures().alone() != null;
        boolean large = comparisons.get(0).figures().large() != null;
        List<String> heads = new ArrayList<>(List.of("device", "target", "asked"));
        if (alone) {
            heads.addAll(List.of("4k alone: IOPS", "mean", "p50", "p99", "4k, best: IOPS",
                    "in flight", "could be", "reached"));
        }
        if (large) {
            heads.addAll(List.of("1M: MiB/s", "could be", "reached"));
        }
        out.append("<div class=\"wide\"><table><tr>");
        heads.forEach(head -> out.append("<th>").append(head).append("</th>"));
        out.append("</tr>\n");
        for (Comparison c : comparisons) {
            List<String> cells = new ArrayList<>(List.of(c.subject().name(), c.subject().type(),
                    c.asked().length == 0 ? "–" : time(Theory.mean(c.asked()))));
            if (alone) {
                small(c, cells);
            }
            if (large) {
                double rate = c.figures().large().bytesPerSecond();
                cells.addAll(List.of(Plot.figure(rate / MIB), Plot.figure(c.bytes() / MIB),
                        share(rate, c.bytes())));
            }
            row(cells);
        }
        out.append("</table></div>\n");
    }

    private static void small(Comparison c, List<String> cells) throws BlockException {
        Result alone = c.figures().alone();
        int best = c.figures().byDepth().entrySet().stream()
                .max(Map.Entry.comparingByValue((a, b) -> Double.compare(a.iops(), b.iops())))
                .orElseThrow().getKey();
        double iops = c.figures().byDepth().get(best).iops();
        cells.addAll(List.of(Plot.figure(alone.iops()), time(alone.meanNanos()),
                time(alone.percentile(50)), time(alone.percentile(99)), Plot.figure(iops),
                Integer.toString(best), Plot.figure(c.iops(best)), share(iops, c.iops(best))));
    }

    private static String share(double reached, double most) {
        return String.format(Locale.ROOT, "%.0f %%", 100 * reached / most);
    }

    private void row(List<String> cells) {
        out.append("<tr>");
        for (int i = 0; i < cells.size(); i++) {
            out.append(i < 2 ? "<td class=\"word\">" : "<td>").append(text(cells.get(i)))
                    .append("</td>");
        }
        out.append("</tr>\n");
    }

    private static String time(double nanos) {
        return nanos >= 1e9 ? Plot.figure(nanos / 1e9) + " s"
                : nanos >= 1e6 ? Plot.figure(nanos / 1e6) + " ms"
                : Plot.figure(nanos / MICRO) + " µs";
    }

    private void device(Comparison c) throws BlockException {
        String kind = c.writes() ? "writes" : "reads";
        out.append("<section id=\"device-").append(text(c.subject().name())).append("\"><h2>")
                .append(text(c.subject().name())).append("</h2>\n<p><code>")
                .append(text(c.subject().line())).append("</code>, beside ")
                .append(text(c.belowName())).append(".</p>\n<div class=\"plots\">\n");
        String small = Units.size(Math.max(Survey.SMALL, c.subject().blockSize())) + " " + kind;
        if (c.figures().alone() != null) {
            out.append(latencies(c, small).html());
        }
        if (c.figures().byDepth().size() > 1) {
            out.append(depths(c, small).html());
        }
        if (c.figures().large() != null) {
            out.append(rates(c, kind).html());
        }
        out.append("</div></section>\n");
    }

    private static Plot latencies(Comparison c, String kind) throws BlockException {
        Plot plot = new Plot("How long " + kind + " took, one at a time",
                Axis.log("µs"), Axis.percent("% took at most"));
        plot.add(c.subject().name(), false, false, shares(c.figures().alone()))
                .add(c.belowName(), false, false, shares(c.below().alone()));
        return c.asked().length == 0 ? plot : plot.add("asked for", true, false,
                shares(c.asked()));
    }

    private static List<double[]> shares(Result result) {
        List<double[]> points = new ArrayList<>();
        long total = result.latencies().values().stream().mapToLong(n -> n).sum();
        long seen = 0;
        double shown = -1;
        for (Map.Entry<Long, Long> bin : result.latencies().entrySet()) {
            double micros = Math.max(1, bin.getKey()) / MICRO;
            if (points.isEmpty()) {
                points.add(new double[] {micros, 0});
            }
            seen += bin.getValue();
            double share = 100.0 * seen / total;
            if (share - shown >= 0.25 || seen == total) {
                points.add(new double[] {micros, share});
                shown = share;
            }
        }
        return points;
    }

    private static List<double[]> shares(long[] sorted) {
        List<double[]> points = new ArrayList<>();
        points.add(new double[] {Math.max(1, sorted[0] / MICRO), 0});
        int step = Math.max(1, sorted.length / 400);
        for (int i = step - 1; i < sorted.length; i += step) {
            points.add(new double[] {Math.max(1, sorted[i] / MICRO),
                100.0 * (i + 1) / sorted.length});
        }
        return points;
    }

    private static Plot depths(Comparison c, String kind) throws BlockException {
        Plot plot = new Plot(kind + " a second, by how many are in flight",
                Axis.steps("in flight", c.figures().byDepth().keySet().stream()
                        .map(Integer::doubleValue).toList()), Axis.log("IOPS"));
        List<double[]> given = new ArrayList<>();
        List<double[]> most = new ArrayList<>();
        List<double[]> below = new ArrayList<>();
        for (int depth : c.figures().byDepth().keySet()) {
            given.add(new double[] {depth, c.figures().byDepth().get(depth).iops()});
            most.add(new double[] {depth, c.iops(depth)});
            below.add(new double[] {depth, c.below().byDepth().get(depth).iops()});
        }
        // What is expected may lie on what is below: the dashes go on top.
        return plot.add(c.subject().name(), false, true, given)
                .add(c.belowName(), false, true, below).add("could be", true, true, most);
    }

    private static Plot rates(Comparison c, String kind) throws BlockException {
        List<double[]> own = rates(c.figures().large());
        double most = c.bytes() / MIB;
        return new Plot("1M " + kind + ", four in flight: MiB a second",
                Axis.linear("seconds"), Axis.linear("MiB/s"))
                .add(c.subject().name(), false, true, own)
                .add(c.belowName(), false, true, rates(c.below().large()))
                .add("could be", true, false, List.of(new double[] {0, most},
                        new double[] {own.get(own.size() - 1)[0], most}));
    }

    private static List<double[]> rates(Result result) {
        List<double[]> points = new ArrayList<>();
        result.rates().forEach((ms, rate) -> points.add(new double[] {ms / 1e3, rate / MIB}));
        return points;
    }
}
