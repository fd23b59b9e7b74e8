package dev.sluice.fuse;

/**
 * The kernel's FUSE protocol as offsets and flags; no I/O. Offsets of arguments count from the
 * start of the message (include/uapi/linux/fuse.h, protocol 7.31 and later).
 */
final class Wire {
    static final int LOOKUP = 1;
    static final int OPEN = 14;
    static final int READ = 15;
    static final int WRITE = 16;
    static final int FSYNC = 20;
    static final int INIT = 26;
    static final int INTERRUPT = 36;
    static final int FALLOCATE = 43;
    static final int LSEEK = 46;

    static final int IN_LENGTH = 0;
    static final int IN_OPCODE = 4;
    static final int IN_UNIQUE = 8;
    static final int IN_PID = 32;
    static final int IN_HEADER = 40;

    static final int OUT_LENGTH = 0;
    static final int OUT_ERROR = 4;
    static final int OUT_UNIQUE = 8;
    static final int OUT_HEADER = 16;

    static final int FH = IN_HEADER;
    static final int RW_OFFSET = IN_HEADER + 8;
    static final int RW_SIZE = IN_HEADER + 16;
    static final int RW_FLAGS = IN_HEADER + 32;
    /** Where the data of a WRITE message begins. */
    static final int WRITE_HEADER = IN_HEADER + 40;

    /** The number of the request that an INTERRUPT is about. */
    static final int INTERRUPTED = IN_HEADER;

    static final int FALLOCATE_OFFSET = IN_HEADER + 8;
    static final int FALLOCATE_LENGTH = IN_HEADER + 16;
    static final int FALLOCATE_MODE = IN_HEADER + 24;

    static final int LSEEK_OFFSET = IN_HEADER + 8;
    static final int LSEEK_WHENCE = IN_HEADER + 16;

    /** The kernel wants room for a header and the largest write. */
    static final int LARGEST_WRITE = 1 << 20;

    private Wire() {}

    /** The INIT reply, offsets from its start. */
    static final class InitOut {
        static final int MINOR = OUT_HEADER + 4;
        static final int READAHEAD = OUT_HEADER + 8;
        static final int FLAGS = OUT_HEADER + 12;
        static final int MAX_BACKGROUND = OUT_HEADER + 16;
        static final int CONGESTION = OUT_HEADER + 18;
        static final int MAX_WRITE = OUT_HEADER + 20;
        static final int TIME_GRANULARITY = OUT_HEADER + 24;
        static final int MAX_PAGES = OUT_HEADER + 28;
        static final int FLAGS2 = OUT_HEADER + 32;
        static final int BYTES = OUT_HEADER + 64;

        static final int ASYNC_READ = 1;
        static final int BIG_WRITES = 1 << 5;
        static final int ASYNC_DIO = 1 << 15;
        static final int PARALLEL_DIROPS = 1 << 18;
        static final int USE_MAX_PAGES = 1 << 22;
        static final int INIT_EXT = 1 << 30;
        static final int DIRECT_IO_ALLOW_MMAP = 1 << 4;

        private InitOut() {}
    }

    /** The INIT message's arguments. */
    static final class InitIn {
        static final int FLAGS = IN_HEADER + 12;
        static final int FLAGS2 = IN_HEADER + 16;

        private InitIn() {}
    }

    /** The OPEN reply. */
    static final class OpenOut {
        static final int FH = OUT_HEADER;
        static final int FLAGS = OUT_HEADER + 8;
        static final int BYTES = OUT_HEADER + 16;

        static final int DIRECT_IO = 1;
        static final int PARALLEL_DIRECT_WRITES = 1 << 6;

        private OpenOut() {}
    }
}
