package dev.sluice.storage;

import dev.sluice.block.BlockException;
import dev.sluice.block.Errno;
import dev.sluice.block.Memory;
import dev.sluice.sys.Libc;
import dev.sluice.sys.Native;

/**
 * Keeps image files from being opened twice, by the convention of qemu: one byte of the file for
 * each permission that an opener uses, another for each that it lets nobody else use. Who opens
 * takes shared locks of its bytes and then looks whether others hold the opposite ones. The locks
 * belong to the open file, so the kernel drops them when it is closed, whatever happens.
 *
 * <p>struct flock has 32 bytes on 64-bit machines: l_type s16 at 0, l_whence s16 at 2, l_start s64
 * at 8, l_len s64 at 16, l_pid s32 at 24, which must be 0 here.
 */
final class FileLocks {
    private static final int USES = 100;
    private static final int KEEPS = 200;

    private static final int READ = 1;
    private static final int WRITE = 1 << 1;
    private static final int RESIZE = 1 << 3;
    private static final int PERMISSIONS = 4;

    private static final int F_OFD_GETLK = 36;
    private static final int F_OFD_SETLK = 37;
    private static final int F_RDLCK = 0;
    private static final int F_WRLCK = 1;
    private static final int F_UNLCK = 2;

    private static final int PID = 24;

    private FileLocks() {}

    /** Locks the file for reading, or for reading and writing, or says who is in the way. */
    static void lock(String path, int fd, Memory scratch, boolean writing) throws BlockException {
        int uses = writing ? READ | WRITE : READ;
        // Nobody may read what is being written either: it would not be consistent.
        int keeps = writing ? READ | WRITE | RESIZE : WRITE | RESIZE;
        take(path, fd, scratch, USES, uses);
        take(path, fd, scratch, KEEPS, keeps);
        boolean free = free(path, fd, scratch, KEEPS, uses)
                && free(path, fd, scratch, USES, keeps);
        if (!free) {
            throw new BlockException(Errno.EBUSY, path + " is in use: another program has it"
                    + " open" + (writing ? "" : " for writing") + "; close it there first");
        }
    }

    /** Who wrote only reads from now on, and others may read. */
    static void lower(int fd, Memory scratch) {
        release(fd, scratch, USES, WRITE);
        release(fd, scratch, KEEPS, READ);
    }

    private static void release(int fd, Memory scratch, int base, int permission) {
        fill(scratch, F_UNLCK, base + Integer.numberOfTrailingZeros(permission));
        Libc.LIBC.fcntl(fd, F_OFD_SETLK, scratch.address());
    }

    private static void take(String path, int fd, Memory scratch, int base, int permissions)
            throws BlockException {
        for (int i = 0; i < PERMISSIONS; i++) {
            if ((permissions & 1 << i) != 0) {
                fill(scratch, F_RDLCK, base + i);
                if (Libc.LIBC.fcntl(fd, F_OFD_SETLK, scratch.address()) != 0) {
                    throw refused(path);
                }
            }
        }
    }

    private static boolean free(String path, int fd, Memory scratch, int base, int permissions)
            throws BlockException {
        for (int i = 0; i < PERMISSIONS; i++) {
            if ((permissions & 1 << i) != 0) {
                fill(scratch, F_WRLCK, base + i);
                if (Libc.LIBC.fcntl(fd, F_OFD_GETLK, scratch.address()) != 0) {
                    throw refused(path);
                }
                if (scratch.bytes().getShort(0) != F_UNLCK) {
                    return false;
                }
            }
        }
        return true;
    }

    private static void fill(Memory scratch, int type, int at) {
        scratch.bytes().putShort(0, (short) type);
        scratch.bytes().putShort(2, (short) 0);
        scratch.bytes().putLong(8, at);
        scratch.bytes().putLong(16, 1);
        scratch.bytes().putInt(PID, 0);
    }

    private static BlockException refused(String path) {
        int number = Native.errno();
        if (Native.error() == Errno.EAGAIN || Native.error() == Errno.EACCES) {
            return new BlockException(Errno.EBUSY, path + " is in use: another program holds an"
                    + " exclusive lock on it; close it there first");
        }
        return new BlockException(Errno.of(number), path + " cannot be locked (errno " + number
                + "): its file system must support byte-range locks");
    }
}
