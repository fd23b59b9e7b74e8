package dev.sluice.block;

/**
 * What a target can do: facts that stay as they are while it is open, except the size.
 *
 * @param size bytes; a multiple of the block size
 * @param blockSize bytes of the smallest unit the target takes: 1, or a power of two from 512 to
 *     64 KiB. The device above does read-modify-write for less.
 * @param inherited the block size and FUA are those of the device below: this layer passes any
 *     range and FUA on, and the device below sees to them
 * @param fua the target makes a FUA write durable itself; else the device writes and flushes
 * @param zeroes the target does WRITE_ZEROES and DISCARD itself (both must read back as zeros);
 *     else the device writes zeros
 * @param endsLater a bio mostly ends after submit, in another thread, so that it should bring
 *     memory of its own size; and to seek may block
 * @param readOnly every change is refused with EROFS
 */
public record Limits(
        long size,
        int blockSize,
        boolean inherited,
        boolean fua,
        boolean zeroes,
        boolean endsLater,
        boolean readOnly) {
    /** The most data one bio carries, in bytes. */
    public static final int MAX_DATA = 1 << 20;

    /** The largest block size, in bytes. */
    public static final int MAX_BLOCK = 64 << 10;

    /** The most devices one above the other. */
    public static final int MAX_DEPTH = 16;

    public Limits {
        boolean power = blockSize >= 512 && Integer.bitCount(blockSize) == 1;
        if (!(blockSize == 1 || power) || blockSize > MAX_BLOCK) {
            throw new IllegalArgumentException("block size " + blockSize);
        }
        if (size < 0 || size % blockSize != 0) {
            throw new IllegalArgumentException("size " + size + " of blocks of " + blockSize);
        }
    }

    /** Memory-like: takes any byte range, ends within submit, needs nothing from its device. */
    public static Limits memory(long size) {
        return new Limits(size, 1, false, true, true, false, false);
    }

    /** The limits of a layer that passes all on to a device below, over a window of it. */
    public Limits inherit(long windowSize) {
        return new Limits(windowSize, blockSize, true, fua, zeroes, endsLater, readOnly);
    }

    /** The same with another block size, imposed here. */
    public Limits withBlockSize(int bytes) {
        return new Limits(size, bytes, false, fua, zeroes, endsLater, readOnly);
    }

    /** Whether a bio ends within submit, in the thread that brings it. */
    public boolean inline() {
        return !endsLater;
    }

    /** The same with another size. */
    public Limits withSize(long bytes) {
        return new Limits(bytes, blockSize, inherited, fua, zeroes, endsLater, readOnly);
    }

    /** Null, or why a bio cannot be asked of a device of this size. */
    Errno check(Bio bio) {
        if (bio.op() == Op.FLUSH) {
            return bio.length() == 0 ? null : Errno.EINVAL;
        }
        boolean inside = bio.offset() >= 0 && bio.length() > 0
                && bio.length() <= size - bio.offset();
        boolean data = !bio.op().hasData() || bio.length() <= MAX_DATA && bio.data() != null
                && bio.dataAt() >= 0 && bio.length() <= bio.data().size() - bio.dataAt();
        return inside && data ? null : Errno.EINVAL;
    }
}
