package dev.sluice.ploop;

import dev.sluice.block.BlockException;
import dev.sluice.block.Errno;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.List;

/**
 * The first 64 bytes of an image. Clusters of the file are numbered from 1 on here, in both
 * versions, so that 0 means none: the first one that holds data is {@link #firstCluster()}.
 *
 * @param version 2, whose words are clusters from the start of the file, or 1: sectors
 * @param heads a hint of geometry, as are the cylinders
 * @param cylinders see heads
 * @param clusterSectors sectors of a cluster
 * @param entries words of the table
 * @param sectors sectors of the disk
 * @param inUse {@link #DIRTY} while it is open for writing
 * @param dataSectors where data begins, in sectors, as it is stored; not always as it is meant
 * @param flags bit 0: it has no cluster; bit 1: being converted
 * @param extension where the format extension is, in sectors; 0 for none
 */
public record Header(int version, int heads, int cylinders, long clusterSectors, int entries,
        long sectors, int inUse, long dataSectors, int flags, long extension) {
    /** Bytes of it; the table follows. */
    public static final int BYTES = 64;
    /** Bytes of a sector. */
    public static final int SECTOR = 512;
    /** The most words: with the header they are one piece of memory. */
    public static final int MAX_ENTRIES = (1 << 28) - BYTES / 4;
    /** Open for writing, or not closed. */
    public static final int DIRTY = 0x746F6E59;
    /** Closed by software that keeps the format extension. */
    public static final int CLOSED_WITH_EXTENSION = 0x312E3276;

    static final String MAGIC_1 = "WithoutFreeSpace";
    static final String MAGIC_2 = "WithouFreSpacExt";

    private static final int TYPE = 2;
    private static final int EMPTY = 1;
    private static final int CONVERTING = 2;
    /** As qemu has it. */
    private static final long MAX_CLUSTER_SECTORS = Integer.MAX_VALUE / 513;
    private static final long MAX_WORD = 0xffffffffL;
    /** More than any table takes; numbers of clusters are ints. */
    private static final int MAX_FIRST = 1 << 30;

    /** The header of a new, empty image, for everybody who reads the format. */
    public static Header create(long diskBytes, long clusterBytes) throws BlockException {
        if (clusterBytes <= 0 || clusterBytes % SECTOR != 0
                || clusterBytes / SECTOR > MAX_CLUSTER_SECTORS) {
            throw new BlockException(Errno.EINVAL, "a cluster of " + clusterBytes
                    + " bytes is not possible: it must be a multiple of " + SECTOR + ", at most "
                    + MAX_CLUSTER_SECTORS * SECTOR);
        }
        if (diskBytes <= 0 || diskBytes % SECTOR != 0) {
            throw new BlockException(Errno.EINVAL, "a disk of " + diskBytes
                    + " bytes is not possible: it must be a multiple of " + SECTOR
                    + " and more than 0");
        }
        long entries = (diskBytes - 1) / clusterBytes + 1;
        if (entries > MAX_ENTRIES) {
            throw new BlockException(Errno.EFBIG, "a disk of " + diskBytes + " bytes has " + entries
                    + " clusters of " + clusterBytes + ", more than " + MAX_ENTRIES
                    + "; take larger clusters");
        }
        long sectors = diskBytes / SECTOR;
        long tracks = clusterBytes / SECTOR;
        long first = (BYTES + 4 * entries - 1) / clusterBytes + 1;
        return new Header(2, 16, (int) Math.min(sectors / 16 / 32, Integer.MAX_VALUE), tracks,
                (int) entries, sectors, 0, first * tracks, EMPTY, 0);
    }

    /**
     * What the bytes say, where it makes sense.
     *
     * @param path names the file in what is said of it
     * @param bytes at least 64, from its start
     * @param fileBytes the size of the file
     */
    public static Header parse(String path, ByteBuffer bytes, long fileBytes)
            throws BlockException {
        ByteBuffer b = bytes.duplicate().order(ByteOrder.LITTLE_ENDIAN);
        int version = version(path, b);
        check(path, b.getInt(16) == TYPE, "type", b.getInt(16), "2");
        long tracks = b.getInt(28) & MAX_WORD;
        check(path, tracks > 0 && tracks <= MAX_CLUSTER_SECTORS, "sectors of a cluster", tracks,
                "1 to " + MAX_CLUSTER_SECTORS);
        long entries = b.getInt(32) & MAX_WORD;
        check(path, entries <= MAX_ENTRIES, "number of table words", entries,
                "at most " + MAX_ENTRIES);
        check(path, BYTES + 4 * entries <= fileBytes, "number of table words", entries,
                "at most " + (fileBytes - BYTES) / 4 + ", as the file has " + fileBytes + " bytes");
        long sectors = version == 1 ? b.getInt(36) & MAX_WORD : b.getLong(36);
        // Not multiplied: hostile numbers overflow.
        long most = entries * tracks;
        check(path, sectors >= 0 && sectors <= most, "disk size in sectors", sectors,
                "at most " + most + ", which the table has words for");
        long data = b.getInt(48) & MAX_WORD;
        check(path, data / tracks < MAX_FIRST, "start of data in sectors", data,
                "less than " + MAX_FIRST + " clusters of " + tracks);
        int flags = b.getInt(52);
        if ((flags & CONVERTING) != 0) {
            throw new BlockException(Errno.EBUSY, path + " is being converted from one version of"
                    + " the format to the other (flags " + flags + "); finish that with the program"
                    + " that began it");
        }
        return new Header(version, b.getInt(20), b.getInt(24), tracks, (int) entries, sectors,
                b.getInt(44), data, flags, b.getLong(56));
    }

    /** Whether the bytes begin as an image does, sound or not. */
    public static boolean looksLikeOne(ByteBuffer bytes) {
        String text = magic(bytes);
        return text.equals(MAGIC_1) || text.equals(MAGIC_2);
    }

    private static String magic(ByteBuffer b) {
        byte[] magic = new byte[16];
        b.get(0, magic);
        return new String(magic, StandardCharsets.ISO_8859_1);
    }

    private static int version(String path, ByteBuffer b) throws BlockException {
        String text = magic(b);
        if (text.equals(MAGIC_2)) {
            return 2;
        }
        if (text.equals(MAGIC_1)) {
            return 1;
        }
        throw new BlockException(Errno.EINVAL, path + " is no ploop image: it begins with \""
                + text.replaceAll("[^ -~]", ".") + "\", not with \"" + MAGIC_2 + "\" or \""
                + MAGIC_1 + "\"; name one, or make one of a disk with: sluice image convert");
    }

    private static void check(String path, boolean right, String what, long found, String expected)
            throws BlockException {
        if (!right) {
            throw new BlockException(Errno.EINVAL, path + " is a damaged ploop image: the " + what
                    + " is " + (found < 0 ? Long.toUnsignedString(found) : found)
                    + "; right would be " + expected);
        }
    }

    /** Stores it at the start of the memory. */
    public void encode(ByteBuffer to) {
        ByteBuffer b = to.duplicate().order(ByteOrder.LITTLE_ENDIAN);
        b.put(0, (version == 1 ? MAGIC_1 : MAGIC_2).getBytes(StandardCharsets.ISO_8859_1));
        b.putInt(16, TYPE);
        b.putInt(20, heads);
        b.putInt(24, cylinders);
        b.putInt(28, (int) clusterSectors);
        b.putInt(32, entries);
        b.putLong(36, sectors);
        b.putInt(44, inUse);
        b.putInt(48, (int) dataSectors);
        b.putInt(52, flags);
        b.putLong(56, extension);
    }

    /** The same, marked as in use or not, with another extension. */
    public Header with(int nowInUse, long nowExtension) {
        return new Header(version, heads, cylinders, clusterSectors, entries, sectors, nowInUse,
                dataSectors, flags, nowExtension);
    }

    /** Whether it says that no cluster is allocated. */
    boolean empty() {
        return (flags & EMPTY) != 0;
    }

    /** The same, marked as having no cluster or not: OpenVZ's checker wants it to be right. */
    Header withEmpty(boolean empty) {
        return new Header(version, heads, cylinders, clusterSectors, entries, sectors, inUse,
                dataSectors, empty ? flags | EMPTY : flags & ~EMPTY, extension);
    }

    /** The same for a larger disk: with a larger table, and data that begins behind it. */
    Header grown(long diskBytes) throws BlockException {
        long needed = (diskBytes - 1) / clusterBytes() + 1;
        if (needed > MAX_ENTRIES || diskBytes / SECTOR > (version == 1 ? MAX_WORD
                : Long.MAX_VALUE)) {
            throw new BlockException(Errno.EFBIG, "a disk of " + diskBytes + " bytes has " + needed
                    + " clusters of " + clusterBytes() + ", more than an image of version "
                    + version + " can have; make one of larger clusters with: sluice image convert"
                    + " --cluster");
        }
        Header larger = new Header(version, heads, cylinders, clusterSectors,
                (int) Math.max(needed, entries), diskBytes / SECTOR, inUse, dataStart() / SECTOR,
                flags, extension);
        long more = Math.max(0, larger.leastDataSectors() - larger.dataSectors);
        return larger.withData(larger.dataSectors
                + (more + clusterSectors - 1) / clusterSectors * clusterSectors);
    }

    /** The same with another start of data, in sectors. */
    public Header withData(long nowDataSectors) {
        return new Header(version, heads, cylinders, clusterSectors, entries, sectors, inUse,
                nowDataSectors, flags, extension);
    }

    /** Bytes of a cluster. */
    public long clusterBytes() {
        return clusterSectors * SECTOR;
    }

    /** Bytes of the disk. */
    public long diskBytes() {
        return sectors * SECTOR;
    }

    /** Bytes of header and table. */
    public long metaBytes() {
        return BYTES + 4L * entries;
    }

    /** The least that {@link #dataSectors} can be. */
    public long leastDataSectors() {
        long unit = version == 1 ? 1 : clusterSectors;
        long least = (metaBytes() + SECTOR - 1) / SECTOR;
        return (least + unit - 1) / unit * unit;
    }

    /** Whether the stored start of data is one; in version 1 it may be left to follow. */
    public boolean dataSectorsRight() {
        if (version == 1) {
            return dataSectors == 0 || dataSectors >= leastDataSectors();
        }
        return dataSectors >= leastDataSectors() && dataSectors % clusterSectors == 0;
    }

    /** Byte of the file where data begins. */
    public long dataStart() {
        return SECTOR * (dataSectors != 0 ? dataSectors : leastDataSectors());
    }

    /** The number of the cluster at the start of the data, at least 1. */
    public int firstCluster() {
        return (int) Math.max(1, (dataStart() + clusterBytes() - 1) / clusterBytes());
    }

    /** Byte of the file where a cluster begins. */
    public long offset(int cluster) {
        return dataStart() + (cluster - firstCluster()) * clusterBytes();
    }

    /** The number of the cluster at a byte of the file, or -1 where none begins. */
    public int clusterAt(long offset) {
        long from = offset - dataStart();
        long number = from / clusterBytes() + firstCluster();
        return from < 0 || from % clusterBytes() != 0 || number > Integer.MAX_VALUE ? -1
                : (int) number;
    }

    /** The byte of the file that a word of the table means. */
    long meaning(long word) {
        return word * (version == 1 ? SECTOR : clusterBytes());
    }

    /** The word of the table for a cluster. */
    int word(int cluster) {
        return version == 1 ? (int) (offset(cluster) / SECTOR) : cluster;
    }

    /** The largest number of a cluster that a word can hold. */
    int lastCluster() {
        long last = version == 1
                ? (MAX_WORD - dataStart() / SECTOR) / clusterSectors + firstCluster()
                : Integer.MAX_VALUE;
        return (int) Math.min(last, Integer.MAX_VALUE);
    }

    /** How many words the disk needs; the table may have more. */
    int needed() {
        return (int) ((sectors + clusterSectors - 1) / clusterSectors);
    }

    /** Why OpenVZ's kernel and tools would refuse it, for a file of so many bytes. */
    public List<String> obstacles(long fileBytes) {
        List<String> all = new ArrayList<>();
        add(all, version != 2, "version 1");
        add(all, Long.bitCount(clusterSectors) != 1 || clusterSectors < 64
                || clusterSectors > 131072, "a cluster of " + clusterBytes()
                + " bytes, not a power of two from 32k to 64M");
        add(all, sectors % clusterSectors != 0, "a disk that is no whole number of clusters");
        add(all, entries != needed(), "a table of " + entries + " words for " + needed()
                + " clusters");
        add(all, dataSectors != leastDataSectors(), "data that begins at sector " + dataSectors
                + ", not at " + leastDataSectors());
        add(all, fileBytes % clusterBytes() != 0, "a file that is no whole number of clusters");
        return all;
    }

    private static void add(List<String> all, boolean so, String why) {
        if (so) {
            all.add(why);
        }
    }

    /** Whether it is in use, or was not closed. */
    public boolean dirty() {
        return inUse == DIRTY;
    }
}
