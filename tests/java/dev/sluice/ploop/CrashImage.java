package dev.sluice.ploop;

import dev.sluice.testing.MemoryFile;
import dev.sluice.testing.SectorOracle;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;
import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;
import java.util.Arrays;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Random;

/** An image as its bytes are, made and read without the program, so that neither trusts itself. */
final class CrashImage {
    static final int IN_USE = 0x746F6E59;
    private static final int CLOSED_WITH_EXTENSION = 0x312E3276;
    private static final long EXTENSION = 0xAB234CEF23DCEA87L;
    private static final int SECTOR = MemoryFile.SECTOR;

    private final MemoryFile file;
    private final MemoryFile below;
    private CrashImage lower;
    private final ByteBuffer b;

    CrashImage(MemoryFile file) {
        this(file, null);
    }

    /** On a file that has what it does not; or null. */
    CrashImage(MemoryFile file, MemoryFile below) {
        this.file = file;
        this.below = below;
        this.b = ByteBuffer.wrap(file.bytes()).order(ByteOrder.LITTLE_ENDIAN);
    }

    /**
     * An empty disk; behind the table there may be clusters that nothing names, full of junk, and
     * one of zeros behind them that the last word names.
     *
     * @param version 1 or 2
     * @param clusters how many the disk has
     * @param stale how many clusters of junk; then there is half a cluster at the end as well
     * @param extended whether there is a format extension with nothing in it, at the end
     */
    static MemoryFile create(int version, int cluster, int clusters, int stale, int blockSize,
            boolean extended, Random random) {
        int data = (64 + 4 * clusters + cluster - 1) / cluster;
        int inFile = data + (stale > 0 ? stale + 1 : 0);
        long whole = (long) (inFile + (extended ? 1 : 0)) * cluster;
        int tail = stale > 0 ? cluster / 2 / blockSize * blockSize : 0;
        MemoryFile file = new MemoryFile(whole + tail, blockSize);
        ByteBuffer b = ByteBuffer.wrap(file.bytes()).order(ByteOrder.LITTLE_ENDIAN);
        String magic = version == 1 ? "WithoutFreeSpace" : "WithouFreSpacExt";
        b.put(0, magic.getBytes(StandardCharsets.US_ASCII));
        b.putInt(16, 2).putInt(20, 16).putInt(24, 1).putInt(28, cluster / SECTOR);
        b.putInt(32, clusters).putLong(36, (long) clusters * cluster / SECTOR);
        b.putInt(48, data * cluster / SECTOR);
        byte[] junk = new byte[stale * cluster];
        random.nextBytes(junk);
        b.put(data * cluster, junk).put((int) whole, junk, 0, tail);
        if (stale > 0) {
            int last = inFile - 1;
            b.putInt(64 + 4 * (clusters - 1), version == 1 ? last * (cluster / SECTOR) : last);
        }
        if (extended) {
            b.putInt(44, CLOSED_WITH_EXTENSION);
            b.putLong(56, (long) inFile * cluster / SECTOR);
            b.putLong(inFile * cluster, EXTENSION);
            b.put(inFile * cluster + 8, sum(file, inFile * cluster, cluster));
        }
        // Told to the file too, or it takes all for one hole.
        MemoryFile stored = new MemoryFile(file.size(), blockSize);
        stored.reserve(0, file.size());
        System.arraycopy(file.bytes(), 0, stored.bytes(), 0, (int) file.size());
        return stored;
    }

    /** Of the extension at a byte of the file. */
    private static byte[] sum(MemoryFile file, int at, int cluster) {
        try {
            MessageDigest md5 = MessageDigest.getInstance("MD5");
            md5.update(file.bytes(), at + 24, cluster - 24);
            return md5.digest();
        } catch (NoSuchAlgorithmException e) {
            throw new AssertionError(e);
        }
    }

    /** Where the header names an extension, there is one. */
    void checkExtension() {
        long at = b.getLong(56) * SECTOR;
        if (at == 0) {
            return;
        }
        byte[] stored = new byte[16];
        if (at + cluster() <= file.size()) {
            b.get((int) at + 8, stored);
        }
        if (b.getLong((int) at) != EXTENSION
                || !Arrays.equals(stored, sum(file, (int) at, cluster()))) {
            throw new AssertionError("the header names an extension at byte " + at
                    + " that is not there any longer");
        }
    }

    boolean inUse() {
        return b.getInt(44) == IN_USE;
    }

    int cluster() {
        return b.getInt(28) * SECTOR;
    }

    int clusters() {
        return b.getInt(32);
    }

    long diskBytes() {
        return b.getLong(36) * SECTOR;
    }

    long dataStart() {
        return b.getInt(48) * (long) SECTOR;
    }

    /** The byte of the file where a cluster of the disk is; 0 where it is nowhere. */
    long offset(int i) {
        long word = b.getInt(64 + 4 * i) & 0xffffffffL;
        return word * (b.getLong(0) == 0x4674756F68746957L && b.getLong(8) == 0x6563617053656572L
                ? SECTOR : cluster());
    }

    /** No word is outside of the data, nor two of the same cluster. */
    void checkWords() {
        Map<Long, Integer> owners = new HashMap<>();
        for (int i = 0; i < clusters(); i++) {
            long at = offset(i);
            if (at == 0) {
                continue;
            }
            if (at < dataStart() || (at - dataStart()) % cluster() != 0
                    || at + cluster() > file.size()) {
                throw new AssertionError("cluster " + i + " is at byte " + at
                        + ", which is outside of the data, " + dataStart() + " to "
                        + file.size());
            }
            Integer other = owners.put(at, i);
            if (other != null) {
                throw new AssertionError("clusters " + other + " and " + i
                        + " are both at byte " + at);
            }
        }
    }

    /** On other images, bottom first; the last one is the top. */
    static CrashImage of(List<MemoryFile> files) {
        CrashImage image = null;
        for (MemoryFile file : files) {
            CrashImage above = new CrashImage(file);
            above.lower = image;
            image = above;
        }
        return image;
    }

    /** Who looks at a sector. */
    interface Look {
        void at(int sector, byte[] bytes, int at);
    }

    private void lower(int sector, Look look) {
        int cluster = sector / (cluster() / SECTOR);
        long at = sector < diskBytes() / SECTOR ? offset(cluster) : 0;
        if (at != 0) {
            look.at(sector, file.bytes(), (int) at + sector % (cluster() / SECTOR) * SECTOR);
        } else if (lower != null && sector < diskBytes() / SECTOR) {
            lower.lower(sector, look);
        } else {
            look.at(sector, null, 0);
        }
    }

    /** All sectors. */
    void each(Look look) {
        int sectors = cluster() / SECTOR;
        int all = (int) (diskBytes() / SECTOR);
        for (int i = 0; i < clusters(); i++) {
            long at = offset(i);
            for (int s = 0; s < sectors && i * sectors + s < all; s++) {
                int sector = i * sectors + s;
                if (at != 0) {
                    look.at(sector, file.bytes(), (int) at + s * SECTOR);
                } else if (lower != null) {
                    lower.lower(sector, look);
                } else if (below != null && (sector + 1L) * SECTOR <= below.size()) {
                    look.at(sector, below.bytes(), sector * SECTOR);
                } else {
                    look.at(sector, null, 0);
                }
            }
        }
    }

    /** Every sector holds what it may after a power failure, or after a close. */
    void judge(SectorOracle oracle, boolean closed) {
        each((sector, bytes, at) -> oracle.crashed(sector, bytes, at, closed));
    }

    /** What is there now is what is there from now on. */
    void adopt(SectorOracle oracle) {
        each(oracle::adopt);
    }
}
