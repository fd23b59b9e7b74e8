package dev.sluice.watch;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import dev.sluice.block.Op;
import dev.sluice.watch.Counters.Ended;
import java.util.EnumMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import org.assertj.core.data.Offset;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

/** The formulas of iostat: from sysstat's rd_stats.c, with nanoseconds in place of ticks. */
@Tag("unit")
@Timeout(60)
class RatesTest {
    private static final Offset<Double> EXACT = within(1e-9);

    /** A device's counters; all else is zero. */
    static Counters counters(String name, long at, long busy, long weighted,
            Map<Op, Ended> some) {
        Map<Op, Ended> all = new EnumMap<>(Op.class);
        for (Op op : Op.values()) {
            all.put(op, some.getOrDefault(op, new Ended(0, 0, 0, 0)));
        }
        return new Counters(name, "test", at, busy, weighted, 3, 2, 2.5, all);
    }

    private static Rates rates(Counters before, Counters after) {
        List<Rates> all = Rates.between(Map.of(before.name(), before),
                Map.of(after.name(), after));
        assertThat(all).hasSize(1);
        return all.get(0);
    }

    @Test
    void computesWhatIostatDoes() {
        Counters before = counters("d", 7_000_000_000L, 1_000_000_000L, 3_000_000_000L, Map.of(
                Op.READ, new Ended(1000, 4096 * 1000, 0, 500_000_000L),
                Op.WRITE, new Ended(10, 10 << 20, 1, 90_000_000L)));
        Counters after = counters("d", 9_000_000_000L, 2_500_000_000L, 11_000_000_000L, Map.of(
                Op.READ, new Ended(5000, 5000 * 4096, 0, 2_500_000_000L),
                Op.WRITE, new Ended(30, 26 << 20, 5, 490_000_000L),
                Op.FLUSH, new Ended(4, 0, 0, 48_000_000L)));
        Rates r = rates(before, after);
        assertThat(r.seconds()).isEqualTo(2.0, EXACT);
        assertThat(r.perSecond(Op.READ)).isEqualTo(2000, EXACT);
        assertThat(r.mib(Op.READ)).isEqualTo(4000 * 4096.0 / (1 << 20) / 2, EXACT);
        assertThat(r.await(Op.READ)).isEqualTo(0.5, EXACT);
        assertThat(r.perSecond(Op.WRITE)).isEqualTo(10, EXACT);
        assertThat(r.mib(Op.WRITE)).isEqualTo(8, EXACT);
        assertThat(r.await(Op.WRITE)).isEqualTo(20, EXACT);
        assertThat(r.failures(Op.WRITE)).isEqualTo(2, EXACT);
        assertThat(r.await(Op.FLUSH)).isEqualTo(12, EXACT);
        assertThat(r.await(Op.DISCARD)).isZero();
        assertThat(r.queue()).isEqualTo(4, EXACT);
        assertThat(r.util()).isEqualTo(75, EXACT);
        assertThat(r.held()).isEqualTo(2);
        assertThat(r.ratio()).isEqualTo(2.5);
        assertThat(r.facts()).containsEntry("aqu_sz", r.queue())
                .containsEntry("util_percent", r.util());
    }

    @Test
    void anIdleDeviceHasZeros() {
        Counters before = counters("d", 0, 0, 0, Map.of());
        Rates r = rates(before, counters("d", 1_000_000, 0, 0, Map.of()));
        for (Op op : Op.values()) {
            assertThat(r.perSecond(op) + r.mib(op) + r.await(op) + r.failures(op)).isZero();
        }
        assertThat(r.queue() + r.util()).isZero();
    }

    /** Of another daemon, or of the same moment, nothing can be said. */
    @Test
    void whatDoesNotBelongTogetherIsLeftOut() {
        Map<Op, Ended> ten = Map.of(Op.READ, new Ended(10, 0, 0, 0));
        Counters one = counters("d", 100, 50, 50, ten);
        for (Counters later : List.of(counters("d", 100, 50, 50, ten),
                counters("d", 90, 50, 50, ten), counters("d", 200, 40, 50, ten),
                counters("d", 200, 50, 50, Map.of(Op.READ, new Ended(9, 0, 0, 0))),
                counters("new", 200, 60, 60, ten))) {
            assertThat(Rates.between(Map.of("d", one), Map.of(later.name(), later))).isEmpty();
        }
        assertThat(Rates.between(Map.of("d", one), Map.of("d", counters("d", 200, 50, 50, ten))))
                .hasSize(1);
    }

    @Test
    void readsTheFile() throws Exception {
        String text = """
                {"devices":[
                {"name":"b","type":"ram","held":0,"data_bytes":0,"stored_bytes":0,"in_flight":1,
                "at_ns":5,"busy_ns":3,"weighted_ns":4,"more":{"x":[1]},
                "read":{"ended":7,"bytes":8,"failed":1,"time_ns":9,"p50_us":0.5}},
                {"name":"a","type":"zram","held":6,"data_bytes":300,"stored_bytes":100}]}
                """;
        Map<String, Counters> all = Counters.parse(text);
        assertThat(all.keySet()).containsExactly("b", "a");
        Map<Op, Ended> ended = new LinkedHashMap<>(all.get("b").ended());
        assertThat(ended.remove(Op.READ)).isEqualTo(new Ended(7, 8, 1, 9));
        assertThat(ended.values()).containsOnly(new Ended(0, 0, 0, 0));
        assertThat(all.get("b").ratio()).isZero();
        assertThat(all.get("b").atNanos()).isEqualTo(5);
        assertThat(all.get("b").busyNanos()).isEqualTo(3);
        assertThat(all.get("b").weightedNanos()).isEqualTo(4);
        assertThat(all.get("a").ratio()).isEqualTo(3);
        assertThat(all.get("a").held()).isEqualTo(6);
    }
}
