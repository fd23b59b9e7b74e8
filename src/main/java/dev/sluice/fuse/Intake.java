package dev.sluice.fuse;

import dev.sluice.block.Clock;
import dev.sluice.block.Memory;
import dev.sluice.sys.Arena;
import dev.sluice.sys.Libc;
import dev.sluice.sys.Native;
import dev.sluice.work.Completions;
import dev.sluice.work.Timer;
import java.util.function.LongConsumer;

/**
 * Where a session thread's work comes from: the kernel's requests, the ends of asynchronous I/O,
 * and what is due at some time. Without the latter two a read of the channel is all. With them the
 * channel does not block; a thread that finds nothing sleeps until something comes, but looks on
 * for a while first as long as something is under way, is nearly due, or has just ended: to go
 * idle and come back takes a CPU as long as a fast disk's answer.
 *
 * <p>Thread-safe: all session threads share one.
 */
final class Intake {
    private static final int EPOLL_CTL_ADD = 1;
    private static final int EPOLLIN = 1;
    private static final int EPOLLET = 1 << 31;
    private static final int ENOSYS = 38;
    /** Where in the page the number stands that rings, and in a message's room the events. */
    private static final int ONE = 64;
    private static final int EVENTS = 64;
    /** What a look at the channel takes, and more; and what it takes to answer what is due. */
    private static final long LOOK_NANOS = 1_500;
    /** With so many under way a thread that is handed another one asks for a second. */
    static final int DEEP = 8;
    /** With so many under way a second one looks on as well. */
    private static final int BUSY = 4;
    private static final long SECOND = 1_000_000_000;
    private static final long FOR_EVER = Long.MAX_VALUE / 2;
    private static final Libc LIBC = Libc.LIBC;

    private final Completions completions;
    private final Timer timer;
    private final long lookNanos;
    private final long spinNanos;
    private final Clock clock;
    /** When the first thread last handed something out; its own. */
    private long lastEnd;
    private final Memory event;
    /** The epoll descriptor; -1 where only the channel brings work. */
    private final int epoll;
    /** Wakes a thread that sleeps; -1 where nothing is due ever. */
    private final int bell;
    private final Lead lead;
    private final IdleCpus idle;
    private final Arrivals arrivals;
    private volatile boolean coarse;

    Intake(Channels channels, Completions completions, Timer timer, MountOptions options,
            Clock clock, IdleCpus idle, Arrivals arrivals, Arena arena) {
        this.completions = completions;
        this.timer = timer;
        this.lookNanos = options.lookNanos();
        this.spinNanos = options.spinNanos();
        this.lead = new Lead(spinNanos);
        this.clock = clock;
        this.idle = idle;
        this.arrivals = arrivals;
        this.event = arena.map(Arena.PAGE);
        int[] events = completions.fix();
        boolean more = events.length > 0 || timer.exact() || idle.counts();
        epoll = more ? LIBC.epoll_create1(Native.O_CLOEXEC) : -1;
        bell = timer.exact() ? LIBC.eventfd(0, Native.O_CLOEXEC | Native.O_NONBLOCK) : -1;
        if (more) {
            channels.doNotBlock();
            watch(channels.first().fd(), EPOLLIN);
            for (int fd : events) {
                // By edge: nobody needs to read it.
                watch(fd, EPOLLIN | EPOLLET);
            }
        }
        if (timer.exact()) {
            watch(bell, EPOLLIN | EPOLLET);
            event.bytes().putLong(ONE, 1);
            timer.wakeBy(this::ring);
        }
    }

    private void watch(int fd, int how) {
        event.bytes().putInt(0, how);
        if (epoll < 0 || LIBC.epoll_ctl(epoll, EPOLL_CTL_ADD, fd, event.address()) != 0) {
            throw new IllegalStateException("epoll: " + Native.error().text());
        }
    }

    /** Whether {@link #read} may look on, and so costs a CPU that is of use to others. */
    boolean looks() {
        return epoll >= 0;
    }

    /** Wakes one of those who sleep. */
    private void ring() {
        LIBC.write(bell, event.address() + ONE, 8);
    }

    /** The calling thread goes elsewhere for a while: one that sleeps has to keep the time. */
    void away() {
        if (bell >= 0) {
            timer.leaves();
        }
    }

