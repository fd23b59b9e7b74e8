package dev.sluice.kernel;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import java.util.concurrent.TimeUnit;
import org.awaitility.Awaitility;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

/** Who watches a mount sees what its devices do. */
@Tag("kernel")
@Timeout(300)
final class WatchKernelTest {
    private static final ObjectMapper JSON = new ObjectMapper();
    private static final double NANOS = 1e9;

    private static JsonNode fio(Path file, Map<String, String> options) throws Exception {
        Map<String, String> all = new TreeMap<>(options);
        all.put("output-format", "json");
        String out = Shell.fio(file, all).ok();
        return JSON.readTree(out.substring(out.indexOf('{'))).at("/jobs/0");
    }

    private static JsonNode device(Mounted m, String name) throws Exception {
        String text = Shell.bash("timeout 10 cat \"$1\"", m.dir.resolve(".sluice/stats")).ok();
        for (JsonNode device : JSON.readTree(text).path("devices")) {
            if (device.path("name").asText().equals(name)) {
                return device;
            }
        }
        throw new AssertionError("no device " + name + " in " + text);
    }

    /** What the device counted while fio counted this; requests to the last one. */
    private static void agrees(JsonNode before, JsonNode after, JsonNode fio) {
        for (String kind : List.of("read", "write")) {
            long ios = fio.at("/" + kind + "/total_ios").asLong();
            assertThat(more(before, after, "/" + kind + "/ended")).as(kind).isEqualTo(ios);
            assertThat(more(before, after, "/" + kind + "/bytes"))
                    .isEqualTo(fio.at("/" + kind + "/io_bytes").asLong());
        }
        assertThat(more(before, after, "/flush/ended"))
                .isEqualTo(fio.at("/sync/total_ios").asLong());
    }

    private static long more(JsonNode before, JsonNode after, String path) {
        assertThat(before.at(path).isIntegralNumber()).as(path).isTrue();
        return after.at(path).asLong() - before.at(path).asLong();
    }

    @Test
    void countsWhatFioCounts() throws Exception {
        try (Mounted m = Mounted.with("", "disk 64M ram",
                "slow - delay disk read=4ms write=2ms flush=1ms")) {
            JsonNode before = device(m, "slow");
            JsonNode fio = fio(m.file("slow"), Map.of("rw", "randrw", "bs", "4k", "ioengine",
                    "libaio", "iodepth", "8", "size", "4M", "fsync", "50"));
            JsonNode after = device(m, "slow");
            agrees(before, after, fio);
            assertThatThrownBy(() -> agrees(after, after, fio)).isInstanceOf(AssertionError.class);
            JsonNode later = JSON.readTree(after.toString().replaceFirst(
                    "\"ended\":(\\d)", "\"ended\":1$1"));
            assertThatThrownBy(() -> agrees(before, later, fio))
                    .isInstanceOf(AssertionError.class);
            long reads = fio.at("/read/total_ios").asLong();
            long writes = fio.at("/write/total_ios").asLong();
            double least = reads * 0.004 + writes * 0.002;
            double weighted = more(before, after, "/weighted_ns") / NANOS;
            double busy = more(before, after, "/busy_ns") / NANOS;
            double passed = more(before, after, "/at_ns") / NANOS;
            assertThat(weighted).isBetween(least, 8 * passed);
            assertThat(busy).isBetween(least / 8, passed);
            assertThat(more(before, after, "/read/time_ns") / NANOS)
                    .isBetween(reads * 0.004, weighted);
            // What is below has its own account: all of it, none of the time above.
            assertThat(device(m, "disk").at("/read/ended").asLong()).isEqualTo(reads);
            assertThat(device(m, "disk").at("/weighted_ns").asLong() / NANOS)
                    .isLessThan(weighted);
        }
    }

