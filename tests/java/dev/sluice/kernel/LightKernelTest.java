package dev.sluice.kernel;

import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import java.nio.file.Path;
import java.time.Duration;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.concurrent.TimeUnit;
import org.awaitility.Awaitility;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

/** A daemon takes no more of the machine than its work needs. */
@Tag("kernel")
@Timeout(400)
final class LightKernelTest {
    private static final int REQUESTS = 200_000;
    /** The smallest object takes 16 bytes: one in four requests would show. */
    private static final long MOST = 4L * REQUESTS;

    @Test
    void aRequestThatEndsAtOnceTakesNothingFromTheHeap() {
        try (Mounted m = Mounted.with("", "nothing 64M zero", "base 64M ram",
                "window 32M linear base offset=32M", "packed 64M zram")) {
            fill(m.file("base"));
            String[] devices = {"nothing", "base", "window", "packed"};
            for (String device : devices) {
                requests(m.file(device), "libaio", 32, REQUESTS / 2);
            }
            long collections = status(m).get("gc_count").asLong();
            for (String device : devices) {
                nothingTaken(m, device, "libaio", 32);
                nothingTaken(m, device, "psync", 1);
            }
            // What the looks at status take may fill up what was nearly full.
            assertThat(status(m).get("gc_count").asLong() - collections).isBetween(0L, 1L);
        }
    }

    private static void nothingTaken(Mounted m, String device, String engine, int depth) {
        long ended = m.stat(device, "read.ended") + m.stat(device, "write.ended");
        long before = allocated(m);
        requests(m.file(device), engine, depth, REQUESTS);
        long taken = allocated(m) - before;
        assertThat(m.stat(device, "read.ended") + m.stat(device, "write.ended") - ended)
                .isGreaterThanOrEqualTo(REQUESTS);
        assertThat(taken).as("%s %s bytes by %d requests", device, engine, REQUESTS)
                .isBetween(1L, MOST);
    }

    /** Otherwise a figure that stands still would pass for a data path that takes nothing. */
    @Test
    void whatIsTakenFromTheHeapIsSeen() {
        try (Mounted m = Mounted.with("", "disk 64M ram")) {
            long before = allocated(m);
            Shell.bash("for ((i = 0; i < 200; i++)); do cat \"$1\" >/dev/null; done",
                    m.dir.resolve(".sluice/status")).ok();
            assertThat(allocated(m) - before).isGreaterThan(200 * 1024);
        }
    }

    @Test
    @Tag("alone")
    void anIdleDaemonTakesLittleMemoryAndHardlyAnyTime() throws InterruptedException {
        try (Mounted m = Mounted.with("metrics=0", "disk 64M ram", "nothing 1T zero")) {
            requests(m.file("disk"), "libaio", 32, REQUESTS / 2);
            Shell.run("dd", "if=/dev/zero", "of=" + m.file("disk"), "bs=1M", "count=64",
                    "conv=notrunc", "oflag=direct", "status=none").ok();
            long pid = m.pid();
            long data = 64 << 20;
            // What the work before has left to compile settles first. 0.3 % of 5 s are 1.5 ticks,
            // and how they fall may add one.
            Awaitility.await().atMost(60, TimeUnit.SECONDS)
                    .pollInterval(Duration.ofSeconds(1)).until(() -> ticksOfSeconds(pid, 5) <= 2);
            // 115 MB mostly; how the JVM's compilers fared at times leaves 20 MB more, and they
            // give back late.
            Awaitility.await().atMost(60, TimeUnit.SECONDS).pollInterval(Duration.ofSeconds(1))
                    .untilAsserted(() -> assertThat(resident(pid) - data)
                            .isBetween(10L << 20, 150L << 20));
            assertThat(status(m).get("pid").asLong()).isEqualTo(pid);
        }
    }

    private static void fill(Path file) {
        Shell.run("dd", "if=/dev/urandom", "of=" + file, "bs=1M", "count=64", "conv=notrunc",
                "iflag=fullblock", "status=none").ok();
    }

    /** Random requests of 4k, half of them writes. */
    private static void requests(Path file, String engine, int depth, int count) {
        Map<String, String> options = new LinkedHashMap<>();
        options.put("rw", "randrw");
        options.put("bs", "4k");
        options.put("size", "32M");
        options.put("ioengine", engine);
        options.put("iodepth", Integer.toString(depth));
        options.put("norandommap", null);
        options.put("io_size", count * 4L + "k");
        options.put("randseed", Long.toString(Long.getLong("seed", 20)));
        Shell.fio(file, options).ok();
    }

    private static long allocated(Mounted m) {
        long sum = 0;
        for (JsonNode thread : status(m).get("session_allocated")) {
            // One that was never asked in has taken nothing yet.
            assertThat(thread.asLong()).isNotNegative();
            sum += thread.asLong();
        }
        assertThat(sum).isPositive();
        return sum;
    }

    private static JsonNode status(Mounted m) {
        try {
            return new ObjectMapper().readTree(
                    Shell.sluice("status", "--json", m.dir.toString()).ok());
        } catch (JsonProcessingException e) {
            throw new AssertionError(e);
        }
    }

    static long resident(long pid) {
        return Shell.read(Path.of("/proc", Long.toString(pid), "status")).lines()
                .filter(l -> l.startsWith("VmRSS:"))
                .mapToLong(l -> Long.parseLong(l.replaceAll("\\D", "")) << 10)
                .findFirst().orElseThrow();
    }

    /** Hundredths of a second of processor time that the process took, in user and kernel. */
    private static long ticksOfSeconds(long pid, int seconds) throws InterruptedException {
        long before = ticks(pid);
        Thread.sleep(1000L * seconds);
        return ticks(pid) - before;
    }

    private static long ticks(long pid) {
        String stat = Shell.read(Path.of("/proc", Long.toString(pid), "stat"));
        String[] behind = stat.substring(stat.lastIndexOf(')') + 2).split(" ");
        return Long.parseLong(behind[11]) + Long.parseLong(behind[12]);
    }
}
