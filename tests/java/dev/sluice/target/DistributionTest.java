package dev.sluice.target;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.List;
import java.util.function.DoubleUnaryOperator;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

/** Samples of each class's own chance with fixed seeds, held against the quantiles of theory. */
@Tag("unit")
@Timeout(120)
final class DistributionTest {
    private static final int SAMPLES = 200_000;
    private static final double MS = 1e6;
    /** Beyond it a fair sample of this size is found once in some ten thousand. */
    private static final double MOST_APART = 2.2 / Math.sqrt(SAMPLES);

    @TempDir
    private Path folder;

    private static long[] samples(Distribution d, double percent, long seed) {
        DelayClass c = new DelayClass("read", null, 0);
        c.rule(new DelayClass.Rule(d, percent));
        c.seed(seed);
        long[] all = new long[SAMPLES];
        Arrays.setAll(all, i -> c.next());
        Arrays.sort(all);
        return all;
    }

    /** Kolmogorov's distance between what was drawn and what should be. */
    private static double apart(long[] sorted, DoubleUnaryOperator below) {
        double most = 0;
        for (int i = 0; i < sorted.length; i++) {
            double right = below.applyAsDouble(sorted[i]);
            most = Math.max(most, Math.max(Math.abs(right - (double) i / sorted.length),
                    Math.abs(right - (i + 1.0) / sorted.length)));
        }
        return most;
    }

    private static double apart(String text, DoubleUnaryOperator below) throws Exception {
        double most = 0;
        for (long seed = 1; seed <= 3; seed++) {
            most = Math.max(most, apart(samples(Distribution.parse("read", text), 100, seed),
                    below));
        }
        return most;
    }

    /** Abramowitz and Stegun 7.1.26: right to 1.5e-7. */
    private static double normal(double x) {
        double t = 1 / (1 + 0.3275911 * Math.abs(x) / Math.sqrt(2));
        double tail = t * (0.254829592 + t * (-0.284496736 + t * (1.421413741
                + t * (-1.453152027 + t * 1.061405429)))) * Math.exp(-x * x / 2);
        return x >= 0 ? 1 - tail / 2 : tail / 2;
    }

    @Test
    void everyDistributionIsTheOneAskedFor() throws Exception {
        assertThat(apart("uniform(2ms,6ms)", x -> (x - 2 * MS) / (4 * MS)))
                .isLessThan(MOST_APART);
        assertThat(apart("normal(5ms,1ms)", x -> normal((x - 5 * MS) / MS)))
                .isLessThan(MOST_APART);
        assertThat(apart("lognormal(5ms,0.5)", x -> normal(Math.log(x / (5 * MS)) / 0.5)))
                .isLessThan(MOST_APART);
        assertThat(apart("exp(3ms)", x -> 1 - Math.exp(-x / (3 * MS)))).isLessThan(MOST_APART);
    }

    @Test
    void aWrongOneIsFound() throws Exception {
        // The deviation of a twentieth too much, a mean for a median, u for 1 - u cut off.
        assertThat(apart("normal(5ms,1050us)", x -> normal((x - 5 * MS) / MS)))
                .isGreaterThan(MOST_APART);
        assertThat(apart("lognormal(5100us,0.5)", x -> normal(Math.log(x / (5 * MS)) / 0.5)))
                .isGreaterThan(MOST_APART);
        assertThat(apart("exp(3040us)", x -> 1 - Math.exp(-x / (3 * MS))))
                .isGreaterThan(MOST_APART);
        assertThat(apart("uniform(2ms,6050us)", x -> (x - 2 * MS) / (4 * MS)))
                .isGreaterThan(MOST_APART);
    }

    @Test
    void neighboursHaveNothingToDoWithEachOther() throws Exception {
        DelayClass c = new DelayClass("write", null, 0);
        c.rule(new DelayClass.Rule(Distribution.parse("write", "uniform(0,1s)"), 100));
        c.seed(7);
        double sum = 0;
        double before = c.next() / 1e9 - 0.5;
        for (int i = 0; i < SAMPLES; i++) {
            double next = c.next() / 1e9 - 0.5;
            sum += before * next;
            before = next;
        }
        // Twelve times the mean product is the correlation.
        assertThat(Math.abs(12 * sum / SAMPLES)).isLessThan(4 / Math.sqrt(SAMPLES));
    }

