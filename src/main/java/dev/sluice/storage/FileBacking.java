package dev.sluice.storage;

import dev.sluice.block.Bio;
import dev.sluice.block.BlockException;
import dev.sluice.block.Device;
import dev.sluice.block.Errno;
import dev.sluice.block.Limits;
import dev.sluice.block.Memory;
import dev.sluice.block.Op;
import dev.sluice.sys.Arena;
import dev.sluice.sys.Libc;
import dev.sluice.sys.Native;

/** A regular file or a block device, through the page cache or with direct I/O. */
public final class FileBacking implements Backing {
    /**
     * The most of a write that the page cache gets in one call: it keeps what comes in one call in
     * one folio, and each later write into a folio looks at all of its blocks. A page in one of
     * 1 MiB is written at half the speed of one in 128 KiB.
     */
    private static final int CACHED_PIECE = 128 << 10;

    private final Libc libc;
    private final String path;
    private final int fd;
    private volatile boolean readOnly;
    private final int blockSize;
    private final int memoryAlign;
    /** What fallocate wants offsets and lengths to be multiples of. */
    private final int unit;
    private final boolean blockDevice;
    private final Arena arena;
    private final Memory scratch;
    private final Memory zeros;
    private final Bounce bounce;
    /** Null where nothing is done at once: direct I/O starts, and ends later. */
    private final Nowait nowait;
    /** The most that one call writes. */
    private final int piece;
    private final Device.Log log;

    private Aio aio;
    private Aio.Done done;
    private boolean sharesAio;
    private volatile Errno syncFailure = Errno.OK;
    private volatile boolean punches = true;
    private volatile boolean zeroes = true;
    private volatile boolean reserves = true;
    private volatile long size;

    @SuppressWarnings("checkstyle:ParameterNumber")
    FileBacking(Libc libc, String path, int fd, long size, boolean readOnly, int blockSize,
            int memoryAlign, int unit, boolean blockDevice, boolean cached, Arena arena,
            Memory scratch, Device.Log log) {
        this.libc = libc;
        this.path = path;
        this.fd = fd;
        this.size = size;
        this.readOnly = readOnly;
        this.blockSize = blockSize;
        this.memoryAlign = memoryAlign;
        this.unit = unit;
        this.blockDevice = blockDevice;
        this.arena = arena;
        this.scratch = scratch;
        this.log = log;
        this.zeros = arena.map(Limits.MAX_DATA);
        this.bounce = new Bounce(arena);
        this.nowait = cached ? new Nowait(libc, fd, !readOnly) : null;
        this.piece = cached ? CACHED_PIECE : Limits.MAX_DATA;
    }

    /**
     * Opens a file, checks what it is, and locks it against other writers, or against all others
     * when it is to be written.
     *
     * @param path a regular file or a block device that exists
     * @param direct past the page cache; the block size follows from the file system
     * @param readOnly every change is refused, and other readers are let in
     */
    public static FileBacking open(String path, boolean direct, boolean readOnly, Arena arena,
            Device.Log log) throws BlockException {
        return FileOpening.open(path, direct, readOnly, arena, log, Libc.LIBC);
    }

    @Override
    public long size() {
        return size;
    }

    @Override
    public int blockSize() {
        return blockSize;
    }

    @Override
    public boolean readOnly() {
        return readOnly;
    }

    @Override
    public void seal() {
        readOnly = true;
        if (!blockDevice) {
            Memory words = arena.map(Arena.PAGE);
            FileLocks.lower(fd, words);
            arena.unmap(words);
        }
    }

    /** Null where the kernel grants no asynchronous I/O. */
    @Override
    public Aio startAio(Aio.Done whenDone) {
        aio = Aio.open(arena);
        done = whenDone;
        return aio;
    }

    @Override
    public void shareAio(Aio other, Aio.Done whenDone) {
        aio = other;
        done = whenDone;
        sharesAio = true;
    }