    @Test
    void topShowsWhatIsUnderWay() throws Exception {
        try (Mounted m = Mounted.with("", "disk 64M ram", "slow - delay disk read=100ms",
                    "packed 8M zram");
                Shell.Running load = Shell.start("fio", "--name=t", "--filename=" + m.file("slow"),
                        "--rw=randread", "--bs=4k", "--ioengine=libaio", "--iodepth=4",
                        "--direct=1", "--size=64M", "--time_based", "--runtime=200")) {
            Awaitility.await().atMost(30, TimeUnit.SECONDS)
                    .until(() -> device(m, "slow").path("held").asInt() == 4);
            String table = Shell.sluice("top", "--once", "-i", "500ms", "--sort=%util",
                    m.dir.toString()).ok();
            List<String> lines = table.lines().toList();
            assertThat(lines).hasSize(4);
            assertThat(lines.get(0)).matches("device +r/s +w/s +rMB/s +wMB/s +r_await +w_await"
                    + " +f_await +aqu-sz +%util +held +ratio");
            assertThat(lines.get(1)).startsWith("slow ");
            JsonNode all = JSON.readTree(Shell.sluice("top", "--json", "--once", "-i", "1s",
                    m.dir.toString()).ok());
            assertThat(all.path("devices").findValuesAsText("device"))
                    .containsExactly("disk", "slow", "packed");
            JsonNode slow = all.path("devices").get(1);
            // At most 40 a second, by Little's law; how many fewer, a busy machine decides.
            assertThat(slow.at("/read/per_second").asDouble()).isBetween(1.0, 50.0);
            assertThat(slow.at("/read/await_ms").asDouble()).isGreaterThanOrEqualTo(100);
            assertThat(slow.path("aqu_sz").asDouble()).isBetween(0.1, 4.0);
            assertThat(slow.path("util_percent").asDouble()).isBetween(1.0, 100.1);
            assertThat(slow.at("/write/per_second").asDouble()).isZero();
            assertThat(all.path("devices").get(2).path("util_percent").asDouble()).isZero();
            assertThat(load.runs()).isTrue();
        }
    }

    /** Prints what a client of Prometheus's own reads from its input. */
    private static final String READER = "import sys\n"
            + "from prometheus_client.parser import text_string_to_metric_families as read\n"
            + "for family in read(sys.stdin.read()):\n"
            + "    for s in family.samples:\n"
            + "        print(family.type, s.name, s.labels.get('device'), s.labels.get('op'),"
            + " s.labels.get('le'), s.value)\n";

    @Test
    void prometheusReadsTheMetrics() throws Exception {
        try (Mounted m = Mounted.with("metrics=0", "disk 64M ram", "packed 64M zram",
                "slow - delay disk read=1ms")) {
            JsonNode fio = fio(m.file("slow"), Map.of("rw", "randrw", "bs", "4k", "ioengine",
                    "libaio", "iodepth", "8", "size", "4M"));
            // The kernel tells of fio's close when it comes to it.
            Awaitility.await().atMost(30, TimeUnit.SECONDS)
                    .until(() -> Shell.run("grep", "-q", "^opens *0$",
                            m.control("slow", "status").toString()).exit() == 0);
            String port = JSON.readTree(Shell.sluice("status", "--json", m.dir.toString()).ok())
                    .path("metrics_port").asText();
            Path metrics = m.dir.resolve(".sluice/metrics");
            List<String> file = Shell.bash("timeout 10 /usr/bin/python3 -c \"$1\" <\"$2\"",
                    READER, metrics).ok().lines().toList();
            String get = "import urllib.request, sys\nsys.stdout.write(urllib.request.urlopen("
                    + "'http://127.0.0.1:" + port + "/metrics', timeout=10).read().decode())\n";
            List<String> http = Shell.bash("timeout 20 /usr/bin/python3 -c \"$1\""
                    + " | /usr/bin/python3 -c \"$2\"", get, READER).ok().lines().toList();
            assertThat(http).isEqualTo(file);
            String took = "histogram sluice_device_request_duration_seconds";
            for (String op : List.of("read", "write")) {
                long ios = fio.at("/" + op + "/total_ios").asLong();
                long bytes = fio.at("/" + op + "/io_bytes").asLong();
                assertThat(file).contains(took + "_count slow " + op + " None " + ios + ".0",
                        took + "_bucket slow " + op + " +Inf " + ios + ".0",
                        "counter sluice_device_transferred_bytes_total slow " + op + " None "
                                + bytes + ".0");
            }
            assertThat(file).contains(took + "_bucket slow read 5.0E-4 0.0",
                    "gauge sluice_device_size_bytes packed None None 67108864.0");
            assertThat(Shell.bash("exec 3<>/dev/tcp/\"$1\"/\"$2\"", "127.0.0.1", port).exit())
                    .isZero();
            String outside = Shell.bash("hostname -I 2>/dev/null | cut -d' ' -f1").ok();
            if (!outside.isBlank()) {
                assertThat(Shell.bash("exec 3<>/dev/tcp/\"$1\"/\"$2\" 2>/dev/null", outside, port)
                        .exit()).isNotZero();
            }
            try (Mounted second = Mounted.prepared("disk 1M zero")) {
                assertThat(second.mount("metrics=" + port).sentence())
                        .startsWith("option metrics=" + port + ": the port cannot be had");
            }
        }
    }

