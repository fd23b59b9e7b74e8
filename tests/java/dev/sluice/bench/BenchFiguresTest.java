package dev.sluice.bench;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.within;

import dev.sluice.bench.Results.Sample;
import java.io.IOException;
import java.lang.management.ManagementFactory;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

/** The figures the benchmarks print, without running one. */
@Tag("unit")
@Timeout(20)
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
                .isBetween(90_000_000L, 20_000_000_000L);
    }

    @Test
    void theColumnsOfATableAreAligned() {
        assertThat(Report.table(List.of(new String[] {"a", "µs"}, new String[] {"long", "1"})))
                .isEqualTo("| a    | µs |\n| ---- | -- |\n| long | 1  |\n");
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
