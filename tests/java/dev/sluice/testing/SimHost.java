package dev.sluice.testing;

import dev.sluice.block.Device;
import dev.sluice.block.Memory;
import dev.sluice.block.Target;
import dev.sluice.sys.Arena;
import dev.sluice.work.Completions;
import dev.sluice.work.Host;
import dev.sluice.work.Timer;
import dev.sluice.work.WorkQueue;
import java.nio.ByteBuffer;
import java.util.ArrayList;
import java.util.List;
import java.util.Random;

/**
 * One thread in place of many: what would run at some time is queued, and a seeded random choice
 * says what runs next. The same seed gives the same run. Not thread-safe.
 */
public final class SimHost {
    private static final int DEPTH = 3;

    /** What devices logged. */
    public final List<String> log = new ArrayList<>();
    public final VirtualClock clock = new VirtualClock();
    public final Random random;
    /** Expires as the clock goes on; where nothing else is to do, the clock goes on to it. */
    public final Timer timer;
    private final List<Runnable> queue = new ArrayList<>();
    private boolean worker;
    private int depth;

    public SimHost(long seed) {
        random = new Random(seed);
        timer = new Timer((sentence, cause) -> log.add(sentence));
    }

    /** Queues a task to run at some time. */
    public void later(Runnable task) {
        queue.add(task);
    }

    /** Runs one task, any of them; false when there is none. */
    public boolean step() {
        if (queue.isEmpty()) {
            long due = timer.earliest();
            if (due == Timer.NEVER) {
                return false;
            }
            clock.advance(Math.max(0, due - clock.nanos()));
            timer.expire(clock.nanos());
            return true;
        }
        clock.advance(random.nextInt(10_000));
        timer.expire(clock.nanos());
        int i = random.nextInt(queue.size());
        Runnable task = queue.get(i);
        queue.set(i, queue.get(queue.size() - 1));
        queue.remove(queue.size() - 1);
        task.run();
        return true;
    }

    /** Sometimes has something else run, in the midst of what runs. */
    public void other() {
        if (depth < DEPTH && random.nextInt(3) == 0) {
            boolean was = worker;
            worker = false;
            depth++;
            try {
                step();
            } finally {
                depth--;
                worker = was;
            }
        }
    }

    /** What targets are given here: work for workers is queued as all else. */
    public Host host(Arena arena) {
        WorkQueue workers = new WorkQueue() {
            @Override
            public void run(int caller, Runnable work) {
                later(() -> {
                    worker = true;
                    try {
                        work.run();
                    } finally {
                        worker = false;
                    }
                });
            }

            @Override
            public boolean inWorker() {
                return worker;
            }

            @Override
            public boolean watched() {
                return false;
            }
        };
        return new Host(clock, arena, name -> workers, new Completions(false),
                (sentence, cause) -> log.add(sentence), timer);
    }

    /** Runs until nothing is queued. */
    public void run() {
        int steps = 0;
        while (step()) {
            if (++steps > 50_000_000) {
                throw new AssertionError("the simulation does not come to rest");
            }
        }
    }

    /** A device with this host's clock and log. */
    public Device device(String name, Target target, Device... lowers) {
        return new Device(name, "test", target, List.of(lowers), clock, SimHost::memory,
                (sentence, cause) -> log.add(sentence));
    }

    /** Memory for bios of targets that need no address. */
    public static Memory memory(int bytes) {
        return new Memory(ByteBuffer.allocateDirect(bytes), 0);
    }
}
