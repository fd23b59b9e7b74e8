package dev.sluice.target;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.Arrays;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

/** What is asked for is spread as it is to come. */
@Tag("unit")
@Timeout(120)
class DelaysTest {
    private static double percentile(long[] sorted, double percent) {
        return sorted[(int) (sorted.length * percent / 100)];
    }

    @Test
    void spreadsEachDistribution() throws Exception {
        assertThat(Delays.spread("5ms")).containsOnly(5_000_000);
        long[] even = Delays.spread("uniform(1ms,3ms)");
        assertThat(percentile(even, 25)).isBetween(1.49e6, 1.51e6);
        long[] exp = Delays.spread("exp(1ms)");
        assertThat(Arrays.stream(exp).average().orElseThrow()).isBetween(0.99e6, 1.01e6);
        long[] log = Delays.spread("lognormal(2ms,0.5)");
        assertThat(percentile(log, 50)).isBetween(1.95e6, 2.05e6);
        assertThat(percentile(log, 84.13)).isBetween(3.1e6, 3.5e6);
        long[] normal = Delays.spread("normal(10ms,1ms)");
        assertThat(percentile(normal, 97.72)).isBetween(11.9e6, 12.1e6);
        assertThat(normal).isSorted();
    }

    @Test
    void aPartThatIsNotDelayedIsThere() throws Exception {
        long[] some = Delays.spread("200ms of 2.5%");
        assertThat(Arrays.stream(some).filter(n -> n == 0).count())
                .isEqualTo(Math.round(some.length * 0.975));
        assertThat(some[some.length - 1]).isEqualTo(200_000_000);
        assertThat(Delays.spread("5ms of 0%")).containsOnly(0);
    }
}
