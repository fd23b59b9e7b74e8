package dev.sluice.ploop;

import dev.sluice.block.BlockException;
import dev.sluice.block.Errno;
import dev.sluice.block.Limits;
import dev.sluice.block.Memory;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.channels.ReadableByteChannel;
import java.util.zip.CRC32C;

/**
 * Reads a stream. It may hold anything: whatever is wrong with it ends in a sentence, and it takes
 * no more memory than a record has.
 */
public final class StreamIn {
    /** The stream has come to its end too early: it can be resumed. */
    public static final Errno CUT = Errno.ENODATA;

    private final ReadableByteChannel in;
    private final Memory buffer;
    private final ByteBuffer small = ByteBuffer.allocateDirect(StreamHeader.BYTES);
    private final CRC32C all = new CRC32C();
    private final CRC32C one = new CRC32C();
    private final StreamHeader header;
    private long records;
    private long bytes;

    /** A record; of DATA, the bytes are at the start of the buffer. */
    record Piece(int type, long offset, long length) {}

    /** Reads the start; {@code buffer} has {@link Limits#MAX_DATA} bytes and is its own. */
    public StreamIn(ReadableByteChannel in, Memory buffer) throws BlockException {
        this.in = in;
        this.buffer = buffer;
        get(small, StreamHeader.BYTES);
        all.update(small.slice(0, StreamHeader.BYTES));
        header = StreamHeader.decode(small);
    }

    /** What it begins with. */
    public StreamHeader header() {
        return header;
    }

    private void get(ByteBuffer to, int length) throws BlockException {
        ByteBuffer piece = to.slice(0, length);
        while (piece.hasRemaining()) {
            if (read(piece) < 0) {
                throw new BlockException(CUT, "the stream is cut off after " + records
                        + " records with " + bytes + " bytes of data; send the rest again");
            }
        }
    }

    private int read(ByteBuffer to) throws BlockException {
        try {
            return in.read(to);
        } catch (IOException e) {
            throw new BlockException(Errno.EIO, "the stream cannot be read: " + e.getMessage()
                    + "; send the rest again", e);
        }
    }

    private BlockException refused(String what) {
        return new BlockException(Errno.EPROTO, "record " + records + " of the stream is wrong: "
                + what + "; send it again");
    }

    /** Reads on to the end, and keeps nothing. */
    public void drain() throws BlockException {
        while (next().type() != StreamOut.END) {
            continue;
        }
    }

    /** The next record. */
    Piece next() throws BlockException {
        int before = (int) all.getValue();
        get(small, StreamOut.HEAD);
        int type = small.getInt(0);
        long length = small.getInt(4) & 0xffffffffL;
        long offset = small.getLong(8);
        if (length > Limits.MAX_DATA) {
            throw refused("it has " + length + " bytes, more than " + Limits.MAX_DATA);
        }
        one.reset();
        one.update(small.slice(0, StreamOut.HEAD));
        all.update(small.slice(0, StreamOut.HEAD));
        if (length > 0) {
            get(buffer.bytes(), (int) length);
            one.update(buffer.bytes().slice(0, (int) length));
            all.update(buffer.bytes().slice(0, (int) length));
        }
        get(small, StreamOut.TAIL);
        all.update(small.slice(0, StreamOut.TAIL));
        if (small.getInt(0) != (int) one.getValue()) {
            throw new BlockException(Errno.EBADMSG, "record " + records + " of the stream is"
                    + " damaged: its checksum is not that of its bytes; send it again");
        }
        Piece piece = meaning(type, offset, (int) length, before);
        records++;
        return piece;
    }

    private Piece meaning(int type, long offset, int length, int before) throws BlockException {
        ByteBuffer b = buffer.bytes().duplicate();
        switch (type) {
            case StreamOut.DATA -> {
                range(offset, length);
                bytes += length;
                return new Piece(type, offset, length);
            }
            case StreamOut.ZERO -> {
                require(length == 8, "zeros with " + length + " bytes");
                range(offset, b.getLong(0));
                return new Piece(type, offset, b.getLong(0));
            }
            case StreamOut.TURN -> {
                require(length == 0 && offset == 0, "a turn with data");
                return new Piece(type, 0, 0);
            }
            case StreamOut.END -> {
                require(length == StreamOut.END_BYTES && offset == 0, "an end of " + length
                        + " bytes");
                end(b, before);
                return new Piece(type, 0, 0);
            }
            default -> throw refused("its type is " + type + ", which is not known");
        }
    }

    private void require(boolean right, String what) throws BlockException {
        if (!right) {
            throw refused(what);
        }
    }

    private void range(long offset, long length) throws BlockException {
        long cluster = header.clusterBytes();
        boolean inside = offset >= 0 && length > 0 && offset < header.diskBytes()
                && length <= header.diskBytes() - offset;
        require(inside && (offset | length) % Header.SECTOR == 0
                && offset / cluster == (offset + length - 1) / cluster, "it has " + length
                + " bytes at byte " + offset + ", which is no range of sectors in a cluster of the"
                + " disk");
    }

    private void end(ByteBuffer b, int before) throws BlockException {
        if (b.getLong(0) != records || b.getLong(8) != bytes || b.getInt(16) != before) {
            throw new BlockException(Errno.EBADMSG, "the stream is not all that was sent: "
                    + records + " records with " + bytes + " bytes came, of " + b.getLong(0)
                    + " with " + b.getLong(8) + (b.getInt(16) == before ? ""
                    : ", and the checksum of all is another") + "; send it again");
        }
        if (read(small.slice(0, 1)) > 0) {
            throw refused("the stream goes on behind its end");
        }
    }
}
