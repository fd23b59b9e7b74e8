package dev.sluice.table;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.catchThrowableOfType;

import dev.sluice.block.BlockException;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

/** The kernel's own loop devices, as sysfs and stat(2) show them. */
@Tag("kernel")
@Timeout(150)
class LoopPathTest {
    @TempDir
    Path folder;

    private static String run(String... command) throws IOException, InterruptedException {
        Process process = new ProcessBuilder(command).redirectErrorStream(true).start();
        if (!process.waitFor(60, TimeUnit.SECONDS)) {
            process.destroyForcibly();
        }
        String said = new String(process.getInputStream().readAllBytes(), StandardCharsets.UTF_8);
        assertThat(process.waitFor()).as("%s: %s", String.join(" ", command), said).isZero();
        return said.strip();
    }

    @Test
    void seesTheFileBehindALoopDevice() throws Exception {
        Path image = Files.write(folder.toRealPath().resolve("image"), new byte[1 << 20]);
        Path link = Files.createSymbolicLink(folder.resolve("link"), image);
        String loop = run("losetup", "--find", "--show", link.toString());
        try {
            PathUse uses = PathUse.ofHost(null);
            uses.add("a", 1, image.toString(), false);
            assertThat(catchThrowableOfType(BlockException.class,
                    () -> uses.add("b", 2, loop, false)))
                    .hasMessage(loop + " holds the same data as " + image + " of a in line 1;"
                            + " give each device a path of its own");
            assertThat(catchThrowableOfType(BlockException.class,
                    () -> PathUse.ofHost(folder).add("b", 2, loop, false)))
                    .hasMessage(loop + ", a loop device on " + image + " lies in the directory of"
                            + " the mount, " + folder + "; name a path outside of it");
        } finally {
            run("losetup", "--detach", loop);
        }
    }
}
