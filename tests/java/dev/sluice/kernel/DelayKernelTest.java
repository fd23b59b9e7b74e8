package dev.sluice.kernel;

import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import dev.sluice.block.Units;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.Map;
import java.util.TreeMap;
import org.awaitility.Awaitility;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

/** delay through a real mount: what callers see, who dies, and thousands held for an hour. */
@Tag("kernel")
@Timeout(300)
final class DelayKernelTest {
    private static final Duration AT_ONCE = Duration.ofSeconds(30);
    private static final Duration SOON = Duration.ofSeconds(60);
    private static final int HELD = 5000;

    private static JsonNode fio(Path file, Map<String, String> options) throws Exception {
        Map<String, String> all = new TreeMap<>(options);
        all.put("output-format", "json");
        // The clock that the daemon has, and none of fio's own, which is off by how it was set.
        all.put("clocksource", "clock_gettime");
        String out = Shell.fio(file, all).ok();
        return new ObjectMapper().readTree(out.substring(out.indexOf('{'))).at("/jobs/0");
    }

    /** fio's own clock never sees less than was asked, and both count the same requests. */
    @ParameterizedTest
    @ValueSource(strings = {"session", "stock"})
    void theCallerWaitsAsLongAsWasAskedAndTheProofAgrees(String loop) throws Exception {
        try (Mounted m = Mounted.with("loop=" + loop, "disk 64M ram",
                "slow - delay disk read=5ms write=2ms")) {
            JsonNode read = fio(m.file("slow"), Map.of("rw", "randread", "bs", "4k",
                    "ioengine", "psync", "number_ios", "200", "size", "64M")).get("read");
            JsonNode write = fio(m.file("slow"), Map.of("rw", "randwrite", "bs", "4k",
                    "ioengine", "psync", "number_ios", "200", "size", "64M")).get("write");
            assertThat(read.at("/clat_ns/min").asLong()).isGreaterThanOrEqualTo(5_000_000);
            assertThat(write.at("/clat_ns/min").asLong()).isGreaterThanOrEqualTo(2_000_000);
            assertThat(m.stat("slow", "delayed_read.count"))
                    .isEqualTo(read.get("total_ios").asLong()).isEqualTo(200);
            assertThat(m.stat("slow", "delayed_write.count"))
                    .isEqualTo(write.get("total_ios").asLong()).isEqualTo(200);
            String stats = Shell.bash("timeout 10 cat \"$1\"", m.control("slow", "stats")).ok();
            assertThat(figure(stats, "delayed_read.given_p50_us")).isBetween(4_950.0,
                    read.at("/clat_ns/percentile/50.000000").asDouble() / 1000 * 1.02);
        }
    }

    /** Who looks for the answer all the time sees it before anybody who has to be woken. */
    @ParameterizedTest
    @CsvSource({"randread,100us", "randwrite,100us", "randread,1ms", "randwrite,1ms"})
    void whoPollsWaitsNoLessThanWasAsked(String rw, String delay) throws Exception {
        try (Mounted m = Mounted.with("", "disk 64M ram", "slow - delay disk read=" + delay)) {
            JsonNode all = fio(m.file("slow"), Map.of("rw", rw, "bs", "4k", "direct", "1",
                    "ioengine", "libaio", "userspace_reap", "1", "number_ios", "5000",
                    "iodepth_batch_complete_min", "0", "size", "64M"));
            assertThat(all.get(rw.substring(4)).at("/lat_ns/min").asLong())
                    .isGreaterThanOrEqualTo(Units.parseDuration("delay", delay));
        }
    }

    private static double figure(String stats, String name) {
        return stats.lines().filter(l -> l.startsWith(name + " "))
                .mapToDouble(l -> Double.parseDouble(l.substring(name.length() + 1)))
                .findFirst().orElseThrow();
    }

    private static String arrival(Mounted m) throws Exception {
        return new ObjectMapper().readTree(m.file(".sluice").resolve("status.json").toFile())
                .findValue("arrival").asText();
    }

    /** While nobody reads it a request waits too: its reader stops the daemon for three seconds. */
    @ParameterizedTest
    @ValueSource(strings = {"kernel", "read"})
    void aDelayCountsFromWhenTheKernelGotTheRequest(String from) throws Exception {
        String stopped = "my $d = $ARGV[1]; kill 'STOP', $d; if (fork == 0) { sleep 3;"
                + " kill 'CONT', $d; exit }";
        try (Mounted m = Mounted.with("arrival=" + from, "disk 64M ram",
                "slow - delay disk read=100ms")) {
            assertThat(arrival(m)).isEqualTo(from);
            String read = Shell.run(AT_ONCE, "perl", "-e", "open(F, '<', $ARGV[0]) or die;"
                    + stopped + " print sysread(F, my $b, 4096); wait;",
                    m.file("slow").toString(), Long.toString(m.pid())).ok();
            assertThat(read).isEqualTo("4096");
            String stats = Shell.bash("timeout 10 cat \"$1\"", m.control("slow", "stats")).ok();
            assertThat(figure(stats, "delayed_read.given_p99_us"))
                    .isGreaterThan(from.equals("kernel") ? 1_000_000 : 100_000);
        }
    }

