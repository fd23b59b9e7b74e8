package dev.sluice.kernel;

import static org.assertj.core.api.Assertions.assertThat;

import java.nio.file.Path;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

/** File systems live on the files through loop devices, as on a disk. */
@Tag("kernel")
@Timeout(300)
final class FileSystemKernelTest {
    @ParameterizedTest
    @CsvSource({
        "session, mkfs.ext4 -q -F, e2fsck -f -n",
        "stock,   mkfs.ext4 -q -F, e2fsck -f -n",
        "session, mkfs.xfs -q -f,  xfs_repair -n",
        "stock,   mkfs.xfs -q -f,  xfs_repair -n"
    })
    void filesSurviveSyncUmountAndCheck(String loop, String make, String check) {
        try (Mounted m = Mounted.with("loop=" + loop, "disk 400M ram")) {
            Path device = m.attach("disk");
            Shell.bash(make + " \"$1\"", device).ok();
            Path disk = m.disk(device);
            String source = Shell.HOME.resolve("target/lib").toString();
            Shell.bash("cp -a \"$1\" \"$2/lib\"; sync -f \"$2\"", source, disk).ok();
            Shell.bash("dd if=/dev/urandom of=\"$1/fsynced\" bs=64k count=64 conv=fsync"
                    + " status=none; sha256sum <\"$1/fsynced\" >\"$1/sum\"", disk).ok();
            m.umountDisk(disk).ok();
            Shell.bash(check + " \"$1\"", device).ok();
            disk = m.disk(device);
            Shell.bash("diff -r \"$1\" \"$2/lib\"; sha256sum -c --quiet \"$2/sum\" <\"$2/fsynced\"",
                    source, disk).ok();
            Shell.bash("rm -r \"$1/lib\"; fstrim \"$1\"", disk).ok();
            m.umountDisk(disk).ok();
            Shell.bash(check + " \"$1\"", device).ok();
            m.detach(device).ok();
            assertThat(m.stat("disk", "discard.ended")).isPositive();
            assertThat(m.stat("disk", "flush.ended")).isPositive();
            assertThat(m.stat("disk", "write.failed")).isZero();
            m.umount().ok();
        }
    }

    /**
     * A loop device with buffered I/O reads and writes the file with pages of the kernel's own,
     * which direct files once could not take.
     */
    @ParameterizedTest
    @ValueSource(strings = {"session", "stock"})
    void aFileIsMountedAsMountDoesIt(String loop) {
        try (Mounted m = Mounted.with("loop=" + loop, "disk 64M ram")) {
            Shell.run("mkfs.ext4", "-q", "-F", m.file("disk").toString()).ok();
            for (int i = 0; i < 2; i++) {
                Path at = m.disk(m.file("disk"));
                assertThat(Shell.run("findmnt", "-n", "-o", "SOURCE", at.toString()).ok())
                        .startsWith("/dev/loop");
                Shell.bash("[[ $2 == 0 ]] || sha256sum -c --quiet \"$1/sum\" <\"$1/file\";"
                        + " dd if=/dev/urandom of=\"$1/file\" bs=1M count=16 conv=fsync"
                        + " status=none; sha256sum <\"$1/file\" >\"$1/sum\"", at, i).ok();
                m.umountDisk(at).ok();
                Shell.run("e2fsck", "-f", "-n", m.file("disk").toString()).ok();
            }
        }
    }
}
