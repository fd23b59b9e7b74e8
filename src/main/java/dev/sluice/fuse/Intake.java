package dev.sluice.fuse;

import dev.sluice.block.Clock;
import dev.sluice.block.Memory;
import dev.sluice.sys.Arena;
import dev.sluice.sys.Libc;
import dev.sluice.sys.Native;
import dev.sluice.work.Completions;

/**
 * Where a session thread's work comes from: the kernel's requests, and the ends of asynchronous
 * I/O. Without the latter a read of the channel is all. With it the channel does not block; a
 * thread that finds neither sleeps until either comes, but looks on for a while first as long as
 * something is under way or has just ended: to go idle and come back takes a CPU as long as a
 * fast disk's answer.
 *
 * <p>Thread-safe: all session threads share one.
 */
final class Intake {
    private static final int EPOLL_CTL_ADD = 1;
    private static final int EPOLLIN = 1;
    private static final int EPOLLET = 1 << 31;
    private static final Libc LIBC = Libc.LIBC;

    private final Channel channel;
    private final Completions completions;
    private final long lookNanos;
    private final Clock clock;
    /** When the first thread last handed something out; its own. */
    private long lastEnd;
    private final Memory event;
    /** The epoll descriptor; -1 where only the channel brings work. */
    private final int epoll;

    Intake(Channel channel, Completions completions, long lookNanos, Clock clock,
            Arena arena) {
        this.lookNanos = lookNanos;
        this.channel = channel;
        this.completions = completions;
        this.clock = clock;
        this.event = arena.map(Arena.PAGE);
        int[] events = completions.eventDescriptors();
        epoll = events.length == 0 ? -1 : LIBC.epoll_create1(Native.O_CLOEXEC);
        if (events.length > 0) {
            channel.doNotBlock();
            watch(channel.fd(), EPOLLIN);
            for (int fd : events) {
                // By edge: nobody needs to read it.
                watch(fd, EPOLLIN | EPOLLET);
            }
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

    /**
     * Waits for a message, as {@link Channel#read}; what has ended meanwhile is handed out. Only
     * the first of the session threads looks on: two would be in each other's way, and the
     * caller's.
     */
    int read(long address, long room, boolean first) {
        if (epoll < 0) {
            return channel.read(address, room);
        }
        long since = 0;
        while (true) {
            boolean some = completions.reap();
            int n = channel.read(address, room);
            if (n != Channel.NOTHING) {
                return n;
            }
            if (!first) {
                LIBC.epoll_wait(epoll, event.address() + 128, 1, -1);
                completions.reap();
                return channel.read(address, room);
            }
            long now = clock.nanos();
            if (some) {
                lastEnd = now;
            }
            if (some || since == 0) {
                since = now;
            }
            boolean busy = completions.underWay() || now - lastEnd < lookNanos;
            if (!busy || now - since > lookNanos) {
                LIBC.epoll_wait(epoll, event.address() + 64, 1, -1);
                since = 0;
            }
        }
    }
}
