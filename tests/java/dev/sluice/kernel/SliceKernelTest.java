package dev.sluice.kernel;

import static org.assertj.core.api.Assertions.assertThat;

import dev.sluice.testing.KernelVersion;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.TreeMap;
import java.util.concurrent.TimeUnit;
import java.util.stream.Stream;
import org.awaitility.Awaitility;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

/** Whom a session thread wakes runs at once, and long work stands back, as the kernel sees it. */
@Tag("kernel")
@Timeout(300)
final class SliceKernelTest {
    private static final long POLITE = 6_000_000;
    private static final long BACKGROUND = 100_000_000;

    /** The slices of a process's threads in nanoseconds, by their names. */
    private static Map<String, Long> slices(long pid) {
        Map<String, Long> slices = new TreeMap<>();
        try (Stream<Path> tasks = Files.list(Path.of("/proc", Long.toString(pid), "task"))) {
            for (Path task : (Iterable<Path>) tasks::iterator) {
                slice(task, slices);
            }
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
        return slices;
    }

    private static void slice(Path task, Map<String, Long> slices) {
        List<String> lines;
        try {
            lines = Files.readAllLines(task.resolve("sched"));
        } catch (IOException e) {
            // It has ended meanwhile.
            return;
        }
        // Older ones may show one that nobody can ask for.
        String name = KernelVersion.hasSlices() ? "se.slice" : "none";
        lines.stream().filter(l -> l.startsWith(name)).forEach(l ->
                slices.put(lines.get(0).replaceAll(" \\(.*", ""),
                        Long.parseLong(l.replaceAll(".*: *", ""))));
    }

    @Test
    void sessionThreadsLetOthersGoFirst() {
        try (Mounted m = Mounted.with("", "void 64M zero")) {
            Long polite = KernelVersion.hasSlices() ? POLITE : null;
            // It asks for them when it begins, which may be after the mount is there.
            Awaitility.await().atMost(30, TimeUnit.SECONDS)
                    .until(() -> Objects.equals(slices(m.pid()).get("session-0"), polite));
            assertThat(slices(m.pid()).values()).doesNotContain(BACKGROUND);
        }
    }

    @Test
    void longWorkStandsBackUntilItIsDone() throws IOException {
        Path image = Files.createTempFile(Path.of("target").toAbsolutePath(), "image", ".hds");
        Shell.run("qemu-img", "create", "-q", "-f", "parallels", "-o", "cluster_size=64k",
                image.toString(), "400M").ok();
        try (Mounted m = Mounted.with("", "p - ploop " + image)) {
            Shell.bash("dd if=/dev/urandom of=\"$1\" bs=1M count=400 oflag=direct status=none;"
                    + " fallocate -p -o 0 -l 200M \"$1\"", m.file("p")).ok();
            long pid = m.pid();
            // Looking begins before the work, which may take less than the message's return.
            try (Shell.Running message = Shell.start(Shell.SLUICE, "message",
                    m.file("p").toString(), "compact")) {
                Awaitility.await().atMost(60, TimeUnit.SECONDS).pollInSameThread()
                        .pollDelay(Duration.ZERO).pollInterval(1, TimeUnit.MILLISECONDS)
                        .until(() -> slices(pid).containsValue(BACKGROUND)
                                || !KernelVersion.hasSlices());
                message.await(Shell.LIMIT).ok();
            }
            Awaitility.await().atMost(60, TimeUnit.SECONDS).until(() -> Shell.sluice("status",
                    m.dir.toString(), "p").ok().contains("compact: done"));
            // Its thread says that it is done before it goes back to usual turns.
            Awaitility.await().atMost(30, TimeUnit.SECONDS)
                    .until(() -> !slices(pid).containsValue(BACKGROUND));
            m.umount().ok();
        } finally {
            Files.delete(image);
        }
    }
}
