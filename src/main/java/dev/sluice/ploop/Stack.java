package dev.sluice.ploop;

import dev.sluice.block.BlockException;
import dev.sluice.block.Device;
import dev.sluice.block.Errno;
import dev.sluice.block.Memory;
import dev.sluice.storage.Backing;
import dev.sluice.sys.Arena;
import java.util.List;

/**
 * A chain that is only read: what the disk is, as its uppermost file shows it. The files are their
 * owner's and stay open meanwhile.
 */
public final class Stack implements AutoCloseable {
    private final Lower top;
    private final Image image;
    private final Below below;

    private Stack(Lower top, Image image, Below below) {
        this.top = top;
        this.image = image;
        this.below = below;
    }

    /**
     * Opens it: files bottom first, and the uppermost is an image.
     *
     * @param described whether a DiskDescriptor.xml says so: a sound file below the uppermost is
     *     taken then that was not closed, if nobody has it locked for writing
     */
    public static Stack open(List<Lower> files, boolean described, Arena arena, Device.Log log)
            throws BlockException {
        Lower top = files.get(files.size() - 1);
        Image image = Image.examine(top.path(), top.backing(), arena, log);
        try {
            return new Stack(top, image, Below.of(files.subList(0, files.size() - 1), top.path(),
                    image.header(), described, arena, log));
        } catch (BlockException | RuntimeException | Error e) {
            image.close();
            throw e;
        }
    }

    /** The uppermost image. */
    public Image top() {
        return image;
    }

    /** What is on the disk. */
    public Contents contents() {
        return below.levels() == 0 ? Contents.of(top.path(), image, top.backing())
                : Contents.stacked(this);
    }

    /** Clusters of the disk. */
    public int clusters() {
        return image.header().needed();
    }

    /** Bytes of the disk. */
    public long size() {
        return image.header().diskBytes();
    }

    /** How many files there are. */
    public int levels() {
        return below.levels() + 1;
    }

    /** The uppermost file that has a cluster, 0 for the lowest; -1 for none. */
    public int level(int index) {
        return image.bat().word(index) != 0 ? below.levels() : below.has(index)
                ? below.level(index) : -1;
    }

    /** The byte of that file where a cluster begins. */
    public long offset(int index) throws BlockException {
        int place = image.bat().get(index);
        if (place == Bat.BAD) {
            throw new BlockException(Errno.EIO, top.path() + " is damaged: cluster " + index
                    + " of the disk has no place in the file; see it with: sluice image check "
                    + top.path());
        }
        return place != Bat.NONE ? image.header().offset(place) : below.offset(index);
    }

    /** The byte of the disk from which on the file that has a cluster has zeros. */
    public long end(int index) {
        return image.bat().word(index) != 0 ? size() : below.end(index);
    }

    /** Reads a range of one cluster that some file has. */
    void read(int index, long inside, Memory to, int at, int length) throws BlockException {
        int level = level(index);
        long start = index * image.header().clusterBytes() + inside;
        int there = (int) Math.max(0, Math.min(length, end(index) - start));
        Errno outcome = Errno.OK;
        if (level == below.levels()) {
            outcome = top.backing().read(offset(index) + inside, to, at, length);
        } else if (there > 0) {
            outcome = below.read(index, inside, to, at, there);
        }
        if (outcome != Errno.OK) {
            throw BlockException.storage(outcome, name(level) + " cannot be read at byte "
                    + (offset(index) + inside));
        }
        for (int i = there; i < length; i++) {
            to.bytes().put(at + i, (byte) 0);
        }
    }

    /** The name of a file, 0 for the lowest. */
    public String name(int level) {
        return level == below.levels() ? top.path() : below.name(level);
    }

    /** Gives memory back. */
    @Override
    public void close() throws BlockException {
        below.release();
        image.close();
    }
}
