package dev.sluice.kernel;

import static org.assertj.core.api.Assertions.assertThat;

import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import org.awaitility.Awaitility;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

/**
 * A session thread makes a write itself that a page cache takes at once; on a file system that is
 * frozen it does not come back. Somebody else reads then, as often as it takes.
 */
@Tag("kernel")
@Timeout(300)
final class FrozenKernelTest {
    private static final Duration AT_ONCE = Duration.ofSeconds(30);
    private static final int FILES = 5;

    @Test
    void othersGoOnWhileAWriteIsStuckInASessionThread() throws Exception {
        try (Scratch image = new Scratch("frozen", 256L << 20)) {
            Shell.run("mkfs.ext4", "-q", image.path.toString()).ok();
            Path disk = Files.createTempDirectory("sluice-frozen");
            Shell.run("mount", "-o", "loop", image.path.toString(), disk.toString()).ok();
            try {
                frozen(disk);
            } finally {
                Shell.run("umount", disk.toString()).ok();
                Files.delete(disk);
            }
        }
    }

    /** More files than there are session threads, so that spare ones are needed. */
    private static void frozen(Path disk) {
        String[] lines = new String[FILES + 1];
        lines[FILES] = "quick 64M ram";
        for (int i = 0; i < FILES; i++) {
            Path file = disk.resolve("file" + i);
            Shell.run("truncate", "-s", "16M", file.toString()).ok();
            lines[i] = "disk" + i + " - file " + file;
        }
        try (Mounted m = Mounted.with("threads=2", lines)) {
            for (int i = 0; i < FILES; i++) {
                write(m, "disk" + i, "16");
            }
            assertThat(Shell.sluice("status", m.dir.toString(), "disk0").ok())
                    .as("reads are tried without waiting, writes are made")
                    .contains("reads").doesNotContain("+writes");
            String[] frozen = {"fsfreeze", "-f", disk.toString()};
            Shell.run(frozen).ok();
            try (Shell.Running fio = stuck(m)) {
                try {
                    Awaitility.await().atMost(Shell.LIMIT).until(() ->
                            m.stat("disk0", "in_flight") > 0
                                    && m.stat("disk" + (FILES - 1), "in_flight") > 0);
                    for (int i = 0; i < 5; i++) {
                        write(m, "quick", "1000");
                        Shell.run(AT_ONCE, Shell.SLUICE, "status", m.dir.toString()).ok();
                    }
                    assertThat(fio.runs()).isTrue();
                } finally {
                    frozen[1] = "-u";
                    Shell.run(frozen).ok();
                }
                fio.await(Shell.LIMIT).ok();
            }
            write(m, "disk0", "16");
            assertThat(m.umount().exit()).isZero();
        }
    }

    private static Shell.Running stuck(Mounted m) {
        List<String> command = new ArrayList<>(List.of("fio", "--rw=write", "--bs=4k",
                "--direct=1", "--ioengine=psync", "--thread", "--size=1M"));
        for (int i = 0; i < FILES; i++) {
            command.add("--name=stuck" + i);
            command.add("--filename=" + m.file("disk" + i));
        }
        return Shell.start(command.toArray(String[]::new));
    }

    private static void write(Mounted m, String device, String blocks) {
        Shell.run(AT_ONCE, "dd", "if=/dev/zero", "of=" + m.file(device), "bs=4k",
                "count=" + blocks, "oflag=direct", "conv=notrunc", "status=none").ok();
    }
}
