package dev.sluice.kernel;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.stream.Stream;
import org.awaitility.Awaitility;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** A worker of the caller's cgroup carries requests out, and nobody waits for another's. */
@Tag("kernel")
@Timeout(240)
final class CgroupKernelTest {
    private static String[] fio(Path file, String... more) {
        return Stream.concat(Stream.of("fio", "--name=job", "--filename=" + file, "--bs=4k",
                "--direct=1", "--ioengine=psync", "--thread", "--size=16M"), Stream.of(more))
                .toArray(String[]::new);
    }

    @Test
    void eachCgroupHasAWorkerOfEachDevice() {
        try (Cgroup a = new Cgroup("a");
                Cgroup b = new Cgroup("b");
                Scratch file = new Scratch("cgroup", 16L << 20);
                Mounted m = Mounted.with("", "disk - file " + file.path)) {
            a.run(fio(m.file("disk"), "--rw=write", "--fsync=128")).ok();
            b.run(fio(m.file("disk"), "--rw=write", "--fsync=128")).ok();
            String status = Shell.sluice("status", m.dir.toString()).ok();
            assertThat(status).containsPattern("worker .*device=disk cgroup=" + a.name)
                    .containsPattern("worker .*device=disk cgroup=" + b.name
                            + " .*served=[1-9]\\d+");
        }
    }

    @Test
    void withEverythingInWorkersZeroIsServedTheSame() {
        try (Cgroup a = new Cgroup("a");
                Mounted m = Mounted.with("inline=off", "disk 64M ram")) {
            a.run(fio(m.file("disk"), "--rw=randrw", "--verify=crc32c")).ok();
            assertThat(Shell.sluice("status", m.dir.toString()).ok())
                    .containsPattern("device=disk cgroup=" + a.name + " .*served=[1-9]\\d{3}");
        }
    }

    /** One cgroup's requests are stuck, on the same device as well as on another. */
    @ParameterizedTest
    @ValueSource(strings = {"depth=2", "depth=2,inline=off"})
    void aStuckCgroupHoldsUpNobodyElse(String options) {
        try (Cgroup a = new Cgroup("a");
                Cgroup b = new Cgroup("b");
                Scratch file = new Scratch("cgroup", 16L << 20);
                Mounted below = Mounted.with("", "disk 64M ram");
                Mounted m = Mounted.with(options, "slow - file " + below.file("disk"),
                        "other - file " + file.path)) {
            String pid = Long.toString(below.pid());
            Shell.run("kill", "-STOP", pid).ok();
            try (Shell.Running stuck = a.start(fio(m.file("slow"), "--rw=randread",
                    "--numjobs=8"))) {
                Awaitility.await().atMost(Shell.LIMIT).until(() ->
                        Shell.sluice("status", m.dir.toString()).ok().matches("(?s).*device=slow"
                                + " cgroup=" + a.name + " threads=2 queued=[1-9].*"));
                b.run(fio(m.file("other"), "--rw=randrw", "--verify=crc32c", "--fsync=64")).ok();
                Shell.run(fio(m.file("other"), "--rw=write")).ok();
                assertThat(stuck.runs()).isTrue();
                // Already here: before that, what reads from it does not end.
                Shell.run("kill", "-CONT", pid).ok();
            } finally {
                Shell.run("kill", "-CONT", pid).ok();
            }
        }
    }

    @Test
    void chargedThreadsAreMembersOfTheCallersCgroup() throws IOException {
        try (Cgroup a = new Cgroup("a");
                Scratch file = new Scratch("cgroup", 16L << 20);
                Mounted m = Mounted.with("charge=on,inline=off", "disk - file " + file.path)) {
            a.run(fio(m.file("disk"), "--rw=write")).ok();
            List<String> members = a.threads();
            if (Files.exists(a.dir.resolve("tasks"))) {
                assertThat(members).isNotEmpty().allMatch(t ->
                        Files.exists(Path.of("/proc/" + m.pid() + "/task/" + t)));
            } else {
                // The unified hierarchy takes threads within one threaded subtree only.
                assertThat(Shell.read(m.runtime().resolve("log"))).contains("charge=on");
            }
        }
    }
}
