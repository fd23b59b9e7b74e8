package dev.sluice.watch;

import static org.assertj.core.api.Assertions.assertThat;

import dev.sluice.block.Op;
import dev.sluice.watch.Counters.Ended;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

/** What the live view shows, and what it leaves out where there is no room. */
@Tag("unit")
@Timeout(60)
class ScreenTest {
    private final List<Rates> rows = rows();

    private static List<Rates> rows() {
        Map<String, Counters> before = new LinkedHashMap<>();
        Map<String, Counters> after = new LinkedHashMap<>();
        String[] names = {"void", "a-device-of-a-long-name", "disk"};
        long[] reads = {9, 123_456, 0};
        for (int i = 0; i < names.length; i++) {
            before.put(names[i], RatesTest.counters(names[i], 0, 0, 0, Map.of()));
            after.put(names[i], RatesTest.counters(names[i], 1_000_000_000L, 500_000_000L,
                    1_234_000_000L, Map.of(Op.READ,
                            new Ended(reads[i], reads[i] * 4096, 0, reads[i] * 12_345))));
        }
        return Rates.between(before, after);
    }

    @Test
    void hasAHeadAndARowForEach() {
        List<String> lines = new Screen(null).lines(rows, Screen.WIDE, Screen.WIDE);
        assertThat(lines).hasSize(4);
        assertThat(lines.get(0).strip().split("\\s+")).containsExactly("device", "r/s", "w/s",
                "rMB/s", "wMB/s", "r_await", "w_await", "f_await", "aqu-sz", "%util", "held",
                "ratio");
        assertThat(lines.get(1).split("\\s+")).containsExactly("void", "9.00", "0", "0.035", "0",
                "0.012", "0", "0", "1.23", "50.0", "2", "2.50");
        assertThat(lines.get(2)).startsWith("a-device-of-a-long-name 123456 ");
        assertThat(lines.stream().mapToInt(String::length).distinct()).hasSize(1);
    }

    @Test
    void leavesOutTheLeastTellingColumnsFirst() {
        String before = null;
        int columns = 0;
        for (int width = 14; width <= 130; width++) {
            int room = width;
            List<String> lines = new Screen(null).lines(rows, width, 10);
            assertThat(lines).as("%d columns", width).allMatch(l -> l.length() <= room);
            assertThat(lines.get(0)).startsWith("device ");
            int now = lines.get(0).strip().split("\\s+").length;
            assertThat(now).as("%d columns", width).isGreaterThanOrEqualTo(columns);
            columns = now;
            before = lines.get(2);
        }
        assertThat(columns).isEqualTo(Column.values().length);
        assertThat(before).startsWith("a-device-of-a-long-name");
        String narrow = new Screen(null).lines(rows, 40, 10).get(0);
        assertThat(narrow.strip().split("\\s+")).containsExactly("device", "r/s", "w/s",
                "r_await", "%util");
        assertThat(new Screen(null).lines(rows, 40, 10).get(2)).startsWith("a-device");
    }

    @Test
    void saysHowManyRowsHaveNoRoom() {
        assertThat(new Screen(null).lines(rows, 80, 4)).hasSize(4);
        List<String> lines = new Screen(null).lines(rows, 80, 3);
        assertThat(lines).hasSize(3);
        assertThat(lines.get(2)).startsWith("… and 2 more");
    }

    @Test
    void sortsByAnyColumn() {
        assertThat(new Screen(null).sorted(rows)).extracting(Rates::name)
                .containsExactly("void", "a-device-of-a-long-name", "disk");
        assertThat(new Screen(Column.of("R/S")).sorted(rows)).extracting(Rates::name)
                .containsExactly("a-device-of-a-long-name", "void", "disk");
        assertThat(new Screen(Column.of("device")).sorted(rows)).extracting(Rates::name)
                .containsExactly("a-device-of-a-long-name", "disk", "void");
        for (Column column : Column.values()) {
            assertThat(Column.of(column.head())).isEqualTo(column);
            assertThat(new Screen(column).sorted(rows)).hasSize(3);
        }
        assertThat(Column.of("speed")).isNull();
        assertThat(Column.names()).startsWith("device, r/s, ").endsWith("held, ratio");
    }

    @Test
    void figuresHaveAsManyDigitsAsTell() {
        assertThat(Column.figure(0)).isEqualTo("0");
        assertThat(Column.figure(0.01234)).isEqualTo("0.012");
        assertThat(Column.figure(1.234)).isEqualTo("1.23");
        assertThat(Column.figure(12.34)).isEqualTo("12.3");
        assertThat(Column.figure(1234.5)).isEqualTo("1235");
        assertThat(Column.figure(12_345_678)).isEqualTo("12M");
        assertThat(Column.figure(99.97)).isEqualTo("100");
        assertThat(Column.figure(9.997)).isEqualTo("10.0");
        assertThat(Column.figure(0.9997)).isEqualTo("1.00");
    }
}
