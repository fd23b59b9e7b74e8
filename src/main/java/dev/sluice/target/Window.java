package dev.sluice.target;

import dev.sluice.block.Bio;
import dev.sluice.block.BlockException;
import dev.sluice.block.Device;
import dev.sluice.block.Errno;
import dev.sluice.block.Limits;
import dev.sluice.block.Op;
import dev.sluice.block.Units;

/**
 * The part of a device below that a layer shows.
 *
 * @param start where it begins there, in bytes
 * @param fixed its bytes; negative where it ends with the device below, also when that grows
 */
record Window(Device lower, long start, long fixed) {
    /** What {@code offset=} and the size say, which must fit. */
    static Window of(TargetArgs args) throws BlockException {
        Device lower = args.lowers().get(0);
        long whole = lower.limits().size();
        int block = lower.limits().blockSize();
        long start = args.size("offset", 0);
        if (start % block != 0) {
            throw wrong("offset=" + Units.size(start) + " must be a multiple of " + lower.name()
                    + "'s block size, " + Units.size(block));
        }
        if (start >= whole) {
            throw wrong("offset=" + Units.size(start) + " must be less than " + lower.name()
                    + "'s size, " + Units.size(whole));
        }
        long size = args.size() < 0 ? whole - start : args.size();
        if (size % block != 0) {
            throw wrong("size " + Units.size(size) + " must be a multiple of " + lower.name()
                    + "'s block size, " + Units.size(block));
        }
        if (size > whole - start) {
            throw wrong("size " + Units.size(size) + " does not fit: it must be at most "
                    + Units.size(whole - start) + ", what " + lower.name() + " has"
                    + (start == 0 ? "" : " from offset=" + Units.size(start) + " on"));
        }
        return new Window(lower, start, args.size() < 0 ? -1 : size);
    }

    private static BlockException wrong(String sentence) {
        return new BlockException(Errno.EINVAL, sentence);
    }

    /** Bytes of it now. */
    long size() {
        return fixed < 0 ? lower.limits().size() - start : fixed;
    }

    /** What the layer shows, which was like this a moment ago. */
    Limits limits(Limits before) {
        long size = size();
        return size == before.size() ? before : before.withSize(size);
    }

    /** Passes a bio on to the device below; a flush has no place there. */
    void pass(Bio bio) {
        long offset = bio.op() == Op.FLUSH ? 0 : start + bio.offset();
        lower.submit(bio.part(0, bio.length(), offset));
        bio.complete();
    }

    /** What of the window takes up storage, as {@link dev.sluice.block.Target#allocated}. */
    long allocated(long offset, long length) {
        return lower.target().allocated(start + offset, length);
    }

    /** As {@link dev.sluice.block.Target#seek}. */
    long seek(long offset, boolean data) {
        return Math.min(size(), lower.target().seek(start + offset, data) - start);
    }

    /** The device below and the offset, as a table line has them. */
    String arguments() {
        return Words.quote(lower.name()) + (start == 0 ? "" : " offset=" + Units.size(start));
    }
}
