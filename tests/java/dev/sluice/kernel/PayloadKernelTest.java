package dev.sluice.kernel;

import static org.assertj.core.api.Assertions.assertThat;

import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Map;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

/** The bound on memory for requests under way makes callers wait, and nobody for ever. */
@Tag("kernel")
@Timeout(300)
final class PayloadKernelTest {
    @Test
    void moreThanThePayloadIsWrittenToADirectFile() throws Exception {
        Path file = Files.createTempFile(Path.of("target").toAbsolutePath(), "payload", "");
        try {
            Shell.run("truncate", "-s", "256M", file.toString()).ok();
            try (Mounted m = Mounted.with("payload=8M,threads=2",
                    "disk - file " + file + " direct=on")) {
                for (String rw : new String[] {"write", "write", "read"}) {
                    Shell.fio(m.file("disk"), Map.of("rw", rw, "bs", "1m", "size", "256m",
                            "ioengine", "libaio", "iodepth", "64")).ok();
                }
                assertThat(m.stat("disk", "write.bytes")).isEqualTo(512L << 20);
            }
        } finally {
            Files.delete(file);
        }
    }
}
