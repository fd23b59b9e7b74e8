package dev.sluice.kernel;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import org.awaitility.Awaitility;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

/** However a mount ends, nobody is left hanging, and everything can be cleared away. */
@Tag("kernel")
@Timeout(300)
final class EndKernelTest {
    private static final Duration SOON = Duration.ofSeconds(60);

    @ParameterizedTest
    @ValueSource(strings = {"session", "stock"})
    void aKilledDaemonLeavesErrorsAndNoHang(String loop) {
        try (Mounted m = Mounted.with("loop=" + loop, "disk 128M ram")) {
            Path device = m.attach("disk");
            Shell.run("mkfs.ext4", "-q", "-F", device.toString()).ok();
            Path disk = m.disk(device);
            try (Shell.Running fio = busy(disk.resolve("file"))) {
                await(() -> m.stat("disk", "write.ended") > 5000);
                Shell.run("kill", "-KILL", Long.toString(m.pid())).ok();
                Shell.Result r = fio.await(Duration.ofSeconds(60));
                assertThat(r.exit()).isNotZero();
                assertThat(r.out() + r.err()).containsAnyOf("Input/output error", "Read-only");
            }
            assertThat(m.mount("").sentence()).contains("stale mount", "umount --force " + m.dir);
            assertThat(Shell.sluice("status", m.dir.toString()).sentence()).contains("is gone");
            m.umountDisk(disk).ok();
            m.detach(device).ok();
            m.umount("--force").ok();
            assertThat(m.isMounted()).isFalse();
            m.mount("").ok();
        }
    }

    @Test
    void forceComesBeforeDetachToo() {
        try (Mounted m = Mounted.with("", "disk 64M ram")) {
            Path device = m.attach("disk");
            Shell.run("kill", "-KILL", Long.toString(m.pid())).ok();
            Shell.Result r = m.umount("--force");
            assertThat(r.exit()).isZero();
            assertThat(r.err()).contains(device + " holds disk");
            m.detach(device).ok();
        }
    }

    @ParameterizedTest
    @ValueSource(strings = {"session", "stock"})
    void aStoppedDaemonYieldsToForce(String loop) {
        try (Mounted m = Mounted.with("loop=" + loop, "disk 64M ram");
                Shell.Running fio = busy(m.file("disk"))) {
            await(() -> m.stat("disk", "write.ended") > 500);
            Shell.run("kill", "-STOP", Long.toString(m.pid())).ok();
            Shell.Result r = m.umount("--force");
            assertThat(r.exit()).isZero();
            assertThat(r.err()).contains("was killed");
            assertThat(m.isMounted()).isFalse();
            assertThat(fio.await(SOON).exit()).isNotZero();
        }
    }

    @ParameterizedTest
    @CsvSource({"TERM, session", "INT, session", "TERM, stock"})
    void aSignalFlushesAndUnmounts(String signal, String loop) {
        try (Mounted m = Mounted.with("loop=" + loop, "disk 64M ram")) {
            Shell.fio(m.file("disk"), java.util.Map.of("rw", "write", "bs", "1m", "size", "64m"))
                    .ok();
            Shell.run("kill", "-" + signal, Long.toString(m.pid())).ok();
            assertThat(m.result()).isEqualTo("ok\n");
            assertThat(m.isMounted()).isFalse();
            m.mount("").ok();
        }
    }

    /** The writer is cut off in the middle; what it was told is written must be in the file. */
    @ParameterizedTest
    @CsvSource({"session, off", "session, on", "stock, off"})
    void aSignalLosesNothingThatWasWritten(String loop, String direct) throws IOException {
        Path image = Files.createTempFile("sluice-kernel", ".raw");
        Shell.run("truncate", "-s", "64M", image.toString()).ok();
        try (Mounted m = Mounted.with("loop=" + loop,
                    "disk - file " + image + " direct=" + direct);
                Shell.Running writer = Shell.start("bash", "-c", "exec 3<>\"$1\";"
                        + " for ((i = 0; i < 16384; i++)); do"
                        + " printf '%04095d\\n' $i >&3 || exit 1; echo $i; done",
                        "bash", m.file("disk").toString())) {
            await(() -> writer.out().lines().count() > 1000);
            Shell.run("kill", "-TERM", Long.toString(m.pid())).ok();
            assertThat(m.result()).isEqualTo("ok\n");
            writer.await(SOON);
            long told = writer.out().lines().count();
            String right = Shell.bash("head -n \"$2\" \"$1\" | LC_ALL=C awk 'length == 4095"
                    + " && $0 + 0 == NR - 1 {n++} END {print n}'", image, told).ok();
            assertThat(right).isEqualTo(Long.toString(told));
        } finally {
            Files.delete(image);
        }
    }

