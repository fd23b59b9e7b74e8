package dev.sluice.storage;

import dev.sluice.block.Bio;
import dev.sluice.block.Errno;
import dev.sluice.block.Memory;
import dev.sluice.sys.Arena;
import dev.sluice.sys.Libc;
import dev.sluice.sys.Native;
import java.lang.invoke.MethodHandles;
import java.lang.invoke.VarHandle;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.util.Arrays;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.locks.ReentrantLock;
import java.util.function.BooleanSupplier;

/**
 * Asynchronous direct I/O of the kernel (io_submit(2), include/uapi/linux/aio_abi.h): a request is
 * handed in by the thread that has it, without a worker; session threads hand out what has ended,
 * or a reaper where there are none.
 * Every request is RWF_NOWAIT: what would block ends with EAGAIN, for a worker to do.
 *
 * <p>Not io_uring: there an ended request is first seen by the thread that submitted it, which here
 * sleeps in another call and would be woken for each.
 */
public final class Aio implements AutoCloseable {
    /** The most requests under way; beyond it {@link #submit} refuses. */
    static final int MOST = 512;

    private static final int IOCB = 64;
    private static final int EVENT = 32;
    private static final int RING_COUNT = 4;
    private static final int RING_HEAD = 8;
    private static final int RING_TAIL = 12;
    private static final int RING_MAGIC = 16;
    private static final int RING_INCOMPATIBLE = 24;
    private static final int RING_EVENTS = 28;
    private static final int MAGIC = 0xa10a10a1;
    private static final VarHandle INTS =
            MethodHandles.byteBufferViewVarHandle(int[].class, ByteOrder.nativeOrder());
    private static final int WITH_EVENT = 1;
    private static final int BATCH = 64;
    /** From so many on the kernel tells the disk of all at once (AIO_PLUG_THRESHOLD, fs/aio.c). */
    static final int TOGETHER = 3;
    /** With fewer than these under way the disk would wait for what is held back. */
    static final int BUSY = 4;
    private static final int RWF_NOWAIT = 8;
    private static final boolean ARM = System.getProperty("os.arch").equals("aarch64");
    private static final int SETUP = ARM ? 0 : 206;
    private static final int DESTROY = ARM ? 1 : 207;
    private static final int GETEVENTS = ARM ? 4 : 208;
    private static final int SUBMIT = ARM ? 2 : 209;
    private static final Libc LIBC = Libc.LIBC;

    /** What is told of each request that was taken. */
    @FunctionalInterface
    public interface Done {
        /**
         * In the thread that hands out: bytes moved, or a negative errno. Does not throw: others
         * wait to be told.
         */
        void done(Bio bio, long result);
    }

    private static final int[] NONE = {};
    private static final int POINTERS = MOST * IOCB;
    private static final int HELD = POINTERS + MOST * 8;
    private static final int EVENTS = HELD + TOGETHER * 8;
    private static final int CLOSE_SECONDS = 10;

    private final Arena arena;
    private final Memory memory;
    private final ByteBuffer bytes;
    private final long context;
    private final int event;
    /** The ring in which the kernel leaves events; read to save calls (struct aio_ring). */
    private final ByteBuffer ring;
    private final int ringEvents;
    /** Events that the ring has room for; 0 where its layout is another than the one known. */
    private final int ringCount;
    private final ReentrantLock reaping = new ReentrantLock();
    private boolean ownThread;
    private BooleanSupplier gathers = () -> false;
    private final ReentrantLock holding = new ReentrantLock();
    private final int[] heldTokens = new int[TOGETHER]; // guarded by holding
    private volatile int held; // written under holding
    private final Bio[] bios = new Bio[MOST]; // an entry is its token holder's
    private final Done[] dones = new Done[MOST]; // likewise
    private final int[] free = new int[MOST]; // guarded by this
    private volatile int freeCount; // written under this
    private final CountDownLatch reaped = new CountDownLatch(1);
    /** Threads that may look at the ring; {@link #close} waits for them, for it goes then. */
    private final AtomicInteger looking = new AtomicInteger();
    private volatile boolean closed;

