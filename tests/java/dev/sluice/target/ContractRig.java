package dev.sluice.target;

import static org.assertj.core.api.Assertions.assertThat;

import dev.sluice.block.Device;
import dev.sluice.block.Memory;
import dev.sluice.block.Op;
import dev.sluice.block.Target;
import dev.sluice.sys.Arena;
import dev.sluice.testing.TestQueues;
import dev.sluice.testing.TestBio;
import dev.sluice.work.Completions;
import dev.sluice.work.Host;
import dev.sluice.work.SystemClock;
import dev.sluice.work.Timer;
import dev.sluice.work.TimerThread;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.concurrent.Executors;
import java.util.concurrent.ScheduledExecutorService;
import java.util.concurrent.TimeUnit;

/** What a mount gives its targets, for one test, and simple ways to ask a device. */
final class ContractRig implements AutoCloseable {
    /** The targets' memory, and that of tests. */
    final Arena arena = new Arena();
    /** The devices' memory: theirs to the end of the mount. */
    private final Arena doors = new Arena();
    final List<String> log = new CopyOnWriteArrayList<>();
    final ScheduledExecutorService threads = Executors.newScheduledThreadPool(3);
    private final Timer timer = new Timer((sentence, cause) -> log.add(sentence));
    private final TimerThread timing = new TimerThread(new SystemClock(), 0, timer);
    final Host host = new Host(new SystemClock(), arena, TestQueues.of(threads),
            new Completions(false),
            (sentence, cause) -> log.add(sentence), timer);
    private final List<Target> open = new ArrayList<>();

    /** Has the target closed at the end, in reverse order of opening. */
    Target own(Target target) {
        open.add(target);
        return target;
    }

    Device device(String name, Target target, Device... lowers) {
        return new Device(name, "tested", target, List.of(lowers), host.clock(), doors::map,
                host.log());
    }

    TestBio submit(Device device, Op op, long offset, long length, int fill) {
        return submit(device, op, offset, length, fill, false);
    }

    TestBio submit(Device device, Op op, long offset, long length, int fill, boolean fua) {
        Memory data = op.hasData() ? arena.map((int) length) : null;
        if (op == Op.WRITE) {
            byte[] bytes = new byte[(int) length];
            Arrays.fill(bytes, (byte) fill);
            data.bytes().put(0, bytes);
        }
        return TestBio.submit(device, op, offset, length, fua, data, () -> {
            // The memory goes back with the arena: a bio may end in any thread.
        });
    }

    @Override
    public void close() throws Exception {
        threads.shutdown();
        assertThat(threads.awaitTermination(60, TimeUnit.SECONDS)).isTrue();
        closeTargets();
        timing.close();
        arena.close();
        doors.close();
    }

    void closeTargets() throws Exception {
        while (!open.isEmpty()) {
            open.remove(open.size() - 1).close();
        }
    }
}
