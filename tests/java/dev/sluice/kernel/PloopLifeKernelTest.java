package dev.sluice.kernel;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.Comparator;
import java.util.List;
import java.util.stream.Stream;
import org.awaitility.Awaitility;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** Snapshots of a mounted disk, while fio writes to it and verifies what it wrote. */
@Tag("kernel")
@Timeout(420)
final class PloopLifeKernelTest {
    private static final int SNAPSHOTS = 10;

    /** In the build folder, on a real disk. */
    private Path folder;
    private Path image;

    @BeforeEach
    void make() throws IOException {
        folder = Files.createTempDirectory(Path.of("target").toAbsolutePath(), "life");
        image = folder.resolve("disk.hds");
        Shell.sluice("image", "create", image.toString(), "128M", "--cluster", "64k").ok();
    }

    @AfterEach
    void clear() throws IOException {
        try (Stream<Path> all = Files.walk(folder)) {
            for (Path path : all.sorted(Comparator.reverseOrder()).toList()) {
                Files.delete(path);
            }
        }
    }

    private static String text(Mounted m, String name) {
        String all = Shell.sluice("status", m.dir.toString(), "p").ok();
        return all.lines().filter(l -> l.equals(name) || l.startsWith(name + " ")).findFirst()
                .orElseThrow(() -> new AssertionError("no " + name + " in " + all))
                .substring(name.length()).strip();
    }

    private static void message(Mounted m, String... words) {
        String[] command = new String[words.length + 2];
        command[0] = "message";
        command[1] = m.file("p").toString();
        System.arraycopy(words, 0, command, 2, words.length);
        Shell.sluice(command).ok();
    }

    private static void merge(Mounted m) {
        message(m, "merge");
        ended(m, "merge: done");
    }

    private static void ended(Mounted m, String how) {
        Awaitility.await().atMost(Duration.ofSeconds(90)).until(() -> text(m, "work").isEmpty());
        assertThat(text(m, "last_work")).startsWith(how);
    }

    private void sound() throws IOException {
        try (Stream<Path> all = Files.list(folder)) {
            for (Path path : all.filter(p -> !p.toString().endsWith(".xml")).toList()) {
                Shell.run("qemu-img", "check", "-f", "parallels", path.toString()).ok();
            }
        }
    }

    @ParameterizedTest
    @ValueSource(strings = {"on", "off"})
    void fioFindsWhatItWroteWhileSnapshotsComeAndGo(String direct) throws Exception {
        String line = "p - ploop " + image + " prealloc=4M background=80 direct=" + direct;
        try (Mounted m = Mounted.with("", line)) {
            try (Shell.Running fio = Shell.start("fio", "--name=t", "--filename=" + m.file("p"),
                    "--direct=1", "--verify_state_save=0", "--rw=randwrite", "--bsrange=4k-128k",
                    "--blockalign=4k", "--ioengine=libaio", "--iodepth=16", "--verify=crc32c",
                    "--verify_fatal=1", "--verify_backlog=64", "--fsync=256", "--size=128M",
                    "--time_based", "--runtime=25", "--rate_iops=1500")) {
                for (int i = 0; i < SNAPSHOTS; i++) {
                    Thread.sleep(300);
                    message(m, "snapshot");
                }
                assertThat(text(m, "levels")).isEqualTo(Integer.toString(SNAPSHOTS + 1));
                Shell.sluice("set", m.file("p").toString(), "size=320M").ok();
                for (int i = 0; i < SNAPSHOTS; i++) {
                    merge(m);
                }
                assertThat(text(m, "levels")).isEqualTo("1");
                Shell.sluice("set", m.file("p").toString(), "size=512M").ok();
                message(m, "compact");
                ended(m, "compact: done");
                fio.await(Duration.ofSeconds(150)).ok();
            }
            m.umount().ok();
        }
        sound();
        try (Stream<Path> all = Files.list(folder)) {
            assertThat(all).as("the image and its descriptor").hasSize(2);
        }
    }

    /** Nobody flushes: only the time passes. */
    @ParameterizedTest
    @ValueSource(strings = {"on", "off"})
    void theTableIsWrittenInItsTime(String direct) {
        try (Mounted m = Mounted.with("", "p - ploop " + image + " dirty-timeout=1s direct="
                + direct)) {
            for (int i = 0; i < 3; i++) {
                // It dies of the pipe that nobody reads any more.
                Shell.bash("{ yes || true; } | dd of=\"$1\" bs=64k count=4 seek=$2 oflag=direct"
                        + " iflag=fullblock conv=notrunc status=none", m.file("p"), i * 8).ok();
                Awaitility.await().atMost(Duration.ofSeconds(60)).until(
                        () -> text(m, "dirty_pages").equals("0"));
                assertThat(Integer.parseInt(text(m, "page_writes"))).isGreaterThan(i);
            }
            m.umount().ok();
        }
    }

    @Test
    void aDiskGoesBackToASnapshot() throws Exception {
        String guid = "{11111111-2222-3333-4444-555555555555}";
        try (Mounted m = Mounted.with("", "p - ploop " + image)) {
            Shell.bash("head -c 3000000 /dev/urandom > \"$2\"/a; cp \"$1\" \"$2\"/none;"
                    + " dd if=\"$2\"/a of=\"$1\" conv=notrunc status=none", m.file("p"), folder)
                    .ok();
            message(m, "snapshot", guid);
            Shell.bash("cp \"$1\" \"$2\"/then; dd if=/dev/zero of=\"$1\" bs=1M count=2 seek=1"
                    + " conv=notrunc status=none; ! cmp -s \"$1\" \"$2\"/then", m.file("p"), folder)
                    .ok();
            try (Shell.Running open = Shell.start("tail", "-f", m.file("p").toString())) {
                Awaitility.await().atMost(Duration.ofSeconds(60)).until(
                        () -> !text(m, "opens").equals("0"));
                assertThat(Shell.sluice("message", m.file("p").toString(), "switch", guid)
                        .sentence()).contains("is in use");
                assertThat(open.runs()).isTrue();
            }
            Awaitility.await().atMost(Duration.ofSeconds(60)).until(
                    () -> text(m, "opens").equals("0"));
            message(m, "switch", guid);
            Shell.run("cmp", m.file("p").toString(), folder.resolve("then").toString()).ok();
            m.umount().ok();
        }
        // The same line finds the descriptor.
        try (Mounted m = Mounted.with("", "p - ploop " + image)) {
            Shell.run("cmp", m.file("p").toString(), folder.resolve("then").toString()).ok();
            assertThat(text(m, "levels")).isEqualTo("2");
            m.umount().ok();
        }
        try (Mounted m = Mounted.prepared("p - ploop image=" + image)) {
            assertThat(m.mount("").sentence()).contains(image + ".xml");
        }
        List<Path> mine = List.of(folder.resolve("a"), folder.resolve("none"),
                folder.resolve("then"));
        for (Path path : mine) {
            Files.delete(path);
        }
        sound();
    }
}
