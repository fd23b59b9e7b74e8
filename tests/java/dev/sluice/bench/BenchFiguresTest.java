package dev.sluice.bench;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.within;

import dev.sluice.bench.Fio.Latency;
import dev.sluice.bench.Results.Sample;
import java.io.IOException;
import java.lang.management.ManagementFactory;
import java.util.EnumMap;
import java.util.EnumSet;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.stream.LongStream;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import picocli.CommandLine;

/** The figures the benchmarks print, without running one. */
@Tag("unit")
@Timeout(60)
final class BenchFiguresTest {
    private static final List<Cell> CELLS = Cell.transport();

    @Test
    void theMedianOfAnEvenCountLiesBetweenTheMiddleTwo() {
        assertThat(Results.median(new double[] {1, 2, 9})).isEqualTo(2);
        assertThat(Results.median(new double[] {1, 2, 4, 9})).isEqualTo(3);
    }

    @Test
    void theGeometricMeanWeighsHalfAndDoubleAlike() {
        assertThat(Results.geometricMean(0.5, 2, 1)).isCloseTo(1, within(1e-9));
    }

    @Test
    void eachHelpNamesItsBenchmarkAndItsSides() {
        Map<String, CommandLine> all = Bench.line().getSubcommands();
        assertThat(all).hasSize(10);
        all.forEach((name, line) -> assertThat(line.getUsageMessage())
                .startsWith("Usage: scripts/bench " + name + " ").contains("--"));
        assertThat(all.get("ploop").getUsageMessage()).contains("chain-64")
                .doesNotContain("nbdkit");
        assertThat(all.get("completion").getUsageMessage()).contains("caller, worker, auto");
    }

    @Test
    void theNamesOfTheCellsDiffer() {
        assertThat(CELLS).extracting(Cell::name).doesNotHaveDuplicates();
    }

    @Test
    void everyGoalOfZramIsJudgedByItsCells() {
        Plan plan = Plan.zram();
        assertThat(plan.cells()).extracting(Cell::name).doesNotHaveDuplicates().hasSize(7);
        for (Goal goal : plan.goals()) {
            assertThat(plan.cells().stream().filter(goal.taken())).as(goal.cells()).hasSize(1);
            assertThat(goal.bound()).isPositive();
        }
        assertThat(plan.goals()).hasSize(11);
    }

    @Test
    void everyGoalOfPloopIsJudgedByCellsAndBetweenSidesThatThereAre() {
        Plan plan = PloopPlan.plan();
        assertThat(plan.cells()).extracting(Cell::name).doesNotHaveDuplicates().hasSize(6);
        List<String> names = plan.groups().apply(new Sides(null, 1 << 20, "")).stream()
                .flatMap(group -> group.sides().stream()).map(Side::name).toList();
        assertThat(names).doesNotHaveDuplicates().hasSize(14);
        for (Goal goal : plan.goals()) {
            assertThat(plan.cells().stream().filter(goal.taken())).as(goal.cells())
                    .hasSizeGreaterThanOrEqualTo(3);
        }
        assertThat(plan.goals()).hasSize(10);
        assertThat(plan.goals()).extracting(Goal::ours).isSubsetOf(names);
        assertThat(plan.goals()).extracting(Goal::peer).isSubsetOf(names);
        assertThat(PloopFirst.goals()).extracting(Goal::ours).isSubsetOf(names);
        assertThat(PloopFirst.goals()).extracting(Goal::peer).isSubsetOf(names);
    }

    @Test
    void firstWritesAreHeldAgainstTheBareFileOfTheirKind() {
        Results results = new Results();
        List<Side> sides = List.of(side("ploop-direct"), side("bare-direct"));
        results.add(sides.get(0), PloopFirst.CELL, new Sample(80, 700, 0, 0));
        results.add(sides.get(1), PloopFirst.CELL, new Sample(100, Double.NaN, 0, -1));
        results.add(side("bare-direct-again"), PloopFirst.CELL,
                new Sample(150, Double.NaN, 0, -1));
        assertThat(PloopFirst.rows(List.of(new Group(sides)), results)).containsExactly(
                new String[] {"side", "MiB/s", "of the bare file", "CPU µs"},
                new String[] {"ploop-direct", "80 [80–80]", "0.80", "700"},
                new String[] {"bare-direct", "100 [100–100]", "1.00", "-"},
                new String[] {"bare-direct, written again", "150 [150–150]", "1.50", "-"});
        Results alone = new Results();
        alone.add(sides.get(0), PloopFirst.CELL, new Sample(80, 700, 0, 0));
        assertThat(PloopFirst.rows(List.of(new Group(sides.subList(0, 1))), alone).get(1)[2])
                .isEqualTo("-");
    }

    @Test
    void theLongestGapIsBetweenEndsInTheOrderOfTheirTimes() {
        assertThat(Fio.gap(List.of("3, 100, 0", "1, 100, 0", "9, 1, 0", "10, 1, 0"))).isEqualTo(6);
        assertThat(Fio.gap(List.of("3, 100, 0"))).isZero();
    }

