package dev.sluice.kernel;

import static org.assertj.core.api.Assertions.assertThat;

import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import org.awaitility.Awaitility;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

/**
 * Control never waits behind data. One mount's device is a file on another mount, whose daemon is
 * stopped: every worker of the first is then stuck in the kernel.
 */
@Tag("kernel")
@Timeout(240)
final class BlockedKernelTest {
    private static final Duration AT_ONCE = Duration.ofSeconds(20);

    @Test
    void statusSetAndOtherDevicesGoOnAndForceEnds() {
        try (Mounted below = Mounted.with("", "disk 64M ram");
                Mounted m = above(below)) {
            signal("STOP", below.pid(), () -> {
                try (Shell.Running fio = stuck(m)) {
                    await(() -> everyWorkerIsStuck(m));
                    String dir = m.dir.toString();
                    assertThat(atOnce("status", dir).ok()).contains("slow", "quick");
                    assertThat(atOnce("status", dir, "slow").ok()).contains("in_flight");
                    assertThat(atOnce("set", m.file("slow").toString(), "colour=red")
                            .sentence()).contains("colour");
                    write(m, "quick");
                    write(m, "other");
                    assertThat(fio.runs()).isTrue();
                    assertThat(atOnce("umount", "--force", dir).exit()).isZero();
                    assertThat(m.isMounted()).isFalse();
                    assertThat(fio.await(Shell.LIMIT).exit()).isNotZero();
                }
            });
        }
    }

    @Test
    void aSignalTakesTheMountAwayAtOnceAndTheDaemonEndsInTime() {
        try (Mounted below = Mounted.with("", "disk 64M ram");
                Mounted m = above(below)) {
            signal("STOP", below.pid(), () -> {
                try (Shell.Running fio = stuck(m)) {
                    await(() -> everyWorkerIsStuck(m));
                    Shell.run("kill", "-TERM", Long.toString(m.pid())).ok();
                    await(() -> !m.isMounted());
                    assertThat(m.runtime().resolve("result")).as("the word of a daemon that has"
                            + " waited ten seconds for the disk").doesNotExist();
                    assertThat(m.result()).contains("slow");
                }
            });
        }
    }

    /** What is held fills the memory that requests may take, with data of the largest size. */
    @Test
    void controlAndOthersGoOnWithThePayloadSpent() {
        try (Mounted below = Mounted.with("", "disk 256M ram");
                Mounted m = above(below, "payload=16M", "slow - file "
                        + below.file("disk"))) {
            signal("STOP", below.pid(), () -> {
                try (Shell.Running fio = Shell.start("fio", "--name=spent", "--filename="
                        + m.file("slow"), "--rw=write", "--bs=1m", "--direct=1",
                        "--ioengine=libaio", "--iodepth=32", "--numjobs=4", "--thread",
                        "--offset_increment=64M", "--size=64M")) {
                    await(() -> number(m, "payload_taken") >= 12 << 20);
                    write(m, "quick");
                    write(m, "other");
                    assertThat(atOnce("status", m.dir.toString(), "slow").ok())
                            .contains("in_flight");
                    // One of each job may slip by as the kernel begins to hold them back.
                    assertThat(number(m, "payload_taken")).isLessThan(28 << 20);
                    assertThat(fio.runs()).isTrue();
                    atOnce("umount", "--force", m.dir.toString()).ok();
                    assertThat(fio.await(Shell.LIMIT).exit()).isNotZero();
                }
            });
        }
    }

    private static long number(Mounted m, String key) {
        Matcher found = Pattern.compile(key + "\\D+(\\d+)")
                .matcher(atOnce("status", m.dir.toString()).ok());
        assertThat(found.find()).as(key).isTrue();
        return Long.parseLong(found.group(1));
    }

    private static void write(Mounted m, String device) {
        Shell.run(AT_ONCE, "dd", "if=/dev/zero", "of=" + m.file(device), "bs=1M", "count=16",
                "oflag=direct", "conv=notrunc,fsync", "status=none").ok();
    }

    private static Mounted above(Mounted below) {
        return above(below, "workers=16,depth=4", "slow - file " + below.file("disk"));
    }

    /** Two devices more: one that ends at once, and one whose requests may block as well. */
    private static Mounted above(Mounted below, String options, String slow) {
        Path other = below.folder.resolve("other");
        Shell.run("truncate", "-s", "64M", other.toString()).ok();
        return Mounted.with(options, slow, "quick 64M ram", "other - file " + other);
    }

    /** More readers than there are workers. */
    private static Shell.Running stuck(Mounted m) {
        return Shell.start("fio", "--name=stuck", "--filename=" + m.file("slow"), "--rw=randread",
                "--bs=4k", "--direct=1", "--ioengine=psync", "--numjobs=8", "--thread",
                "--size=64M");
    }

    private static boolean everyWorkerIsStuck(Mounted m) {
        return Pattern.compile("device=slow cgroup=\\S+ threads=4 queued=[1-9]")
                .matcher(atOnce("status", m.dir.toString()).ok())
                .find();
    }

    private static Shell.Result atOnce(String... command) {
        String[] all = new String[command.length + 1];
        all[0] = Shell.SLUICE;
        System.arraycopy(command, 0, all, 1, command.length);
        return Shell.run(AT_ONCE, all);
    }

    /** Lets the process go on in the end, whatever the test finds. */
    private static void signal(String signal, long pid, Runnable test) {
        Shell.run("kill", "-" + signal, Long.toString(pid)).ok();
        try {
            test.run();
        } finally {
            Shell.run("kill", "-CONT", Long.toString(pid)).ok();
        }
    }

    private static void await(java.util.concurrent.Callable<Boolean> condition) {
        Awaitility.await().atMost(Shell.LIMIT).pollInterval(Duration.ofMillis(50))
                .until(condition);
    }
}
