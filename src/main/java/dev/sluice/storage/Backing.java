package dev.sluice.storage;

import dev.sluice.block.Bio;
import dev.sluice.block.BlockException;
import dev.sluice.block.Errno;
import dev.sluice.block.Memory;

/**
 * What holds the bytes of a device: blocking, downward, where {@link dev.sluice.block.Target} is
 * asynchronous and upward. Ranges are inside the size and multiples of the block size; lengths of
 * memory are at most {@link dev.sluice.block.Limits#MAX_DATA}. From any thread, except close.
 */
public interface Backing extends AutoCloseable {
    /** Bytes; only {@link #resize} and {@link #reserve} change it. */
    long size();

    /** Bytes of the unit that offsets and lengths are multiples of: 1 where any range will do. */
    int blockSize();

    /** Whether every change is refused. */
    boolean readOnly();

    /** It is only read from now on, and other readers are let in. No change is under way. */
    default void seal() {}

    /** Fills memory; all of it, or an error. */
    Errno read(long offset, Memory memory, int at, int length);

    /** Stores memory; all of it, or an error. Durable after the next {@link #sync}. */
    Errno write(long offset, Memory memory, int at, int length);

    /**
     * Lets {@link #start} be used, and answers what hands out the ends; null where nothing can be
     * started. Before the first request.
     */
    default Aio startAio(Aio.Done done) {
        return null;
    }

    /**
     * Lets {@link #start} be used through what another backing has; it is not this one's to close.
     * Before the first request.
     */
    default void shareAio(Aio other, Aio.Done done) {}

    /** Leaves it to another backing, which shares it, to close what {@link #startAio} gave. */
    default void handAio(Backing to) {}

    /**
     * Starts a READ or WRITE without waiting for it, where {@link #startAio} was asked for; its end
     * is told there. False when it cannot: then nothing was started.
     */
    boolean start(Bio bio);

    /** Reads what needs no waiting for; false when not all of it came, whatever the reason. */
    default boolean readNow(long offset, Memory memory, int at, int length) {
        return false;
    }

    /** Writes where that needs no waiting; false when not all of it went, whatever the reason. */
    default boolean writeNow(long offset, Memory memory, int at, int length) {
        return false;
    }

    /**
     * Whether writes go to a page cache of this machine's, which mostly takes them at once.
     */
    default boolean cachesWrites() {
        return false;
    }

    /** A write is to be carried out by {@link #write}, by a worker. */
    default void writeWaits() {}

    /** Such a write has ended. */
    default void writeEnded() {}

    /** What is tried without waiting, in a word for status. */
    default String nowait() {
        return "off";
    }

    /** Makes durable what was written. Once it has failed it fails until {@link #forgive}. */
    Errno sync();

    /** Whoever used it knows of a failed {@link #sync}: later ones stand for themselves. */
    void forgive();

    /** Zeroes the range and gives its storage back where that is possible. */
    Errno punch(long offset, long length);

    /** Zeroes the range and keeps its storage. */
    Errno zero(long offset, long length);

    /**
     * Makes it that long: what is new reads as zeros, what is cut off is gone. The new size is
     * durable after the next {@link #sync}. One call at a time, with {@link #reserve}.
     */
    Errno resize(long bytes);

    /**
     * Gives the range storage without changing what it reads as, and makes it longer where the
     * range ends behind the size. Where storage cannot be given, it only becomes longer. After a
     * failure {@link #size} may have grown in part.
     */
    Errno reserve(long offset, long length);

    /** Bytes of storage taken; -1 when that cannot be told. Blocks; one call at a time. */
    long allocated();

    /** The next data, or hole, at or after the offset; the size where there is none. Blocks. */
    long seek(long offset, boolean data);

    /** Gives file, locks and memory back. Nobody is in a call any more. */
    @Override
    void close() throws BlockException;
}
