package dev.sluice.report;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.sluice.report.Fio.Result;
import dev.sluice.report.Plot.Axis;
import dev.sluice.report.Survey.Comparison;
import dev.sluice.report.Survey.Figures;
import java.nio.file.Path;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.w3c.dom.Document;
import org.w3c.dom.Element;

@Tag("unit")
@Timeout(60)
class PageTest {
    private static Result result(double iops, long nanos) {
        return new Result(1000, iops, iops * 4096, nanos,
                new TreeMap<>(Map.of(nanos, 900L, 2 * nanos, 100L)),
                new TreeMap<>(Map.of(250L, 1e9, 500L, 2e9)));
    }

    private static Figures figures(double iops, long nanos) {
        Map<Integer, Result> byDepth = new LinkedHashMap<>();
        for (int depth : List.of(1, 8, 32)) {
            byDepth.put(depth, result(iops * depth, nanos));
        }
        return new Figures(byDepth, result(iops, nanos), 0);
    }

    private static Subject subject(String name, String delay) {
        return new Subject(Path.of("m", name), name, delay.isEmpty() ? "ram" : "delay",
                name + " 1G delay \"a & b\" <x>", 1 << 30, 1, false, 0, List.of(), delay, delay,
                null);
    }

    private static String page(String name) throws Exception {
        return new Page(List.of(new Comparison(subject(name, "5ms"), figures(190, 5_200_000),
                "disk", figures(50_000, 20_000), false),
                new Comparison(subject("plain", ""), figures(50_000, 20_000), "nothing",
                        figures(60_000, 15_000), false)),
                Map.of("kernel", "<6.1>", "when", "today"), List.of("fio --name=a & b")).html();
    }

    @Test
    void standsByItselfAndHasThePlots() throws Exception {
        Document page = PageRules.check(page("odd <name> & \"more\""));
        assertThat(PageRules.all(page, "section")).hasSize(2);
        for (Element section : PageRules.all(page, "section")) {
            assertThat(PageRules.all(section, "svg")).hasSize(3);
        }
        assertThat(PageRules.text(page, "h2")).contains("odd <name> & \"more\"", "plain");
        List<String> cells = PageRules.text(page, "td");
        // 32 in flight, each 5 ms and what the device below takes: 6374 a second.
        assertThat(cells).contains("5 ms", "6.4k", "95 %", "6.1k", "<6.1>");
    }

    @Test
    void showsWhatWasMeasuredOnly() throws Exception {
        Figures few = new Figures(Map.of(1, result(5000, 20_000)), null, 0);
        Figures large = new Figures(Map.of(), result(5000, 20_000), 0);
        for (Figures figures : List.of(few, large)) {
            Document page = PageRules.check(new Page(List.of(new Comparison(subject("d", ""),
                    figures, "nothing", figures, true)), Map.of(), List.of()).html());
            assertThat(PageRules.all(page, "svg")).hasSize(1);
            assertThat(PageRules.text(page, "th")).contains("reached")
                    .doesNotContain(figures == few ? "1M: MiB/s" : "mean");
        }
    }

    @Test
    void aCodecBoundsWhatCouldBe() throws Exception {
        Figures given = figures(50_000, 20_000);
        Comparison c = new Comparison(subject("z", ""), new Figures(given.byDepth(),
                given.large(), 70_000), "nothing", figures(60_000, 15_000), false);
        assertThat(c.iops(1)).isEqualTo(60_000);
        assertThat(c.iops(32)).isEqualTo(70_000);
        // Of its blocks, which have one byte here.
        assertThat(c.bytes()).isEqualTo(70_000);
    }

    @Test
    void brokenPagesAreFound() throws Exception {
        String good = page("d");
        PageRules.check(good);
        for (String[] change : new String[][] {{"</section>", ""}, {"<svg ", "<svg href=\"x\" "},
            {"<body>", "<body><img src=\"http://x/y\"/>"}, {"<style>", "<style>@import url(x);"},
            {"<polyline", "<other"}, {"points=\"", "points=\"NaN,1 "}}) {
            assertThat(good).contains(change[0]);
            assertThatThrownBy(() -> PageRules.check(good.replace(change[0], change[1])))
                    .as(change[0]).isInstanceOf(Throwable.class);
        }
    }

    @Test
    void scalesHaveRoundTicksAndHoldAllPoints() {
        Plot.Scale log = new Plot.Scale(Axis.log("µs"), new double[] {12, 7000}, 0, 300);
        assertThat(log.ticks()).contains(10.0, 100.0, 1000.0, 10_000.0);
        assertThat(log.at(10)).isEqualTo(0);
        assertThat(log.at(10_000)).isEqualTo(300);
        assertThat(log.at(100)).isBetween(99.9, 100.1);
        Plot.Scale linear = new Plot.Scale(Axis.linear("s"), new double[] {0.25, 3.9}, 100, 0);
        assertThat(linear.ticks()).containsExactly(0.0, 1.0, 2.0, 3.0, 4.0);
        assertThat(linear.at(4)).isEqualTo(0);
        Plot.Scale steps = new Plot.Scale(Axis.steps("n", List.of(1.0, 8.0, 64.0)),
                new double[] {1, 64}, 0, 100);
        assertThat(steps.ticks()).containsExactly(1.0, 8.0, 64.0);
        assertThat(steps.at(8)).isBetween(49.9, 50.1);
        for (double same : new double[] {0, 5}) {
            Plot.Scale flat = new Plot.Scale(Axis.linear("x"), new double[] {same}, 0, 100);
            assertThat(flat.at(same)).isBetween(0.0, 100.0);
        }
    }

    @Test
    void figuresAreShort() {
        assertThat(Plot.figure(0)).isEqualTo("0");
        assertThat(Plot.figure(0.25)).isEqualTo("0.25");
        assertThat(Plot.figure(1.234)).isEqualTo("1.2");
        assertThat(Plot.figure(20)).isEqualTo("20");
        assertThat(Plot.figure(999.7)).isEqualTo("1k");
        assertThat(Plot.figure(12_345)).isEqualTo("12k");
        assertThat(Plot.figure(2_000_000)).isEqualTo("2M");
    }
}
