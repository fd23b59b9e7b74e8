package dev.sluice.ploop;

import dev.sluice.block.BlockException;
import dev.sluice.block.Device;
import dev.sluice.block.Errno;
import dev.sluice.block.Memory;
import dev.sluice.ploop.StreamIn.Piece;
import dev.sluice.storage.Backing;
import dev.sluice.sys.Arena;
import java.util.BitSet;

/**
 * An image that comes with a stream, in a file of its own that is marked as in use until all is
 * there. Now and then what has come is made durable, data before the words that name it, so that
 * an interrupted transfer goes on from there.
 */
public final class Receiver implements AutoCloseable {
    /** After so many bytes what has come is made durable. */
    private static final long STEP = 256L << 20;

    private final String path;
    private final Backing file;
    private final Arena arena;
    private final StreamHeader stream;
    private final Image image;
    private final Bat bat;
    private final long cluster;
    private final Kept kept;
    private final BitSet dirty = new BitSet();
    private int next;
    private long position;
    private boolean turned;
    private long since;

    /** Who keeps how far it has come, durably. */
    @FunctionalInterface
    public interface Kept {
        /** All clusters below a position have come, and are durable. */
        void at(long position) throws BlockException;
    }

    private Receiver(String path, Backing file, Arena arena, StreamHeader stream, long position,
            Device.Log log, Kept kept) throws BlockException {
        this.path = path;
        this.file = file;
        this.arena = arena;
        this.stream = stream;
        this.position = position;
        this.kept = kept;
        image = Image.examine(path, file, arena, log);
        bat = image.bat();
        cluster = image.header().clusterBytes();
        next = image.clusters().usedEnd();
    }

    /** Begins with an empty file. */
    public static Receiver begin(String path, Backing file, Arena arena, StreamHeader stream,
            Device.Log log, Kept kept) throws BlockException {
        if (stream.position() != 0) {
            throw new BlockException(Errno.ENODATA, "the stream goes on with a transfer at cluster "
                    + stream.position() + ", and nothing is there of it; send it from the start,"
                    + " or receive it with --resume where the rest is");
        }
        check(path, file.resize(0));
        Image.create(path, stream.image().with(Header.DIRTY, 0), file, arena);
        Receiver receiver = new Receiver(path, file, arena, stream, 0, log, kept);
        receiver.keep();
        return receiver;
    }

    /** Goes on with a file of which clusters below a position have come. */
    public static Receiver resume(String path, Backing file, Arena arena, StreamHeader stream,
            long position, Device.Log log, Kept kept) throws BlockException {
        if (stream.position() > position) {
            throw new BlockException(Errno.ENODATA, "the stream goes on at cluster "
                    + stream.position() + ", and only those below " + position + " have come; send"
                    + " with the token that sluice image receive --token tells now");
        }
        Receiver receiver = new Receiver(path, file, arena, stream, stream.position(), log, kept);
        try {
            receiver.sound();
            return receiver;
        } catch (BlockException | RuntimeException | Error e) {
            receiver.close();
            throw e;
        }
    }

    private void sound() throws BlockException {
        Header has = image.header();
        if (has.diskBytes() != stream.diskBytes() || has.clusterBytes() != stream.clusterBytes()) {
            throw new BlockException(Errno.EPROTO, path + " is of a disk of " + has.diskBytes()
                    + " bytes in clusters of " + has.clusterBytes() + ", the stream of "
                    + stream.diskBytes() + " in " + stream.clusterBytes() + "; delete it and send"
                    + " all again");
        }
        if (image.findings().damaged()) {
            throw new BlockException(Errno.EIO, path + " is damaged: "
                    + image.findings().damage().sentence() + "; delete it and send all again");
        }
        // What came after it was last made durable may hold anything.
        check(path, file.resize(has.offset(next)));
        bat.end(next);
        bat.header(has.with(Header.DIRTY, 0));
        dirty.set(0);
    }

    private static void check(String path, Errno outcome) throws BlockException {
        if (outcome != Errno.OK) {
            throw BlockException.storage(outcome, path + " cannot be written");
        }
    }

    /** Takes all that comes, up to the end; what is there then is a whole image. */
    public void take(StreamIn in, Memory buffer, Progress progress) throws BlockException {
        try {
            for (Piece piece = in.next(); piece.type() != StreamOut.END; piece = in.next()) {
                take(piece, buffer);
                progress.at(Math.min(stream.diskBytes(), position * cluster), stream.diskBytes());
                if (since >= STEP) {
                    keep();
                }
            }
        } catch (BlockException e) {
            keepAfter(e);
            throw e;
        }
        finish();
        progress.at(stream.diskBytes(), stream.diskBytes());
    }

    /** Records that came before a bad one are good. */
    private void keepAfter(BlockException failure) {
        try {
            keep();
        } catch (BlockException e) {
            failure.addSuppressed(e);
        }
    }

    private void take(Piece piece, Memory buffer) throws BlockException {
        if (piece.type() == StreamOut.TURN) {
            turned = true;
            position = stream.clusters();
            return;
        }
        int index = (int) (piece.offset() / cluster);
        int place = bat.get(index);
        if (place == Bat.NONE && (piece.type() == StreamOut.DATA || stream.incremental())) {
            place = allocate(index);
        }
        if (place != Bat.NONE) {
            long at = image.header().offset(place) + piece.offset() - index * cluster;
            check(path, piece.type() == StreamOut.DATA
                    ? file.write(at, buffer, 0, (int) piece.length())
                    : file.zero(at, piece.length()));
            since += piece.type() == StreamOut.DATA ? piece.length() : 0;
        }
        long end = piece.offset() + piece.length();
        if (!turned) {
            boolean whole = end % cluster == 0 || end == stream.diskBytes();
            position = Math.max(position, whole ? index + 1 : index);
        }
    }

    /** All its storage is there: OpenVZ's tools refuse a cluster with holes. */
    private int allocate(int index) throws BlockException {
        int place = next;
        check(path, file.reserve(image.header().offset(place), cluster));
        next++;
        bat.end(next);
        bat.set(index, place);
        dirty.set(Bat.page(index));
        return place;
    }

    /** Makes durable what has come. */
    private void keep() throws BlockException {
        check(path, file.sync());
        pages();
        check(path, file.sync());
        kept.at(position);
        since = 0;
    }

    private void pages() throws BlockException {
        Memory page = arena.map(Bat.PAGE);
        try {
            for (int p = dirty.nextSetBit(0); p >= 0; p = dirty.nextSetBit(p + 1)) {
                int length = bat.copyPage(p, page, 0);
                check(path, file.write((long) p * Bat.PAGE, page, 0, length));
            }
            dirty.clear();
        } finally {
            arena.unmap(page);
        }
    }

    private void finish() throws BlockException {
        check(path, file.sync());
        pages();
        check(path, file.reserve(0, image.header().dataStart()));
        check(path, file.sync());
        bat.header(image.header().with(0, 0).withEmpty(bat.next(0) == bat.entries()));
        dirty.set(0);
        pages();
        check(path, file.sync());
    }

    /** Gives memory back; the file is its owner's. */
    @Override
    public void close() throws BlockException {
        image.close();
    }
}