    /** There the kernel's time is another than the daemon's, by a day. */
    @Test
    void inATimeNamespaceADelayCountsFromWhenItWasRead() throws Exception {
        try (Mounted m = Mounted.with("", "disk 64M ram", "slow - delay disk read=20ms")) {
            m.umount().ok();
            Shell.run("unshare", "--time", "--monotonic", "86400", Shell.SLUICE, "mount",
                    m.table.toString(), m.dir.toString()).ok();
            assertThat(arrival(m)).isEqualTo("read, the kernel does not tell");
            JsonNode read = fio(m.file("slow"), Map.of("rw", "randread", "bs", "4k",
                    "ioengine", "psync", "number_ios", "20", "size", "64M")).get("read");
            assertThat(read.at("/clat_ns/min").asLong()).isGreaterThanOrEqualTo(20_000_000);
        }
    }

    @Test
    void whatIsWrittenIsRight() throws Exception {
        try (Mounted m = Mounted.with("", "disk 64M ram block=4k",
                "slow - delay disk read=uniform(0,2ms) write=exp(1ms) percent=70 seed=3")) {
            Shell.fio(m.file("slow"), Map.of("rw", "randrw", "bsrange", "512-256k",
                    "ioengine", "libaio", "iodepth", "32", "size", "32M", "verify", "crc32c",
                    "verify_backlog", "64")).ok();
        }
    }

    /** Reads through the device until it ends; prints its end. */
    private static Shell.Running reader(Mounted m, String perl) {
        return Shell.start("perl", "-e", perl + " open(F, '<', $ARGV[0]) or die;"
                + " my $n = sysread(F, my $b, 4096);"
                + " print defined $n ? \"read $n\\n\" : \"failed $!\\n\";",
                m.file("slow").toString());
    }

    @ParameterizedTest
    @ValueSource(strings = {"KILL", "TERM", "ABRT"})
    void aCallerThatDiesDiesAtOnce(String signal) {
        try (Mounted m = Mounted.with("", "disk 64M ram", "slow - delay disk read=1h");
                Shell.Running reader = reader(m, "")) {
            await(() -> held(m) == 1);
            Shell.run("kill", "-" + signal, Long.toString(reader.pid())).ok();
            assertThat(reader.await(AT_ONCE).exit()).isNotZero();
            await(() -> held(m) == 0);
            assertThat(status(m, "interrupted")).isEqualTo(1);
        }
    }

    /** Its flush was never carried out, so nobody else has lost anything. */
    @Test
    void aKilledFsyncFailsTheDeviceForNobodyElse() {
        try (Mounted m = Mounted.with("", "disk 64M ram", "slow - delay disk flush=1h");
                Shell.Running holder = Shell.start("sh", "-c",
                        "exec 3<>" + m.file("slow") + " && sleep 100")) {
            try (Shell.Running fsync = Shell.start("dd", "if=/dev/zero",
                    "of=" + m.file("slow"), "bs=4k", "count=1", "conv=notrunc,fsync")) {
                await(() -> status(m, "held_flush") == 1);
                Shell.run("kill", "-KILL", Long.toString(fsync.pid())).ok();
                assertThat(fsync.await(AT_ONCE).exit()).isNotZero();
            }
            Shell.run(AT_ONCE, "dd", "if=/dev/zero", "of=" + m.file("slow"), "bs=4k",
                    "count=1", "conv=notrunc").ok();
            assertThat(holder.runs()).isTrue();
        }
    }

    /** A signal with a handler, and one after which it is killed, of which FUSE does not tell. */
    @Test
    void aCallerThatOnlyGotASignalGoesOnUntilItIsKilled() throws Exception {
        String handlers = "$SIG{USR1} = sub {}; $SIG{ALRM} = sub {}; alarm(1);";
        try (Mounted m = Mounted.with("", "disk 64M ram", "slow - delay disk read=1h");
                Shell.Running one = reader(m, handlers);
                Shell.Running other = reader(m, handlers)) {
            await(() -> held(m) == 2);
            Shell.run("kill", "-USR1", Long.toString(one.pid()), Long.toString(other.pid()))
                    .ok();
            Thread.sleep(2000);
            assertThat(held(m)).isEqualTo(2);
            Shell.run("kill", "-KILL", Long.toString(one.pid())).ok();
            assertThat(one.await(AT_ONCE).exit()).isNotZero();
            assertThat(held(m)).isEqualTo(1);
            Shell.sluice("message", m.file("slow").toString(), "suspend").ok();
            assertThat(other.await(AT_ONCE).ok()).isEqualTo("read 4096");
            assertThat(status(m, "interrupted")).isEqualTo(1);
        }
    }

