package dev.sluice.fuse;

import dev.sluice.block.Device;
import dev.sluice.sys.Arena;
import java.util.ArrayDeque;
import java.util.Deque;
import java.util.function.BooleanSupplier;

/**
 * Slots by size, within a budget of bytes: the bound on what requests under way can take. Who finds
 * it spent waits, and so does not read further requests; the kernel then makes callers wait.
 * Thread-safe.
 */
final class SlotPool {
    private static final int[] ROOMS = {4 << 10, 16 << 10, 64 << 10, 256 << 10, 1 << 20};
    private static final long KEPT_BYTES = 8 << 20;
    /** How long one who waits sleeps before it hands out what has ended. */
    private static final long STEP_MILLIS = 1;

    private final Arena arena;
    private final long budget;
    private final Device.Log log;
    private final BooleanSupplier meanwhile;
    private final Deque<Slot>[] free = newDeques(); // guarded by this
    private long keptBytes; // guarded by this
    private long takenBytes; // guarded by this
    private int waiting; // guarded by this

    @SuppressWarnings({"unchecked", "rawtypes"})
    private static Deque<Slot>[] newDeques() {
        Deque<Slot>[] all = new Deque[ROOMS.length];
        for (int i = 0; i < all.length; i++) {
            all[i] = new ArrayDeque<>();
        }
        return all;
    }

    /**
     * {@code meanwhile} is called again and again by who waits: it hands out asynchronous I/O that
     * has ended, for all who would do so may wait here, and slots come back by that alone.
     */
    SlotPool(Arena arena, long budget, Device.Log log, BooleanSupplier meanwhile) {
        this.meanwhile = meanwhile;
        this.arena = arena;
        this.budget = budget;
        this.log = log;
    }

    /** A slot with room for so many bytes; waits while the budget is spent. */
    Slot take(int bytes) {
        int i = index(bytes);
        Slot slot = poll(i, 0);
        while (slot == null) {
            meanwhile.getAsBoolean();
            slot = poll(i, STEP_MILLIS);
        }
        return slot;
    }

    /** Null when the budget is spent, and still is after the time. */
    private synchronized Slot poll(int i, long millis) {
        if (takenBytes + ROOMS[i] > budget && millis > 0) {
            waiting++;
            try {
                wait(millis);
            } catch (InterruptedException e) {
                // Nobody interrupts a session thread: it ends when the mount goes.
                throw new IllegalStateException(e);
            } finally {
                waiting--;
            }
        }
        if (takenBytes + ROOMS[i] > budget) {
            return null;
        }
        Slot slot = free[i].pollLast();
        if (slot == null) {
            slot = new Slot(arena.map(Slot.DATA + ROOMS[i]), this);
        } else {
            keptBytes -= ROOMS[i];
        }
        // Last: where there is no memory, nothing was taken.
        takenBytes += ROOMS[i];
        return slot;
    }

    /** Takes a slot back; nobody touches it or its bio any more. */
    void give(Slot slot) {
        synchronized (this) {
            int i = index(slot.room());
            takenBytes -= ROOMS[i];
            if (waiting > 0) {
                notifyAll();
            }
            if (keptBytes + ROOMS[i] <= KEPT_BYTES) {
                keptBytes += ROOMS[i];
                free[i].addLast(slot);
                return;
            }
        }
        arena.unmap(slot.memory());
    }

    private static int index(int bytes) {
        for (int i = 0; i < ROOMS.length; i++) {
            if (bytes <= ROOMS[i]) {
                return i;
            }
        }
        throw new IllegalArgumentException("no slot for " + bytes + " bytes");
    }

    /** Bytes in use by requests under way and by session threads. */
    synchronized long takenBytes() {
        return takenBytes;
    }

    Device.Log log() {
        return log;
    }
}
