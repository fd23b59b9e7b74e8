package dev.sluice.kernel;

import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.databind.ObjectMapper;
import java.io.IOException;
import java.io.InputStream;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.Set;
import java.util.TreeSet;
import org.awaitility.Awaitility;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

/** Idle CPUs are kept awake while it matters, as the kernel sees it, and no longer. */
@Tag("kernel")
@Tag("alone")
@Timeout(240)
final class IdleKernelTest {
    private static final Path DEVICE = Path.of("/dev/cpu_dma_latency");
    private static final int ANY = 2_000_000_000;
    private static final Duration SOON = Duration.ofSeconds(60);

    /** What all processes together ask for: microseconds to wake. */
    private static int asked() {
        try (InputStream in = Files.newInputStream(DEVICE)) {
            return ByteBuffer.wrap(in.readNBytes(4)).order(ByteOrder.nativeOrder()).getInt();
        } catch (IOException e) {
            throw new AssertionError(e);
        }
    }

    private static void awaitAsked(int micros) {
        Awaitility.await().atMost(SOON).until(() -> asked() == micros);
    }

    private static Shell.Running reads(Mounted m, String device) {
        return Shell.start("fio", "--name=reads", "--filename=" + m.file(device), "--rw=randread",
                "--bs=4k", "--size=16M", "--ioengine=psync", "--direct=1", "--time_based",
                "--runtime=120");
    }

    private static String state(Mounted m) throws IOException {
        return new ObjectMapper().readTree(Files.readString(m.file(".sluice").resolve(
                "status.json"))).findValue("idle_cpus").asText();
    }

    @Test
    void cpusAreAwakeWhileSomethingIsDueSoon() throws Exception {
        awaitAsked(ANY);
        try (Mounted m = Mounted.with("", "void 64M zero", "soon - delay void read=1ms",
                "late - delay void read=200ms")) {
            try (Shell.Running reader = reads(m, "soon")) {
                awaitAsked(0);
                assertThat(reader.pid()).isPositive();
                Awaitility.await().atMost(SOON).until(() -> state(m).equals("poll"));
            }
            // What was interrupted is looked for a few times more, which is soon due each time.
            Awaitility.await().atMost(SOON).during(Duration.ofMillis(400))
                    .until(() -> asked() == ANY);
            assertThat(state(m)).isEqualTo("sleep");
            assertThat(seen(m, "void", 2000)).containsExactly(ANY);
            // Not all the time that it is held back, but towards the end.
            assertThat(seen(m, "late", 20)).containsExactly(0, ANY);
        }
        awaitAsked(ANY);
    }

    /** What is asked for meanwhile. */
    private static Set<Integer> seen(Mounted m, String device, int reads) throws Exception {
        Set<Integer> all = new TreeSet<>();
        try (Shell.Running reader = Shell.start("fio", "--name=reads",
                "--filename=" + m.file(device), "--rw=randread", "--bs=4k", "--size=16M",
                "--ioengine=psync", "--direct=1", "--number_ios=" + reads)) {
            while (ProcessHandle.of(reader.pid()).map(ProcessHandle::isAlive).orElse(false)) {
                all.add(asked());
                Thread.sleep(1);
            }
            assertThat(reader.await(SOON).exit()).isZero();
        }
        return all;
    }

    @Test
    void allRequestsKeepThemAwakeWhereThatIsAskedFor() throws Exception {
        try (Mounted m = Mounted.with("idle=poll", "void 64M zero")) {
            awaitAsked(ANY);
            try (Shell.Running reader = reads(m, "void")) {
                awaitAsked(0);
                assertThat(reader.pid()).isPositive();
            }
            awaitAsked(ANY);
        }
    }

    @Test
    void nothingIsAskedForWhereTheyMaySleep() throws Exception {
        try (Mounted m = Mounted.with("idle=sleep", "void 64M zero",
                "soon - delay void read=1ms")) {
            assertThat(seen(m, "soon", 500)).containsExactly(ANY);
            assertThat(state(m)).isEqualTo("sleep");
        }
    }

    @Test
    void nothingStaysAskedForBehindADaemonThatWasKilled() throws Exception {
        try (Mounted m = Mounted.with("idle=poll", "void 64M zero");
                Shell.Running reader = reads(m, "void")) {
            awaitAsked(0);
            Shell.run("kill", "-KILL", Long.toString(m.pid())).ok();
            awaitAsked(ANY);
            assertThat(reader.await(SOON).exit()).isNotZero();
        }
    }
}