    /** On a terminal: frames over each other, never cleared; afterwards it is as it was. */
    @Test
    void topGivesTheTerminalBack() throws Exception {
        try (Mounted m = Mounted.with("", "disk 64M ram", "other 1M zero")) {
            Path inside = Files.writeString(m.folder.resolve("inside"), """
                    stty rows 12 cols 40
                    stty -g
                    %s top -i 200ms %s
                    echo rc=$?
                    stty -g
                    echo end
                    """.formatted(Shell.SLUICE, m.dir));
            for (String end : List.of("q", "\003")) {
                Path seen = m.folder.resolve("seen");
                // The key comes when some frames have been drawn; each wait has a limit.
                Shell.bash("""
                        for ((i = 0; i < 450; i++)); do
                            sleep 0.1
                            frames=$(tr -cd '\033' 2>/dev/null <"$2" | wc -c) || true
                            ((frames < 60)) || break
                        done | { cat; printf '%s' "$1"; for ((i = 0; i < 300; i++)); do
                            sleep 0.1
                            ! grep -q '^end' "$2" || break
                        done; } | timeout 60 script -qefc "bash -m '$3'" "$2" >/dev/null
                        """, end, seen, inside).ok();
                String out = Shell.read(seen);
                assertThat(out).contains("\033[?1049h\033[?25l", "\033[?25h\033[?1049l",
                        "\033[K\r").doesNotContain("\033[2J");
                assertThat(out.split("\033\\[H", -1)).hasSizeGreaterThan(3);
                assertThat(out).contains(end.equals("q") ? "rc=0" : "rc=130");
                List<String> states = out.lines().filter(l -> l.matches("[0-9a-f:]{40,}"))
                        .toList();
                assertThat(states).hasSize(2);
                assertThat(states.get(1)).isEqualTo(states.get(0));
                assertThat(out.substring(0, out.indexOf("rc="))).contains("%util")
                        .doesNotContain("aqu-sz");
                Files.delete(seen);
            }
        }
    }

    @Test
    void topSaysWhatIsWrong() {
        try (Mounted m = Mounted.with("", "disk 64M ram")) {
            String dir = m.dir.toString();
            assertThat(Shell.sluice("top", "--once", "--sort=speed", dir).sentence())
                    .startsWith("there is no column speed to sort by; there are device, r/s,");
            assertThat(Shell.sluice("top", "--once", "-i", "1ms", dir).sentence())
                    .isEqualTo("--interval 1ms must be from 100ms to 1h");
            assertThat(Shell.sluice("top", "--once", m.folder.toString()).sentence())
                    .contains("is not on a sluice mount");
            try (Shell.Running top = Shell.start(Shell.SLUICE, "top", "-i", "100ms", dir)) {
                Awaitility.await().atMost(30, TimeUnit.SECONDS)
                        .until(() -> top.out().contains("disk"));
                m.umount("--force").ok();
                Shell.Result r = top.await(Duration.ofSeconds(30));
                assertThat(r.sentence()).contains(".sluice/stats cannot be read any more");
            }
        }
    }
}
