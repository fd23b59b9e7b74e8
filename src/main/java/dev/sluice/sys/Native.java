package dev.sluice.sys;

import com.kenai.jffi.LastError;
import com.kenai.jffi.MemoryIO;
import dev.sluice.block.Errno;
import dev.sluice.block.Memory;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;

/** What system calls need around them: errno, memory, and constants of x86-64 and arm64 Linux. */
public final class Native {
    public static final int O_RDONLY = 0;
    public static final int O_WRONLY = 1;
    public static final int O_RDWR = 2;
    public static final int O_EXCL = 0x80;
    public static final int O_NONBLOCK = 0x800;
    public static final int O_DSYNC = 0x1000;
    public static final int O_NOATIME = 0x40000;
    public static final int O_CLOEXEC = 0x80000;
    /** Differs by machine: x86-64 has 0x4000, arm64 0x10000. */
    public static final int O_DIRECT = isArm() ? 0x10000 : 0x4000;

    public static final int SEEK_DATA = 3;
    public static final int SEEK_HOLE = 4;
    public static final int SEEK_END = 2;

    public static final int FALLOC_KEEP_SIZE = 1;
    public static final int FALLOC_PUNCH_HOLE = 2;
    public static final int FALLOC_ZERO_RANGE = 0x10;

    /** preadv2 and pwritev2: what would wait answers EAGAIN. */
    public static final int RWF_NOWAIT = 8;

    /** ioctl: writes the size of a block device in bytes, a u64. */
    public static final long BLKGETSIZE64 = 0x80081272L;
    /** ioctl: writes the logical block size of a block device in bytes, an int. */
    public static final long BLKSSZGET = 0x1268L;
    /** ioctl: a loop device takes the size that its file has now. */
    public static final long LOOP_SET_CAPACITY = 0x4C07L;

    private static final LastError LAST_ERROR = LastError.getInstance();

    private static final long SYS_MMAP = isArm() ? 222 : 9;
    private static final long SYS_PRCTL = isArm() ? 167 : 157;
    private static final long SYS_GETTID = isArm() ? 178 : 186;
    private static final long SYS_SCHED_SETAFFINITY = isArm() ? 122 : 203;
    private static final long SYS_SCHED_GETAFFINITY = isArm() ? 123 : 204;
    private static final long SYS_GETCPU = isArm() ? 168 : 309;
    /** Bytes of a set of CPUs: more than there are. */
    private static final int CPUS = 1024;
    private static final long SYS_SCHED_SETATTR = isArm() ? 274 : 314;
    private static final long SYS_SCHED_GETATTR = isArm() ? 275 : 315;
    /** The same on all machines. */
    private static final long SYS_EPOLL_PWAIT2 = 441;
    private static final long SYS_STATX = isArm() ? 291 : 332;
    private static final long SYS_OPENAT = isArm() ? 56 : 257;
    private static final long SYS_PERF_EVENT_OPEN = isArm() ? 241 : 298;
    private static final int PERF_FLAG_FD_CLOEXEC = 8;
    private static final long SYS_FSOPEN = 430;
    private static final long SYS_FSCONFIG = 431;
    private static final long SYS_FSMOUNT = 432;
    /** Bytes of struct sched_attr that are used, and where the slice is in it. */
    private static final int SCHED_ATTR = 48;
    private static final int SCHED_RUNTIME = 24;
    private static final int FSCONFIG_CREATE = 6;
    private static final int AT_EMPTY_PATH = 0x1000;
    private static final int PROT_READ_WRITE = 3;
    private static final int MAP_PRIVATE_ANON_NORESERVE = 0x02 | 0x20 | 0x4000;
    private static final int MAP_SHARED = 1;
    private static final int MADV_DONTNEED = 4;
    private static final int MADV_NOHUGEPAGE = 15;

    private Native() {}

    private static boolean isArm() {
        return System.getProperty("os.arch").equals("aarch64");
    }