    @Test
    void aFlushThatFailsInTheEndIsTold() {
        String[] table = {"good 64M ram", "bad 64M error on=flush"};
        try (Mounted m = Mounted.with("", table)) {
            Shell.run("kill", "-TERM", Long.toString(m.pid())).ok();
            assertThat(m.result()).contains("bad").doesNotContain("good");
        }
        try (Mounted m = Mounted.with("", table)) {
            assertThat(m.umount().sentence()).contains("is unmounted, but", "bad");
            assertThat(m.isMounted()).isFalse();
        }
    }

    @Test
    void theForegroundEndsWithTheSignal() {
        try (Mounted m = Mounted.prepared("disk 64M ram");
                Shell.Running daemon = Shell.start(Shell.SLUICE, "mount", "-f",
                        m.table.toString(), m.dir.toString())) {
            await(() -> m.isMounted() && Files.exists(m.dir.resolve(".sluice/pid")));
            assertThat(m.pid()).isEqualTo(daemon.pid());
            Shell.run("kill", "-INT", Long.toString(daemon.pid())).ok();
            Shell.Result r = daemon.await(SOON);
            assertThat(r.exit()).isZero();
            assertThat(r.out() + r.err()).contains("flushed");
            assertThat(m.isMounted()).isFalse();
        }
    }

    @Test
    void umountIsRefusedWhileALoopDeviceOrAProgramHoldsAFile() {
        try (Mounted m = Mounted.with("", "disk 64M ram")) {
            Path device = m.attach("disk");
            assertThat(m.umount().sentence()).contains(device + " holds disk", "detach");
            assertThat(m.isMounted()).isTrue();
            m.detach(device).ok();
            try (Shell.Running holder = Shell.start("sleep", "60");
                    Shell.Running reader = Shell.start("bash", "-c",
                            "exec 3<\"$1\"; exec sleep 60", "bash", m.file("disk").toString())) {
                await(() -> Shell.sluice("status", m.dir.toString(), "disk").ok()
                        .matches("(?s).*opens +1\\b.*"));
                assertThat(m.umount().sentence()).contains("in use", "pid " + reader.pid())
                        .doesNotContain(holder.pid() + " (");
            }
            m.umount().ok();
            assertThat(m.runtime()).doesNotExist();
        }
    }

    @Test
    void aMountedLoopDeviceIsNotDetached() {
        try (Mounted m = Mounted.with("", "disk 64M ram")) {
            Path device = m.attach("disk");
            Shell.run("mkfs.ext4", "-q", "-F", device.toString()).ok();
            Path disk = m.disk(device);
            assertThat(m.detach(device).sentence()).contains("is mounted at " + disk);
            m.umountDisk(disk).ok();
            m.detach(device).ok();
            // Another may have the device of that number by now.
            assertThat(Shell.bash("cat /sys/block/\"$1\"/loop/backing_file 2>/dev/null || true",
                    device.getFileName()).ok()).isNotEqualTo(m.file("disk").toString());
        }
    }

    /** The kernel shows no arguments of it any more, but other threads still have its files. */
    @Test
    void aDaemonEndsWithItsLastThreadAndNotWithItsFirst() throws IOException {
        Path run = Files.createTempDirectory("sluice-kernel");
        try (Shell.Running daemon = Shell.start("perl", "-Mthreads", "-e",
                "threads->create(sub { sleep 600 }); syscall(60, 0)", "--",
                "-Dsluice.runtime=" + run)) {
            Files.writeString(run.resolve("pid"), daemon.pid() + "\n");
            await(() -> Shell.read(Path.of("/proc", Long.toString(daemon.pid()), "stat"))
                    .contains(") Z "));
            String lib = "source \"$1/scripts/lib/common.sh\"; daemon_pid \"$2\"";
            assertThat(Shell.bash(lib, Shell.HOME, run).ok())
                    .isEqualTo(Long.toString(daemon.pid()));
            daemon.close();
            assertThat(Shell.bash(lib, Shell.HOME, run).exit()).isEqualTo(1);
        } finally {
            Files.delete(run.resolve("pid"));
            Files.delete(run);
        }
    }

    private static Shell.Running busy(Path file) {
        return Shell.start("fio", "--name=busy", "--filename=" + file, "--size=32M",
                "--rw=randwrite", "--bs=4k", "--direct=1", "--ioengine=libaio", "--iodepth=8",
                "--time_based", "--runtime=200");
    }

    private static void await(java.util.concurrent.Callable<Boolean> condition) {
        Awaitility.await().atMost(SOON).pollInterval(Duration.ofMillis(50)).until(condition);
    }
}
