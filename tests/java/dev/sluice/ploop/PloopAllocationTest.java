package dev.sluice.ploop;

import static org.assertj.core.api.Assertions.assertThat;

import com.sun.management.ThreadMXBean;
import dev.sluice.block.Bio;
import dev.sluice.block.Device;
import dev.sluice.block.Errno;
import dev.sluice.block.Memory;
import dev.sluice.block.Op;
import dev.sluice.storage.FileBacking;
import dev.sluice.sys.Arena;
import dev.sluice.work.Completions;
import dev.sluice.work.Host;
import dev.sluice.work.SystemClock;
import dev.sluice.work.Timer;
import dev.sluice.work.WorkQueue;
import java.lang.management.ManagementFactory;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Semaphore;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** What is in place makes no objects, in no thread. */
@Tag("unit")
@Timeout(300)
class PloopAllocationTest {
    private static final int BIOS = 20_000;
    private static final int SIZE = 8 << 20;
    private static final int STEP = 4096;

    private final ThreadMXBean threads = (ThreadMXBean) ManagementFactory.getThreadMXBean();
    private final Arena arena = new Arena();
    private final ExecutorService workers = Executors.newFixedThreadPool(2);
    private final Semaphore ended = new Semaphore(0);
    private final Bio bio = new Bio(b -> ended.release());

    /** As a session thread's, which another stands in for. */
    private final class Watched implements WorkQueue {
        @Override
        public void run(int caller, Runnable work) {
            workers.execute(work);
        }

        @Override
        public boolean inWorker() {
            return false;
        }

        @Override
        public boolean watched() {
            return true;
        }
    }

    @ParameterizedTest
    @ValueSource(booleans = {false, true})
    void aReadOrAnOverwriteAllocatesNothing(boolean direct) throws Exception {
        Path file = Files.createTempFile(Path.of("target").toAbsolutePath(), "image", ".hds");
        Completions completions = new Completions(true);
        Host host = new Host(new SystemClock(), arena, name -> new Watched(), completions,
                (sentence, cause) -> { }, new Timer((sentence, cause) -> { }));
        FileBacking empty = FileBacking.open(file.toString(), false, false, arena, host.log());
        Image.create(file.toString(), Header.create(SIZE, 64 << 10), empty, arena);
        empty.close();
        FileBacking backing = FileBacking.open(file.toString(), direct, false, arena, host.log());
        Options options = new Options("image", "image", direct, Tuning.USUAL);
        try (Ploop ploop = Ploop.open(backing, options, host, "d")) {
            Device device = new Device("d", "ploop", ploop, List.of(), host.clock(), arena::map,
                    host.log());
            Memory data = arena.map(128 << 10);
            data.bytes().putInt(0, 1);
            data.bytes().putInt(64 << 10, 1);
            for (int at = 0; at < SIZE; at += STEP) {
                run(device, Op.WRITE, at, STEP, data, completions);
            }
            mixed(device, data, completions);
            long before = allocated();
            mixed(device, data, completions);
            // Some is the virtual machine's own; to ask what has ended takes an object a call.
            assertThat((allocated() - before) / BIOS).as("bytes for each bio")
                    .isLessThan(direct ? 100 : 8);
        } finally {
            workers.shutdown();
            assertThat(workers.awaitTermination(60, TimeUnit.SECONDS)).isTrue();
            arena.close();
            Files.delete(file);
        }
    }

    private long allocated() {
        long sum = 0;
        for (long id : threads.getAllThreadIds()) {
            sum += Math.max(0, threads.getThreadAllocatedBytes(id));
        }
        return sum;
    }

    /** Also across clusters that follow each other, as they do here. */
    private void mixed(Device device, Memory data, Completions completions)
            throws InterruptedException {
        for (int i = 0; i < BIOS; i++) {
            int length = i % 16 == 15 ? 128 << 10 : STEP;
            run(device, (i & 1) == 0 ? Op.WRITE : Op.READ, i * 8192L % (SIZE - length), length,
                    data, completions);
        }
    }

    private void run(Device device, Op op, long offset, int length, Memory data,
            Completions completions) throws InterruptedException {
        device.submit(bio.set(op, offset, length, false, data, 0, 0));
        if (!bio.release()) {
            while (!ended.tryAcquire()) {
                completions.reap();
            }
        }
        if (bio.outcome() != Errno.OK) {
            throw new AssertionError(bio + " ended with " + bio.outcome());
        }
    }
}
