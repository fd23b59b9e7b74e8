package dev.sluice.ploop;

import dev.sluice.block.BlockException;
import dev.sluice.block.Errno;
import java.nio.ByteBuffer;
import java.util.UUID;
import java.util.zip.CRC32C;

/**
 * What a stream begins with: which disk it brings, and how much of it.
 *
 * @param id of the transfer: the same when it is resumed
 * @param state GUID of what is sent
 * @param from GUID of what it stands on; {@link DiskDescriptor#NOTHING} for all of the disk
 * @param diskBytes size of the disk
 * @param clusterBytes of a cluster
 * @param position clusters below came with an earlier stream of the transfer
 */
public record StreamHeader(UUID id, String state, String from, long diskBytes, long clusterBytes,
        long position) {
    /** Bytes of it in the stream. */
    static final int BYTES = 128;
    static final long MAGIC = 0x534c554943455354L;
    static final int VERSION = 1;

    /** As OpenVZ has it: a record takes no more storage than that. */
    private static final long MOST_CLUSTER = 64L << 20;
    private static final int CHECKSUM = BYTES - 4;

    /** Whether it brings what has changed only. */
    public boolean incremental() {
        return !from.equals(DiskDescriptor.NOTHING);
    }

    /** Clusters of the disk. */
    long clusters() {
        return (diskBytes - 1) / clusterBytes + 1;
    }

    /** The header of an image for the disk; throws where there can be none. */
    Header image() throws BlockException {
        if (clusterBytes > MOST_CLUSTER) {
            throw new BlockException(Errno.EINVAL, "a stream has clusters of up to " + MOST_CLUSTER
                    + " bytes, not of " + clusterBytes + "; convert the image first");
        }
        return Header.create(diskBytes, clusterBytes);
    }

    void encode(ByteBuffer to) {
        for (int i = 0; i < BYTES; i++) {
            to.put(i, (byte) 0);
        }
        to.putLong(0, MAGIC);
        to.putInt(8, VERSION);
        put(to, 16, id);
        put(to, 32, bare(state));
        put(to, 48, bare(from));
        to.putLong(64, diskBytes);
        to.putLong(72, clusterBytes);
        to.putLong(80, position);
        to.putInt(CHECKSUM, checksum(to));
    }

    private static void put(ByteBuffer to, int at, UUID id) {
        to.putLong(at, id.getMostSignificantBits());
        to.putLong(at + 8, id.getLeastSignificantBits());
    }

    private static UUID bare(String guid) {
        return UUID.fromString(guid.substring(1, guid.length() - 1));
    }

    private static UUID get(ByteBuffer from, int at) {
        return new UUID(from.getLong(at), from.getLong(at + 8));
    }

    private static int checksum(ByteBuffer of) {
        CRC32C sum = new CRC32C();
        sum.update(of.slice(0, CHECKSUM));
        return (int) sum.getValue();
    }

    static StreamHeader decode(ByteBuffer b) throws BlockException {
        if (b.getLong(0) != MAGIC) {
            throw new BlockException(Errno.EPROTO, "this is no stream of a disk: it begins with "
                    + Long.toHexString(b.getLong(0)) + ", not with " + Long.toHexString(MAGIC)
                    + "; send one with: sluice image send");
        }
        if (b.getInt(CHECKSUM) != checksum(b)) {
            throw new BlockException(Errno.EBADMSG, "the start of the stream is damaged: its"
                    + " checksum is not that of its bytes; send it again");
        }
        if (b.getInt(8) != VERSION || b.getInt(12) != 0) {
            throw new BlockException(Errno.EPROTO, "the stream is of version " + b.getInt(8)
                    + " with flags " + b.getInt(12) + "; known here is " + VERSION + " with 0");
        }
        StreamHeader header = new StreamHeader(get(b, 16), "{" + get(b, 32) + "}",
                "{" + get(b, 48) + "}", b.getLong(64), b.getLong(72), b.getLong(80));
        Header image = header.image();
        if (header.position < 0 || header.position > image.entries()) {
            throw new BlockException(Errno.EPROTO, "the stream goes on at cluster "
                    + header.position + " of a disk that has " + image.entries()
                    + "; it must be sent again");
        }
        if (header.state.equals(DiskDescriptor.NOTHING) || header.state.equals(header.from)) {
            throw new BlockException(Errno.EPROTO, "the stream brings " + header.state + " on "
                    + header.from + ", which is no state of a disk; it must be sent again");
        }
        return header;
    }
}
