package dev.sluice.storage;

import dev.sluice.block.BlockException;
import dev.sluice.block.Device;
import dev.sluice.block.Errno;
import dev.sluice.block.Limits;
import dev.sluice.block.Memory;
import dev.sluice.sys.Arena;
import dev.sluice.sys.Libc;
import dev.sluice.sys.Native;
import java.io.IOException;
import java.nio.file.AccessDeniedException;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;

/** The way from a path to an open, checked and locked {@link FileBacking}. */
final class FileOpening {
    private final String path;
    private final boolean direct;
    private final boolean readOnly;
    private final Arena arena;
    private final Memory scratch;

    private FileOpening(String path, boolean direct, boolean readOnly, Arena arena) {
        this.path = path;
        this.direct = direct;
        this.readOnly = readOnly;
        this.arena = arena;
        this.scratch = arena.map(Arena.PAGE);
    }

    static FileBacking open(String path, boolean direct, boolean readOnly, Arena arena,
            Device.Log log, Libc libc) throws BlockException {
        FileOpening opening = new FileOpening(path, direct, readOnly, arena);
        int fd = -1;
        try {
            fd = opening.descriptor();
            return opening.backing(fd, log, libc);
        } catch (BlockException | RuntimeException | Error e) {
            if (fd >= 0) {
                Libc.LIBC.close(fd);
            }
            arena.unmap(opening.scratch);
            throw e;
        }
    }

    /** Looks before it opens: to open a pipe or a terminal has effects. */
    private int descriptor() throws BlockException {
        int type = FileFacts.type(mode());
        checkType(type);
        // Without O_EXCL the kernel lets a mounted device be opened.
        int flags = (readOnly ? Native.O_RDONLY : Native.O_RDWR) | Native.O_CLOEXEC
                | (direct ? Native.O_DIRECT : 0)
                | (type == FileFacts.BLOCK_DEVICE ? Native.O_EXCL : 0);
        // Noting each read costs those who read from many files. Not to is for owners only.
        int fd = open(flags | Native.O_NOATIME);
        if (fd < 0 && Native.error() == Errno.EPERM) {
            fd = open(flags);
        }
        if (fd < 0) {
            throw notOpened(Native.errno());
        }
        return fd;
    }

    private int open(int flags) {
        int fd;
        do {
            fd = Libc.LIBC.open(path, flags, 0);
        } while (fd < 0 && Native.error() == Errno.EINTR);
        return fd;
    }

    private int mode() throws BlockException {
        // Asked first: of a name below a file, one Java says that it is not there, another not.
        Path parent = Path.of(path).toAbsolutePath().getParent();
        if (parent != null && Files.exists(parent) && !Files.isDirectory(parent)) {
            throw new BlockException(Errno.ENOTDIR, path + " cannot be reached: " + parent
                    + " is not a directory; correct the path");
        }
        try {
            return (int) Files.getAttribute(Path.of(path), "unix:mode");
        } catch (NoSuchFileException e) {
            throw new BlockException(Errno.ENOENT, path + " does not exist; make it with:"
                    + " truncate -s 1G " + path, e);
        } catch (AccessDeniedException e) {
            throw new BlockException(Errno.EACCES, path + " cannot be reached: permission denied"
                    + " in a directory on the way; change its owner or mode", e);
        } catch (IOException e) {
            throw new BlockException(Errno.EIO, path + " cannot be reached: " + e.getMessage()
                    + "; correct the path, or see what the kernel says of its storage: dmesg", e);
        }
    }

    private void checkType(int type) throws BlockException {
        String is = switch (type) {
            case FileFacts.REGULAR, FileFacts.BLOCK_DEVICE -> null;
            case 0x4000 -> "a directory";
            case 0x2000 -> "a character device";
            case 0x1000 -> "a pipe";
            case 0xc000 -> "a socket";
            default -> "of a kind that holds no data";
        };
        if (is != null) {
            throw new BlockException(type == 0x4000 ? Errno.EISDIR : Errno.EINVAL, path + " is "
                    + is + "; name a regular file or a block device");
        }
    }