    @Test
    void whatIsBesideLongWorkIsHeldAgainstWhatIsAlone() {
        Latency quick = new Latency(1, 1_000_000, 2, 3, 0);
        Latency slow = new Latency(1, 4_000_000, 2, 60, 58);
        Map<PloopLife.Row, List<Latency>> rows = new EnumMap<>(PloopLife.Row.class);
        for (PloopLife.Row row : PloopLife.Row.values()) {
            rows.put(row, List.of(quick));
        }
        assertThat(verdicts(rows, Set.of())).containsExactly("pass", "pass", "pass", "pass");
        assertThat(verdicts(rows, EnumSet.of(PloopLife.Row.MERGE)).get(2)).contains("--size");
        rows.put(PloopLife.Row.COMPACT, List.of(slow));
        rows.put(PloopLife.Row.READS_SNAPSHOT, List.of(quick, quick, slow));
        assertThat(verdicts(rows, Set.of())).containsExactly("FAIL", "pass", "pass", "FAIL");
    }

    private static List<String> verdicts(Map<PloopLife.Row, List<Latency>> rows,
            Set<PloopLife.Row> early) {
        return PloopLife.goals(Map.of("disk", rows), early).stream().skip(1).map(row -> row[3])
                .toList();
    }

    @Test
    void aPercentileIsTheLeastValueThatSoManyAreNotAbove() {
        long[] sorted = LongStream.rangeClosed(1, 200).toArray();
        assertThat(PloopTable.percentile(sorted, 0.5)).isEqualTo(100);
        assertThat(PloopTable.percentile(sorted, 0.99)).isEqualTo(198);
        assertThat(PloopTable.percentile(sorted, 1)).isEqualTo(200);
        assertThat(PloopTable.percentile(new long[] {7}, 0.5)).isEqualTo(7);
    }

    @Test
    void everyClusterIsWrittenOnceInAnOrderOfTheSeed() {
        assertThat(PloopTable.order(1000, 1)).doesNotHaveDuplicates().hasSize(1000)
                .allMatch(c -> c >= 0 && c < 1000).isEqualTo(PloopTable.order(1000, 1))
                .isNotEqualTo(PloopTable.order(1000, 2));
    }

    @Test
    void pagesThatWaitAreToBeWrittenTwentyTimesLessOften() {
        assertThat(tableVerdicts(50)).containsExactly("pass", "pass");
        assertThat(tableVerdicts(51)).containsExactly("FAIL", "FAIL");
    }

    private static List<String> tableVerdicts(double page) {
        Map<PloopTable.Kind, PloopTable.Counts> all = new HashMap<>();
        for (int writers : new int[] {1, 16}) {
            all.put(new PloopTable.Kind("dirty-timeout=0", writers, false), counts(1000));
            all.put(new PloopTable.Kind("20 ms, page", writers, false), counts(page));
        }
        return PloopTable.goals(all).stream().skip(1).map(row -> row[3]).toList();
    }

    private static PloopTable.Counts counts(double writes) {
        PloopTable.Counts counts = new PloopTable.Counts();
        counts.writes.add(writes);
        return counts;
    }

    @Test
    void everyGoalIsMetBySidesThatAreFastEnough() {
        assertThat(verdicts(run(Map.of("zero", 300.0, "null", 100.0, "ram", 300.0, "nbdkit",
                100.0, "file-direct", 80.0, "bare-direct", 100.0), 4.5)))
                .containsOnly("pass");
    }

    @Test
    void everyGoalIsFailedBySidesThatAreTooSlow() {
        assertThat(verdicts(run(Map.of("zero", 94.0, "null", 100.0, "ram", 299.0, "nbdkit",
                100.0, "file-direct", 79.0, "bare-direct", 100.0), 4.6)))
                .containsOnly("FAIL");
    }

    @Test
    void turnsCountAsTheirMean() {
        assertThat(Sample.mean(List.of(new Sample(100, 4, 1, 1), new Sample(200, 6, 2, 2))))
                .isEqualTo(new Sample(150, 5, 1.5, 3));
        assertThat(Sample.mean(List.of(new Sample(100, Double.NaN, 1, -1),
                new Sample(200, Double.NaN, 1, -1)))).isEqualTo(new Sample(150, Double.NaN, 1, -1));
    }

    @Test
    void aGoalOfWhichACellIsMissingIsNotPassed() {
        Results results = new Results();
        Cell one = CELLS.get(0);
        results.add(side("ram"), one, new Sample(500, 1, 1, 0));
        results.add(side("nbdkit"), one, new Sample(100, 1, 1, -1));
        assertThat(verdicts(results)).containsOnlyOnce("incomplete").contains("not run")
                .doesNotContain("pass", "FAIL");
    }

    @Test
    void oneSlowCellFailsTheGoalAndIsNamed() {
        Results results = run(Map.of("ram", 400.0, "nbdkit", 100.0), 4);
        Cell slow = CELLS.get(5);
        for (int i = 0; i < 4; i++) {
            results.add(side("ram"), slow, new Sample(120, 4, 0, 0));
        }
        Goal goal = Goal.transport().stream().filter(g -> g.ours().equals("ram")).findFirst()
                .orElseThrow();
        Goal.Verdict verdict = goal.judge(results, CELLS);
        assertThat(verdict.verdict()).isEqualTo("FAIL");
        assertThat(verdict.figure()).isEqualTo("1.20 in " + slow.name());
    }

