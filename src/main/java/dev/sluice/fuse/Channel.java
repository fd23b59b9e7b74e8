package dev.sluice.fuse;

import dev.sluice.block.Clock;
import dev.sluice.block.Memory;
import dev.sluice.sys.Libc;
import dev.sluice.sys.Native;
import java.util.concurrent.atomic.AtomicInteger;

/**
 * A descriptor of a FUSE connection. One write is one message, so any thread may reply to what
 * any other has read.
 */
final class Channel {
    private static final int F_SETFL = 4;
    private static final int EINTR = 4;
    private static final int EAGAIN = 11;
    private static final int ENOENT = 2;
    private static final int ENODEV = 19;
    private static final Libc LIBC = Libc.LIBC;

    /** What {@link #read} answers when the file system is unmounted or the connection aborted. */
    static final int GONE = -1;

    /** What {@link #read} answers when there is nothing to handle; read again. */
    static final int NOTHING = 0;

    /** A request's number that the kernel does not come to. */
    private static final long NOBODY = 1L << 62;
    /** So many, and the code that is measured is compiled. */
    private static final int TRIES = 4000;

    private final int fd;
    private final AtomicInteger held = new AtomicInteger();

    Channel(int fd) {
        this.fd = fd;
    }

    /** Waits for a message; its length, or one of the above. */
    int read(long address, long room) {
        return read(LIBC.read(fd, address, room));
    }

    /** Likewise, into so many pieces. */
    int readv(long vector, int count) {
        return read(LIBC.readv(fd, vector, count));
    }

    private static int read(long n) {
        if (n >= 0) {
            return (int) n;
        }
        int errno = Native.errno();
        // ENOENT: the request was interrupted before it was read.
        if (errno == EINTR || errno == EAGAIN || errno == ENOENT) {
            return NOTHING;
        }
        if (errno == ENODEV) {
            return GONE;
        }
        throw new IllegalStateException("reading /dev/fuse failed: errno " + errno);
    }

    /** From now on {@link #read} answers NOTHING at once where it would wait. */
    void doNotBlock() {
        LIBC.fcntl(fd, F_SETFL, Native.O_RDWR | Native.O_NONBLOCK);
    }

    /** Sends one reply; false when nobody waits for it any more. */
    boolean writev(long vector, int count) {
        long n;
        do {
            n = LIBC.writev(fd, vector, count);
        } while (n < 0 && again());
        return n >= 0;
    }

    /** Likewise, in one piece, which costs the kernel less. */
    boolean write(long address, int length) {
        long n;
        do {
            n = LIBC.write(fd, address, length);
        } while (n < 0 && again());
        return n >= 0;
    }

    /**
     * The least time the kernel takes to turn down a reply that nobody waits for, in nanoseconds,
     * and so less than any other reply takes; 0 where it does something else.
     *
     * @param room for a few bytes
     */
    long leastReply(Clock clock, Memory room) {
        room.bytes().putInt(0, Wire.OUT_HEADER);
        room.bytes().putInt(Wire.OUT_ERROR, 0);
        room.bytes().putLong(Wire.OUT_UNIQUE, NOBODY);
        long least = Long.MAX_VALUE;
        for (int i = 0; i < TRIES; i++) {
            long from = clock.nanos();
            long n = LIBC.write(fd, room.address(), Wire.OUT_HEADER);
            least = Math.min(least, clock.nanos() - from);
            if (n >= 0 || Native.errno() != ENOENT) {
                return 0;
            }
        }
        return least;
    }

    private static boolean again() {
        int errno = Native.errno();
        if (errno != EINTR && errno != ENOENT && errno != ENODEV) {
            throw new IllegalStateException("writing /dev/fuse failed: errno " + errno);
        }
        return errno == EINTR;
    }

    /** A request read from here is not answered by the thread that read it. */
    void holds() {
        held.incrementAndGet();
    }

    /** Such a request was answered; it may have been before {@link #holds} was called. */
    void ends() {
        held.decrementAndGet();
    }

    /** How many requests read from here are held, nearly. */
    int held() {
        return held.get();
    }

    int fd() {
        return fd;
    }
}
