package dev.sluice.kernel;

import static org.assertj.core.api.Assertions.assertThat;

import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import java.util.concurrent.TimeUnit;
import org.awaitility.Awaitility;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

/** Disks of compressed pages as their users see them. */
@Tag("kernel")
@Timeout(300)
final class ZramKernelTest {
    private static final String[] SIZES = {"512", "4k", "64k", "128k", "1m"};

    @ParameterizedTest
    @CsvSource({"session, codec=lz4", "session, codec=zstd page=16k",
        "session, codec=lz4 async=off", "session, codec=lz4hc level=10", "stock, codec=lz4"})
    void fioVerifiesOnTheFileAndOnALoopDevice(String loop, String keys) {
        try (Mounted m = Mounted.with("loop=" + loop, "disk 32M zram " + keys)) {
            Path device = m.attach("disk");
            for (Path file : new Path[] {m.file("disk"), device}) {
                // A loop device on it has sectors of 4k.
                for (String size : List.of(SIZES).subList(file.equals(device) ? 1 : 0, 5)) {
                    Map<String, String> options = DataKernelTest.options(size,
                            size.equals("512") ? "2M" : "32M");
                    // Else every page holds noise and is stored as it came.
                    options.put("buffer_compress_percentage", "50");
                    options.put("buffer_compress_chunk", "4096");
                    assertThat(Shell.fio(file, options).ok()).contains("err= 0")
                            .doesNotContain("verify:");
                }
            }
            assertThat(m.stat("disk", "write.failed")).isZero();
            assertThat(mm(m)[0]).isEqualTo(32L << 20);
        }
    }

    /** Pages come and go like those of a swapped process. */
    @Test
    void randomPagesThroughALoopDeviceAreVerified() {
        try (Mounted m = Mounted.with("", "swap 64M zram mem-limit=60M")) {
            Map<String, String> options = DataKernelTest.options("4k", "64M");
            options.put("rw", "randrw");
            options.put("buffer_compress_percentage", "50");
            options.put("buffer_compress_chunk", "4096");
            assertThat(Shell.fio(m.attach("swap"), options).ok()).contains("err= 0");
        }
    }

    @ParameterizedTest
    @CsvSource({"mkfs.ext4 -q -F, e2fsck -f -n", "mkfs.xfs -q -f, xfs_repair -n"})
    void fileSystemsLiveOnIt(String make, String check) {
        try (Mounted m = Mounted.with("", "disk 400M zram")) {
            Path device = m.attach("disk");
            Shell.bash(make + " \"$1\"", device).ok();
            Path disk = m.disk(device);
            String source = Shell.HOME.resolve("target/lib").toString();
            Shell.bash("cp -a \"$1\" \"$2/lib\"; sync -f \"$2\"", source, disk).ok();
            m.umountDisk(disk).ok();
            Shell.bash(check + " \"$1\"", device).ok();
            disk = m.disk(device);
            Shell.bash("diff -r \"$1\" \"$2/lib\"", source, disk).ok();
            long full = mm(m)[2];
            Shell.bash("rm -r \"$1/lib\"", disk).ok();
            // xfs frees what was removed in the background; unmounting it waits for that.
            m.umountDisk(disk).ok();
            disk = m.disk(device);
            Shell.run("fstrim", disk.toString()).ok();
            m.umountDisk(disk).ok();
            Shell.bash(check + " \"$1\"", device).ok();
            assertThat(mm(m)[2]).isLessThan(full / 2);
            m.detach(device).ok();
            m.umount().ok();
        }
    }

    @Test
    void whatIsDiscardedGoesBackToTheSystem() {
        try (Mounted m = Mounted.with("", "disk 512M zram")) {
            Path file = m.file("disk");
            // Once around first: what the program itself takes to get warm is not the disk's.
            fill(file);
            Shell.run("fallocate", "-p", "-o", "0", "-l", "512M", file.toString()).ok();
            long start = LightKernelTest.resident(m.pid());
            fill(file);
            long full = LightKernelTest.resident(m.pid());
            assertThat(full - start).isGreaterThan(150L << 20);
            assertThat(mm(m)[2]).isGreaterThan(200L << 20);
            Shell.run("fallocate", "-p", "-o", "0", "-l", "512M", file.toString()).ok();
            assertThat(mm(m)[2]).isZero();
            // The program's own share moves by itself, by tens of megabytes: what compiles takes
            // memory when it will, and gives it back late.
            Awaitility.await().atMost(60, TimeUnit.SECONDS).untilAsserted(
                    () -> assertThat(LightKernelTest.resident(m.pid()))
                            .isLessThanOrEqualTo(full - (150L << 20)));
            assertThat(Shell.run("cmp", "-n", "536870912", file.toString(), "/dev/zero").exit())
                    .isZero();
        }
    }

    private static void fill(Path file) {
        Map<String, String> options = new java.util.LinkedHashMap<>();
        options.put("rw", "write");
        options.put("bs", "1m");
        options.put("size", "512M");
        options.put("ioengine", "libaio");
        options.put("iodepth", "4");
        options.put("buffer_compress_percentage", "50");
        options.put("buffer_compress_chunk", "4096");
        options.put("refill_buffers", null);
        Shell.fio(file, options).ok();
    }

