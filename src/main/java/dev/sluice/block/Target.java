package dev.sluice.block;

import java.util.List;
import java.util.Map;

/**
 * A virtual block device, or a layer in front of one. A layer submits to the {@link Device} below
 * it, never to the bare target, so that checks, locks and statistics hold on every path.
 *
 * <p>Bios that reach a target are in range, aligned to its block size and of a kind it supports:
 * its device saw to it. There is no order among bios in flight; a FLUSH covers the writes that
 * ended before it was submitted. A target never closes the device below it.
 */
public interface Target extends AutoCloseable {
    /** Facts, fixed but for the size. Cheap: called for every bio. */
    Limits limits();

    /** It is behind a door from now on, through which all its bios come. Before the first. */
    default void attached(Device device) {}

    /**
     * Takes a bio, and ends it exactly once: now or later, from any thread. Returns in some 50 µs:
     * what may take longer, or block, is handed to a worker. A throw fails the bio with EIO.
     */
    void submit(Bio bio);

    /** Hastens every bio taken so far (dm's presuspend). */
    default void drain() {}

    /**
     * The device's file was opened while nobody had it open: a flush that failed before is known,
     * and later ones stand for themselves. Must not block.
     */
    default void reopen() {}

    /**
     * Whether a flush that failed so has lost nothing, and another may make durable what it did
     * not: then changes go on. From any thread.
     */
    default boolean keeps(Errno outcome) {
        return false;
    }

    /** Bytes of storage that the range takes up now. Must not block. */
    default long allocated(long offset, long length) {
        return length;
    }

    /**
     * The next offset at or after {@code offset} that begins data, or a hole; the size where there
     * is none (lseek's SEEK_DATA, SEEK_HOLE). May block where submit may.
     */
    default long seek(long offset, boolean data) {
        return data ? offset : limits().size();
    }

    /** Live values by name, in the order shown: strings, numbers, booleans, lists and maps. */
    default Map<String, Object> status() {
        return Map.of();
    }

    /** Bios that it keeps waiting on purpose or for want of room. Must not block. */
    default int heldBack() {
        return 0;
    }

    /** What is stored, and what that takes; null where data takes its length. Must not block. */
    default Packing packing() {
        return null;
    }

    /** Counters of the target's own by name, shown behind those of its device. */
    default Map<String, Object> stats() {
        return Map.of();
    }

    /**
     * The thread that waits for a bio held back here which stands for this request of the kernel's
     * ({@link Bio#request}); 0 when it is not known, -1 when no such bio is held back. Must not
     * block.
     */
    default int heldFor(long request) {
        return -1;
    }

    /** Ends the bios held back here for this request with EINTR; they are not carried out. */
    default void interrupt(long request) {}

    /** The arguments behind size and type in the table line, as they are now. */
    String arguments();

    /** Changes a parameter while in use. All keys are good or nothing changes. */
    default void set(Map<String, String> changes) throws BlockException {
        throw new BlockException(Errno.EINVAL, "no parameter of this target can change while"
                + " it is in use; change the table, and mount it again");
    }

    /** Takes a message of the target's own; answers a line for the log, or nothing. */
    default void message(List<String> words) throws BlockException {
        throw new BlockException(Errno.EINVAL, "this target takes no messages; see what"
                + " it has with: sluice targets");
    }

    /** The same, with whether somebody has the device open, or it is below another one. */
    default void message(List<String> words, boolean inUse) throws BlockException {
        message(words);
    }

    /** Its own control files; the names stay the same while it is open. */
    default List<Attribute> attributes() {
        return List.of();
    }

    /** Gives back what it holds. No bio is in flight any more. */
    @Override
    default void close() throws BlockException {}
}
