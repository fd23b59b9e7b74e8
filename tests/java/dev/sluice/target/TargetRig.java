package dev.sluice.target;

import static org.assertj.core.api.Assertions.assertThat;

import dev.sluice.block.Bio;
import dev.sluice.block.BlockException;
import dev.sluice.block.Device;
import dev.sluice.block.Errno;
import dev.sluice.block.Limits;
import dev.sluice.block.Memory;
import dev.sluice.block.Op;
import dev.sluice.block.Target;
import dev.sluice.sys.Arena;
import dev.sluice.testing.TestQueues;
import dev.sluice.work.Completions;
import dev.sluice.work.Host;
import dev.sluice.work.Timer;
import dev.sluice.work.TimerThread;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Deque;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.TimeUnit;

/** Opens targets as the table does, with a device on each, and gives it all back. */
final class TargetRig implements AutoCloseable {
    final Arena arena = new Arena();
    final List<String> log = new ArrayList<>(); // guarded by itself
    final ExecutorService pool = Executors.newCachedThreadPool();
    private final Timer timer = new Timer(this::log);
    private final TimerThread timing = new TimerThread(System::nanoTime, 0, timer);
    final Host host = new Host(System::nanoTime, arena, TestQueues.of(pool),
            new Completions(false), this::log, timer);
    private final Deque<Target> open = new ArrayDeque<>();

    private void log(String sentence, Throwable cause) {
        synchronized (log) {
            log.add(sentence);
        }
    }

    /** {@code keys} are key=value; the size is -1 for {@code -}. */
    Device open(String type, long size, String path, List<Device> lowers, String... keys)
            throws BlockException {
        TargetType found = TargetTypes.all().stream()
                .filter(t -> t.name().equals(type)).findAny().orElseThrow();
        Target target = found.open(new TargetArgs("dev", size, path, lowers, map(keys)), host);
        open.push(target);
        return new Device("dev", type, target, lowers, System::nanoTime, arena::map, host.log());
    }

    Device open(String type, long size, String... keys) throws BlockException {
        return open(type, size, null, List.of(), keys);
    }

    static Map<String, String> map(String... keys) {
        Map<String, String> values = new HashMap<>();
        for (String key : keys) {
            values.put(key.substring(0, key.indexOf('=')), key.substring(key.indexOf('=') + 1));
        }
        return values;
    }

    void close(Device device) throws BlockException {
        open.remove(device.target());
        device.target().close();
    }

    @Override
    public void close() throws Exception {
        // Interrupts those who wait for one that failed.
        pool.shutdownNow();
        assertThat(pool.awaitTermination(60, TimeUnit.SECONDS)).isTrue();
        closeTargets();
        timing.close();
        arena.close();
    }

    void closeTargets() throws BlockException {
        while (!open.isEmpty()) {
            open.pop().close();
        }
    }

    /** One thread's way to ask and wait. */
    final class Io {
        final Memory data = arena.map(Limits.MAX_DATA);
        private final Device device;
        private final int dataAt;
        private CountDownLatch ended;
        final Bio bio = new Bio(b -> ended.countDown());

        Io(Device device) {
            this(device, 0);
        }

        /** The data begins at {@code dataAt} in its memory. */
        Io(Device device, int dataAt) {
            this.device = device;
            this.dataAt = dataAt;
        }

        Errno run(Op op, long offset, long length) {
            return run(op, offset, length, false);
        }

        Errno run(Op op, long offset, long length, boolean fua) {
            ended = new CountDownLatch(1);
            bio.set(op, offset, length, fua, op.hasData() ? data : null, dataAt, 0);
            device.submit(bio);
            if (!bio.release()) {
                try {
                    assertThat(ended.await(60, TimeUnit.SECONDS)).as("%s ends", bio).isTrue();
                } catch (InterruptedException e) {
                    throw new AssertionError(e);
                }
            }
            return bio.outcome();
        }

        Errno write(long offset, byte[] bytes) {
            return write(offset, bytes, false);
        }

        Errno write(long offset, byte[] bytes, boolean fua) {
            data.bytes().put(dataAt, bytes);
            return run(Op.WRITE, offset, bytes.length, fua);
        }

        byte[] read(long offset, int length) {
            assertThat(run(Op.READ, offset, length)).isEqualTo(Errno.OK);
            byte[] found = new byte[length];
            bio.answerMemory().bytes().get(bio.answerAt(), found);
            return found;
        }
    }
}
