package dev.sluice.kernel;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.net.UnixDomainSocketAddress;
import java.nio.ByteBuffer;
import java.nio.channels.SocketChannel;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.concurrent.TimeUnit;
import org.awaitility.Awaitility;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** Volumes as podman uses them, and what becomes of them when the daemon ends. */
@Tag("kernel")
@Timeout(420)
final class VolumesKernelTest {
    private static final String FSYNCS = "i=0; while [ $i -lt 40 ]; do"
            + " dd if=/dev/zero of=/v/f bs=4k count=1 conv=fsync 2>/dev/null; i=$((i+1)); done";

    private static Containers served() throws IOException {
        Containers c = new Containers();
        try {
            c.podmanToo();
            c.serve().ok();
            return c;
        } catch (Throwable e) {
            c.close();
            throw e;
        }
    }

    private static void nothingIsLeft(Containers c) {
        assertThat(c.mounts()).isEmpty();
        // Other tests may just have left a mount of theirs.
        Awaitility.await().atMost(60, TimeUnit.SECONDS).untilAsserted(() ->
                assertThat(c.loops()).isEmpty());
        assertThat(c.own.resolve("images")).isEmptyDirectory();
        assertThat(c.own.resolve("state")).isEmptyDirectory();
        assertThat(c.own.resolve("mounts")).isEmptyDirectory();
        assertThat(Shell.bash("ls $1", c.dir).ok()).isEmpty();
    }

    @ParameterizedTest
    @CsvSource({"ploop, ext4, 64M", "zram, xfs, 320M"})
    void podmanCreatesUsesSharesFillsAndRemoves(String target, String fs, String size)
            throws Exception {
        try (Containers c = served()) {
            c.podman("volume", "create", "--driver", "sluice", "-o", "size=" + size, "-o",
                    "target=" + target, "-o", "fs=" + fs, "-o", "write=5ms", "v").ok();
            assertThat(c.podman("volume", "inspect", "v").ok()).contains("\"size\": \"" + size,
                    "\"target\": \"" + target, "\"delays\": \"write=5ms", "\"users\": 0");

            Shell.Result timed = c.inContainer("time sh -c '" + FSYNCS
                    + "'; df /v; cat /v/of", "v");
            assertThat(timed.ok()).contains("/dev/loop").as("the image's, as v was empty")
                    .endsWith("image");
            assertThat(seconds(timed.err())).isGreaterThanOrEqualTo(40 * 0.005);

            c.podman("run", "-d", "--replace", "--name", "holder", "-v", "v:/v", "box",
                    "/bin/sh", "-c", "echo one >/v/shared;"
                    + " while sleep 0.1; do cat /v/answer 2>/dev/null; done").ok();
            Awaitility.await().atMost(Duration.ofSeconds(60)).until(() -> c.inContainer(
                    "cat /v/shared && echo two >/v/answer", "v").out().contains("one"));
            Awaitility.await().atMost(Duration.ofSeconds(60))
                    .until(() -> c.podman("logs", "holder").out().contains("two"));
            assertThat(c.podman("volume", "rm", "v").err()).contains("being used");
            assertThat(answer(c, "Remove", "{\"Name\":\"v\"}")).contains("in use");

            Shell.Result full = c.inContainer("dd if=/dev/urandom of=/v/big bs=1M; rm /v/big;"
                    + " echo fits >/v/after && sync && cat /v/after", "v");
            assertThat(full.err()).contains("No space left on device");
            assertThat(full.out()).contains("fits");
            c.podman("rm", "-f", "-t", "0", "holder").ok();
            c.podman("volume", "rm", "v").ok();
            nothingIsLeft(c);
        }
    }

    /** What busybox's time says: real 0m 0.25s. */
    private static double seconds(String said) {
        String real = said.lines().filter(l -> l.startsWith("real")).findFirst()
                .orElseThrow(() -> new AssertionError(said));
        String[] words = real.replaceAll("[a-z]", " ").strip().split("\\s+");
        return Double.parseDouble(words[0]) * 60 + Double.parseDouble(words[1]);
    }

