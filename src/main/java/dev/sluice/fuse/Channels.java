package dev.sluice.fuse;

import dev.sluice.block.Device;
import dev.sluice.block.Memory;
import dev.sluice.sys.Arena;
import dev.sluice.sys.Libc;
import dev.sluice.sys.Native;
import java.util.Arrays;
import java.util.function.Supplier;

/**
 * The descriptors of one FUSE connection. A request is answered where it was read: there the kernel
 * looks for it in one of {@value #LISTS} lists, behind all that came before and are still held. So
 * a descriptor is read until it has about one held request a list, and then another, which is
 * opened when first needed. Thread-safe.
 */
final class Channels {
    /** Of each descriptor (FUSE_PQ_HASH_BITS in the kernel's fs/fuse). */
    private static final int LISTS = 256;
    /** Enough for what the kernel keeps under way if it is not told otherwise. */
    private static final int MOST = 64;
    /** ioctl on a new descriptor: makes it one of the connection whose descriptor it is given. */
    private static final long FUSE_DEV_IOC_CLONE = 0x8004e500L;

    private final Supplier<Channel> opener;
    private volatile Channel[] all; // written under this
    private volatile boolean complete; // written under this
    private boolean blocks = true; // guarded by this

    /** The opener answers null when no more are to be had. */
    Channels(Channel first, Supplier<Channel> opener) {
        this.all = new Channel[] {first};
        this.opener = opener;
    }

    /** Those of the connection to which a descriptor belongs. */
    static Channels of(Channel first, Arena arena, Device.Log log) {
        Memory number = arena.map(Arena.PAGE);
        number.bytes().putInt(0, first.fd());
        return new Channels(first, () -> {
            int fd = Libc.LIBC.open(Mount.FUSE, Native.O_RDWR | Native.O_CLOEXEC, 0);
            if (fd < 0 || Libc.LIBC.ioctl(fd, FUSE_DEV_IOC_CLONE, number.address()) != 0) {
                log.error("no further descriptor of the connection (" + Native.error().text()
                        + "): the more requests are held, the slower are the others", null);
                Libc.LIBC.close(fd);
                return null;
            }
            return new Channel(fd);
        });
    }

    /** What waits to be read can be had from any of them, and so from this. */
    Channel first() {
        return all[0];
    }

    /** Which one to read next, after another. */
    Channel next(Channel last) {
        if (last.held() < LISTS) {
            return last;
        }
        Channel least = least();
        return least.held() < LISTS || complete ? least : another();
    }

    private Channel least() {
        Channel[] now = all;
        Channel least = now[0];
        for (Channel channel : now) {
            if (channel.held() < least.held()) {
                least = channel;
            }
        }
        return least;
    }

    private synchronized Channel another() {
        Channel one = complete ? null : opener.get();
        if (one == null) {
            complete = true;
            return least();
        }
        if (!blocks) {
            one.doNotBlock();
        }
        Channel[] more = Arrays.copyOf(all, all.length + 1);
        more[all.length] = one;
        all = more;
        complete = more.length == MOST;
        return one;
    }

    /** As {@link Channel#doNotBlock}. */
    synchronized void doNotBlock() {
        blocks = false;
        for (Channel channel : all) {
            channel.doNotBlock();
        }
    }
}
