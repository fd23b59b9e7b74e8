package dev.sluice.kernel;

import static org.assertj.core.api.Assertions.assertThat;

import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Map;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

/** Lines of dmsetup, mounted as they stand, over a file and over a loop device. */
@Tag("kernel")
@Timeout(240)
final class DmKernelTest {
    private static Shell.Result mount(Mounted m, String name, String lines) {
        return Shell.bash("printf '%s\\n' \"$4\" | \"$1\" mount --dm --name \"$2\" - \"$3\"",
                Shell.SLUICE, name, m.dir, lines);
    }

    @Test
    void aLineForDmsetupIsADeviceAndIsPrintedBack() throws Exception {
        try (Scratch disk = new Scratch("dm", 16 << 20); Mounted m = Mounted.prepared()) {
            String loop = Shell.run("losetup", "--find", "--show", disk.path.toString()).ok();
            try {
                String line = "0 16384 delay " + loop + " 8 0 " + loop + " 8 30";
                mount(m, "slow", line).ok();
                assertThat(Shell.run("ls", m.dir.toString()).ok()).isEqualTo("slow");
                assertThat(Files.size(m.file("slow"))).isEqualTo(8 << 20);
                long before = System.nanoTime();
                Shell.bash("head -c 4096 /dev/zero | tr '\\0' x"
                        + " | dd of=\"$1\" bs=4k conv=notrunc oflag=direct status=none",
                        m.file("slow")).ok();
                assertThat(System.nanoTime() - before).isGreaterThan(30_000_000);
                Shell.run("sync", m.file("slow").toString()).ok();
                assertThat(Shell.bash("dd if=\"$1\" bs=1 skip=4096 count=4 status=none", disk.path)
                        .ok()).isEqualTo("xxxx");
                assertThat(Shell.sluice("status", "--dm", m.dir.toString(), "slow").ok())
                        .isEqualTo(line);
                assertThat(Shell.sluice("status", "--dm", m.dir.toString()).ok())
                        .isEqualTo("slow: " + line);
                m.umount().ok();
            } finally {
                Shell.run("losetup", "-d", loop).ok();
            }
        }
    }

    @Test
    void aTableOfSegmentsIsOneDevice() throws Exception {
        try (Scratch disk = new Scratch("dm", 16 << 20); Mounted m = Mounted.prepared()) {
            Path table = Files.writeString(m.folder.resolve("joined.dm"), "0 8192 linear "
                    + disk.path + " 8192\n8192 8192 linear " + disk.path + " 0\n");
            Shell.sluice("mount", "--dm", table.toString(), m.dir.toString()).ok();
            Shell.fio(m.file("joined"), Map.of("rw", "randwrite", "bs", "64k", "ioengine",
                    "libaio", "iodepth", "8", "verify", "crc32c", "size", "8M")).ok();
            Shell.run("cmp", "-n", "4194304", "-i", "0:4194304", m.file("joined").toString(),
                    disk.path.toString()).ok();
            Shell.run("cmp", "-n", "4194304", "-i", "4194304:0", m.file("joined").toString(),
                    disk.path.toString()).ok();
            m.umount().ok();
        }
    }

    @Test
    void aFlakeyDeviceLosesWhatIsWrittenWhileItIsDown() throws Exception {
        try (Scratch disk = new Scratch("dm", 1 << 20); Mounted m = Mounted.prepared()) {
            mount(m, "cut", "0 2048 flakey " + disk.path + " 0 0 1 1 drop_writes").ok();
            Shell.bash("echo lost | dd of=\"$1\" conv=notrunc,fsync status=none", m.file("cut"))
                    .ok();
            Shell.sluice("set", m.file("cut").toString(), "up=1s", "down=0").ok();
            Shell.bash("echo kept | dd of=\"$1\" bs=512 seek=8 conv=notrunc,fsync status=none",
                    m.file("cut")).ok();
            assertThat(m.stat("cut", "dropped_writes")).isGreaterThanOrEqualTo(2);
            m.umount().ok();
            assertThat(Shell.bash("head -c 5 \"$1\" | tr '\\0' .", disk.path).ok())
                    .isEqualTo(".....");
            assertThat(Shell.bash("dd if=\"$1\" bs=512 skip=8 count=1 status=none | head -c 4",
                    disk.path).ok()).isEqualTo("kept");
        }
    }

    @Test
    void aMistakeIsOneSentenceAndLeavesNothing() {
        try (Mounted m = Mounted.prepared()) {
            assertThat(mount(m, "slow", "0 8 delay /dev/none 0").sentence())
                    .contains("line 1: slow: delay takes exactly 3, 6 or 9 arguments, not 2");
            assertThat(mount(m, "slow", "0 8 linear /dev/none 0").sentence())
                    .contains("line 1: .none: /dev/none does not exist");
            assertThat(m.isMounted()).isFalse();
            assertThat(m.runtime()).doesNotExist();
        }
    }
}