    private static long held(Mounted m) {
        return status(m, "held_read") + status(m, "held_write") + status(m, "held_flush");
    }

    private static long status(Mounted m, String name) {
        String all = Shell.run(AT_ONCE, "timeout", "20", "cat",
                m.control("slow", "status").toString()).ok();
        return all.lines().filter(l -> l.startsWith(name + " "))
                .mapToLong(l -> Long.parseLong(l.substring(name.length()).strip()))
                .findFirst().orElseThrow(() -> new AssertionError("no " + name + " in " + all));
    }

    /** A mount in which thousands of reads and writes wait for an hour. */
    private static Mounted crowded() {
        return Mounted.with("", "disk 64M ram", "slow - delay disk read=1h write=1h");
    }

    private static Shell.Running crowd(Mounted m, int ios) {
        Shell.Running fio = Shell.start("fio", "--name=crowd", "--filename=" + m.file("slow"),
                "--direct=1", "--ioengine=libaio", "--iodepth=1250", "--numjobs=4", "--thread",
                "--rw=randrw", "--bs=4k", "--size=64M", "--number_ios=" + ios,
                "--group_reporting", "--output-format=json");
        await(() -> held(m) == HELD);
        return fio;
    }

    private static Shell.Result atOnce(String... command) {
        String[] all = new String[command.length + 1];
        all[0] = Shell.SLUICE;
        System.arraycopy(command, 0, all, 1, command.length);
        return Shell.run(AT_ONCE, all);
    }

    @Test
    void thousandsAreHeldAndControlGoesOn() throws Exception {
        try (Mounted m = crowded(); Shell.Running fio = crowd(m, 1500)) {
            assertThat(atOnce("status", m.dir.toString()).ok()).contains("slow", "disk");
            for (int i = 1; i <= 100; i++) {
                String set = "read=" + i + "us write=" + (101 - i) + "us";
                Shell.bash("timeout 20 echo \"$2\" >\"$1\"", m.control("slow", "set"), set).ok();
            }
            assertThat(held(m)).as("what is held keeps its time").isEqualTo(HELD);
            Shell.run(AT_ONCE, "dd", "if=/dev/zero", "of=" + m.file("disk"), "bs=1M",
                    "count=16", "oflag=direct", "conv=notrunc,fsync", "status=none").ok();
            atOnce("message", m.file("slow").toString(), "suspend").ok();
            atOnce("message", m.file("slow").toString(), "resume").ok();
            String out = fio.await(SOON).ok();
            JsonNode job = new ObjectMapper().readTree(out.substring(out.indexOf('{')))
                    .at("/jobs/0");
            assertThat(job.at("/read/total_ios").asLong() + job.at("/write/total_ios").asLong())
                    .isEqualTo(4 * 1500);
            assertThat(job.get("error").asInt()).isZero();
            assertThat(held(m)).isZero();
        }
    }

    @Test
    void aSignalLetsThousandsGoAndEnds() throws Exception {
        try (Mounted m = crowded(); Shell.Running fio = crowd(m, 1250)) {
            Shell.run("kill", "-TERM", Long.toString(m.pid())).ok();
            Awaitility.await().atMost(AT_ONCE).until(() -> !m.isMounted());
            assertThat(m.result()).isEqualTo("ok\n");
            assertThat(fio.await(SOON).exit()).isZero();
        }
    }

    @Test
    void forceEndsWhileThousandsAreHeld() throws Exception {
        try (Mounted m = crowded(); Shell.Running fio = crowd(m, 1250)) {
            assertThat(atOnce("umount", "--force", m.dir.toString()).exit()).isZero();
            assertThat(m.isMounted()).isFalse();
            assertThat(fio.await(SOON).exit()).isNotZero();
        }
    }

    /** The last flush of an unmount is a flush as well. */
    @Test
    void anUnmountDoesNotWaitForAFlushOfAnHour() {
        try (Mounted m = Mounted.with("", "disk 64M ram", "slow - delay disk flush=1h")) {
            Shell.run("dd", "if=/dev/zero", "of=" + m.file("slow"), "bs=4k", "count=1",
                    "conv=notrunc", "status=none").ok();
            assertThat(atOnce("umount", m.dir.toString()).exit()).isZero();
        }
    }

    private static void await(java.util.concurrent.Callable<Boolean> condition) {
        Awaitility.await().atMost(SOON).pollInterval(Duration.ofMillis(50)).until(condition);
    }
}
