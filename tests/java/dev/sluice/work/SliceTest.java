package dev.sluice.work;

import static org.assertj.core.api.Assertions.assertThat;

import dev.sluice.sys.Native;
import dev.sluice.testing.KernelVersion;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.concurrent.Callable;
import java.util.concurrent.FutureTask;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

@Tag("unit")
@Timeout(120)
final class SliceTest {
    /** Runs it in a thread of its own: it leaves its slice changed. */
    private static <T> T elsewhere(Callable<T> what) throws Exception {
        FutureTask<T> task = new FutureTask<>(what);
        new Thread(task, "slice").start();
        return task.get(30, TimeUnit.SECONDS);
    }

    private static int nice() throws IOException {
        String stat = Files.readString(
                Path.of("/proc/self/task", Integer.toString(Native.threadId()), "stat"));
        return Integer.parseInt(stat.substring(stat.lastIndexOf(')') + 2).split(" ")[16]);
    }

    @Test
    void whatWasAskedForBeforeIsTold() throws Exception {
        long[] told = elsewhere(() -> {
            long first = Slice.ask(Slice.POLITE);
            return new long[] {first, Slice.ask(Slice.BACKGROUND), Slice.ask(first),
                Slice.ask(first)};
        });
        if (KernelVersion.hasSlices()) {
            assertThat(told[0]).isBetween(1L, Slice.POLITE - 1);
            assertThat(told).endsWith(Slice.POLITE, Slice.BACKGROUND, told[0]);
        } else {
            assertThat(told).containsOnly(0);
        }
    }

    @Test
    void nothingElseChanges() throws Exception {
        int[] nice = elsewhere(() -> {
            new ProcessBuilder("renice", "-n", "3", "-p", Integer.toString(Native.threadId()))
                    .redirectErrorStream(true).start().waitFor(60, TimeUnit.SECONDS);
            int before = nice();
            Slice.ask(Slice.BACKGROUND);
            return new int[] {before, nice()};
        });
        assertThat(nice).containsExactly(3, 3);
    }

    /** A worker is hired by whoever has work for it, even by who stands back just then. */
    @Test
    void aWorkerStandsBackForNobody() throws Exception {
        try (WorkerPool pool = new WorkerPool("test", 4, 1, caller -> "/", () -> 0,
                (sentence, cause) -> { }, Thread::start)) {
            FutureTask<Long> work = new FutureTask<>(() -> Slice.ask(Slice.USUAL));
            long started = elsewhere(() -> {
                Slice.ask(Slice.BACKGROUND);
                pool.queue("disk").run(1, work);
                return elsewhere(() -> Slice.ask(Slice.USUAL));
            });
            assertThat(started).isEqualTo(KernelVersion.hasSlices() ? Slice.BACKGROUND : 0);
            assertThat(work.get(30, TimeUnit.SECONDS)).isLessThan(Slice.POLITE);
        }
    }
}