    @Test
    void whatWasWrittenStaysOverTheEndOfTheDaemon() throws Exception {
        try (Containers c = served()) {
            c.podman("volume", "create", "--driver", "sluice", "-o", "size=64M", "v").ok();
            c.inContainer("echo first >/v/x", "v").ok();
            c.end("TERM");
            assertThat(c.mounts()).isEmpty();
            c.serve().ok();
            c.podman("run", "-d", "--replace", "--name", "user", "-v", "v:/v", "box",
                    "/bin/sh", "-c", "cat /v/*; echo second >/v/y; while :; do sleep 1; done").ok();
            Awaitility.await().atMost(Duration.ofSeconds(60)).until(() ->
                    Shell.bash("cat $1/y 2>/dev/null || true", c.at("v")).ok().equals("second"));
            assertThat(c.podman("logs", "user").ok()).contains("first");

            // While it is in use, without a sync: what was written is flushed all the same.
            c.end("TERM");
            assertThat(Shell.read(c.runtime().resolve("result"))).isEqualTo("ok\n");
            assertThat(c.podman("exec", "user", "dd", "if=/dev/zero", "of=/v/z", "bs=1M",
                    "count=1", "conv=fsync").exit()).isNotZero();
            c.serve().ok();
            c.podman("restart", "-t", "0", "user").ok();
            Awaitility.await().atMost(Duration.ofSeconds(60)).until(() ->
                    c.podman("logs", "user").out().contains("second"));
            c.podman("rm", "-f", "-t", "0", "user").ok();
            c.podman("volume", "rm", "v").ok();
            nothingIsLeft(c);
        }
    }

    @Test
    void aKilledDaemonLeavesErrorsWhatWasFlushedAndAWayOut() throws Exception {
        try (Containers c = served()) {
            c.podman("volume", "create", "--driver", "sluice", "-o", "size=64M", "v").ok();
            c.podman("run", "-d", "--replace", "--name", "user", "-v", "v:/v", "box",
                    "/bin/sh", "-c", "cat /v/*; echo flushed >/v/x; sync; echo ready;"
                    + " while :; do sleep 1; done").ok();
            Awaitility.await().atMost(Duration.ofSeconds(60)).until(() ->
                    c.podman("logs", "user").out().contains("ready"));
            c.end("KILL");
            Shell.Result dead = c.podman("exec", "user", "/bin/sh", "-c",
                    "dd if=/dev/zero of=/v/new bs=1M count=2 conv=fsync");
            assertThat(dead.exit()).isNotZero();
            assertThat(dead.err()).containsAnyOf("I/O error", "Input/output error", "Read-only");

            // The next one clears away, and mounts again what was in use.
            assertThat(c.serve().ok()).isEmpty();
            Awaitility.await().atMost(Duration.ofSeconds(60)).until(() ->
                    c.ask("Path", "{\"Name\":\"v\"}").contains("mounts/v"));
            c.podman("restart", "-t", "0", "user").ok();
            Awaitility.await().atMost(Duration.ofSeconds(60)).until(() ->
                    c.podman("logs", "user").out().contains("flushed"));

            // Without a next one there are three steps.
            c.end("KILL");
            c.podman("kill", "user").ok();
            Shell.bash("umount \"$1\"", c.at("v")).ok();
            Shell.sluice("umount", "--force", c.dir.toString()).ok();
            assertThat(c.mounts()).isEmpty();
            Awaitility.await().atMost(Duration.ofSeconds(60)).untilAsserted(() ->
                    assertThat(c.loops()).isEmpty());

            c.serve().ok();
            c.podman("rm", "-f", "-t", "0", "user").ok();
            c.podman("volume", "rm", "v").ok();
            nothingIsLeft(c);
        }
    }