    @Override
    public void handAio(Backing to) {
        if (aio != null && !sharesAio && to instanceof FileBacking other && other.aio == aio) {
            sharesAio = true;
            other.sharesAio = false;
        }
    }

    @Override
    public boolean start(Bio bio) {
        return aio != null && aligned(bio.data(), bio.dataAt())
                && aio.submit(bio, fd, bio.op() == Op.WRITE, done);
    }

    @Override
    public boolean readNow(long offset, Memory memory, int at, int length) {
        return nowait != null && nowait.read(offset, memory, at, length);
    }

    @Override
    public boolean writeNow(long offset, Memory memory, int at, int length) {
        return nowait != null && nowait.write(offset, memory, at, length);
    }

    @Override
    public boolean cachesWrites() {
        return nowait != null && nowait.cachesWrites();
    }

    @Override
    public void writeWaits() {
        if (nowait != null) {
            nowait.writeWaits();
        }
    }

    @Override
    public void writeEnded() {
        if (nowait != null) {
            nowait.writeEnded();
        }
    }

    @Override
    public String nowait() {
        if (nowait == null) {
            return "off";
        }
        String reads = nowait.triesReads() ? "reads" : "off";
        return nowait.triesWrites() ? reads + "+writes" : reads;
    }

    @Override
    public Errno read(long offset, Memory memory, int at, int length) {
        if (aligned(memory, at)) {
            return read(offset, memory.address() + at, length);
        }
        Memory piece = bounce.take();
        try {
            Errno outcome = read(offset, piece.address(), length);
            if (outcome == Errno.OK) {
                memory.copyFrom(at, piece, 0, length);
            }
            return outcome;
        } finally {
            bounce.give(piece);
        }
    }

    private boolean aligned(Memory memory, int at) {
        return (memory.address() + at & memoryAlign - 1) == 0;
    }

    private Errno read(long offset, long address, int length) {
        for (int done = 0; done < length;) {
            long n = libc.pread(fd, address + done, length - done, offset + done);
            if (n < 0) {
                Errno failure = Native.error();
                if (failure != Errno.EINTR) {
                    return failure;
                }
            } else if (n == 0 || n % blockSize != 0) {
                // It is inside the size: somebody else has cut the file off.
                return Errno.EIO;
            } else {
                done += (int) n;
            }
        }
        return Errno.OK;
    }

    @Override
    public Errno write(long offset, Memory memory, int at, int length) {
        if (aligned(memory, at)) {
            return write(offset, memory.address() + at, length);
        }
        Memory piece = bounce.take();
        try {
            piece.copyFrom(0, memory, at, length);
            return write(offset, piece.address(), length);
        } finally {
            bounce.give(piece);
        }
    }

    private Errno write(long offset, long address, int length) {
        for (int done = 0; done < length;) {
            int next = Math.min(piece, length - done);
            long n = libc.pwrite(fd, address + done, next, offset + done);
            if (n < 0) {
                Errno failure = Native.error();
                if (failure != Errno.EINTR) {
                    return failure;
                }
            } else if (n == 0 || n % blockSize != 0) {
                return Errno.EIO;
            } else {
                done += (int) n;
            }
        }
        return Errno.OK;
    }

    /** The kernel tells a failure once and calls the lost pages clean: so it is kept here. */
    @Override
    public Errno sync() {
        if (readOnly) {
            return Errno.OK;
        }
        if (syncFailure != Errno.OK) {
            return syncFailure;
        }
        while (libc.fdatasync(fd) != 0) {
            Errno failure = Native.error();
            if (failure != Errno.EINTR) {
                syncFailure = failure;
                log.error(path + ": fdatasync failed (" + failure.text() + "): what was written"
                        + " since the last flush may be lost", null);
                return failure;
            }
        }
        return syncFailure;
    }

    @Override
    public void forgive() {
        syncFailure = Errno.OK;
    }

