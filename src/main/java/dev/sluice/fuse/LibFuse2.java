package dev.sluice.fuse;

import jnr.ffi.LibraryLoader;
import jnr.ffi.annotations.Delegate;
import ru.serce.jnrfuse.struct.FuseOperations;

/**
 * The part of libfuse 2 that a session of our own needs, beside what jnr-fuse binds. Addresses are
 * longs. {@code fuse_new} and {@code fuse_mount} are not here: they have several symbol versions,
 * and a plain look-up finds an old one.
 */
public interface LibFuse2 {
    /** Sends a reply of libfuse's: 0, or a negative errno. */
    interface Send {
        @Delegate
        int send(long channel, long vector, long count);
    }

    /** Loads the library; throws UnsatisfiedLinkError where it is missing. */
    static LibFuse2 load() {
        return LibraryLoader.create(LibFuse2.class).load("libfuse.so.2");
    }

    /** Parses the arguments, mounts, makes the file system: struct fuse, or 0. */
    long fuse_setup(int argc, long argv, FuseOperations operations, long operationsSize,
            long mountpointOut, long multithreadedOut, long userData);

    long fuse_get_session(long fuse);

    long fuse_session_next_chan(long session, long channel);

    int fuse_chan_fd(long channel);

    long fuse_kern_chan_new(int fd);

    /** Of its two versions either will do: they differ in how a channel receives. */
    long fuse_chan_new(long operations, int fd, long room, long data);

    void fuse_session_process(long session, long message, long length, long channel);
}
