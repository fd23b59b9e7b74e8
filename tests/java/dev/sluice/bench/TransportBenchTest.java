package dev.sluice.bench;

import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import java.nio.file.Files;
import java.nio.file.Path;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;
import picocli.CommandLine;

/** The benchmark itself, on sides that need no peer installed; how fast they are is not judged. */
@Tag("kernel")
@Timeout(420)
final class TransportBenchTest {
    @TempDir
    private Path scratch;

    @Test
    void everySideAndCellGivesASampleAndLeavesNothingBehind() throws Exception {
        Path json = scratch.resolve("samples.json");
        int status = new CommandLine(new TransportBench()).execute("--scratch=" + scratch,
                "--sides=zero,bare", "--cells=^4k-write-(psync-x4|qd32-loop)$", "--reps=1",
                "--seconds=1", "--warm=1", "--size=16", "--json=" + json);
        assertThat(status).isZero();
        JsonNode samples = new ObjectMapper().readTree(json.toFile()).get("samples");
        for (String side : new String[] {"zero", "bare"}) {
            for (String cell : new String[] {"4k-write-psync-x4", "4k-write-qd32-loop"}) {
                assertThat(samples.at("/" + side + "/" + cell + "/0/rate").asDouble())
                        .as("%s %s", side, cell).isPositive();
            }
        }
        assertThat(samples.at("/zero/4k-write-psync-x4/0/cpuMicros").asDouble()).isPositive();
        assertThat(Files.readString(Path.of("/proc/self/mounts")))
                .doesNotContain(scratch.toString());
        assertThat(new Shell(scratch).run(20, "losetup", "--list", "--noheadings", "--output",
                "BACK-FILE")).doesNotContain(scratch.toString());
    }

    @Test
    void compressedMemoryIsMeasuredToo() throws Exception {
        Path json = scratch.resolve("samples.json");
        int status = new CommandLine(new TransportBench(Plan.zram())).execute(
                "--scratch=" + scratch, "--sides=lz4,zstd-plain", "--cells=^1m-seqwrite-qd1$",
                "--reps=1", "--seconds=1", "--warm=1", "--size=16", "--json=" + json);
        assertThat(status).isZero();
        JsonNode samples = new ObjectMapper().readTree(json.toFile()).get("samples");
        for (String side : new String[] {"lz4", "zstd-plain"}) {
            assertThat(samples.at("/" + side + "/1m-seqwrite-qd1/0/rate").asDouble())
                    .as(side).isPositive();
        }
        assertThat(Files.readString(Path.of("/proc/self/mounts")))
                .doesNotContain(scratch.toString());
    }

    @Test
    void imagesAreMeasuredToo() throws Exception {
        Path json = scratch.resolve("samples.json");
        int status = new CommandLine(new TransportBench(PloopPlan.plan())).execute(
                "--scratch=" + scratch, "--sides=ploop,file,chain-8",
                "--cells=^4k-(read|write)-qd4$", "--reps=1",
                "--seconds=1", "--warm=1", "--turns=2", "--size=16", "--json=" + json);
        assertThat(status).isZero();
        JsonNode samples = new ObjectMapper().readTree(json.toFile()).get("samples");
        for (String side : new String[] {"ploop", "file", "chain-8"}) {
            assertThat(samples.at("/" + side + "/4k-read-qd4").size()).as(side).isOne();
            assertThat(samples.at("/" + side + "/4k-read-qd4/0/rate").asDouble()).as(side)
                    .isPositive();
        }
        assertThat(samples.at("/ploop/4k-write-qd4/0/rate").asDouble()).isPositive();
        assertThat(samples.at("/chain-8/4k-write-qd4").isMissingNode()).isTrue();
    }

    @Test
    void whatIsSpecialOfImagesIsMeasured() throws Exception {
        assertThat(new CommandLine(new PloopFirst()).execute("--scratch=" + scratch,
                "--sides=ploop,bare", "--size=16", "--reps=1")).isZero();
        assertThat(new CommandLine(new PloopTable()).execute("--scratch=" + scratch, "--size=64",
                "--reps=1")).isZero();
        assertThat(new CommandLine(new PloopLife()).execute("--scratch=" + scratch, "--size=128",
                "--reps=1", "--seconds=1")).isZero();
        assertThat(scratch.resolve("table.data")).doesNotExist();
        assertThat(scratch.resolve("first.data")).doesNotExist();
        assertThat(scratch.resolve("life.data")).doesNotExist();
        assertThat(Files.readString(Path.of("/proc/self/mounts")))
                .doesNotContain(scratch.toString());
    }
}
