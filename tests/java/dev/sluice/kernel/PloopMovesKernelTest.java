package dev.sluice.kernel;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.concurrent.Callable;
import org.awaitility.Awaitility;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** An image that grows and is compacted while it is in use. */
@Tag("kernel")
@Timeout(420)
final class PloopMovesKernelTest {
    private static final Duration LIMIT = Duration.ofSeconds(120);

    private static Path image(String size, String cluster) throws IOException {
        Path path = Files.createTempFile(Path.of("target").toAbsolutePath(), "image", ".hds");
        Shell.run("qemu-img", "create", "-q", "-f", "parallels", "-o", "cluster_size=" + cluster,
                path.toString(), size).ok();
        return path;
    }

    private static String status(Mounted m, String name) {
        String all = Shell.sluice("status", m.dir.toString(), "p").ok();
        return all.lines().filter(l -> l.startsWith(name + " ")).findFirst()
                .orElseThrow(() -> new AssertionError("no " + name + " in " + all))
                .substring(name.length()).strip();
    }

    private static void await(Callable<Boolean> condition) {
        Awaitility.await().atMost(LIMIT).pollInterval(Duration.ofMillis(50)).until(condition);
    }

    private static void compact(Mounted m) {
        Shell.sluice("message", m.file("p").toString(), "compact").ok();
        await(() -> status(m, "last_work").startsWith("compact: ")
                && status(m, "work").isEmpty());
        assertThat(status(m, "last_work")).startsWith("compact: done");
    }

    private static String bytes(Path device) {
        return Shell.run("blockdev", "--getsize64", device.toString()).ok();
    }

    @ParameterizedTest
    @ValueSource(strings = {"direct=on", "direct=off"})
    void fioFindsWhatItWroteWhileTheDiskGrowsAndTheFileShrinks(String keys) throws Exception {
        Path image = image("128M", "64k");
        try (Mounted m = Mounted.with("", "p - ploop " + image + " prealloc=4M " + keys,
                "l - linear p")) {
            Path loop = m.attach("p");
            Path above = m.attach("l");
            Shell.bash("dd if=/dev/urandom of=\"$1\" bs=1M count=100 oflag=direct status=none;"
                    + " fallocate -p -o 1M -l 40M \"$1\"", m.file("p")).ok();
            try (Shell.Running fio = Shell.start("fio", "--name=t", "--filename=" + loop,
                    "--direct=1", "--rw=randwrite", "--bsrange=4k-128k", "--ioengine=libaio",
                    "--iodepth=16", "--verify=crc32c", "--verify_fatal=1", "--size=128M",
                    "--io_size=300M", "--randseed=7", "--blockalign=4k", "--verify_backlog=64",
                    "--verify_state_save=0")) {
                Shell.sluice("set", m.file("p").toString(), "size=2G").ok();
                assertThat(Files.size(m.file("p"))).isEqualTo(2L << 30);
                assertThat(Files.size(m.file("l"))).isEqualTo(2L << 30);
                // The kernel first lets the loop device's requests end, and nobody waits for that.
                await(() -> bytes(loop).equals(Long.toString(2L << 30)));
                await(() -> bytes(above).equals(Long.toString(2L << 30)));
                compact(m);
                Shell.bash("echo size=6G > \"$1/.sluice/p/set\"", m.dir).ok();
                await(() -> bytes(loop).equals(Long.toString(6L << 30)));
                compact(m);
                assertThat(fio.await(LIMIT).exit()).as(fio.out() + fio.err()).isZero();
            }
            Shell.bash("head -c 4096 /dev/urandom > \"$2/x\"; dd if=\"$2/x\" of=\"$1\" bs=4096"
                    + " seek=1500000 oflag=direct conv=notrunc status=none; cmp -n 4096 \"$2/x\""
                    + " \"$1\" 0 $((1500000 * 4096))", loop, m.folder).ok();
            assertThat(Shell.sluice("set", m.file("p").toString(), "size=1G").sentence())
                    .contains("cannot shrink");
            compact(m);
            m.detach(above).ok();
            m.detach(loop).ok();
            m.umount().ok();
            Shell.run("qemu-img", "check", "-f", "parallels", image.toString()).ok();
        } finally {
            Files.delete(image);
        }
    }

    /** What is left in a file system, and no more, is in the file. */
    @Test
    void aCompactedFileIsAsShortAsOneThatWasConverted() throws Exception {
        Path image = image("1G", "1M");
        Path copy = image.resolveSibling(image.getFileName() + ".copy");
        try (Mounted m = Mounted.with("", "p - ploop " + image)) {
            Path device = m.attach("p");
            // Else the kernel goes on with it in the background.
            Shell.bash("mkfs.ext4 -q -F -E lazy_itable_init=0,lazy_journal_init=0 \"$1\"", device)
                    .ok();
            Path disk = m.disk(device);
            Shell.bash("for i in {1..80}; do dd if=/dev/urandom of=\"$1/f$i\" bs=1M count=4"
                    + " status=none; done; sync -f \"$1\"; rm \"$1\"/f*[1-8]", disk).ok();
            // A file system keeps what it has just freed until its log is written.
            m.umountDisk(disk).ok();
            disk = m.disk(device);
            Shell.run("fstrim", disk.toString()).ok();
            long before = Files.size(image);
            compact(m);
            m.umountDisk(disk).ok();
            long after = Files.size(image);
            Shell.bash("e2fsck -f -n \"$1\"", device).ok();
            m.detach(device).ok();
            m.umount().ok();
            Shell.run("qemu-img", "check", "-f", "parallels", image.toString()).ok();
            Shell.run("qemu-img", "convert", "-f", "parallels", "-O", "parallels",
                    image.toString(), copy.toString()).ok();
            assertThat(after).isLessThan(before / 2)
                    .isLessThan((long) (Files.size(copy) * 1.05) + (2 << 20));
        } finally {
            Files.delete(image);
            Files.deleteIfExists(copy);
        }
    }
}
