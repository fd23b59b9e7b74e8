package dev.sluice.ploop;

import dev.sluice.block.BlockException;
import dev.sluice.block.Device;
import dev.sluice.block.Errno;
import dev.sluice.block.Memory;
import dev.sluice.file.FileIo;
import dev.sluice.storage.Backing;
import dev.sluice.sys.Arena;
import java.util.ArrayList;
import java.util.List;

/**
 * What lies below the image that is written, in one map: for each cluster of the disk the uppermost
 * level that has it, and where in that file, so that a hundred levels are as quick as one. Nothing
 * of it ever changes once an image stands on it, so any thread may look. Where there is nothing
 * below it has no map.
 */
final class Below {
    private final List<Lower> lowers;
    private final Arena arena;
    private final int disk;
    private final long cluster;
    /** The byte of a level's file where its cluster 0 would be. */
    private final long[] bases;
    /** The byte of the disk where a level ends: from there on it has zeros. */
    private final long[] ends;
    private final FileIo[] ios;
    /** One more than the level of a cluster; 0 for none. */
    private final Memory levels;
    private final Memory places;
    private final int block;
    private int count;
    /** Requests and copies that are at its files. */
    private int users; // guarded by the device's lock

    /**
     * Looks at all of them and changes nothing; they are its owner's until all is well.
     *
     * @param lowers bottom first
     * @param path of the image above them, whose header follows
     */
    static Below of(List<Lower> lowers, String path, Header top, Arena arena, Device.Log log)
            throws BlockException {
        return of(lowers, path, top, false, arena, log);
    }

    /**
     * The same; {@code left}: nothing is written, and one that was not closed is taken where it is
     * sound, as a snapshot that a crash cut short leaves it. That nobody writes to it, its lock
     * says.
     */
    static Below of(List<Lower> lowers, String path, Header top, boolean left, Arena arena,
            Device.Log log) throws BlockException {
        Below below = new Below(lowers, top, arena);
        try {
            long before = 0;
            for (int i = 0; i < lowers.size(); i++) {
                below.add(i, path, top, left, log);
                if (below.ends[i] < before) {
                    throw longer(lowers.get(i - 1).path(), before, lowers.get(i).path(),
                            below.ends[i]);
                }
                before = below.ends[i];
            }
            if (before > top.diskBytes()) {
                throw longer(lowers.get(lowers.size() - 1).path(), before, path, top.diskBytes());
            }
            return below;
        } catch (BlockException | RuntimeException | Error e) {
            below.release();
            throw e;
        }
    }

    private Below(List<Lower> lowers, Header top, Arena arena) {
        this(lowers, top.needed(), top.clusterBytes(), arena);
    }

    private Below(List<Lower> lowers, int disk, long cluster, Arena arena) {
        this.lowers = List.copyOf(lowers);
        this.arena = arena;
        this.disk = disk;
        this.cluster = cluster;
        bases = new long[lowers.size()];
        ends = new long[lowers.size()];
        ios = new FileIo[lowers.size()];
        levels = lowers.isEmpty() ? null : arena.map(Math.max(1, disk));
        places = lowers.isEmpty() ? null : arena.map(4 * Math.max(1, disk));
        block = lowers.stream().mapToInt(lower -> lower.backing().blockSize()).max().orElse(1);
    }

    /**
     * The same with an image on top of it, as far as that is known: it learns of the image's
     * clusters by {@link #put} and {@link #remove}.
     */
    Below under(Lower image, Header header, FileIo io) {
        List<Lower> more = new ArrayList<>(lowers);
        more.add(image);
        Below next = new Below(more, header.needed(), cluster, arena);
        int top = lowers.size();
        System.arraycopy(bases, 0, next.bases, 0, top);
        System.arraycopy(ends, 0, next.ends, 0, top);
        System.arraycopy(ios, 0, next.ios, 0, top);
        next.bases[top] = header.offset(0);
        next.ends[top] = header.diskBytes();
        next.ios[top] = io;
        for (int i = 0; count > 0 && i < Math.min(disk, next.disk); i += Long.BYTES) {
            // What is empty costs no memory.
            boolean last = i + Long.BYTES > disk;
            if (last || levels.bytes().getLong(i) != 0) {
                int until = Math.min(disk, i + Long.BYTES);
                next.levels.copyFrom(i, levels, i, until - i);
                next.places.copyFrom(4 * i, places, 4 * i, 4 * (until - i));
            }
        }
        next.count = count;
        return next;
    }

    /** The uppermost level has a cluster. */
    void put(int index, int place) {
        set(index, lowers.size() - 1, place);
    }

    /** No level has a cluster any more. */
    void remove(int index) {
        count -= has(index) ? 1 : 0;
        levels.bytes().put(index, (byte) 0);
    }

    private static BlockException longer(String lower, long has, String upper, long less) {
        return new BlockException(Errno.EINVAL, lower + " has a disk of " + has + " bytes, more"
                + " than the " + less + " of " + upper + " above it; a file of a chain is at most"
                + " as long as the one above");
    }