    @Test
    void aHistogramGivesEachLineItsShare() throws Exception {
        Path file = Files.writeString(folder.resolve("h"), """
                # what a tired disk does
                1ms 70
                5ms 25.5   # seeks
                7ms 0
                2s 4.5
                """);
        Distribution d = Distribution.parse("read", "histogram(" + file + ")");
        long[] all = samples(d, 100, 5);
        assertThat(Arrays.stream(all).distinct().toArray())
                .containsExactly(1_000_000, 5_000_000, 2_000_000_000L);
        assertThat(Arrays.stream(all).filter(n -> n == 1_000_000).count() / (double) SAMPLES)
                .isBetween(0.695, 0.705);
        assertThat(Arrays.stream(all).filter(n -> n == 5_000_000).count() / (double) SAMPLES)
                .isBetween(0.25, 0.26);
        assertThat(d.text()).isEqualTo("histogram(" + file + ")");
    }

    @Test
    void percentIsOfTheOperationsAndTheOthersAreNotDelayed() throws Exception {
        long[] all = samples(Distribution.constant(5), 12.5, 3);
        long none = Arrays.stream(all).filter(n -> n == 0).count();
        assertThat(1 - none / (double) SAMPLES).isBetween(0.122, 0.128);
        assertThat(all[SAMPLES - 1]).isEqualTo(5);
        assertThat(samples(Distribution.constant(5), 0, 3)[SAMPLES - 1]).isZero();
    }

    @Test
    void delaysLieBetweenNothingAndAnHour() throws Exception {
        long[] wide = samples(Distribution.parse("read", "normal(1ms,50ms)"), 100, 1);
        assertThat(wide[0]).isZero();
        long[] long1 = samples(Distribution.parse("read", "lognormal(30m,2)"), 100, 1);
        assertThat(long1[SAMPLES - 1]).isEqualTo(Distribution.LONGEST);
    }

    @Test
    void theSameSeedGivesTheSameDelays() throws Exception {
        Distribution d = Distribution.parse("read", "exp(1ms)");
        assertThat(samples(d, 100, 9)).isEqualTo(samples(d, 100, 9))
                .isNotEqualTo(samples(d, 100, 10));
    }

    @Test
    void aTextIsReadBackAsItIsWritten() throws Exception {
        for (String text : List.of("0", "5ms", "250us", "uniform(1ms,2s)", "normal(5ms,100us)",
                "lognormal(5ms,0.5)", "exp(1h)")) {
            assertThat(Distribution.parse("read", text).text()).isEqualTo(text);
        }
        assertThat(Distribution.parse("read", "const(5ms)").text()).isEqualTo("5ms");
    }

    @Test
    void everyMistakeIsASentence() {
        wrong("5x", "read 5x is not a duration");
        wrong("-1", "read -1 is not a duration");
        wrong("", "is not a duration");
        wrong("5", "a number with ns, us, ms, s, m or h");
        wrong("4294967296s", "at most 1h");
        wrong("99999999999999999999ms", "is not a duration");
        wrong("61m", "at most 1h");
        wrong("uniform(5ms,1ms)", "A at most B");
        wrong("uniform(5ms)", "must be DURATION | uniform(A,B)");
        wrong("gauss(5ms,1ms)", "must be DURATION | uniform(A,B)");
        wrong("lognormal(5ms,x)", "a plain number from 0 to 10");
        wrong("lognormal(5ms,11)", "a plain number from 0 to 10");
        wrong("histogram(/no/such/file)", "must be a text file");
        wrong("normal(5ms,1ms", "is not a duration");
    }

    private static void wrong(String text, String sentence) {
        assertThatThrownBy(() -> Distribution.parse("read", text)).as(text)
                .hasMessageContaining(sentence);
    }

    @Test
    void aBadHistogramNamesItsLine() throws Exception {
        Path file = Files.writeString(folder.resolve("h"), "1ms 1\n5 2\n");
        wrong("histogram(" + file + ")", file + " line 2: 5 is not a duration");
        Files.writeString(file, "1ms\n");
        wrong("histogram(" + file + ")", file + " line 1: 1ms must be a duration and a weight");
        Files.writeString(file, "1ms 0\n");
        wrong("histogram(" + file + ")", "gives no duration a weight");
    }
}
