package dev.sluice.fuse;

import dev.sluice.block.Clock;
import dev.sluice.block.Memory;
import dev.sluice.sys.Arena;
import dev.sluice.sys.Trace;
import dev.sluice.sys.Tracepoint;

/**
 * When requests came to the kernel. It says so of each at a tracepoint ({@code fuse_request_send},
 * fs/fuse/fuse_trace.h, from Linux 6.11 on), before it wakes a thread that reads: one that slept
 * has read the request some ten microseconds later, and by as much a delay would be too long.
 *
 * <p>A request was made some time before that, and its answer is seen some time after the last look
 * at the clock. The least that both can take together counts as passed: what was asked for is
 * waited for by the caller's clock, and never less.
 *
 * <p>To be told costs every caller a little. Where there are many requests it is done without: who
 * has much to read is awake. Thread-safe.
 */
final class Arrivals implements AutoCloseable {
    /** At more requests a second nothing is told. */
    static final int MANY = 32_000;
    /** At fewer it is again. */
    static final int FEW = 24_000;

    private static final String TRACEPOINT = "fuse/fuse_request_send";
    /** Those that were told last, a power of two; one that is not among them is not known. */
    private static final int ROOM = 256;
    /** How often to look how many there are: after so many, or when there is time and so long. */
    private static final int TURNS = 1024;
    private static final long WINDOW_NANOS = 20_000_000;
    private static final long SECOND = 1_000_000_000;

    /** Null where nobody tells, or nobody wants to know. */
    private final Trace requests;
    private final boolean wanted;
    private final long roundNanos;
    private final Clock clock;
    private final Trace.To keep = this::keep;
    private final long[] uniques = new long[ROOM]; // guarded by this
    private final long[] nanos = new long[ROOM]; // guarded by this
    private int count; // guarded by this
    private volatile long since; // written under this
    private volatile boolean told; // written under this

    /** {@code roundNanos}: what every caller sees beside the time from its request's coming. */
    Arrivals(Trace requests, boolean wanted, long roundNanos, Clock clock) {
        this.requests = requests;
        this.wanted = wanted;
        this.roundNanos = roundNanos;
        this.clock = clock;
        this.since = clock.nanos();
        this.told = requests != null;
    }

    /** Those of a connection. */
    static Arrivals of(int connection, Channel channel, boolean wanted, Clock clock,
            Arena arena) {
        Trace requests = wanted ? Tracepoint.open(TRACEPOINT, "unique",
                "connection == " + connection) : null;
        if (requests == null) {
            return new Arrivals(null, wanted, 0, clock);
        }
        Memory page = arena.map(Arena.PAGE);
        // A call of the caller's before, and one of ours behind; both do more than this one.
        long round = 2 * channel.leastReply(clock, page);
        arena.unmap(page);
        return new Arrivals(requests, true, round, clock);
    }

    /** When the request was made, in nanoseconds of the clock; 0 where that is not known. */
    long of(long unique) {
        if (requests == null) {
            return 0;
        }
        synchronized (this) {
            if (++count == TURNS) {
                look(clock.nanos());
            }
            if (!told) {
                return 0;
            }
            int at = place(unique);
            if (uniques[at] != unique) {
                requests.read(keep);
            }
            return uniques[at] == unique ? nanos[at] - roundNanos : 0;
        }
    }

    private void keep(long when, long unique) {
        uniques[place(unique)] = unique;
        nanos[place(unique)] = when;
    }

    /** The lowest bit tells interrupts from requests. */
    private static int place(long unique) {
        return (int) (unique >>> 1) & (ROOM - 1);
    }

    /** A thread has nothing to do now. */
    void rest(long now) {
        if (requests != null && now - since >= WINDOW_NANOS) {
            synchronized (this) {
                look(now);
            }
        }
    }

    private void look(long now) {
        boolean tell = count * SECOND / Math.max(1, now - since) < (told ? MANY : FEW);
        if (tell != told) {
            requests.turn(tell);
            told = tell;
        }
        count = 0;
        since = now;
    }

    /** For status: from when on requests count. */
    String state() {
        return requests != null ? "kernel" : wanted ? "read, the kernel does not tell" : "read";
    }

    /** Of those to come nothing is known. */
    @Override
    public synchronized void close() {
        if (requests != null) {
            requests.close();
        }
    }
}
