package dev.sluice.zram;

import dev.sluice.block.BlockException;
import dev.sluice.block.Clock;
import dev.sluice.block.Device;
import dev.sluice.block.Errno;
import dev.sluice.work.Timer;
import dev.sluice.work.TimerThread;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.concurrent.TimeUnit;

/**
 * Recompresses and writes back by itself what was not used for a while: a few pages a step, by a
 * worker of the device, with a pause as long as the step took, and none while requests come in.
 *
 * <p>States: off → waiting for its time → stepping → waiting; closed at the end. A pass goes over
 * all slots once; where it found nothing to do, the next one comes later.
 */
final class Policy extends Timer.Entry {
    /** Pages of one step. */
    private static final int PAGES = 32;
    /** Slots that one step looks at, at most. */
    private static final int SLOTS = 1 << 16;
    private static final long LEAST_PAUSE = TimeUnit.MILLISECONDS.toNanos(5);
    private static final long LOAD_PAUSE = TimeUnit.MILLISECONDS.toNanos(200);
    private static final long MOST_PAUSE = TimeUnit.SECONDS.toNanos(60);
    private static final long SECOND = TimeUnit.SECONDS.toNanos(1);

    private final Zram zram;
    private final PostProcessing processing;
    private final Threads threads;
    private final Clock clock;
    private final Device.Log log;
    private Timer timer; // guarded by this
    private TimerThread own; // guarded by this; where nobody drives the mount's timer
    private boolean scheduled; // guarded by this; in the timer, or stepping
    private boolean closed; // guarded by this
    private volatile Rules rules;

    private final long[] slots = new long[PAGES]; // of who steps, as are the next three
    private long cursor;
    private boolean found;
    private long seen;

    private volatile long steps;
    private volatile long heldByLoad;
    private volatile long passes;
    private volatile long recompressed;
    private volatile long writtenBack;
    private volatile String error = "";

    Policy(Zram zram, PostProcessing processing, Rules rules, Threads threads, Timer timer,
            Clock clock, Device.Log log) {
        this.zram = zram;
        this.processing = processing;
        this.rules = rules;
        this.threads = threads;
        this.timer = timer;
        this.clock = clock;
        this.log = log;
        if (rules.any()) {
            timer.use();
        }
    }

    Rules rules() {
        return rules;
    }

    /** Other rules from now on. */
    void rules(Rules other) {
        rules = other;
        start();
    }

    /** Begins if there is anything to do. */
    synchronized void start() {
        if (!rules.any() || scheduled || closed) {
            return;
        }
        if (!timer.used()) {
            // The mount was made without a need for it: then nobody looks at its timer.
            timer = new Timer(log);
            timer.use();
            own = new TimerThread(clock, 0, timer);
        }
        scheduled = true;
        timer.add(this, clock.nanos() + LEAST_PAUSE);
    }

    private synchronized void again(long pause) {
        if (closed || !rules.any()) {
            scheduled = false;
        } else {
            timer.add(this, clock.nanos() + pause);
        }
    }

    @Override
    protected void expired() {
        try {
            threads.run(0, this::step);
        } catch (RuntimeException | Error e) {
            // The mount ends, or is short of threads.
            error = "no worker: " + e;
            again(SECOND);
        }
    }

    private void step() {
        Disk disk = zram.enter();
        long requests = zram.done().requests.sum();
        if (disk == null || requests != seen || !processing.take()) {
            zram.leave();
            heldByLoad += disk != null && requests != seen ? 1 : 0;
            seen = requests;
            again(LOAD_PAUSE);
            return;
        }
        long began = clock.nanos();
        steps++;
        error = cursor == 0 ? "" : error;
        try {
            work(disk, began);
        } catch (BlockException e) {
            failed(e.getMessage());
            over(began, true);
        } catch (RuntimeException | Error e) {
            log.error("zram's recompression or writeback by policy failed: " + e, e);
            failed(e.toString());
            over(began, true);
        }
    }

    private void failed(String sentence) {
        error = sentence;
    }

