package dev.sluice.table;

import dev.sluice.block.BlockException;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.InvalidPathException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;

/**
 * Which data the paths of a table name, so that no two devices write to the same and none lies
 * under the mount. A file is its device and inode; a block device its number; a loop device is its
 * backing file; a partition is itself and part of its disk.
 */
final class PathUse {
    /** Loop devices on files on loop devices …: the kernel allows no more than a few. */
    private static final int MAX_LOOPS = 32;
    private static final int TYPE_MASK = 0xf000;
    private static final int BLOCK_DEVICE = 0x6000;

    /** What stat(2) tells of a path. */
    record Stat(long dev, long inode, boolean block, long rdev) {}

    /** Follows symbolic links; a test has its own. */
    @FunctionalInterface
    interface Stats {
        Stat of(Path path) throws IOException;
    }

    /** The data: what it is, and what larger data it is a part of. */
    private record Data(String id, List<String> wholes) {
        boolean overlaps(Data other) {
            return id.equals(other.id) || wholes.contains(other.id) || other.wholes.contains(id);
        }
    }

    private record Use(String name, int number, String path, boolean shared, Data data) {}

    private final Path mountDir;
    private final Path sys;
    private final Stats stats;
    private final List<Use> uses = new ArrayList<>(); // guarded by this

    /**
     * @param mountDir where the mount will be; null when there is none
     * @param sys where sysfs is
     */
    PathUse(Path mountDir, Path sys, Stats stats) {
        this.mountDir = mountDir == null ? null : mountDir.toAbsolutePath().normalize();
        this.sys = sys;
        this.stats = stats;
    }

    static PathUse ofHost(Path mountDir) {
        return new PathUse(mountDir, Path.of("/sys"), PathUse::stat);
    }

    private static Stat stat(Path path) throws IOException {
        Map<String, Object> all = Files.readAttributes(path, "unix:dev,ino,mode,rdev");
        return new Stat((long) all.get("dev"), (long) all.get("ino"),
                ((int) all.get("mode") & TYPE_MASK) == BLOCK_DEVICE, (long) all.get("rdev"));
    }

    /**
     * Takes a path of a line; refuses one that is used or lies under the mount.
     *
     * @param shared whether others that only read it may do so
     */
    synchronized void add(String name, int number, String text, boolean shared)
            throws BlockException {
        Path path;
        try {
            path = Path.of(text).toAbsolutePath();
        } catch (InvalidPathException e) {
            throw LineParser.wrong("the path " + text + " cannot be (" + e.getReason()
                    + "); name a file or block device");
        }
        Data data = data(path, text, 0);
        for (Use use : uses) {
            boolean both = shared && use.shared && !use.name.equals(name);
            if (!both && use.data.overlaps(data)) {
                throw LineParser.wrong(text + " holds the same data as " + use.path + " of "
                        + use.name + " in line " + use.number
                        + "; give each device a path of its own");
            }
        }
        uses.add(new Use(name, number, text, shared, data));
    }

    /** Gives back what a device has taken. */
    synchronized void remove(String name) {
        uses.removeIf(use -> use.name.equals(name));
    }

    private Data data(Path path, String way, int loops) throws BlockException {
        checkOutside(path, way);
        Stat stat;
        try {
            stat = stats.of(path);
        } catch (IOException e) {
            // What cannot be seen is known by its name; opening it will tell what is wrong.
            return new Data("path " + resolve(path), List.of());
        }
        if (!stat.block) {
            return new Data("file " + stat.dev + ":" + stat.inode, List.of());
        }
        // As the C library packs a device number.
        long major = stat.rdev >> 8 & 0xfff | stat.rdev >> 32 & ~0xfffL;
        long minor = stat.rdev & 0xff | stat.rdev >> 12 & ~0xffL;
        return block(sys.resolve("dev/block/" + major + ":" + minor), major + ":" + minor, way,
                loops);
    }

    /** What a block device is, by its folder in sysfs. */
    private Data block(Path folder, String number, String way, int loops) throws BlockException {
        String id = "block " + number;
        try {
            if (Files.exists(folder.resolve("partition"))) {
                Path disk = folder.toRealPath().getParent();
                Data whole = block(disk, Files.readString(disk.resolve("dev")).strip(), way,
                        loops);
                List<String> wholes = new ArrayList<>(whole.wholes);
                wholes.add(whole.id);
                return new Data(id, wholes);
            }
            Path backing = folder.resolve("loop/backing_file");
            if (loops < MAX_LOOPS && Files.exists(backing)) {
                String file = Files.readString(backing);
                file = file.endsWith("\n") ? file.substring(0, file.length() - 1) : file;
                return data(Path.of(file), way + ", a loop device on " + file, loops + 1);
            }
        } catch (BlockException e) {
            throw e;
        } catch (IOException e) {
            throw LineParser.wrong(way + " cannot be looked up in " + folder + " ("
                    + e.getMessage() + "); name a device that is there");
        }
        return new Data(id, List.of());
    }

    /** First by name alone: to ask about a path under a mount that hangs would hang. */
    private void checkOutside(Path path, String way) throws BlockException {
        if (mountDir == null) {
            return;
        }
        Path named = path.normalize();
        boolean inside = named.startsWith(mountDir);
        if (!inside) {
            Path dir = resolve(mountDir);
            Path real = named.startsWith(dir) ? named : resolve(path);
            inside = real.startsWith(dir);
        }
        if (inside) {
            throw LineParser.wrong(way + " lies in the directory of the mount, " + mountDir
                    + "; name a path outside of it");
        }
    }

    /** The path without symbolic links, as far as it exists. */
    private static Path resolve(Path path) {
        try {
            return path.toRealPath();
        } catch (IOException e) {
            Path parent = path.getParent();
            return parent == null ? path : resolve(parent).resolve(path.getFileName());
        }
    }
}
