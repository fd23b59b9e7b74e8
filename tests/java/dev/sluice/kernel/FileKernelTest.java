package dev.sluice.kernel;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import org.awaitility.Awaitility;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** The file of a device behaves as a file with holes, and as a disk that cannot be resized. */
@Tag("kernel")
@Timeout(240)
final class FileKernelTest {
    private static final String TABLE = "disk 64M ram";

    @Test
    void holesAreSeen() {
        try (Mounted m = Mounted.with("", TABLE)) {
            write(m, 16, 1);
            write(m, 40, 2);
            assertThat(Shell.run("stat", "-c", "%s %b", m.file("disk").toString()).ok())
                    .isEqualTo((64 << 20) + " " + (3 << 11));
            assertThat(map(m.file("disk"))).containsExactly(
                    "HOLE\t0", "DATA\t" + (16 << 20), "HOLE\t" + (17 << 20),
                    "DATA\t" + (40 << 20), "HOLE\t" + (42 << 20));
        }
    }

    @Test
    void copiesSkipHoles() {
        try (Mounted m = Mounted.with("", TABLE)) {
            write(m, 16, 1);
            write(m, 40, 2);
            for (String copy : new String[] {
                "cp --sparse=auto", "qemu-img convert -f raw -O raw", "tarred"}) {
                long before = m.stat("disk", "read.bytes");
                Path to = m.folder.resolve("copy");
                Shell.bash("tarred() { tar -C \"${1%/*}\" -S -c disk | tar -x -S -O >\"$2\"; }; "
                        + copy + " \"$1\" \"$2\"", m.file("disk"), to).ok();
                assertThat(m.stat("disk", "read.bytes") - before).as(copy)
                        .isBetween(3L << 20, 4L << 20);
                Shell.run("cmp", m.file("disk").toString(), to.toString()).ok();
            }
        }
    }

    /** Also of a raw file below, and of a window over it. */
    @Test
    void holesOfARawFileAreSeen() throws IOException {
        Path image = Files.createTempFile("sluice-kernel", ".raw");
        Shell.run("truncate", "-s", "64M", image.toString()).ok();
        try (Mounted m = Mounted.with("", "disk - file " + image,
                "window 32M linear disk offset=8M")) {
            write(m, 16, 1);
            write(m, 40, 2);
            assertThat(map(m.file("disk"))).containsExactly(
                    "HOLE\t0", "DATA\t" + (16 << 20), "HOLE\t" + (17 << 20),
                    "DATA\t" + (40 << 20), "HOLE\t" + (42 << 20));
            assertThat(map(m.file("window"))).containsExactly(
                    "HOLE\t0", "DATA\t" + (8 << 20), "HOLE\t" + (9 << 20));
            // Who asks waits a little for the file below to tell, and then takes what it told last.
            Awaitility.await().atMost(Shell.LIMIT).untilAsserted(() -> assertThat(
                    Shell.run("stat", "-c", "%s %b", m.file("disk").toString()).ok())
                    .isEqualTo(Shell.run("stat", "-c", "%s %b", image.toString()).ok()));
            Shell.run("fallocate", "-p", "-o", "40M", "-l", "2M", m.file("disk").toString()).ok();
            assertThat(map(m.file("disk"))).hasSize(3);
            assertThat(map(image)).isEqualTo(map(m.file("disk")));
        } finally {
            Files.delete(image);
        }
    }

    /** Only who owns a file, or has the power of owners, may keep that from being noted. */
    @Test
    void aReadIsNotNotedInTheFileBelow() {
        try (Scratch file = new Scratch("noatime", 1 << 20);
                Mounted m = Mounted.prepared("disk - file " + file.path)) {
            String read = "xfs_io -r -d -c 'pread 0 4k' \"$1\"";
            Shell.bash("chown 65534 \"$1\"; touch -a -d '2 days ago' \"$1\"", file.path).ok();
            String before = Shell.run("stat", "-c", "%X", file.path.toString()).ok();
            m.mount("").ok();
            Shell.bash(read, m.file("disk")).ok();
            assertThat(Shell.run("stat", "-c", "%X", file.path.toString()).ok()).isEqualTo(before);
            m.umount().ok();
            Shell.run("setpriv", "--bounding-set=-fowner", "--inh-caps=-fowner", Shell.SLUICE,
                    "mount", m.table.toString(), m.dir.toString()).ok();
            Shell.bash(read, m.file("disk")).ok();
        }
    }

