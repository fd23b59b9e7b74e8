package dev.sluice.fuse;

import dev.sluice.block.Memory;
import dev.sluice.sys.Arena;
import dev.sluice.sys.Libc;
import dev.sluice.sys.Native;

/**
 * Keeps idle CPUs from sleeping while it matters. A CPU that sleeps takes ten to a hundred
 * microseconds to come back, three times for a request that is alone: for the thread that takes it,
 * for the one that ends it, and for its caller. The kernel lets a process ask that they poll
 * instead, for as long as it holds {@code /dev/cpu_dma_latency} open with 0 in it (PM QoS,
 * kernel/power/qos.c); so nothing stays behind of a process that was killed.
 *
 * <p>It ends by itself some time after it was last wanted. Thread-safe.
 */
final class IdleCpus {
    /** When CPUs are kept awake. */
    enum Mode {
        /** While something is due soon. */
        AUTO,
        /** While there are requests. */
        POLL,
        /** Never. */
        SLEEP
    }

    static final String DEVICE = "/dev/cpu_dma_latency";
    /** What is due later loses nothing that anybody would notice. */
    static final long SOON_NANOS = 2_000_000;
    /** For so long after the last request, or whatever was due soon. */
    static final long TERM_NANOS = 20_000_000;
    static final long SOON_TERM_NANOS = 5_000_000;

    private static final int NONE = 0;
    /** The kernel's word for any latency will do. */
    private static final int ANY = 2_000_000_000;
    private static final Libc LIBC = Libc.LIBC;

    private final Mode mode;
    private final long term;
    private final int fd;
    private final Memory words;
    private volatile long until; // written under this
    private volatile boolean held; // written under this

    /** Where the system does not let us, nothing is kept awake; {@link #state} tells. */
    IdleCpus(Mode mode, Arena arena) {
        this.mode = mode;
        this.term = mode == Mode.POLL ? TERM_NANOS : SOON_TERM_NANOS;
        this.words = arena.map(Arena.PAGE);
        this.fd = mode == Mode.SLEEP ? -1
                : LIBC.open(DEVICE, Native.O_WRONLY | Native.O_CLOEXEC, 0);
        words.bytes().putInt(0, NONE);
        words.bytes().putInt(Integer.BYTES, ANY);
    }

    /** Something is due in so many nanoseconds, and a thread is about to sleep until then. */
    void sleeps(long nowNanos, long leftNanos) {
        if (mode == Mode.AUTO && leftNanos <= SOON_NANOS) {
            keep(nowNanos);
        }
    }

    /** Whether {@link #request} wants to know of each. */
    boolean counts() {
        return mode == Mode.POLL && fd >= 0;
    }

    /** There was a request. */
    void request(long nowNanos) {
        keep(nowNanos);
    }

    private void keep(long nowNanos) {
        // Not for each request: half a term later it is soon enough.
        if (fd >= 0 && (!held || until - nowNanos < term / 2)) {
            synchronized (this) {
                until = nowNanos + term;
                if (!held) {
                    held = true;
                    LIBC.write(fd, words.address(), Integer.BYTES);
                }
            }
        }
    }

    /**
     * How long a thread may sleep that would for so long: then it has to call {@link #rest}, and
     * {@link #sleeps} where something is soon due by then.
     */
    long left(long nowNanos, long leftNanos) {
        long rest = held ? Math.max(0, until - nowNanos) : Long.MAX_VALUE;
        return mode == Mode.AUTO && fd >= 0 && leftNanos > SOON_NANOS
                ? Math.min(rest, leftNanos - SOON_NANOS) : rest;
    }

    /** Lets them sleep again when nothing wants them awake any more. */
    void rest(long nowNanos) {
        if (held && nowNanos >= until) {
            synchronized (this) {
                if (held && nowNanos >= until) {
                    held = false;
                    LIBC.write(fd, words.address() + Integer.BYTES, Integer.BYTES);
                }
            }
        }
    }

    /** For status: what is asked for, and whether it is at work now. */
    String state() {
        return mode == Mode.SLEEP ? "sleep" : fd < 0 ? "sleep, " + DEVICE + " cannot be opened"
                : held ? "poll" : "sleep";
    }
}
