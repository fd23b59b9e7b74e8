package dev.sluice.ploop;

import dev.sluice.block.BlockException;
import dev.sluice.block.Errno;
import dev.sluice.block.Limits;
import dev.sluice.block.Memory;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.channels.WritableByteChannel;
import java.util.zip.CRC32C;

/** Writes a stream: a header, records that each have a checksum, and an end with one of all. */
public final class StreamOut {
    /** Whoever took the stream takes no more. */
    public static final Errno BROKEN = Errno.ENOLINK;

    /** A range of the disk with its bytes. */
    static final int DATA = 1;
    /** A range of the disk that is zero; its length is the data. */
    static final int ZERO = 2;
    /** All clusters have come once; what follows has changed meanwhile. */
    static final int TURN = 3;
    /** That was all: number of records, bytes of data, checksum of all that came before. */
    static final int END = 4;
    /** Bytes of a record in front of its data: type, length of the data, byte of the disk. */
    static final int HEAD = 16;
    /** Bytes behind it: the checksum. */
    static final int TAIL = 4;
    /** Bytes of the data of {@link #END}. */
    static final int END_BYTES = 20;

    private final long cluster;
    private final long size;
    private final CRC32C all = new CRC32C();
    private final CRC32C one = new CRC32C();
    private final ByteBuffer small = ByteBuffer.allocateDirect(StreamHeader.BYTES);
    private final Memory buffer;
    private WritableByteChannel out;
    private long records;
    private long bytes;

    /** Where the bytes of a disk come from. */
    @FunctionalInterface
    public interface Source {
        /** Reads a range of one cluster to the start of memory. */
        void read(long offset, Memory to, int length) throws BlockException;
    }

    /** Begins a stream; {@code buffer} has {@link Limits#MAX_DATA} bytes and is its own. */
    public StreamOut(StreamHeader header, WritableByteChannel out, Memory buffer)
            throws BlockException {
        this.cluster = header.clusterBytes();
        this.size = header.diskBytes();
        this.out = out;
        this.buffer = buffer;
        header.image();
        header.encode(small);
        put(small, StreamHeader.BYTES, null);
    }

    /** What follows goes there. */
    public void to(WritableByteChannel other) {
        out = other;
    }

    private void put(ByteBuffer from, int length, CRC32C also) throws BlockException {
        ByteBuffer piece = from.slice(0, length);
        all.update(piece.duplicate());
        if (also != null) {
            also.update(piece.duplicate());
        }
        try {
            while (piece.hasRemaining()) {
                out.write(piece);
            }
        } catch (IOException e) {
            throw new BlockException(BROKEN, "the stream cannot be written (" + e.getMessage()
                    + "); look what ended the receiver, and go on from there", e);
        }
    }

    private void record(int type, long offset, ByteBuffer data, int length)
            throws BlockException {
        one.reset();
        small.putInt(0, type);
        small.putInt(4, length);
        small.putLong(8, offset);
        put(small, HEAD, one);
        if (length > 0) {
            put(data, length, one);
        }
        small.putInt(0, (int) one.getValue());
        put(small, TAIL, null);
        records++;
    }

    /** Sends a cluster. */
    public void cluster(int index, Source from) throws BlockException {
        long end = Math.min((index + 1) * cluster, size);
        for (long at = index * cluster; at < end; at += buffer.size()) {
            int length = (int) Math.min(buffer.size(), end - at);
            from.read(at, buffer, length);
            if (Mapping.zero(buffer, 0, length)) {
                ByteBuffer zeros = ByteBuffer.allocateDirect(8);
                zeros.putLong(0, length);
                record(ZERO, at, zeros, 8);
            } else {
                record(DATA, at, buffer.bytes(), length);
                bytes += length;
            }
        }
    }

    /** All clusters have been sent once. */
    public void turn() throws BlockException {
        record(TURN, 0, null, 0);
    }

    /** That was all. */
    public void end() throws BlockException {
        ByteBuffer last = ByteBuffer.allocateDirect(END_BYTES);
        last.putLong(0, records);
        last.putLong(8, bytes);
        last.putInt(16, (int) all.getValue());
        record(END, 0, last, END_BYTES);
    }

    /** Bytes of data that were sent. */
    public long bytes() {
        return bytes;
    }
}