    private static List<String> map(Path file) {
        return Shell.run("xfs_io", "-r", "-c", "seek -a -r 0", file.toString()).ok().lines()
                .skip(1).toList();
    }

    @Test
    void discardedRangesAreHoles() {
        try (Mounted m = Mounted.with("", TABLE)) {
            write(m, 0, 8);
            Shell.run("fallocate", "-p", "-o", "1M", "-l", "6M", m.file("disk").toString()).ok();
            assertThat(Shell.run("stat", "-c", "%b", m.file("disk").toString()).ok())
                    .isEqualTo(Integer.toString(2 << 11));
        }
    }

    @ParameterizedTest
    @ValueSource(strings = {"session", "stock"})
    void whatADiskCannotDoIsRefused(String loop) {
        try (Mounted m = Mounted.with("loop=" + loop, TABLE)) {
            refused(m, "truncate -s 1M disk", "Invalid argument");
            refused(m, "truncate -s 65M disk", "Invalid argument");
            refused(m, "dd if=/dev/zero of=disk bs=1M count=1 seek=64 conv=notrunc",
                    "No space left on device");
            refused(m, "fallocate -o 64M -l 1M disk", "Operation not supported");
            refused(m, "rm -f disk", "Operation not permitted");
            refused(m, "mv disk other", "Operation not permitted");
            refused(m, "ln disk other", "Operation not permitted");
            refused(m, "ln -s disk other", "Operation not permitted");
            refused(m, "mkdir other", "Operation not permitted");
            refused(m, "mknod other p", "Operation not permitted");
            refused(m, "touch other", "Operation not permitted");
            refused(m, "chmod 644 disk", "Operation not permitted");
            assertThat(Shell.run("ls", "-A", m.dir.toString()).ok().lines())
                    .containsExactlyInAnyOrder(".sluice", "disk");
            assertThat(Shell.run("stat", "-c", "%s", m.file("disk").toString()).ok())
                    .isEqualTo(Integer.toString(64 << 20));
        }
    }

    @ParameterizedTest
    @ValueSource(strings = {"session", "stock"})
    void aWriteAcrossTheEndIsCutAndAReadEndsThere(String loop) {
        try (Mounted m = Mounted.with("loop=" + loop, TABLE)) {
            Shell.Result cut = Shell.bash("dd if=/dev/zero of=\"$1\" bs=65535k count=2"
                    + " conv=notrunc oflag=direct", m.file("disk"));
            assertThat(cut.exit()).isEqualTo(1);
            assertThat(cut.err()).contains("No space left on device");
            assertThat(Shell.bash("wc -c <(tail -c +$((64 * 1048576 - 9)) \"$1\") | cut -d' ' -f1",
                    m.file("disk")).ok()).isEqualTo("10");
        }
    }

    @Test
    void ownerAndModeAreAsAsked() {
        try (Mounted m = Mounted.with("uid=12,gid=34,mode=0640", TABLE)) {
            assertThat(Shell.run("stat", "-c", "%u %g %a", m.file("disk").toString()).ok())
                    .isEqualTo("12 34 640");
            assertThat(Shell.run("stat", "-c", "%u %a", m.control("disk", "set").toString())
                    .ok()).isEqualTo("0 600");
        }
    }

    private static void write(Mounted m, int atMegabyte, int megabytes) {
        Shell.run("dd", "if=/dev/urandom", "of=" + m.file("disk"), "bs=1M",
                "seek=" + atMegabyte, "count=" + megabytes, "conv=notrunc", "status=none").ok();
    }

    private static void refused(Mounted m, String command, String why) {
        Shell.Result r = Shell.bash("cd \"$1\"; LC_ALL=C timeout 50 " + command, m.dir);
        assertThat(r.exit()).as(command).isEqualTo(1);
        assertThat(r.err()).as(command).contains(why);
    }
}