    /**
     * Waits for a message, as {@link Channel#read}; what has ended or is due meanwhile is handed
     * out. Only the first of the session threads looks on, unless much is under way: two would be
     * in each other's way, and the caller's.
     *
     * @param channel where to read
     * @param landing where to, made ready
     * @param expire calls {@link #expire} with its argument
     */
    int read(Channel channel, Landing landing, boolean first, LongConsumer expire) {
        if (epoll < 0) {
            return landing.read(channel);
        }
        Memory room = landing.scratch();
        long since = 0;
        long awake = spinNanos;
        while (true) {
            boolean some = completions.reap();
            if (isDue()) {
                expire.accept(clock.nanos());
            }
            int n = landing.read(channel);
            if (n == Channel.NOTHING) {
                completions.push();
            } else {
                if (idle.counts()) {
                    idle.request(clock.nanos());
                }
                return n;
            }
            long now = clock.nanos();
            if (some || since == 0) {
                since = now;
            }
            if (!first) {
                if (now - since < lookNanos && completions.underWay() >= BUSY) {
                    continue;
                }
                sleep(room);
                completions.reap();
                if (isDue()) {
                    expire.accept(clock.nanos());
                }
                return landing.read(channel);
            }
            if (some) {
                lastEnd = now;
            }
            // Not after it: who was answered may have been woken on this very CPU.
            if (due() - now <= awake) {
                if (due() - now < LOOK_NANOS) {
                    // There is no time for another look, but to do what comes before the answer.
                    expire.accept(now + LOOK_NANOS);
                }
                continue;
            }
            boolean busy = completions.underWay() > 0 || now - lastEnd < lookNanos;
            if (!busy || now - since > lookNanos) {
                awake = sleep(room);
                since = 0;
            }
        }
    }

    /** Whether so much is under way that a second thread is of use: one hands in, one answers. */
    boolean isDeep() {
        return completions.underWay() >= DEEP;
    }

    /** Whether what this thread, the first, hands in from now on may be followed by more. */
    void gather(boolean now) {
        completions.gather(now);
    }

    /** Starts what was held back: more may not follow so soon. */
    void push() {
        completions.push();
    }

    /** When a request that was read came to the kernel; 0 where that is not known. */
    long made(long unique) {
        return arrivals.of(unique);
    }

    /** When something is due that is to be done here; a thread of its own may keep the time. */
    private long due() {
        return bell >= 0 ? timer.earliest() : Timer.NEVER;
    }

    private boolean isDue() {
        return bell >= 0 && timer.earliest() <= clock.nanos();
    }

    /** Hands out what is due at a time. */
    void expire(long nanos) {
        timer.expire(nanos);
    }

    /**
     * Until there is something, or nearly so: how much before it is due. What the call needs stands
     * where a message will.
     */
    private long sleep(Memory room) {
        long due = due();
        long before = spinNanos;
        if (bell < 0 || timer.sleeps(due)) {
            long now = clock.nanos();
            long whole = due - now;
            idle.sleeps(now, whole);
            arrivals.rest(now);
            before = lead.of(whole);
            long left = whole - before;
            long rest = idle.left(now, whole);
            if (wait(room, Math.min(left, rest)) && left <= rest) {
                lead.woke(whole, clock.nanos() > due);
            }
            if (rest != Timer.NEVER) {
                idle.rest(clock.nanos());
            }
        }
        if (bell >= 0) {
            timer.awake();
        }
        return before;
    }

    /** So many nanoseconds, {@link Timer#NEVER} or about as many for ever; whether all passed. */
    private boolean wait(Memory room, long nanos) {
        int at = Landing.MESSAGE;
        long events = room.address() + at + EVENTS;
        if (nanos > FOR_EVER) {
            LIBC.epoll_wait(epoll, events, 1, -1);
        } else if (nanos > 0 && coarse) {
            // It comes back too early, and again and again towards the end.
            LIBC.epoll_wait(epoll, events, 1, (int) (nanos / 1_000_000));
        } else if (nanos > 0) {
            room.bytes().putLong(at, nanos / SECOND);
            room.bytes().putLong(at + 8, nanos % SECOND);
            int n = Native.epollWait(epoll, events, 1, room.address() + at);
            coarse = n < 0 && Native.errno() == ENOSYS;
            return n == 0;
        }
        return false;
    }
}