    /**
     * Null when the system grants no context (fs.aio-max-nr is used up, or the call is barred), or
     * no event descriptor.
     */
    static Aio open(Arena arena) {
        Memory memory = arena.map(EVENTS + BATCH * EVENT);
        if (LIBC.syscall(SETUP, MOST, memory.address(), 0, 0, 0, 0) != 0) {
            arena.unmap(memory);
            return null;
        }
        int event = LIBC.eventfd(0, Native.O_CLOEXEC | Native.O_NONBLOCK);
        if (event < 0) {
            LIBC.syscall(DESTROY, memory.bytes().getLong(0), 0, 0, 0, 0, 0);
            arena.unmap(memory);
            return null;
        }
        return new Aio(arena, memory, event);
    }

    private Aio(Arena arena, Memory memory, int event) {
        this.event = event;
        this.arena = arena;
        this.memory = memory;
        bytes = memory.bytes();
        context = bytes.getLong(0);
        ByteBuffer front = Native.view(context, Arena.PAGE).bytes();
        boolean known = front.getInt(RING_MAGIC) == MAGIC
                && front.getInt(RING_INCOMPATIBLE) == 0;
        ringEvents = front.getInt(RING_EVENTS);
        ringCount = known ? front.getInt(RING_COUNT) : 0;
        ring = known ? Native.view(context, ringEvents + ringCount * EVENT).bytes() : front;
        for (int i = MOST - 1; i >= 0; i--) {
            free[MOST - 1 - i] = i;
            bytes.putLong(POINTERS + 8 * i, memory.address() + (long) i * IOCB);
        }
        freeCount = MOST;
    }

    /**
     * Starts a read or a write of the bio's data. False when it was not taken: a worker does it.
     * From any thread.
     *
     * @param done is told how it ended
     */
    boolean submit(Bio bio, int fd, boolean write, Done done) {
        int token = take();
        if (token < 0) {
            return false;
        }
        bios[token] = bio;
        dones[token] = done;
        int at = token * IOCB;
        bytes.putLong(at, token);
        bytes.putInt(at + 12, RWF_NOWAIT);
        bytes.putShort(at + 16, (short) (write ? 1 : 0));
        bytes.putInt(at + 20, fd);
        bytes.putLong(at + 24, bio.data().address() + bio.dataAt());
        bytes.putLong(at + 32, bio.length());
        bytes.putLong(at + 40, bio.offset());
        bytes.putInt(at + 56, ownThread ? 0 : WITH_EVENT);
        bytes.putInt(at + 60, event);
        if (gathers.getAsBoolean() && hold(token)) {
            return true;
        }
        long n = LIBC.syscall(SUBMIT, context, 1, memory.address() + POINTERS + 8L * token);
        if (n == 1) {
            return true;
        }
        give(token);
        return false;
    }

    private synchronized int take() {
        int left = freeCount - 1;
        if (left < 0) {
            return -1;
        }
        freeCount = left;
        return free[left];
    }

    /**
     * Keeps a request back while the disk has enough to do, to tell it of a few at once, which
     * takes an exit to the host of a virtual machine for each. False when it is to go at once.
     */
    private boolean hold(int token) {
        boolean push;
        holding.lock();
        try {
            boolean busy = underWay() - 1 - held >= BUSY;
            if (held == 0 && !busy) {
                return false;
            }
            bytes.putLong(HELD + 8 * held, memory.address() + (long) token * IOCB);
            heldTokens[held] = token;
            held = held + 1;
            push = held == TOGETHER || !busy;
        } finally {
            holding.unlock();
        }
        if (push) {
            push();
        }
        return true;
    }