    private BlockException notOpened(int number) {
        Errno errno = Errno.of(number);
        String why = switch (errno) {
            case EACCES, EPERM -> readOnly
                    ? "may not be read: permission denied; change its owner or mode"
                    : "may not be written: permission denied; change its owner or mode, or use"
                            + " readonly=on";
            case EROFS -> "cannot be written: it is read-only, or on a read-only file system;"
                    + " use readonly=on";
            case EBUSY -> "is in use: mounted, or opened by another program for itself alone;"
                    + " unmount or close it first";
            case EINVAL -> direct ? noDirect()
                    : "does not open: invalid argument; name a regular file or a block device";
            case EIO -> "does not open (errno " + number + "); see what the kernel says of it:"
                    + " dmesg";
            default -> "does not open: " + errno.text() + "; see what the kernel says of it: dmesg";
        };
        return new BlockException(errno, path + " " + why);
    }

    private static String noDirect() {
        return "is on a file system without direct I/O; use direct=off";
    }

    private FileBacking backing(int fd, Device.Log log, Libc libc) throws BlockException {
        FileFacts facts = FileFacts.of(fd, scratch);
        if (facts == null) {
            throw failed("statx");
        }
        checkType(FileFacts.type(facts.mode()));
        long size = facts.block() ? deviceSize(fd) : facts.size();
        int unit = facts.block() ? ioctlInt(fd) : 1;
        int[] align = direct ? directAlign(fd, facts, unit) : new int[] {1, 1};
        if (!facts.block()) {
            FileLocks.lock(path, fd, scratch, !readOnly);
        }
        return new FileBacking(libc, path, fd, size, readOnly, align[0], align[1], unit,
                facts.block(), !direct, arena, scratch, log);
    }

    private long deviceSize(int fd) throws BlockException {
        if (Libc.LIBC.ioctl(fd, Native.BLKGETSIZE64, scratch.address()) != 0) {
            throw failed("ioctl BLKGETSIZE64");
        }
        return scratch.bytes().getLong(0);
    }

    private int ioctlInt(int fd) throws BlockException {
        if (Libc.LIBC.ioctl(fd, Native.BLKSSZGET, scratch.address()) != 0) {
            throw failed("ioctl BLKSSZGET");
        }
        return scratch.bytes().getInt(0);
    }

    /** The block size, and what memory must be aligned to. */
    private int[] directAlign(int fd, FileFacts facts, int unit) throws BlockException {
        if (facts.tellsDirect() && facts.offsetAlign() == 0) {
            throw new BlockException(Errno.EINVAL, path + " " + noDirect());
        }
        int block = facts.tellsDirect() ? facts.offsetAlign()
                : facts.block() ? unit : probe(fd);
        int memory = facts.tellsDirect() ? facts.memoryAlign() : block;
        block = Math.max(512, block);
        if (block > Limits.MAX_BLOCK) {
            throw new BlockException(Errno.EINVAL, path + " does direct I/O in units of " + block
                    + " bytes, more than " + Limits.MAX_BLOCK + "; use direct=off");
        }
        return new int[] {block, Math.max(1, memory)};
    }

    /** Reads a little with direct I/O: what the file system takes, it does not refuse. */
    private int probe(int fd) {
        for (int bytes = 512; bytes < Arena.PAGE; bytes *= 2) {
            if (Libc.LIBC.pread(fd, scratch.address(), bytes, bytes) >= 0) {
                return bytes;
            }
        }
        return Arena.PAGE;
    }

    private BlockException failed(String call) {
        int number = Native.errno();
        return new BlockException(Errno.of(number), path + " does not open: " + call + " failed"
                + " (errno " + number + "); see what the kernel says of it: dmesg");
    }
}
