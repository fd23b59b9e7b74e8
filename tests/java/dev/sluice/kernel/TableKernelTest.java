package dev.sluice.kernel;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** A mistake in the table is told where it was mounted, and leaves nothing behind. */
@Tag("kernel")
@Timeout(150)
final class TableKernelTest {
    @ParameterizedTest
    @CsvSource(delimiter = '|', value = {
        "b 64M nothing| there is no target nothing",
        "b 64M ram colour=red| there is no key colour",
        "b 64M ram block=4k block=4k| block stands twice",
        "b 64m ram| 64m is not a size",
        "b - linear none| there is no device none",
        "b - linear b| it stands on itself",
        "a 64M ram| line 1 has this name already",
        "x/y 64M ram| must not hold a /",
        ".sluice 64M ram| every mount has already",
        "b 1000 ram| is not a multiple of 512",
        "b 5k ram block=4k| 5k must be a multiple of block=4k",
        "b 64M| NAME SIZE TARGET",
        "b - file /none/at/all| /none/at/all does not exist",
    })
    void aMistakeIsOneSentenceWithItsLine(String line, String why) {
        try (Mounted m = Mounted.prepared("a 64M ram", "# a comment", line)) {
            assertThat(m.mount("").sentence()).contains("line 3: ", why);
            nothingIsLeft(m);
        }
    }

    @Test
    void aCycleIsRefused() {
        try (Mounted m = Mounted.prepared("a - linear b", "b - linear c", "c - linear a")) {
            assertThat(m.mount("").sentence()).contains("line 1: a: ", "a on b on c on a");
            nothingIsLeft(m);
        }
    }

    @Test
    void onePathIsNotUsedTwice() throws IOException {
        try (Mounted m = Mounted.prepared()) {
            Path image = image(m.folder.resolve("image"));
            Path link = Files.createSymbolicLink(m.folder.resolve("link"), image);
            Files.write(m.table, List.of("a - file " + image, "b - file " + link));
            assertThat(m.mount("").sentence()).contains("line 2: b: ", "the same data");
            nothingIsLeft(m);
            Files.write(m.table, List.of("a - file " + image));
            m.mount("").ok();
        }
    }

    @Test
    void aPathOnTheMountItselfIsRefused() throws IOException {
        try (Mounted m = Mounted.prepared()) {
            Files.write(m.table, List.of("a 64M ram", "b 1M file " + m.file("a")));
            assertThat(m.mount("").sentence()).contains("line 2: b: ",
                    "the directory of the mount");
            nothingIsLeft(m);
        }
    }

    /** The loop device's file is in the directory, where the mount would cover it. */
    @Test
    void aPathOnTheMountItselfThroughALoopDeviceIsRefused() throws IOException {
        try (Mounted m = Mounted.prepared()) {
            Path image = image(m.dir.resolve("image"));
            String loop = Shell.run("losetup", "--find", "--show", image.toString()).ok();
            try {
                // The loop device keeps the file and its name; the directory must be empty.
                Files.delete(image);
                Files.write(m.table, List.of("a 64M ram", "b - file " + loop));
                assertThat(m.mount("").sentence())
                        .contains("line 2: b: ", "a loop device on " + image,
                                "the directory of the mount");
                nothingIsLeft(m);
            } finally {
                Shell.run("losetup", "-d", loop).ok();
            }
        }
    }

    private static Path image(Path path) {
        Shell.run("truncate", "-s", "1M", path.toString()).ok();
        return path;
    }

    private static void nothingIsLeft(Mounted m) {
        assertThat(m.isMounted()).isFalse();
        assertThat(m.runtime()).doesNotExist();
        assertThat(Shell.run("ls", "-A", m.dir.toString()).ok()).isEmpty();
    }
}
