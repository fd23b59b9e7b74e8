package dev.sluice.kernel;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/**
 * Writers of 512 bytes, side by side on the file of a device with blocks of 4k and on a file two
 * layers above it. Each block has two writers whose sectors take turns, one on either path: a
 * rewrite that did not exclude the other would undo what it wrote.
 */
@Tag("kernel")
@Timeout(300)
final class LayersKernelTest {
    private static final int BLOCKS = 256;
    private static final String MEMORY = "base 64M ram block=4k";
    private static final String[] LAYERS = {"middle - linear base", "top - linear middle"};

    @ParameterizedTest
    @ValueSource(strings = {"session", "stock"})
    void sectorsInMemoryDoNotUndoEachOther(String loop) {
        sectorsDoNotUndoEachOther(loop, MEMORY);
    }

    /** Here the steps of one rewrite end later, with those of the others in between. */
    @ParameterizedTest
    @ValueSource(strings = {"session", "stock"})
    void sectorsOnADiskDoNotUndoEachOther(String loop) throws IOException {
        Path image = Files.createTempFile("sluice-kernel", ".raw");
        Shell.run("truncate", "-s", "64M", image.toString()).ok();
        String disk = Shell.run("losetup", "--find", "--show", "--sector-size", "4096",
                image.toString()).ok();
        try {
            sectorsDoNotUndoEachOther(loop, "base - file " + disk + " direct=on");
        } finally {
            Shell.run("losetup", "-d", disk).ok();
            Files.delete(image);
        }
    }

    private static void sectorsDoNotUndoEachOther(String loop, String base) {
        try (Mounted m = Mounted.with("loop=" + loop, base, LAYERS[0], LAYERS[1])) {
            List<Shell.Running> writers = new ArrayList<>();
            try {
                for (int i = 0; i < 4; i++) {
                    writers.add(writer(m.file(i % 2 == 0 ? "base" : "top"), i));
                }
                writers.forEach(w -> w.await(Duration.ofSeconds(180)).ok());
            } finally {
                writers.forEach(Shell.Running::close);
            }
            String seen = sectors(m.file("base"));
            assertThat(seen.lines().toList()).hasSize(8 * BLOCKS).isEqualTo(expected());
            assertThat(sectors(m.file("top"))).isEqualTo(seen);
            assertThat(m.stat("base", "rewrites")).isGreaterThanOrEqualTo(8L * BLOCKS);
            assertThat(m.stat("top", "rewrites") + m.stat("middle", "rewrites")).isZero();
        }
    }

    @ParameterizedTest
    @ValueSource(strings = {"base", "top"})
    void fioVerifiesSectors(String device) {
        try (Mounted m = Mounted.with("", MEMORY, LAYERS[0], LAYERS[1])) {
            assertThat(Shell.fio(m.file(device), DataKernelTest.options("512", "4M")).ok())
                    .contains("err= 0").doesNotContain("verify:");
            assertThat(m.stat("base", "rewrites")).isPositive();
        }
    }

    /** Fills every fourth sector with its own letter, many in flight. */
    private static Shell.Running writer(Path file, int which) {
        return Shell.start("fio", "--name=w", "--filename=" + file, "--direct=1", "--rw=write:1536",
                "--bs=512", "--offset=" + 512 * which, "--size=" + (4096 * BLOCKS - 512 * which),
                "--ioengine=libaio", "--iodepth=32", "--buffer_pattern=\"" + letter(which) + "\"",
                "--number_ios=" + 2 * BLOCKS, "--thread");
    }

    private static char letter(int which) {
        return (char) ('a' + which);
    }

    private static List<String> expected() {
        List<String> all = new ArrayList<>();
        for (int i = 0; i < 8 * BLOCKS; i++) {
            all.add("512 " + letter(i % 4));
        }
        return all;
    }

    /** One line a sector: how long it is of one letter, and which. */
    private static String sectors(Path file) {
        return Shell.bash("dd if=\"$1\" bs=4k count=" + BLOCKS + " iflag=direct status=none"
                + " | tr '\\0' '0' | fold -w 512 | awk '{c = substr($0, 1, 1); n = gsub(c, c);"
                + " print n, c}'", file).ok();
    }
}
