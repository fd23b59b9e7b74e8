package dev.sluice.fuse;

import dev.sluice.block.Device;
import dev.sluice.sys.Arena;
import java.util.ArrayDeque;
import java.util.Deque;

/**
 * Slots by size, as many as are asked for: how many requests are under way is {@link Background}'s
 * business, which is told of every one. Thread-safe.
 */
final class SlotPool {
    private static final int[] ROOMS = {4 << 10, 16 << 10, 64 << 10, 256 << 10, 1 << 20};
    private static final long KEPT_BYTES = 8 << 20;

    private final Arena arena;
    private final Background background;
    private final CompletionWorker completions;
    private final Device.Log log;
    private final Deque<Slot>[] free = newDeques(); // guarded by this
    private long keptBytes; // guarded by this
    private long takenBytes; // guarded by this
    private int taken; // guarded by this

    @SuppressWarnings({"unchecked", "rawtypes"})
    private static Deque<Slot>[] newDeques() {
        Deque<Slot>[] all = new Deque[ROOMS.length];
        for (int i = 0; i < all.length; i++) {
            all[i] = new ArrayDeque<>();
        }
        return all;
    }

    SlotPool(Arena arena, Background background, CompletionWorker completions,
            Device.Log log) {
        this.arena = arena;
        this.background = background;
        this.completions = completions;
        this.log = log;
    }

    /** A slot with room for so many bytes. Does not wait. */
    Slot take(int bytes) {
        int i = index(bytes);
        Slot slot;
        long nowBytes;
        int now;
        synchronized (this) {
            slot = free[i].pollLast();
            if (slot == null) {
                slot = new Slot(arena.map(Slot.DATA + ROOMS[i]), this);
            } else {
                keptBytes -= ROOMS[i];
            }
            // Last: where there is no memory, nothing was taken.
            nowBytes = takenBytes += ROOMS[i];
            now = ++taken;
        }
        background.look(now, nowBytes);
        return slot;
    }

    /** Takes a slot back; nobody touches it or its bio any more. */
    void give(Slot slot) {
        boolean keep;
        long nowBytes;
        int now;
        synchronized (this) {
            int i = index(slot.room());
            nowBytes = takenBytes -= ROOMS[i];
            now = --taken;
            keep = keptBytes + ROOMS[i] <= KEPT_BYTES;
            if (keep) {
                keptBytes += ROOMS[i];
                free[i].addLast(slot);
            }
        }
        if (!keep) {
            arena.unmap(slot.memory());
        }
        background.look(now, nowBytes);
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

    CompletionWorker completions() {
        return completions;
    }

    Device.Log log() {
        return log;
    }
}