    private void add(int level, String path, Header top, boolean left, Device.Log log)
            throws BlockException {
        Lower lower = lowers.get(level);
        Backing backing = lower.backing();
        if (lower.raw()) {
            ends[level] = backing.size();
        } else {
            try (Image image = Image.examine(lower.path(), backing, arena, log)) {
                check(lower.path(), image, path, top, left);
                if (image.header().dirty()) {
                    log.error(lower.path() + ": it was not closed, and is read as it was left",
                            null);
                }
                ends[level] = image.header().diskBytes();
                bases[level] = image.header().offset(0);
                if (ends[level] <= top.diskBytes()) {
                    merge(level, image);
                }
            }
        }
        if (ends[level] % block != 0 && ends[level] != top.diskBytes()) {
            throw new BlockException(Errno.EINVAL, lower.path() + " has a disk of " + ends[level]
                    + " bytes, which is not a multiple of " + block + ", the block of direct I/O"
                    + " on the chain; use direct=off");
        }
        if (lower.raw() && ends[level] <= top.diskBytes()) {
            mergeRaw(level, backing);
        }
    }

    private static void check(String lower, Image image, String path, Header top, boolean left)
            throws BlockException {
        Header header = image.header();
        if (header.dirty() && !left) {
            throw new BlockException(Errno.EBUSY, lower + " is marked as in use: something writes"
                    + " to it, or it was not closed; below another image it must be at rest. See it"
                    + " with: sluice image check " + lower);
        }
        if (image.findings().damaged()) {
            throw new BlockException(Errno.EIO, lower + " is damaged: "
                    + image.findings().damage().sentence() + "; see it with: sluice image check "
                    + lower);
        }
        if (header.clusterBytes() != top.clusterBytes()) {
            throw new BlockException(Errno.EINVAL, lower + " has clusters of "
                    + header.clusterBytes() + " bytes, and " + path + " above it of "
                    + top.clusterBytes() + "; all images of a chain have the same");
        }
        image.checkBlocks();
    }

    private void merge(int level, Image image) {
        Bat bat = image.bat();
        for (int i = bat.next(0); i < image.header().needed(); i = bat.next(i + 1)) {
            set(i, level, bat.get(i));
        }
    }

    /** What is a hole of the file is none here as well. */
    private void mergeRaw(int level, Backing backing) {
        long at = backing.seek(0, true);
        while (at < ends[level]) {
            long until = Math.max(at + 1, backing.seek(at, false));
            long stop = Math.min(until, ends[level]);
            for (int i = (int) (at / cluster); i * cluster < stop; i++) {
                set(i, level, i);
            }
            at = until < ends[level] ? backing.seek(until, true) : until;
        }
    }

    private void set(int index, int level, int place) {
        count += has(index) ? 0 : 1;
        levels.bytes().put(index, (byte) (level + 1));
        places.bytes().putInt(4 * index, place);
    }

    /** From now on reads go to the files beside one. */
    void start(FileIo top) {
        for (int i = 0; i < ios.length; i++) {
            ios[i] = top.beside(lowers.get(i).backing(), lowers.get(i).path());
        }
    }

    /** The files, bottom first. */
    List<Lower> lowers() {
        return lowers;
    }

    /** How many levels there are. */
    int levels() {
        return lowers.size();
    }

    /** Clusters that some level has. */
    int count() {
        return count;
    }

    /** The largest block of the files; 1 where any range will do. */
    int block() {
        return block;
    }

    /** Whether some level has a cluster of the disk. */
    boolean has(int index) {
        return index < disk && levels != null && levels.bytes().get(index) != 0;
    }

    /** The uppermost level that has a cluster, where one has. */
    int level(int index) {
        return (levels.bytes().get(index) & 0xff) - 1;
    }

    /** Where reads of a cluster go that is here. */
    FileIo io(int index) {
        return ios[level(index)];
    }

    /** Byte of that file where a cluster begins. */
    long offset(int index) {
        return bases[level(index)] + places.bytes().getInt(4 * index) * cluster;
    }

    /** Byte of the disk from which on the level of a cluster has zeros. */
    long end(int index) {
        return ends[level(index)];
    }

    /** Whether a cluster follows another one in the same file. */
    boolean follows(int index, int first) {
        return index < disk && levels.bytes().get(index) == levels.bytes().get(first)
                && places.bytes().getInt(4 * index)
                        == places.bytes().getInt(4 * first) + (index - first);
    }

    /** Reads what is in a cluster, in front of {@link #end}. Blocks. */
    Errno read(int index, long inside, Memory to, int at, int length) {
        return lowers.get(level(index)).backing().read(offset(index) + inside, to, at, length);
    }

    /** The name of a level's file. */
    String name(int level) {
        return lowers.get(level).path();
    }

    /** The files of a part of it go on as they are. */
    void start(Below other) {
        System.arraycopy(other.ios, 0, ios, 0, ios.length);
    }

    /** Somebody is at its files from now on. Under the device's lock, as the next two. */
    void enter() {
        users++;
    }

    void leave() {
        users--;
    }

    boolean used() {
        return users > 0;
    }

    /** Gives memory back, and leaves the files as they are. */
    void release() {
        if (levels != null) {
            arena.unmap(levels);
            arena.unmap(places);
        }
    }

    /** Closes the files; the memory was given back. */
    void close() throws BlockException {
        closeAll(lowers);
    }

    /** Closes the files, all of them, whatever happens. */
    static void closeAll(List<Lower> lowers) throws BlockException {
        BlockException first = null;
        for (Lower lower : lowers) {
            try {
                lower.backing().close();
            } catch (BlockException e) {
                first = first == null ? e : first;
            }
        }
        if (first != null) {
            throw first;
        }
    }
}