    @Test
    void aResultIsReadFromTheSideOfTheJobThatRan() throws IOException {
        String json = "{\"jobs\":[{\"error\":0,"
                + "\"read\":{\"total_ios\":0,\"iops\":0.0,\"bw_bytes\":0},"
                + "\"write\":{\"total_ios\":7,\"iops\":3.5,\"bw_bytes\":3670016}}]}";
        Fio.Result result = Fio.parse(json, true);
        assertThat(result).isEqualTo(new Fio.Result(7, 3.5, 3670016));
        Cell large = CELLS.get(CELLS.size() - 1);
        assertThat(result.rate(large)).isEqualTo(3.5);
        assertThatThrownBy(() -> Fio.parse(json, false)).hasMessageContaining("one request");
        assertThatThrownBy(() -> Fio.parse(json.replace("\"error\":0", "\"error\":5"), true))
                .hasMessageContaining("error 5");
    }

    @Test
    void onlyTheNamedSidesAreLeft() {
        List<Group> groups = List.of(new Group(List.of(side("zero"), side("null"))),
                new Group(List.of(side("ram"), side("nbdkit"))));
        assertThat(Group.only(groups, List.of())).isEqualTo(groups);
        assertThat(Group.only(groups, List.of("null"))).hasSize(1).first()
                .extracting(group -> group.first().name()).isEqualTo("null");
        assertThatThrownBy(() -> Group.only(groups, List.of("zero", "nill")))
                .hasMessageContaining("[nill]").hasMessageContaining("nbdkit");
    }

    @Test
    void theLoadOfAProcessCountsItsProcessorTime() throws IOException {
        List<Long> self = List.of(ProcessHandle.current().pid());
        var threads = ManagementFactory.getThreadMXBean();
        ServerLoad before = ServerLoad.of(self);
        long start = threads.getCurrentThreadCpuTime();
        while (threads.getCurrentThreadCpuTime() - start < 100_000_000) {
            Thread.onSpinWait();
        }
        assertThat(ServerLoad.of(self).since(before).cpuNanos())
                .isBetween(50_000_000L, 60_000_000_000L);
    }

    @Test
    void theColumnsOfATableAreAligned() {
        assertThat(Report.table(List.of(new String[] {"a", "µs"}, new String[] {"long", "1"})))
                .isEqualTo("| a    | µs |\n| ---- | -- |\n| long | 1  |\n");
    }

    @Test
    void theGoalsBesideACrowdAreMetAtTheirBounds() {
        CrowdFigures figures = new CrowdFigures();
        for (double rate : new double[] {50, 100, 300}) {
            figures.speed(rate, 0.9 * rate);
        }
        figures.call("set", 1000);
        figures.call("set", 2);
        figures.count("held", 5000, 5000);
        assertThat(figures.goals()).extracting(row -> row[4]).hasSize(3).containsOnly("pass");
        assertThat(figures.goals()).extracting(row -> row[2]).containsExactly(
                "0.90 [0.90–0.90]", "501 [2–1000]", "5000");
        assertThat(figures.report(5000)).contains("alone 0.1 [0.1–0.3]", "beside 5000 held");
    }

    @Test
    void oneSlowCallOneLostRequestOrASlowedDeviceFailsItsGoal() {
        CrowdFigures figures = new CrowdFigures();
        figures.speed(100, 89);
        figures.call("status", 1001);
        figures.call("status", 1);
        figures.call("status", 1);
        figures.count("answered", 5000, 5000);
        figures.count("answered", 5000, 4999);
        assertThat(figures.goals()).extracting(row -> row[4]).hasSize(3).containsOnly("FAIL");
    }

    @Test
    void whatFailedWasNotAnswered() throws IOException {
        String printed = "fio: a warning\n{\"jobs\":[{\"error\":0,"
                + "\"read\":{\"total_ios\":7},\"write\":{\"total_ios\":5}}]}";
        assertThat(CrowdFigures.answered(printed)).isEqualTo(12);
        assertThat(CrowdFigures.answered(printed.replace("\"error\":0", "\"error\":5")))
                .isZero();
        assertThatThrownBy(() -> CrowdFigures.answered("fio: killed\n"))
                .hasMessageContaining("fio: killed");
    }

    private static Side side(String name) {
        return new Side(name, name, Side.Data.NONE, false, true, data -> null);
    }

    /** Every cell three times around the rate of its side. */
    private static Results run(Map<String, Double> rates, double cpu) {
        Results results = new Results();
        rates.forEach((name, rate) -> {
            for (Cell cell : CELLS) {
                for (double factor : new double[] {0.5, 1, 3}) {
                    results.add(side(name), cell, new Sample(rate * factor, cpu, 0, 0));
                }
            }
        });
        return results;
    }

    private static List<String> verdicts(Results results) {
        return Goal.transport().stream().map(goal -> goal.judge(results, CELLS).verdict())
                .toList();
    }
}