    @ParameterizedTest
    @ValueSource(strings = {"4k", "64k"})
    void aDiscardOfAPartOfAPageZeroesThatPart(String page) {
        try (Mounted m = Mounted.with("", "disk 4M zram page=" + page)) {
            Path file = m.file("disk");
            Shell.bash("head -c 4M /dev/zero | tr '\\0' x | dd of=\"$1\" bs=1M conv=notrunc"
                    + " iflag=fullblock status=none", file).ok();
            Shell.run("fallocate", "-p", "-o", "1536", "-l", "1000", file.toString()).ok();
            Shell.run("fallocate", "-p", "-o", "100000", "-l", "200000", file.toString()).ok();
            Shell.bash("cmp \"$1\" <(head -c 1536 /dev/zero | tr '\\0' x; head -c 1000 /dev/zero;"
                    + " head -c 97464 /dev/zero | tr '\\0' x; head -c 200000 /dev/zero;"
                    + " head -c 3894304 /dev/zero | tr '\\0' x)", file).ok();
        }
    }

    @Test
    void aLimitReachedUnderAFileSystemIsAnErrorThatPasses() {
        try (Mounted m = Mounted.with("", "disk 256M zram mem-limit=24M")) {
            Path device = m.attach("disk");
            Shell.run("mkfs.ext4", "-q", "-F", "-O", "^has_journal", device.toString()).ok();
            Path disk = m.disk(device);
            Shell.Result full = Shell.bash("dd if=/dev/urandom of=\"$1/much\" bs=1M count=64"
                    + " conv=fsync status=none", disk);
            assertThat(full.exit()).isNotZero();
            assertThat(full.err()).contains("Input/output error");
            assertThat(m.stat("disk", "write.failed")).isPositive();
            assertThat(mm(m)[4]).isLessThanOrEqualTo(24L << 20);
            assertThat(Shell.sluice("status", m.dir.toString(), "disk").ok())
                    .contains("failed_writes");
            Shell.sluice("set", m.file("disk").toString(), "mem-limit=200M").ok();
            Shell.bash("rm -f \"$1/much\"; dd if=/dev/urandom of=\"$1/more\" bs=1M count=64"
                    + " conv=fsync status=none; sha256sum <\"$1/more\" >\"$2\"", disk,
                    m.folder.resolve("sum")).ok();
            // Nothing is in the page cache of a file system that was just mounted.
            m.umountDisk(disk).ok();
            disk = m.disk(device);
            Shell.bash("sha256sum -c --quiet \"$2\" <\"$1/more\"", disk,
                    m.folder.resolve("sum")).ok();
            m.umountDisk(disk).ok();
            m.detach(device).ok();
        }
    }

    @Test
    void aTerabyteIsThereAtOnceAndCostsLittle() {
        try (Mounted small = Mounted.with("", "disk 4M zram");
                Mounted huge = Mounted.with("", "disk 1T zram")) {
            assertThat(LightKernelTest.resident(huge.pid())
                    - LightKernelTest.resident(small.pid())).isLessThan(256L << 20);
            Path device = huge.attach("disk");
            Shell.run("mkfs.xfs", "-q", "-f", device.toString()).ok();
            Path disk = huge.disk(device);
            Shell.bash("echo text >\"$1/file\"; sync -f \"$1\"; grep -q text \"$1/file\"", disk)
                    .ok();
            huge.umountDisk(disk).ok();
            huge.detach(device).ok();
        }
    }

    /** As a script does with the files below /sys/block/zram0. */
    @Test
    void aScriptForSysfsSetsItUp() {
        try (Mounted m = Mounted.with("", "disk 4M zram")) {
            Path folder = m.control("disk", "reset").getParent();
            Shell.bash("cd \"$1\"; [[ $(<initstate) == 1 ]]; echo 1 >reset;"
                    + " [[ $(<initstate) == 0 ]]; echo zstd >comp_algorithm;"
                    + " grep -q '\\[zstd\\]' comp_algorithm; echo 64M >disksize;"
                    + " [[ $(<disksize) == 67108864 ]]; echo 32M >mem_limit; echo 1 >compact",
                    folder).ok();
            assertThat(Shell.bash("echo lz4 >\"$1/comp_algorithm\"", folder).err())
                    .contains("Device or resource busy");
            assertThat(Shell.bash("exec 3<\"$2\"; echo 1 >\"$1/reset\"", folder, m.file("disk"))
                    .err()).contains("Device or resource busy");
            fioWrites(m);
            assertThat(mm(m)).hasSize(9).startsWith(64L << 20);
            assertThat(mm(m)[3]).isEqualTo(32L << 20);
            // The kernel tells of fio's close when it comes to it.
            Awaitility.await().atMost(30, TimeUnit.SECONDS)
                    .until(() -> Shell.run("grep", "-q", "^opens *0$",
                            m.control("disk", "status").toString()).exit() == 0);
            Shell.bash("echo 1 >\"$1/reset\"; [[ $(stat -c %s \"$2\") == 0 ]]", folder,
                    m.file("disk")).ok();
        }
    }

    private static void fioWrites(Mounted m) {
        Map<String, String> options = DataKernelTest.options("128k", "64M");
        options.put("buffer_compress_percentage", "70");
        options.put("buffer_compress_chunk", "4096");
        assertThat(Shell.fio(m.file("disk"), options).ok()).contains("err= 0");
    }

    private static long[] mm(Mounted m) {
        String[] words = Shell.bash("timeout 10 cat \"$1\"", m.control("disk", "mm_stat")).ok()
                .strip().split(" +");
        long[] all = new long[words.length];
        for (int i = 0; i < all.length; i++) {
            all[i] = Long.parseLong(words[i]);
        }
        return all;
    }
}