    @Override
    public Errno punch(long offset, long length) {
        if (punches) {
            Errno outcome = allocate(Native.FALLOC_PUNCH_HOLE, offset, length);
            if (outcome != Errno.EOPNOTSUPP) {
                return outcome;
            }
            punches = false;
            log.error(path + ": holes cannot be punched here; discards zero and keep the"
                    + " storage", null);
        }
        return zero(offset, length);
    }

    @Override
    public Errno zero(long offset, long length) {
        if (zeroes) {
            Errno outcome = allocate(Native.FALLOC_ZERO_RANGE, offset, length);
            if (outcome != Errno.EOPNOTSUPP) {
                return outcome;
            }
            zeroes = false;
            log.error(path + ": ranges cannot be zeroed at once here; zeros are written", null);
        }
        return writeZeros(offset, offset + length);
    }

    /** fallocate of the whole units, zeros around them. */
    private Errno allocate(int mode, long offset, long length) {
        long until = offset + length;
        long from = Math.min(until, (offset + unit - 1) & -unit);
        long end = Math.max(from, until & -unit);
        while (from < end
                && libc.fallocate(fd, mode | Native.FALLOC_KEEP_SIZE, from, end - from) != 0) {
            Errno failure = Native.error();
            if (failure != Errno.EINTR) {
                return failure;
            }
        }
        Errno head = writeZeros(offset, from);
        return head == Errno.OK ? writeZeros(end, until) : head;
    }

    private Errno writeZeros(long from, long until) {
        for (long at = from; at < until; at += zeros.size()) {
            int piece = (int) Math.min(until - at, zeros.size());
            Errno outcome = write(at, zeros, 0, piece);
            if (outcome != Errno.OK) {
                return outcome;
            }
        }
        return Errno.OK;
    }

    @Override
    public Errno resize(long bytes) {
        while (libc.ftruncate(fd, bytes) != 0) {
            Errno failure = Native.error();
            if (failure != Errno.EINTR) {
                return failure;
            }
        }
        size = bytes;
        return Errno.OK;
    }

    @Override
    public Errno reserve(long offset, long length) {
        long until = offset + length;
        while (reserves) {
            if (libc.fallocate(fd, 0, offset, length) == 0) {
                size = Math.max(size, until);
                return Errno.OK;
            }
            Errno failure = Native.error();
            if (failure == Errno.EOPNOTSUPP) {
                reserves = false;
                log.error(path + ": storage cannot be reserved here; the file only becomes"
                        + " longer", null);
            } else if (failure != Errno.EINTR) {
                // Some file systems keep what they could give.
                long end = libc.lseek(fd, 0, Native.SEEK_END);
                size = Math.max(size, end);
                return failure;
            }
        }
        return until > size ? resize(until) : Errno.OK;
    }

    @Override
    public long allocated() {
        if (blockDevice) {
            return size;
        }
        FileFacts facts = FileFacts.of(fd, scratch);
        return facts == null ? -1 : facts.allocated();
    }

    @Override
    public long seek(long offset, boolean data) {
        long found = libc.lseek(fd, offset, data ? Native.SEEK_DATA : Native.SEEK_HOLE);
        if (found >= 0) {
            return Math.min(size, found);
        }
        // ENXIO: nothing more. Anything else: no holes can be told, so all is data.
        return data && Native.error() != Errno.ENXIO ? offset : size;
    }

    @Override
    public void close() throws BlockException {
        if (aio != null && !sharesAio) {
            aio.close();
        }
        int closed = libc.close(fd);
        Errno failure = Native.error();
        arena.unmap(scratch);
        arena.unmap(zeros);
        bounce.close();
        // Linux has closed it even so; EINTR says nothing of the data.
        if (closed != 0 && failure != Errno.EINTR) {
            throw new BlockException(failure, path + ": close failed (" + failure.text()
                    + "), what was written since the last flush may be lost; see what the kernel"
                    + " says of its storage (dmesg), and check what is in it");
        }
    }
}