    private void work(Disk disk, long began) throws BlockException {
        Rules now = rules;
        int count = look(disk, now);
        boolean ended = cursor == 0;
        recompress(disk, now, count);
        if (now.writeback() == 0 || disk.blocks() == null) {
            over(began, ended);
            return;
        }
        Writeback.Run run = processing.writeback(disk);
        BlockException full = null;
        for (int i = 0; i < count && full == null; i++) {
            try {
                long slot = slots[i];
                if (leaves(disk, now, slot)
                        && disk.pick(slot, SlotChunk::hasPlace) != SlotChunk.EMPTY) {
                    run.put(slot);
                }
            } catch (BlockException e) {
                full = e;
            }
        }
        BlockException reason = full;
        run.whenOver(() -> {
            Errno failure = run.close();
            writtenBack += run.written();
            if (reason != null || failure != Errno.OK) {
                failed(reason != null ? reason.getMessage() : "the backing device failed: "
                        + failure.text());
            }
            over(began, ended || reason != null);
        });
    }

    private boolean leaves(Disk disk, Rules now, long slot) {
        return now.writeback() > 0 && disk.blocks() != null
                && age(disk, slot) >= now.writeback();
    }

    private long age(Disk disk, long slot) {
        return zram.second() - disk.slots().at(slot).used(SlotTable.inChunk(slot));
    }

    /** Finds slots from the cursor on that are due for something. */
    private int look(Disk disk, Rules now) {
        SlotTable table = disk.slots();
        int count = 0;
        int looked = 0;
        long slot = table.next(Math.min(cursor, table.slots()), true);
        while (slot < table.slots() && count < PAGES && looked < SLOTS) {
            int flags = disk.flags(slot);
            if (SlotChunk.hasPlace(flags) && (isDue(disk, now, slot, flags)
                    || leaves(disk, now, slot))) {
                slots[count++] = slot;
            }
            looked++;
            slot = table.next(slot + 1, true);
        }
        found |= count > 0;
        cursor = slot >= table.slots() ? 0 : slot;
        return count;
    }

    private boolean isDue(Disk disk, Rules now, long slot, int flags) {
        return target(disk, now, slot) > SlotChunk.tried(flags)
                && (flags & SlotChunk.INCOMPRESSIBLE) == 0;
    }

    /** The codec that a slot should be compressed with by now; 0 for as it is. */
    private int target(Disk disk, Rules now, long slot) {
        long age = age(disk, slot);
        for (int p = disk.streams().highest(); p > 0; p--) {
            if (now.after(p) > 0 && age >= now.after(p) && disk.streams().codec(p) != null) {
                return p;
            }
        }
        return 0;
    }

    private void recompress(Disk disk, Rules now, int count) throws BlockException {
        Streams own = disk.streams().take();
        try {
            for (int i = 0; i < count; i++) {
                long slot = slots[i];
                int p = leaves(disk, now, slot) ? 0 : target(disk, now, slot);
                if (p == 0 || disk.pick(slot, f -> SlotChunk.hasPlace(f)
                        && isDue(disk, now, slot, f)) == SlotChunk.EMPTY) {
                    continue;
                }
                Recompression.Plan plan = new Recompression.Plan(0, 0, p, p, 1);
                Recompression.Outcome outcome = new Recompression(disk, plan).one(slot, own);
                recompressed += outcome == Recompression.Outcome.SMALLER ? 1 : 0;
                if (outcome == Recompression.Outcome.NO_MEMORY) {
                    throw new BlockException(Errno.ENOMEM, "recompression found no memory;"
                            + " raise mem-limit, or free memory");
                }
            }
        } finally {
            disk.streams().give(own);
        }
    }

    /** The step has ended; {@code pass}: it came to the end of the disk, or cannot go on. */
    private void over(long began, boolean pass) {
        long pause = Math.max(LEAST_PAUSE, clock.nanos() - began);
        if (pass) {
            passes++;
            if (!found || !error.isEmpty()) {
                pause = Math.min(MOST_PAUSE, Math.max(LOAD_PAUSE, rules.soonest() * SECOND / 8));
            }
            found = false;
            cursor = 0;
        }
        processing.give();
        zram.leave();
        again(pause);
    }

    /** Ends it; a step that runs is not waited for. */
    synchronized void close() {
        closed = true;
        if (timer.remove(this)) {
            scheduled = false;
        }
        if (own != null) {
            own.close();
        }
    }

    /** What status shows. */
    Map<String, Object> status() {
        Map<String, Object> all = new LinkedHashMap<>();
        all.put("on", rules.any());
        all.put("steps", steps);
        all.put("passes", passes);
        all.put("held_by_load", heldByLoad);
        all.put("recompressed", recompressed);
        all.put("written_back", writtenBack);
        all.put("error", error);
        return all;
    }
}
