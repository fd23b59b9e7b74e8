package dev.sluice.storage;

import dev.sluice.block.Memory;
import dev.sluice.sys.Native;

/**
 * What statx(2) tells of an open file. struct statx is 256 bytes and the same on every machine:
 * stx_mask u32 at 0, stx_mode u16 at 28, stx_size u64 at 40, stx_blocks u64 at 48,
 * stx_dio_mem_align u32 at 152, stx_dio_offset_align u32 at 156.
 *
 * @param mode type and permissions
 * @param size bytes; 0 for a block device
 * @param allocated bytes of storage
 * @param tellsDirect whether the next two are known; the kernel tells since 6.1
 * @param memoryAlign bytes that memory of direct I/O is aligned to; 0 without direct I/O
 * @param offsetAlign bytes that offsets and lengths of direct I/O are multiples of; 0 likewise
 */
record FileFacts(int mode, long size, long allocated, boolean tellsDirect, int memoryAlign,
        int offsetAlign) {
    static final int REGULAR = 0x8000;
    static final int BLOCK_DEVICE = 0x6000;
    private static final int TYPE_MASK = 0xf000;

    private static final int BASIC = 0x7ff;
    private static final int DIOALIGN = 0x2000;

    /** Where the empty path is in the scratch memory, and where the answer. */
    private static final int EMPTY = 0;
    private static final int ANSWER = 64;

    /** Null when the call failed, and errno tells why. */
    static FileFacts of(int fd, Memory scratch) {
        scratch.bytes().put(EMPTY, (byte) 0);
        long buffer = scratch.address() + ANSWER;
        if (Native.statx(fd, BASIC | DIOALIGN, scratch.address() + EMPTY, buffer) != 0) {
            return null;
        }
        var b = scratch.bytes();
        boolean tells = (b.getInt(ANSWER) & DIOALIGN) != 0;
        return new FileFacts(b.getShort(ANSWER + 28) & 0xffff, b.getLong(ANSWER + 40),
                b.getLong(ANSWER + 48) * 512, tells, b.getInt(ANSWER + 152),
                b.getInt(ANSWER + 156));
    }

    /** The type bits of a mode. */
    static int type(int mode) {
        return mode & TYPE_MASK;
    }

    boolean block() {
        return type(mode) == BLOCK_DEVICE;
    }
}