    /** The errno of this thread's last failed call. */
    public static int errno() {
        return LAST_ERROR.get();
    }

    /** The same as an outcome. */
    public static Errno error() {
        return Errno.of(LAST_ERROR.get());
    }

    /** A view of memory that somebody else owns. */
    public static Memory view(long address, int bytes) {
        return new Memory(MemoryIO.getInstance().newDirectByteBuffer(address, bytes)
                .order(ByteOrder.nativeOrder()), address);
    }

    /** A few zeroed bytes that go with the last reference to them. */
    public static Memory few(int bytes) {
        ByteBuffer made = ByteBuffer.allocateDirect(bytes).order(ByteOrder.nativeOrder());
        return new Memory(made, MemoryIO.getInstance().getDirectBufferAddress(made));
    }

    /** New zeroed anonymous memory, not reserved: it costs what is touched. */
    public static Memory map(int bytes) {
        long address = Libc.LIBC.syscall(SYS_MMAP, 0, bytes, PROT_READ_WRITE,
                MAP_PRIVATE_ANON_NORESERVE, -1, 0);
        if (address == -1) {
            throw new OutOfMemoryError("mmap of " + bytes + " bytes: " + error().text());
        }
        return view(address, bytes);
    }

    /** Memory shared with who made the descriptor, from its start on; null when it refuses. */
    static Memory mapShared(int fd, int bytes) {
        long address = Libc.LIBC.syscall(SYS_MMAP, 0, bytes, PROT_READ_WRITE, MAP_SHARED, fd, 0);
        return address == -1 ? null : view(address, bytes);
    }

    /** perf_event_open(2) of all processes on one CPU; the address is that of a perf_event_attr. */
    static int perfEvent(long attributes, int cpu) {
        return (int) Libc.LIBC.syscall(SYS_PERF_EVENT_OPEN, attributes, -1, cpu, -1,
                PERF_FLAG_FD_CLOEXEC, 0);
    }

    /** Gives the pages of a range back; they read as zeros. Both are multiples of the page size. */
    public static void forget(Memory memory, int at, int length) {
        if (Libc.LIBC.madvise(memory.address() + at, length, MADV_DONTNEED) != 0) {
            throw new IllegalStateException("madvise: " + error().text());
        }
    }

    /** Makes memory come page by page. A kernel without huge pages refuses, and does so anyway. */
    public static void noHugePages(Memory memory) {
        if (Libc.LIBC.madvise(memory.address(), memory.size(), MADV_NOHUGEPAGE) != 0
                && error() != Errno.EINVAL) {
            throw new IllegalStateException("madvise: " + error().text());
        }
    }

    /** Unmaps what {@link #map} mapped; nobody may touch it any more. */
    public static void unmap(Memory memory) {
        if (Libc.LIBC.munmap(memory.address(), memory.size()) != 0) {
            throw new IllegalStateException("munmap: " + error().text());
        }
    }

    /**
     * Mounts a file system where no name leads: a descriptor of its root, or -1. Takes
     * CAP_SYS_ADMIN (fsopen(2), fsconfig(2), fsmount(2): the same numbers on all machines).
     *
     * @param scratch memory for the name
     */
    public static int detachedMount(String type, Memory scratch) {
        text(scratch, type);
        int context = (int) Libc.LIBC.syscall(SYS_FSOPEN, scratch.address(), 1, 0, 0, 0, 0);
        if (context < 0) {
            return -1;
        }
        int root = -1;
        if (Libc.LIBC.syscall(SYS_FSCONFIG, context, FSCONFIG_CREATE, 0, 0, 0, 0) == 0) {
            root = (int) Libc.LIBC.syscall(SYS_FSMOUNT, context, 1, 0, 0, 0, 0);
        }
        Libc.LIBC.close(context);
        return root;
    }

    /** openat(2); the scratch is for the path. */
    public static int openAt(int directory, String path, int flags, Memory scratch) {
        text(scratch, path);
        return (int) Libc.LIBC.syscall(SYS_OPENAT, directory, scratch.address(), flags, 0, 0, 0);
    }

