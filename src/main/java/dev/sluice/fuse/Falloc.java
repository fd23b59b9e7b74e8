package dev.sluice.fuse;

import dev.sluice.block.Errno;
import dev.sluice.block.Op;
import dev.sluice.sys.Native;

/**
 * What a fallocate(2) asks of a device, by the rules of a block device's file (block/fops.c), save
 * that no alignment is asked for: PUNCH_HOLE zeroes and may free, ZERO_RANGE zeroes and keeps;
 * anything that would allocate or grow is refused.
 *
 * @param op what to do; null when it is refused
 * @param length bytes from the offset asked for
 * @param errno why it is refused
 */
record Falloc(Op op, long length, Errno errno) {
    static Falloc of(int mode, long offset, long length, long size) {
        int keep = mode & Native.FALLOC_KEEP_SIZE;
        int kind = mode & ~Native.FALLOC_KEEP_SIZE;
        Op op = kind == Native.FALLOC_ZERO_RANGE ? Op.WRITE_ZEROES
                : kind == Native.FALLOC_PUNCH_HOLE && keep != 0 ? Op.DISCARD : null;
        if (op == null) {
            return new Falloc(null, 0, Errno.EOPNOTSUPP);
        }
        if (offset < 0 || length <= 0 || offset >= size) {
            return new Falloc(null, 0, Errno.EINVAL);
        }
        if (length > size - offset) {
            return keep == 0
                    ? new Falloc(null, 0, Errno.EINVAL)
                    : new Falloc(op, size - offset, null);
        }
        return new Falloc(op, length, null);
    }
}
