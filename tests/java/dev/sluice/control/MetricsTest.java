package dev.sluice.control;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.sluice.block.Device;
import dev.sluice.block.Op;
import dev.sluice.testing.MemoryTarget;
import dev.sluice.testing.ParkTarget;
import dev.sluice.testing.SimHost;
import dev.sluice.testing.TestBio;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

/** The metrics keep the text format 0.0.4, and the conventions for names, units and types. */
@Tag("unit")
@Timeout(60)
class MetricsTest {
    private static final Pattern HEAD = Pattern.compile("# (HELP|TYPE) ([a-z_]+) (.+)");
    private static final Pattern SAMPLE = Pattern.compile(
            "([a-z_]+)(\\{(?:[a-z]+=\"[^\"\\n]*\",?)*\\})? (\\S+)");

    /** Each sample by its name and labels; what breaks a rule is an error. */
    static Map<String, Double> parse(String text) {
        Map<String, String> types = new HashMap<>();
        Map<String, Double> samples = new LinkedHashMap<>();
        assertThat(text).endsWith("\n");
        String family = "";
        boolean helped = false;
        for (String line : text.split("\n")) {
            Matcher head = HEAD.matcher(line);
            if (head.matches()) {
                assertThat(types).as(line).doesNotContainKey(head.group(2));
                if (head.group(1).equals("HELP")) {
                    helped = true;
                    assertThat(head.group(3)).endsWith(".");
                } else {
                    assertThat(helped).as("help before " + line).isTrue();
                    helped = false;
                    family = head.group(2);
                    types.put(family, head.group(3));
                    follows(family, head.group(3));
                }
                continue;
            }
            Matcher sample = SAMPLE.matcher(line);
            assertThat(sample.matches()).as(line).isTrue();
            String suffix = types.get(family).equals("histogram") ? "(_bucket|_sum|_count)" : "";
            assertThat(sample.group(1)).as(line).matches(Pattern.quote(family) + suffix);
            assertThat(samples.put(sample.group(1) + (sample.group(2) == null ? ""
                    : sample.group(2)), Double.parseDouble(sample.group(3).replace("+Inf",
                            "Infinity")))).as("twice: " + line).isNull();
        }
        return samples;
    }

    /** Base units only, and a counter, and nothing else, is a total. */
    private static void follows(String name, String type) {
        assertThat(type).isIn("counter", "gauge", "histogram");
        assertThat(name).startsWith("sluice_")
                .doesNotContainPattern("_(ms|us|ns|millis|micros|nanos|kb|mib|percent)(_|$)");
        assertThat(name.endsWith("_total")).as(name).isEqualTo(type.equals("counter"));
        if (name.contains("time") || name.contains("duration") || name.contains("age")) {
            assertThat(name).contains("seconds");
        }
    }

    private static Map<String, Object> facts(Device device, String name) {
        Map<String, Object> all = new LinkedHashMap<>();
        all.put("name", name);
        all.put("type", "test");
        all.put("size", 4096L);
        all.put("opens", 3);
        all.put("failed", false);
        all.put("held", 1);
        all.putAll(device.stats(Metrics.STEPS));
        return all;
    }

    private static String text() {
        SimHost host = new SimHost(1);
        ParkTarget park = new ParkTarget(new MemoryTarget(MemoryTarget.limits(1 << 20, 512, true,
                true)));
        Device device = host.device("d", park);
        for (int i = 0; i < 3; i++) {
            TestBio.submit(device, Op.READ, 0, 512, 0);
            host.clock.advance(3_000_000);
            park.letGo();
        }
        TestBio.submit(device, Op.READ, 1 << 20, 512, 0);
        TestBio.submit(device, Op.WRITE, 0, 4096, 0);
        host.clock.advance(1_000_000_000);
        Map<String, Object> packed = facts(device, "odd \"\\ name");
        packed.put("data_bytes", 300L);
        packed.put("stored_bytes", 100L);
        return Metrics.text(Metrics.of("1.2", List.of(facts(device, "d"), packed)));
    }

    @Test
    void keepsTheRulesAndTellsWhatWasCounted() {
        Map<String, Double> all = parse(text().replace("odd \\\"\\\\ name", "odd"));
        assertThat(all).containsEntry("sluice_build_info{version=\"1.2\"}", 1.0)
                .containsEntry("sluice_device_info{device=\"d\",target=\"test\"}", 1.0)
                .containsEntry("sluice_device_size_bytes{device=\"d\"}", 4096.0)
                .containsEntry("sluice_device_opens{device=\"d\"}", 3.0)
                .containsEntry("sluice_device_requests_in_flight{device=\"d\"}", 1.0)
                .containsEntry("sluice_device_requests_held{device=\"d\"}", 1.0)
                .containsEntry("sluice_device_oldest_request_age_seconds{device=\"d\"}", 1.0)
                .containsEntry("sluice_device_io_time_seconds_total{device=\"d\"}", 1.009)
                .containsEntry("sluice_device_io_time_weighted_seconds_total{device=\"d\"}", 1.009)
                .containsEntry("sluice_device_transferred_bytes_total{device=\"d\",op=\"read\"}",
                        1536.0)
                .containsEntry("sluice_device_request_failures_total{device=\"d\",op=\"read\"}",
                        1.0)
                .containsEntry("sluice_device_data_bytes{device=\"odd\"}", 300.0)
                .containsEntry("sluice_device_stored_bytes{device=\"odd\"}", 100.0)
                .doesNotContainKey("sluice_device_stored_bytes{device=\"d\"}");
        String took = "sluice_device_request_duration_seconds";
        assertThat(all).containsEntry(took + "_count{device=\"d\",op=\"read\"}", 4.0)
                .containsEntry(took + "_sum{device=\"d\",op=\"read\"}", 0.009)
                .containsEntry(took + "_bucket{device=\"d\",op=\"read\",le=\"5.0E-6\"}", 1.0)
                .containsEntry(took + "_bucket{device=\"d\",op=\"read\",le=\"0.0025\"}", 1.0)
                .containsEntry(took + "_bucket{device=\"d\",op=\"read\",le=\"0.005\"}", 4.0)
                .containsEntry(took + "_bucket{device=\"d\",op=\"read\",le=\"+Inf\"}", 4.0)
                .containsEntry(took + "_count{device=\"d\",op=\"write\"}", 0.0);
    }

    @Test
    void brokenTextIsFound() {
        String good = text();
        for (String[] change : new String[][] {{"io_time_seconds_total", "io_time_seconds"},
            {"# HELP sluice_device_opens", "# sluice_device_opens"}, {"{device=\"d\"", "{device=d"},
            {"_seconds", "_ms"}, {"TYPE sluice_device_opens gauge", "TYPE sluice_device_x gauge"},
            {" counter\n", " untyped\n"}}) {
            String bad = good.replace(change[0], change[1]);
            assertThat(bad).isNotEqualTo(good);
            assertThatThrownBy(() -> parse(bad)).as(change[0]).isInstanceOf(AssertionError.class);
        }
        assertThatThrownBy(() -> parse(good + good)).isInstanceOf(AssertionError.class);
    }
}