    private static void text(Memory memory, String text) {
        byte[] bytes = text.getBytes(StandardCharsets.UTF_8);
        memory.bytes().put(0, bytes);
        memory.bytes().put(bytes.length, (byte) 0);
    }

    /** gettid(2). */
    public static int threadId() {
        return (int) Libc.LIBC.syscall(SYS_GETTID, 0, 0, 0, 0, 0, 0);
    }

    /** prctl(2). */
    public static int prctl(int option, long argument) {
        return (int) Libc.LIBC.syscall(SYS_PRCTL, option, argument, 0, 0, 0, 0);
    }

    /**
     * Sets the slice of the calling thread in nanoseconds, and nothing else of it; what it was, or
     * 0 where the kernel knows none or refuses (sched_getattr(2), sched_setattr(2)).
     */
    public static long slice(long nanos) {
        MemoryIO memory = MemoryIO.getInstance();
        long room = memory.allocateMemory(SCHED_ATTR, true);
        try {
            if (Libc.LIBC.syscall(SYS_SCHED_GETATTR, 0, room, SCHED_ATTR, 0, 0, 0) != 0) {
                return 0;
            }
            long before = memory.getLong(room + SCHED_RUNTIME);
            memory.putLong(room + SCHED_RUNTIME, nanos);
            return Libc.LIBC.syscall(SYS_SCHED_SETATTR, 0, room, 0, 0, 0, 0) == 0 ? before : 0;
        } finally {
            memory.freeMemory(room);
        }
    }

    /**
     * Has the calling thread go on on another of the CPUs that it may run on, and be free as before
     * to run on any; false where there is no other, or the kernel does not let it
     * (sched_setaffinity(2)).
     */
    public static boolean leaveCpu() {
        MemoryIO memory = MemoryIO.getInstance();
        long set = memory.allocateMemory(CPUS, true);
        try {
            long n = Libc.LIBC.syscall(SYS_SCHED_GETAFFINITY, 0, CPUS, set);
            int cpu = cpu();
            if (n <= 0 || cpu < 0) {
                return false;
            }
            long word = set + cpu / Long.SIZE * Long.BYTES;
            long before = memory.getLong(word);
            memory.putLong(word, before & ~(1L << cpu));
            boolean left = Libc.LIBC.syscall(SYS_SCHED_SETAFFINITY, 0, n, set) == 0;
            memory.putLong(word, before);
            return left && Libc.LIBC.syscall(SYS_SCHED_SETAFFINITY, 0, n, set) == 0;
        } finally {
            memory.freeMemory(set);
        }
    }

    /** The CPU that the calling thread was on just now; negative where that is not known. */
    public static int cpu() {
        MemoryIO memory = MemoryIO.getInstance();
        long room = memory.allocateMemory(Integer.BYTES, true);
        try {
            return Libc.LIBC.syscall(SYS_GETCPU, room, 0, 0) == 0 ? memory.getInt(room) : -1;
        } finally {
            memory.freeMemory(room);
        }
    }

    /**
     * epoll_pwait2(2), from Linux 5.11 on: like epoll_wait(2) with nanoseconds.
     *
     * @param events address of room for {@code most} events
     * @param timeout address of a timespec
     */
    public static int epollWait(int epoll, long events, int most, long timeout) {
        return (int) Libc.LIBC.syscall(SYS_EPOLL_PWAIT2, epoll, events, most, timeout, 0, 0);
    }

    /**
     * statx(2) of an open file.
     *
     * @param mask what is asked for: STATX_ bits
     * @param emptyPath address of a zero byte
     * @param buffer address of 256 bytes for the answer, whose layout all machines share
     */
    public static int statx(int fd, int mask, long emptyPath, long buffer) {
        return (int) Libc.LIBC.syscall(SYS_STATX, fd, emptyPath, AT_EMPTY_PATH, mask, buffer, 0);
    }
}
