package dev.sluice.ploop;

import dev.sluice.block.BlockException;
import dev.sluice.block.Errno;

/** Which ranges of a disk are where in the file. */
public final class Extents {
    private final String path;
    private final Header header;
    private final Bat bat;

    /** Of an image that stays open meanwhile. */
    public Extents(String path, Image image) {
        this.path = path;
        this.header = image.header();
        this.bat = image.bat();
    }

    /** Who is told. */
    @FunctionalInterface
    public interface Visitor {
        /** A range of the disk, and where it is in the file, in bytes; -1 for nowhere: zeros. */
        void extent(long start, long length, long at);
    }

    /** Goes through the disk; what follows each other in both is one range. One at least. */
    public void each(Visitor visitor) throws BlockException {
        long start = 0;
        long from = -1;
        long size = header.clusterBytes();
        for (int i = 0; i < header.needed(); i++) {
            long at = offset(i);
            long begin = i * size;
            boolean follows = from < 0 ? at < 0 : at == from + (begin - start);
            if (i == 0) {
                from = at;
            } else if (!follows) {
                visitor.extent(start, begin - start, from);
                start = begin;
                from = at;
            }
        }
        visitor.extent(start, header.diskBytes() - start, from);
    }

    private long offset(int index) throws BlockException {
        int cluster = bat.get(index);
        if (cluster == Bat.BAD) {
            throw new BlockException(Errno.EIO, path + " is damaged: cluster " + index + " of the"
                    + " disk has no place in the file; see it with: sluice image check " + path);
        }
        return cluster == Bat.NONE ? -1 : header.offset(cluster);
    }
}