    /**
     * What a daemon holds, but for its session threads, of which as many stay as were ever stuck
     * at once, and a pipe for each.
     */
    private record Use(int threads, int descriptors, long mapped) {
        static Use of(Containers c) {
            String pid = Long.toString(c.pid());
            String status = Shell.bash("timeout 10 cat \"$1\"",
                    c.dir.resolve(".sluice/status")).ok();
            // A thread or a descriptor may go while they are looked at.
            List<String> threads = Shell.bash("cat /proc/$1/task/*/comm || true", pid).ok()
                    .lines().toList();
            List<String> descriptors = Shell.bash("ls -l /proc/$1/fd || true", pid).ok()
                    .lines().toList();
            assertThat(threads).contains("session-0");
            assertThat(descriptors).anyMatch(d -> d.endsWith("/dev/fuse"));
            int sessions = (int) threads.stream().filter(t -> t.startsWith("session-")).count();
            int pipes = (int) descriptors.stream().filter(d -> d.contains("pipe:")).count();
            return new Use(threads.size() - sessions,
                    descriptors.size() - Math.min(pipes, 2 * sessions),
                    Long.parseLong(status.lines().filter(l -> l.startsWith("memory_mapped"))
                            .findFirst().orElseThrow().replaceAll("\\D", "")));
        }
    }

    @Test
    void fiftyVolumesComeAndGoAndLeaveNothing() throws Exception {
        ExecutorService pool = Executors.newFixedThreadPool(8);
        try (Containers c = new Containers()) {
            c.serve().ok();
            // What is made once and kept is made by the first.
            life(c, "first", "zram");
            life(c, "second", "ploop");
            Use before = Use.of(c);
            String[] targets = {"ploop", "zram", "ram", "ploop"};
            List<Future<?>> lives = new ArrayList<>();
            for (int i = 0; i < 50; i++) {
                String name = "v" + i;
                String target = targets[i % 4];
                lives.add(pool.submit(() -> life(c, name, target)));
            }
            for (Future<?> one : lives) {
                one.get(240, TimeUnit.SECONDS);
            }
            assertThat(answer(c, "List", "{}")).contains("\"Volumes\":[]");
            nothingIsLeft(c);
            Awaitility.await().atMost(Duration.ofSeconds(60)).untilAsserted(() -> {
                Use after = Use.of(c);
                assertThat(after.descriptors).isLessThanOrEqualTo(before.descriptors + 3);
                assertThat(after.threads).isLessThanOrEqualTo(before.threads + 20);
                assertThat(after.mapped).isLessThanOrEqualTo(before.mapped + (32 << 20));
            });
            c.end("TERM");
        } finally {
            pool.shutdownNow();
        }
    }

    private static void life(Containers c, String name, String target) {
        String who = "{\"Name\":\"" + name + "\",\"ID\":\"1\"";
        well(c, "Create", who + ",\"Opts\":{\"size\":\"32M\",\"target\":\"" + target
                + "\",\"read\":\"100us\"}}");
        well(c, "Mount", who + "}");
        Shell.bash("cd $1; head -c 4M /dev/urandom >a; cp a b; sync -f .; cmp a b", c.at(name))
                .ok();
        assertThat(answer(c, "Get", who + "}")).contains("\"state\":\"mounted\"");
        well(c, "Unmount", who + "}");
        well(c, "Remove", who + "}");
    }

    /** What is said in the end to a client that asks again when it is told to. */
    private static String answer(Containers c, String what, String json) {
        String[] reply = {""};
        Awaitility.await().atMost(Duration.ofSeconds(60)).until(() -> {
            reply[0] = c.ask(what, json);
            return !reply[0].contains("ask again");
        });
        return reply[0];
    }

    /** As a client that is told to ask again does. */
    private static void well(Containers c, String what, String json) {
        Awaitility.await().atMost(Duration.ofSeconds(60)).until(() -> {
            String reply = c.ask(what, json);
            assertThat(reply).containsAnyOf("\"Err\":\"\"", "ask again");
            return reply.contains("\"Err\":\"\"");
        });
    }

