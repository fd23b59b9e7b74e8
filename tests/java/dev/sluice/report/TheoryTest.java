package dev.sluice.report;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.within;

import java.io.IOException;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

/** What is compared: what fio says, and what could be. */
@Tag("unit")
@Timeout(60)
class TheoryTest {
    private static final String JSON = """
            {"jobs":[{"error":0,"read":{"total_ios":10,"iops":5.0,"bw_bytes":20480,
            "lat_ns":{"mean":1500.0,"bins":{"3000":1,"1000":8,"2000":1}}},
            "write":{"total_ios":0}}]}
            """;

    @Test
    void littlesLawBoundsWhatADelayLetsThrough() {
        long[] delays = {4_000_000, 6_000_000};
        assertThat(Theory.iops(1, delays, 0, 1e6)).isEqualTo(200, within(1e-9));
        assertThat(Theory.iops(32, delays, 0, 1e6)).isEqualTo(6400, within(1e-9));
        assertThat(Theory.iops(32, delays, 5_000_000, 1e6)).isEqualTo(3200, within(1e-9));
        assertThat(Theory.iops(32, delays, 0, 1000)).isEqualTo(1000);
        assertThat(Theory.iops(4, new long[0], 10_000, 1e9)).isEqualTo(1e9);
        assertThat(Theory.iops(4, new long[0], 0, 777)).isEqualTo(777);
    }

    /** Tried with fio 3.33: with the backslash it opens the one file of that name. */
    @Test
    void aColonInANameIsNotBetweenTwo() {
        assertThat(Fio.name(Path.of("/mnt/a:b"))).isEqualTo("/mnt/a\\:b");
        assertThat(Fio.name(Path.of("/mnt/a"))).isEqualTo("/mnt/a");
    }

    @Test
    void delaysBoundLargeRequestsToo() {
        assertThat(Theory.bytes(4, 1 << 20, new long[] {4_000_000}, 1e10))
                .isEqualTo(1000.0 * (1 << 20));
        assertThat(Theory.bytes(4, 1 << 20, new long[] {4_000_000}, 1e6)).isEqualTo(1e6);
        assertThat(Theory.bytes(4, 1 << 20, new long[0], 1e10)).isEqualTo(1e10);
        assertThat(Theory.least(7, 0)).isEqualTo(7);
        assertThat(Theory.least(7, 5)).isEqualTo(5);
    }

    @Test
    void readsWhatFioSays() throws Exception {
        Fio.Result r = Fio.parse(JSON, false, List.of("250, 4, 0, 4096, 0", "500, 8, 0, 4096, 0"));
        assertThat(r.requests()).isEqualTo(10);
        assertThat(r.iops()).isEqualTo(5);
        assertThat(r.bytesPerSecond()).isEqualTo(20480);
        assertThat(r.meanNanos()).isEqualTo(1500);
        assertThat(r.latencies()).isEqualTo(Map.of(1000L, 8L, 2000L, 1L, 3000L, 1L));
        assertThat(r.rates()).isEqualTo(Map.of(250L, 4096.0, 500L, 8192.0));
        assertThat(r.percentile(50)).isEqualTo(1000);
        assertThat(r.percentile(80)).isEqualTo(1000);
        assertThat(r.percentile(81)).isEqualTo(2000);
        assertThat(r.percentile(100)).isEqualTo(3000);
    }

    @Test
    void refusesWhatIsNoResult() {
        for (String bad : List.of("{}", JSON.replace("\"error\":0", "\"error\":5"),
                JSON.replace("\"total_ios\":10", "\"total_ios\":0"),
                JSON.replace("\"bins\"", "\"other\""))) {
            assertThatThrownBy(() -> Fio.parse(bad, false, List.of()))
                    .isInstanceOf(IOException.class);
        }
        assertThatThrownBy(() -> Fio.parse(JSON, true, List.of()))
                .isInstanceOf(IOException.class).hasMessageContaining("one request");
    }
}
