package dev.sluice.testing;

import dev.sluice.block.Bio;
import dev.sluice.block.Device;
import dev.sluice.block.Errno;
import dev.sluice.block.Memory;
import dev.sluice.block.Op;
import java.util.ArrayList;
import java.util.List;
import java.util.Random;
import java.util.concurrent.BlockingQueue;
import java.util.concurrent.LinkedBlockingQueue;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicLong;
import java.util.concurrent.atomic.AtomicReference;
import java.util.function.BooleanSupplier;
import java.util.function.IntFunction;

/**
 * Many seeded random bios, overlapping, from several submitters with several in flight each,
 * through one door or several to the same bytes; all judged by an {@link Oracle}.
 */
public final class RandomBios {
    private static final Op[] OPS = {
        Op.READ, Op.READ, Op.READ, Op.READ, Op.READ, Op.READ, Op.READ, Op.READ,
        Op.WRITE, Op.WRITE, Op.WRITE, Op.WRITE, Op.WRITE, Op.WRITE, Op.WRITE, Op.WRITE,
        Op.DISCARD, Op.DISCARD, Op.WRITE_ZEROES, Op.FLUSH
    };
    private static final int SWEEP = 64 << 10;

    private final Oracle oracle;
    private final IntFunction<Memory> memory;
    private final List<Door> doors;
    private final long seed;
    private final AtomicLong failed = new AtomicLong();
    private final AtomicReference<Throwable> thrown = new AtomicReference<>();
    private int depth = 8;
    private int maxBytes = 128 << 10;
    private BooleanSupplier step;
    private Random steps;

    /** A way to the bytes: what is at 0 of the device is at {@code shift} of the oracle. */
    public record Door(Device device, long shift) {}

    /** The source of memory must be one that the targets can take. */
    public RandomBios(long seed, Oracle oracle, IntFunction<Memory> memory, List<Door> doors) {
        this.seed = seed;
        this.oracle = oracle;
        this.memory = memory;
        this.doors = doors;
    }

    /** How many bios each submitter has in flight at most; 8 unless told. */
    public RandomBios depth(int bios) {
        depth = bios;
        return this;
    }

    /** How many bytes a bio has at most; 128 KiB unless told. */
    public RandomBios maxBytes(int bytes) {
        maxBytes = bytes;
        return this;
    }

    /** For one submitter in a simulation: bios end when it makes steps. */
    public RandomBios in(SimHost host) {
        step = host::step;
        steps = new Random(seed ^ 0x5EED);
        return this;
    }

    /** How many bios did not end well. */
    public long failed() {
        return failed.get();
    }

    /** Runs this many bios in this thread. */
    public void run(int bios) {
        new Submitter(seed).run(bios);
    }

    /** Runs this many bios, shared among threads. */
    public void run(int bios, int threads) throws InterruptedException {
        List<Thread> all = new ArrayList<>();
        for (int i = 0; i < threads; i++) {
            Submitter s = new Submitter(seed * 31 + i);
            all.add(new Thread(() -> {
                try {
                    s.run(bios / threads);
                } catch (Throwable e) {
                    thrown.compareAndSet(null, e);
                }
            }, "submitter-" + i));
        }
        all.forEach(Thread::start);
        for (Thread t : all) {
            t.join(TimeUnit.MINUTES.toMillis(7));
            if (t.isAlive()) {
                throw new AssertionError("a submitter has not come to an end, seed " + seed);
            }
        }
        if (thrown.get() != null) {
            throw new AssertionError("seed " + seed, thrown.get());
        }
    }

    /** Reads all of a door twice: the second time, nothing may have changed since the first. */
    public void sweep(Door door) {
        Submitter s = new Submitter(seed);
        long size = door.device.limits().size();
        for (int pass = 0; pass < 2; pass++) {
            for (long at = 0; at < size; at += SWEEP) {
                s.submit(door, Op.READ, at, Math.min(SWEEP, size - at), false);
            }
            s.await();
        }
    }

    private final class Submitter {
        private final Random random;
        private final BlockingQueue<Slot> free = new LinkedBlockingQueue<>();

        Submitter(long seed) {
            random = new Random(seed);
            for (int i = 0; i < depth; i++) {
                free.add(new Slot(this));
            }
        }

        void run(int bios) {
            for (int i = 0; i < bios; i++) {
                submit(random(OPS));
                while (step != null && steps.nextInt(3) == 0 && step.getAsBoolean()) {
                    continue;
                }
            }
            await();
        }

        private Op random(Op[] from) {
            return from[random.nextInt(from.length)];
        }

        private void submit(Op op) {
            Door door = doors.get(random.nextInt(doors.size()));
            int unit = oracle.unit();
            long units = door.device.limits().size() / unit;
            // Half of all go to few places, so that they meet.
            long places = random.nextBoolean() ? units : Math.max(1, Math.min(units, 64));
            long first = (long) (random.nextDouble() * places);
            int most = random.nextInt(50) == 0 ? maxBytes / unit : Math.min(24, maxBytes / unit);
            long count = Math.min(units - first, 1 + random.nextInt(most));
            boolean fua = op.changes() && random.nextInt(10) == 0;
            submit(door, op, first * unit, op == Op.FLUSH ? 0 : count * unit, fua);
        }

        void submit(Door door, Op op, long offset, long length, boolean fua) {
            Slot slot = take();
            Memory data = op.hasData() ? slot.data : null;
            slot.ticket = oracle.begin(op, offset + door.shift, length, fua, data, 0);
            door.device.submit(slot.bio.set(op, offset, length, fua, data, 0, 0));
            if (slot.bio.release()) {
                ended(slot);
            }
        }

        private Slot take() {
            while (step != null && free.isEmpty()) {
                if (!step.getAsBoolean()) {
                    throw new AssertionError("all is at rest, but bios have not ended, seed "
                            + seed);
                }
            }
            try {
                Slot slot = free.poll(60, TimeUnit.SECONDS);
                if (slot == null) {
                    throw new AssertionError("no bio ended for 60 seconds, seed " + seed);
                }
                return slot;
            } catch (InterruptedException e) {
                throw new AssertionError(e);
            }
        }

        void await() {
            List<Slot> all = new ArrayList<>();
            while (all.size() < depth) {
                all.add(take());
            }
            free.addAll(all);
        }

        private void ended(Slot slot) {
            Bio bio = slot.bio;
            try {
                if (bio.outcome() != Errno.OK) {
                    failed.incrementAndGet();
                }
                oracle.end(slot.ticket, bio.outcome(), bio.answerMemory(), bio.answerAt());
            } catch (Throwable e) {
                thrown.compareAndSet(null, e);
            }
            free.add(slot);
        }
    }

    private final class Slot {
        final Memory data = memory.apply(Math.max(maxBytes, SWEEP));
        final Bio bio;
        Oracle.Ticket ticket;

        Slot(Submitter submitter) {
            bio = new Bio(b -> submitter.ended(this));
        }
    }
}
