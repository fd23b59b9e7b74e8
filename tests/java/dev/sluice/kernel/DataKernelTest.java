package dev.sluice.kernel;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** What is written comes back, through the file and through a loop device, with both loops. */
@Tag("kernel")
@Timeout(300)
final class DataKernelTest {
    private static final String[] SIZES = {"512", "4k", "16k", "128k", "1m"};

    @ParameterizedTest
    @ValueSource(strings = {"session", "stock"})
    void fioVerifiesOnTheFile(String loop) {
        try (Mounted m = Mounted.with("loop=" + loop, "disk 64M ram")) {
            for (String size : SIZES) {
                verify(m.file("disk"), size);
            }
            assertThat(m.stat("disk", "write.failed")).isZero();
        }
    }

    @ParameterizedTest
    @ValueSource(strings = {"session", "stock"})
    void fioVerifiesOnALoopDevice(String loop) {
        try (Mounted m = Mounted.with("loop=" + loop, "disk 64M ram")) {
            Path device = m.attach("disk");
            assertThat(Shell.read(sys(device, "loop/dio"))).isEqualTo("1\n");
            for (String size : SIZES) {
                verify(device, size);
            }
            assertThat(m.stat("disk", "write.failed")).isZero();
        }
    }

    @ParameterizedTest
    @ValueSource(strings = {"on", "off"})
    void fioVerifiesOnARawFileBelow(String direct) throws IOException {
        Path image = Files.createTempFile("sluice-kernel", ".raw");
        Shell.run("truncate", "-s", "64M", image.toString()).ok();
        try (Mounted m = Mounted.with("", "disk 64M file " + image + " direct=" + direct)) {
            for (String size : SIZES) {
                verify(m.file("disk"), size);
            }
            Path seen = m.folder.resolve("seen");
            Shell.bash("cp --sparse=always \"$1\" \"$2\"", m.file("disk"), seen).ok();
            m.umount().ok();
            Shell.run("cmp", image.toString(), seen.toString()).ok();
        } finally {
            Files.delete(image);
        }
    }

    @Test
    void deepReadsOfADirectFileAreTakenByTwoThreadsAndVerify() throws IOException {
        Path image = Files.createTempFile("sluice-kernel", ".raw");
        Shell.run("truncate", "-s", "64M", image.toString()).ok();
        try (Mounted m = Mounted.with("", "disk 64M file " + image + " direct=on")) {
            verify(m.file("disk"), "4k");
            Matcher served = Pattern.compile("session_served +\\d+, (\\d+)")
                    .matcher(Files.readString(m.file(".sluice/status")));
            assertThat(served.find()).isTrue();
            // More than it takes while others go through libfuse.
            assertThat(Long.parseLong(served.group(1))).isGreaterThan(500);
        } finally {
            Files.delete(image);
        }
    }

    @Test
    void writersSideBySideOnTheFileVerify() {
        try (Mounted m = Mounted.with("", "disk 64M ram")) {
            Map<String, String> options = options("4k", "8M");
            options.put("numjobs", "4");
            options.put("offset_increment", "16M");
            options.put("ioengine", "psync");
            options.put("iodepth", "1");
            String out = Shell.fio(m.file("disk"), options).ok();
            assertThat(out).contains("err= 0");
        }
    }

    @Test
    void theFileCanBeMapped() {
        try (Mounted m = Mounted.with("", "disk 16M ram")) {
            Map<String, String> options = options("4k", "8M");
            options.put("ioengine", "mmap");
            options.put("iodepth", "1");
            options.put("direct", "0");
            assertThat(Shell.fio(m.file("disk"), options).ok()).contains("err= 0");
        }
    }

    /** What is stored through a map is in the device after msync, and seen by others. */
    @Test
    void aSharedMapIsWrittenBack() {
        try (Mounted m = Mounted.with("", "disk 16M ram")) {
            String file = m.file("disk").toString();
            Shell.run("xfs_io", "-c", "mmap -rw 0 1m", "-c", "mwrite -S 0x61 5000 20000",
                    "-c", "msync -s", "-c", "munmap", file).ok();
            assertThat(m.stat("disk", "flush.ended")).isPositive();
            Shell.bash("cmp <(head -c 5000 /dev/zero; head -c 20000 /dev/zero | tr '\\0' a;"
                    + " head -c 1023576 /dev/zero)"
                    + " <(dd if=\"$1\" bs=1M count=1 iflag=direct status=none)", file).ok();
        }
    }

    @Test
    void theStockLoopRefusesASharedMap() {
        try (Mounted m = Mounted.with("loop=stock", "disk 16M ram")) {
            assertThat(Shell.run("xfs_io", "-c", "mmap -rw 0 1m", m.file("disk").toString()).err())
                    .contains("No such device");
        }
    }

    @ParameterizedTest
    @ValueSource(strings = {"session", "stock"})
    void blkdiscardZeroes(String loop) {
        try (Mounted m = Mounted.with("loop=" + loop, "disk 16M ram")) {
            Path device = m.attach("disk");
            for (String how : new String[] {"--force", "--zeroout"}) {
                Shell.bash("head -c 16M /dev/zero | tr '\\0' x"
                        + " | dd of=\"$1\" bs=1M oflag=direct iflag=fullblock status=none",
                        device).ok();
                // From an edge inside of a page to another.
                Shell.run("blkdiscard", how, "-o", "1536", "-l", "8389632", device.toString())
                        .ok();
                String edges = Shell.bash("dd if=\"$1\" bs=64k iflag=direct status=none"
                        + " | tr '\\0x' '0x' | fold -w 512 | uniq -c | awk '{print $1, length($2),"
                        + " substr($2, 1, 1)}'", device).ok();
                assertThat(edges).as(how).isEqualTo("3 512 x\n16386 512 0\n16379 512 x");
            }
            assertThat(m.stat("disk", "discard.ended") + m.stat("disk", "write_zeroes.ended"))
                    .isGreaterThanOrEqualTo(2);
        }
    }

    private static void verify(Path file, String size) {
        String out = Shell.fio(file, options(size, size.equals("512") ? "4M" : "32M")).ok();
        assertThat(out).contains("err= 0").doesNotContain("verify:");
    }

    static Map<String, String> options(String blockSize, String size) {
        Map<String, String> options = new LinkedHashMap<>();
        options.put("rw", "randwrite");
        options.put("bs", blockSize);
        options.put("size", size);
        options.put("iodepth", "32");
        options.put("ioengine", "libaio");
        options.put("verify", "crc32c");
        options.put("do_verify", "1");
        options.put("verify_fatal", "1");
        options.put("randseed", Long.toString(Long.getLong("seed", 20)));
        return options;
    }

    private static Path sys(Path loop, String file) {
        return Path.of("/sys/block", loop.getFileName().toString(), file);
    }
}
