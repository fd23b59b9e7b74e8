package dev.sluice.ploop;

import dev.sluice.block.Errno;
import dev.sluice.block.Limits;
import dev.sluice.block.Memory;
import dev.sluice.storage.Backing;
import dev.sluice.sys.Arena;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;

/**
 * The format extension: one cluster with sections, of which the dirty bitmap is known here. It is
 * read, never written: who opens the image for writing drops it.
 */
final class Extension {
    private static final long MAGIC = 0xAB234CEF23DCEA87L;
    private static final long DIRTY_BITMAP = 0x20385FAE252CB34AL;
    private static final int HEAD = 24;
    private static final int SECTION = 24;
    private static final int BITMAP = 32;
    private static final int NECESSARY = 1;
    private static final int TRANSIT = 2;
    /** Each is 24 bytes at least; nobody has more than a few. */
    private static final int MAX_SECTIONS = 4096;

    /** Null when it was read; else why not, as the end of a sentence. */
    private String fault;
    private String foreign;
    private int sections;
    /** The clusters it takes, its own first. */
    private final List<Integer> clusters = new ArrayList<>();

    private final Header header;
    private final Backing backing;
    private final Memory buffer;
    private long bufferAt = -1;
    private long bufferUntil;

    private Extension(Header header, Backing backing, Memory buffer) {
        this.header = header;
        this.backing = backing;
        this.buffer = buffer;
        buffer.bytes().order(ByteOrder.LITTLE_ENDIAN);
    }

    /** Reads it where the header says it is; null where it says that there is none. */
    static Extension read(Header header, Backing backing, Arena arena, int end) {
        if (header.extension() == 0) {
            return null;
        }
        Memory buffer = arena.map(Limits.MAX_DATA);
        Extension extension = new Extension(header, backing, buffer);
        try {
            extension.parse(end);
        } catch (Unreadable e) {
            extension.fault = e.getMessage();
        } finally {
            arena.unmap(buffer);
        }
        return extension;
    }

    /** Leaves parsing; never seen outside. */
    private static final class Unreadable extends Exception {
        private static final long serialVersionUID = 1L;

        Unreadable(String why) {
            super(why, null, false, false);
        }
    }

    private void parse(int end) throws Unreadable {
        long sector = header.extension();
        long start = sector < 0 || sector > Long.MAX_VALUE / Header.SECTOR ? -1
                : sector * Header.SECTOR;
        int cluster = start < 0 ? -1 : header.clusterAt(start);
        if (cluster < 0 || cluster >= end) {
            throw new Unreadable("it would be at sector " + Long.toUnsignedString(sector)
                    + ", where the file has no cluster");
        }
        clusters.add(cluster);
        long magic = longAt(start);
        if (magic != MAGIC) {
            throw new Unreadable(String.format("it begins with %#x, not with %#x", magic, MAGIC));
        }
        byte[] sum = new byte[16];
        for (int i = 0; i < sum.length; i++) {
            sum[i] = (byte) (longAt(start + 8 + i / 8 * 8) >>> 8 * (i % 8));
        }
        if (!Arrays.equals(sum, digest(start + HEAD, start + header.clusterBytes()))) {
            throw new Unreadable("its checksum is wrong");
        }
        sections(start + HEAD, start + header.clusterBytes(), end);
    }

    private void sections(long from, long until, int end) throws Unreadable {
        long at = from;
        while (at + SECTION <= until) {
            long magic = longAt(at);
            long flags = longAt(at + 8);
            long size = longAt(at + 16) & 0xffffffffL;
            if (magic == 0) {
                return;
            }
            if (size > until - at - SECTION || ++sections > MAX_SECTIONS) {
                throw new Unreadable("its section " + sections + " has " + size
                        + " bytes, more than there are left");
            }
            if (magic == DIRTY_BITMAP) {
                bitmap(at + SECTION, size, end);
            } else if ((flags & (NECESSARY | TRANSIT)) != 0) {
                foreign = String.format("section %#x, which %s", magic, (flags & NECESSARY) != 0
                        ? "must be understood by who writes" : "must be kept");
            }
            at += SECTION + (size + 7) / 8 * 8;
        }
        if (at != until) {
            throw new Unreadable("its sections have no end");
        }
    }

    /** u64 size, 16 bytes of id, u32 granularity, u32 count, then the table. */
    private void bitmap(long at, long size, int end) throws Unreadable {
        long sectors = size < BITMAP ? -1 : longAt(at);
        long granularity = size < BITMAP ? 0 : longAt(at + 24) & 0xffffffffL;
        long count = size < BITMAP ? 0 : longAt(at + 24) >>> 32;
        if (sectors != header.sectors() || Long.bitCount(granularity) != 1) {
            throw new Unreadable("its dirty bitmap is of " + Long.toUnsignedString(sectors)
                    + " sectors, " + granularity + " a bit; the disk has " + header.sectors());
        }
        long bytes = ((sectors + granularity - 1) / granularity + 7) / 8;
        long expected = (bytes + header.clusterBytes() - 1) / header.clusterBytes();
        if (count != expected || count > (size - BITMAP) / 8) {
            throw new Unreadable("its dirty bitmap has " + count + " parts; right would be "
                    + expected);
        }
        for (long i = 0; i < count; i++) {
            long sector = longAt(at + BITMAP + 8 * i);
            if (sector != 0 && sector != 1) {
                int cluster = sector < 0 || sector > Long.MAX_VALUE / Header.SECTOR ? -1
                        : header.clusterAt(sector * Header.SECTOR);
                if (cluster < 0 || cluster >= end) {
                    throw new Unreadable("part " + i + " of its dirty bitmap would be at sector "
                            + Long.toUnsignedString(sector) + ", where the file has no cluster");
                }
                clusters.add(cluster);
            }
        }
    }

    private byte[] digest(long from, long until) throws Unreadable {
        try {
            MessageDigest md5 = MessageDigest.getInstance("MD5");
            for (long at = from; at < until;) {
                int in = load(at);
                int length = (int) Math.min(until - at, bufferUntil - at);
                ByteBuffer piece = buffer.bytes().slice(in, length);
                md5.update(piece);
                at += length;
            }
            return md5.digest();
        } catch (NoSuchAlgorithmException e) {
            throw new IllegalStateException(e);
        }
    }

    /** Eight bytes, which are aligned to eight: sectors are, and all that is in them. */
    private long longAt(long at) throws Unreadable {
        return buffer.bytes().getLong(load(at));
    }

    /** Where a byte is in the buffer, which is filled with it and what follows. */
    private int load(long at) throws Unreadable {
        if (bufferAt < 0 || at < bufferAt || at >= bufferUntil) {
            int block = backing.blockSize();
            bufferAt = at / block * block;
            bufferUntil = Math.min(bufferAt + buffer.size(), backing.size() / block * block);
            if (at + 8 > bufferUntil) {
                bufferAt = -1;
                throw new Unreadable("the file ends inside it");
            }
            Errno outcome = backing.read(bufferAt, buffer, 0, (int) (bufferUntil - bufferAt));
            if (outcome != Errno.OK) {
                bufferAt = -1;
                throw new Unreadable("it cannot be read: " + outcome.text());
            }
        }
        return (int) (at - bufferAt);
    }

    String fault() {
        return fault;
    }

    /** A section that only who knows it may drop, or null. */
    String foreign() {
        return foreign;
    }

    int sections() {
        return sections;
    }

    /** Clusters of the file that it takes, as far as it was read. */
    List<Integer> clusters() {
        return clusters;
    }
}