    /** As it may be after I/O errors: the kernel has noted one, and may have written the rest. */
    @Test
    void aFileSystemIsCheckedBeforeItIsMounted() {
        try (Containers c = new Containers()) {
            c.serve().ok();
            String who = "{\"Name\":\"v\",\"ID\":\"1\"}";
            String damage = "PATH=$PATH:/sbin:/usr/sbin; debugfs -w -f - \"$1\" <<<\"$2\"";
            well(c, "Create", "{\"Name\":\"v\",\"Opts\":{\"size\":\"16M\",\"target\":\"ram\"}}");
            well(c, "Mount", who);
            well(c, "Unmount", who);
            Shell.bash(damage, c.dir.resolve("v"), "ssv state 2").ok();
            well(c, "Mount", who);
            assertThat(Shell.bash("PATH=$PATH:/sbin:/usr/sbin; dumpe2fs -h \"$1\" 2>/dev/null",
                    c.dir.resolve("v")).ok()).doesNotContain("with errors");
            well(c, "Unmount", who);
            Shell.bash(damage, c.dir.resolve("v"), "clri <2>\nssv state 2").ok();
            assertThat(answer(c, "Mount", who)).contains("damaged beyond what repairs itself",
                    "Root inode is not a directory", "run e2fsck on it by hand");
            assertThat(answer(c, "Get", who)).contains("\"state\":\"failed\"");
            well(c, "Remove", "{\"Name\":\"v\"}");
            c.end("TERM");
        }
    }

    @Test
    void whateverIsAskedTheDaemonLivesOn() throws Exception {
        try (Containers c = new Containers()) {
            c.serve().ok();
            for (String json : new String[] {"{", "{\"Name\":\"../x\"}", "{\"Name\":5}",
                "{\"Name\":\"" + "a".repeat(1 << 20) + "\"}"}) {
                assertThat(c.ask("Create", json)).startsWith("{\"Err\":\"").hasSizeGreaterThan(20);
            }
            List<SocketChannel> open = new ArrayList<>();
            try {
                for (int i = 0; i < 1000; i++) {
                    open.add(SocketChannel.open(UnixDomainSocketAddress.of(c.socket)));
                    open.get(i).write(ByteBuffer.wrap("POST /Volume".getBytes()));
                }
                assertThat(answer(c, "List", "{}")).contains("\"Volumes\":[]");
            } finally {
                for (SocketChannel channel : open) {
                    channel.close();
                }
            }
            // A device that never answers: what is asked of it does.
            well(c, "Create", "{\"Name\":\"slow\",\"Opts\":{\"target\":\"ram\","
                    + "\"size\":\"16M\",\"read\":\"1h\"}}");
            assertThat(c.ask("Mount", "{\"Name\":\"slow\",\"ID\":\"1\"}"))
                    .contains("takes longer", "file system is being made");
            assertThat(c.ask("List", "{}")).contains("file system is being made");
            assertThat(c.own.resolve("images")).isEmptyDirectory();
            Shell.sluice("set", c.dir.resolve("slow").toString(), "read=0").ok();
            Shell.sluice("message", c.dir.resolve("slow").toString(), "suspend");
            Awaitility.await().atMost(Duration.ofSeconds(60)).until(() ->
                    c.ask("Mount", "{\"Name\":\"slow\",\"ID\":\"1\"}").contains("mounts/slow"));
            assertThat(c.at("slow")).as("a new volume").isEmptyDirectory();
            c.end("TERM");
            assertThat(c.mounts()).isEmpty();
        }
    }

    @Test
    void aSocketThatIsHandedOverStaysWhereItIs() throws Exception {
        try (Containers c = new Containers();
                Shell.Running daemon = Shell.start("perl", "-e", "use IO::Socket::UNIX;"
                        + " use POSIX; $^F = 9;"
                        + " my $s = IO::Socket::UNIX->new(Local => shift, Listen => 9)"
                        + " or die; POSIX::dup2(fileno($s), 3);"
                        + " $ENV{LISTEN_PID} = $$;"
                        + " $ENV{LISTEN_FDS} = 1; exec @ARGV;", c.socket.toString(), Shell.SLUICE,
                        "volumes", "-f", "--folder", c.own.toString(), "/dev/null",
                        c.dir.toString())) {
            Awaitility.await().atMost(Duration.ofSeconds(60)).until(() ->
                    Files.exists(c.dir.resolve(".sluice")) && Files.exists(c.socket));
            life(c, "v", "ram");
            c.end("TERM");
            assertThat(daemon.await(Duration.ofSeconds(60)).exit()).isZero();
            assertThat(Path.of(c.socket.toString())).exists();
        }
    }
}