    /** Starts what is held back, if anything is. From any thread. */
    public void push() {
        if (held == 0) {
            return;
        }
        int[] refused = NONE;
        holding.lock();
        try {
            int from = 0;
            long n = 1;
            while (from < held && n > 0) {
                n = LIBC.syscall(SUBMIT, context, held - from, memory.address() + HELD + 8L * from);
                from += (int) Math.max(0, n);
            }
            if (from < held) {
                refused = Arrays.copyOfRange(heldTokens, from, held);
            }
            held = 0;
        } finally {
            holding.unlock();
        }
        for (int token : refused) {
            end(token, -Errno.EAGAIN.number());
        }
    }

    private void give(int token) {
        bios[token] = null;
        dones[token] = null;
        synchronized (this) {
            free[freeCount] = token;
            freeCount = freeCount + 1;
        }
    }

    /**
     * Hands out what has ended, in this thread; false when there was nothing, or when another
     * thread is at it, which looks again before it is done.
     */
    public boolean reap() {
        looking.getAndIncrement();
        try {
            // A thread of its own has the room for events to itself.
            return !closed && !ownThread && reapOpen();
        } finally {
            looking.getAndDecrement();
        }
    }

    private boolean reapOpen() {
        boolean some = false;
        while (ring.getInt(RING_HEAD) != ring.getInt(RING_TAIL) && reaping.tryLock()) {
            try {
                some |= ringCount > 0 ? takeFromRing() : handOut(0) > 0;
            } finally {
                reaping.unlock();
            }
        }
        return some;
    }

    /** How many requests have not been handed out yet. */
    public int underWay() {
        return MOST - freeCount;
    }

    /** Signalled whenever something ends, unless a thread of its own waits. */
    public int eventDescriptor() {
        return event;
    }

    /**
     * Requests may be held back by a thread for which the supplier says that it calls
     * {@link #push} soon. Before the first request.
     */
    public void gathers(BooleanSupplier now) {
        gathers = now;
    }

    /** Nobody polls: {@link #reapAlways} will run. Before the first request. */
    public void ownThread() {
        ownThread = true;
    }

    /** Waits for what ends and hands it out, until {@link #close}: for a thread of its own. */
    public void reapAlways() {
        try {
            while (handOut(1) >= 0) {
                continue;
            }
        } finally {
            reaped.countDown();
        }
    }

    /** What the owner of a ring may do without a call, as libaio's io_getevents does. */
    private boolean takeFromRing() {
        int head = ring.getInt(RING_HEAD);
        int tail = (int) INTS.getAcquire(ring, RING_TAIL);
        boolean some = head != tail;
        while (head != tail) {
            int at = ringEvents + head * EVENT;
            int token = (int) ring.getLong(at);
            long result = ring.getLong(at + 16);
            head = head + 1 == ringCount ? 0 : head + 1;
            INTS.setRelease(ring, RING_HEAD, head);
            end(token, result);
        }
        return some;
    }

    private void end(int token, long result) {
        Bio bio = bios[token];
        Done done = dones[token];
        give(token);
        done.done(bio, result);
    }

    /** How many were handed out; negative when the context is gone. */
    private int handOut(int least) {
        long events = memory.address() + EVENTS;
        long n = LIBC.syscall(GETEVENTS, context, least, BATCH, events, 0, 0);
        if (n < 0) {
            return Native.error() == Errno.EINTR ? 0 : -1;
        }
        for (int i = 0; i < n; i++) {
            end((int) bytes.getLong(EVENTS + i * EVENT),
                    bytes.getLong(EVENTS + i * EVENT + 16));
        }
        return (int) n;
    }

    /**
     * Ends {@link #reapAlways}; nothing is under way, and nothing is submitted any more. Session
     * threads may go on to {@link #reap}, in vain. Memory goes when nobody can touch it.
     */
    @Override
    public void close() {
        closed = true;
        while (looking.get() > 0) {
            Thread.onSpinWait();
        }
        LIBC.syscall(DESTROY, context, 0, 0, 0, 0, 0);
        LIBC.close(event);
        try {
            if (!ownThread || reaped.await(CLOSE_SECONDS, TimeUnit.SECONDS)) {
                arena.unmap(memory);
            }
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
        }
    }
}
