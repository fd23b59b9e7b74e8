package dev.sluice.zram;

import dev.sluice.block.Memory;
import dev.sluice.sys.Arena;
import dev.sluice.sys.Native;
import java.lang.invoke.MethodHandles;
import java.lang.invoke.VarHandle;
import java.nio.ByteOrder;
import java.util.concurrent.locks.LockSupport;

/**
 * The slots of 65536 pages. A slot has a value of eight bytes (where its bytes are in the store, or
 * the word that fills the page, or the block of the backing device), flags, one of which is its
 * lock, and the second in which it was last used. What else belongs to a page changes only under
 * that lock.
 *
 * <pre>
 * flags   bits 0-16  bytes stored, 0 for SAME
 *         bits 17-18 which codec
 *         bit  19    the lock
 *         bit  20    STORED: not empty
 *         bit  21    SAME: the page repeats the value
 *         bit  22    HUGE: stored as it came
 *         bit  23    IDLE: marked, and not used since
 *         bit  24    INCOMPRESSIBLE: no codec makes it smaller
 *         bit  25    PICKED: to be recompressed or written back, and not used since
 *         bit  26    AWAY: on the backing device; size, codec and HUGE say how
 *         bits 27-28 the codecs up to this one were tried
 * </pre>
 */
final class SlotChunk {
    static final int SHIFT = 16;
    static final int BYTES = 16 << SHIFT;
    /** Slots that share a page of memory. */
    static final int PAGE_SLOTS = Arena.PAGE / 16;

    static final int EMPTY = 0;
    static final int SIZE = (1 << 17) - 1;
    static final int PRIORITY_SHIFT = 17;
    static final int PRIORITY = 3 << PRIORITY_SHIFT;
    static final int STORED = 1 << 20;
    static final int SAME = 1 << 21;
    static final int HUGE = 1 << 22;
    static final int IDLE = 1 << 23;
    static final int INCOMPRESSIBLE = 1 << 24;
    static final int PICKED = 1 << 25;
    static final int AWAY = 1 << 26;
    static final int TRIED_SHIFT = 27;
    static final int TRIED = 3 << TRIED_SHIFT;
    private static final int LOCK = 1 << 19;

    private static final int FLAGS_AT = 8;
    private static final int USED_AT = 12;
    private static final int SPINS = 100;
    private static final int YIELDS = 1000;
    private static final long NAP_NANOS = 50_000;

    private static final VarHandle INTS =
            MethodHandles.byteBufferViewVarHandle(int[].class, ByteOrder.nativeOrder());
    private static final VarHandle LONGS =
            MethodHandles.byteBufferViewVarHandle(long[].class, ByteOrder.nativeOrder());
    private static final VarHandle COUNT;

    static {
        try {
            COUNT = MethodHandles.lookup().findVarHandle(SlotChunk.class, "count", int.class);
        } catch (ReflectiveOperationException e) {
            throw new ExceptionInInitializerError(e);
        }
    }

    private final Memory memory;
    /** How many slots are stored. */
    @SuppressWarnings("unused")
    private volatile int count;

    SlotChunk(Memory memory) {
        this.memory = memory;
    }

    Memory memory() {
        return memory;
    }

    static boolean isStored(int flags) {
        return (flags & STORED) != 0;
    }

    /** The length of what is in the store. */
    static int size(int flags) {
        return flags & SIZE;
    }

    /** Whether it has a place in the store. */
    static boolean hasPlace(int flags) {
        return (flags & (STORED | SAME | AWAY)) == STORED;
    }

    /** Which codec made it what it is: 0, or that of a recompression. */
    static int priority(int flags) {
        return (flags & PRIORITY) >> PRIORITY_SHIFT;
    }

    /** The highest codec that need not be tried again. */
    static int tried(int flags) {
        return Math.max(priority(flags), (flags & TRIED) >>> TRIED_SHIFT);
    }

    /** The flags as somebody leaves or has left them; the lock's bit may be set. */
    int flags(int i) {
        return (int) INTS.getAcquire(memory.bytes(), 16 * i + FLAGS_AT);
    }

    /** Waits for the lock and takes it; answers the flags without it. */
    int lock(int i) {
        int at = 16 * i + FLAGS_AT;
        int spins = 0;
        while (true) {
            int before = (int) INTS.getAndBitwiseOrAcquire(memory.bytes(), at, LOCK);
            if ((before & LOCK) == 0) {
                return before;
            }
            while (((int) INTS.getOpaque(memory.bytes(), at) & LOCK) != 0) {
                pause(spins++);
            }
        }
    }

    /** Who holds it decompresses or swaps a value; unless the system has put it to sleep. */
    private static void pause(int spins) {
        if (spins < SPINS) {
            Thread.onSpinWait();
        } else if (spins < YIELDS) {
            Thread.yield();
        } else {
            LockSupport.parkNanos(NAP_NANOS);
        }
    }

    /** Takes the lock if nobody has it. */
    boolean tryLock(int i) {
        return ((int) INTS.getAndBitwiseOrAcquire(memory.bytes(), 16 * i + FLAGS_AT, LOCK)
                & LOCK) == 0;
    }

    /** Lets go, and leaves these flags. */
    void unlock(int i, int flags) {
        INTS.setRelease(memory.bytes(), 16 * i + FLAGS_AT, flags & ~LOCK);
    }

    /**
     * Gives the page of memory back that this slot is in, unless a slot in it is stored or somebody
     * is at one. All are locked meanwhile, and the locks go with the page.
     */
    boolean forgetPage(int i) {
        int first = i & -PAGE_SLOTS;
        int locked = first;
        while (locked < first + PAGE_SLOTS && !isStored(flags(locked)) && tryLock(locked)) {
            locked++;
        }
        boolean all = locked == first + PAGE_SLOTS;
        for (int k = first; all && k < locked; k++) {
            all = !isStored(flags(k));
        }
        if (all) {
            Native.forget(memory, 16 * first, Arena.PAGE);
            return true;
        }
        for (int k = first; k < locked; k++) {
            unlock(k, flags(k));
        }
        return false;
    }

    /** Under the lock. */
    long value(int i) {
        return (long) LONGS.get(memory.bytes(), 16 * i);
    }

    /** Under the lock. */
    void value(int i, long value) {
        LONGS.set(memory.bytes(), 16 * i, value);
    }

    /** The second of its last use, by the clock of the device. */
    int used(int i) {
        return (int) INTS.getOpaque(memory.bytes(), 16 * i + USED_AT);
    }

    /** Under the lock. */
    void used(int i, int second) {
        INTS.setOpaque(memory.bytes(), 16 * i + USED_AT, second);
    }

    /** How many slots are stored, now or a moment ago. */
    int stored() {
        return count;
    }

    /** A slot came to be stored, or is no longer; under its lock. */
    void count(int change) {
        int before = (int) COUNT.getAndAdd(this, change);
        assert before + change >= 0;
    }
}
