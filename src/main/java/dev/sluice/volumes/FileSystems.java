package dev.sluice.volumes;

import dev.sluice.block.BlockException;
import dev.sluice.block.Errno;
import dev.sluice.block.Units;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

/**
 * Makes file systems on the files of the mount, mounts them through loop devices, and takes them
 * down again, by {@link Programs}. Thread-safe, but for the same volume.
 */
final class FileSystems {
    private static final long MOMENT = 10_000;
    private static final long LONG = 600_000;
    private static final long LAST = 15_000;
    private static final long LOOK = 2_000;
    private static final int FREE_STEPS = 60;
    private static final int NOTHING_FOUND = 2;
    /** Of e2fsck's exit code: something was repaired, or was not. */
    private static final int REPAIRED = 1;
    private static final int DAMAGED = 4;

    /**
     * Attaches $1 and mounts it at $2 as $3 with the options $5, in sectors of $4. From then on
     * the kernel takes the loop device away with the last mount, whatever becomes of us: whether
     * the daemon is killed meanwhile makes no difference to this shell. Requests are as large as
     * FUSE takes in one piece.
     */
    private static final String MOUNT = "loop=$(losetup --find --show --direct-io=on"
            + " --sector-size \"$4\" -- \"$1\") || exit 9; "
            + "queue=/sys/block/${loop#/dev/}/queue/max_sectors_kb; "
            + "if [ \"$(cat \"$queue\")\" -gt 1024 ]; then echo 1024 >\"$queue\"; fi; "
            + "mount -t \"$3\" -o \"$5\" -- \"$loop\" \"$2\"; end=$?; "
            + "losetup -d \"$loop\"; exit $end";

    /** Where the device files are. */
    private final Path dir;
    private final Disks disks;
    private final Programs programs;
    private final Path mounts;

    /** {@code mounts}: the kernel's list of them. */
    FileSystems(Path dir, Disks disks, Programs programs, Path mounts) {
        this.dir = dir;
        this.disks = disks;
        this.programs = programs;
        this.mounts = mounts;
    }

    /**
     * Makes one, unless there is one; its type.
     *
     * @param data bytes of somebody's that are on it, of which none must be lost
     */
    String make(String name, String type, int block, long data) throws BlockException {
        String file = dir.resolve(name).toString();
        Programs.Ended found = programs.run(LONG, "blkid", "-p", "-o", "value", "-s", "TYPE",
                "--", file);
        if (found.well() && !found.said().isBlank()) {
            return found.said().strip();
        }
        if (found.code() != NOTHING_FOUND) {
            throw new BlockException(Errno.EIO, "nobody can tell what is on " + name + " ("
                    + found.why() + "), so no file system is made; the daemon's log may say why");
        }
        if (data > 0) {
            throw new BlockException(Errno.EINVAL, "there is no file system on " + name + " that"
                    + " anybody knows, but " + Units.size(data) + " of data, so none is made; name"
                    + " an image that has one or is empty");
        }
        String sector = Integer.toString(sector(block));
        // The device is all zeros: nothing need be discarded or zeroed.
        well("no file system can be made on " + name, type.equals("xfs")
                ? programs.run(LONG, "mkfs.xfs", "-q", "-K", "-s", "size=" + sector, "--", file)
                : programs.run(LONG, "mkfs.ext4", "-q", "-F", "-b", "4096", "-m", "0", "-E",
                        "nodiscard,lazy_itable_init=1,lazy_journal_init=1", "--", file));
        if (type.equals("ext4")) {
            // Into a volume that is empty, and no other, docker and podman copy what the image has.
            well("lost+found cannot be taken out of " + name, programs.run(LONG, "debugfs", "-w",
                    "-R", "rmdir lost+found", file));
        }
        return type;
    }

    /**
     * Has a file system looked at before it is mounted; what was repaired, or null. With ext4 that
     * is the matter of a moment where the journal is whole, and a check where the kernel has noted
     * an error, which mounting alone would carry along. xfs does all of that in mount(2).
     */
    String check(String name, String type) throws BlockException {
        if (!type.equals("ext4")) {
            return null;
        }
        Programs.Ended ended = programs.run(LONG, "e2fsck", "-p", "--",
                dir.resolve(name).toString());
        if ((ended.code() & DAMAGED) != 0) {
            throw new BlockException(Errno.EIO, "the file system on " + name + " is damaged beyond"
                    + " what repairs itself (" + ended.story() + "); run e2fsck on it by hand, as"
                    + " docs/volumes.md says");
        }
        // Whatever else kept it from looking, as a disk that fails, mount(8) tells better.
        return ended.code() == REPAIRED ? ended.story() : null;
    }

    private static void well(String what, Programs.Ended ended) throws BlockException {
        if (!ended.well()) {
            throw new BlockException(Errno.EIO, what + ": " + ended.why() + "; when that is mended,"
                    + " ask again");
        }
    }

    /** A loop device has sectors of 512 bytes up to a page. */
    private static int sector(int block) {
        return Math.max(512, Math.min(4096, block));
    }

    /** Mounts it; the directory is made, and goes again where that fails. */
    void mount(String name, Path at, String type, int block) throws BlockException {
        String options = switch (type) {
            // One that was cut off may still be known by its number.
            case "xfs" -> "discard,nouuid";
            case "ext4" -> "discard,noinit_itable";
            default -> "rw";
        };
        directory(at, true);
        try {
            well(name + " cannot be mounted", programs.run(LONG, "sh", "-c", MOUNT, "sh",
                    dir.resolve(name).toString(), at.toString(), type,
                    Integer.toString(sector(block)), options));
        } catch (BlockException e) {
            directory(at, false);
            throw e;
        }
    }

    /** Makes or deletes a mount point: without a mount there is none, so nobody writes into it. */
    private static void directory(Path at, boolean wanted) throws BlockException {
        try {
            if (wanted) {
                Files.createDirectories(at);
            } else {
                Files.deleteIfExists(at);
            }
        } catch (IOException e) {
            throw new BlockException(Errno.EIO, "the directory " + at + " cannot be "
                    + (wanted ? "made" : "deleted") + " (" + e.getMessage() + "); the plugin's"
                    + " folder must be writable, and what is below mounts/ is its own", e);
        }
    }

    /** Unmounts it; what was written is durable then. */
    void unmount(String name, Path at) throws BlockException {
        if (mountedAt(at)) {
            Programs.Ended ended = programs.run(LONG, "umount", "--", at.toString());
            if (!ended.well() && mountedAt(at)) {
                throw new BlockException(Errno.EBUSY, name + " cannot be unmounted: "
                        + ended.why() + "; fuser -vm " + at + " shows who uses it");
            }
        }
        directory(at, false);
    }

    /** Waits a while until nobody has its file open: the loop device lets it go a little later. */
    void awaitFree(String name) {
        for (int i = 0; i < FREE_STEPS && disks.isOpen(name); i++) {
            disks.pause();
        }
    }

    /** The same while it may be in use, and must go all the same. */
    void unmountAtTheEnd(String name, Path at) throws BlockException {
        programs.run(LAST, "sync", "-f", at.toString());
        if (!programs.run(LAST, "umount", "--", at.toString()).well() && mountedAt(at)) {
            well(name + " cannot be unmounted",
                    programs.run(MOMENT, "umount", "-l", "--", at.toString()));
        }
        directory(at, false);
    }

    /** Takes away whatever is mounted there; its device may be gone. */
    void clear(Path at) throws BlockException {
        while (mountedAt(at)) {
            Programs.Ended ended = programs.run(MOMENT, "umount", "--", at.toString());
            if (!ended.well() && mountedAt(at)) {
                well(at + " cannot be cleared", programs.run(MOMENT, "umount", "-l", "--",
                        at.toString()));
            }
        }
        directory(at, false);
    }

    private boolean mountedAt(Path at) throws BlockException {
        try {
            return mountedAt(Files.readAllLines(mounts), at);
        } catch (IOException e) {
            throw new BlockException(Errno.EIO, mounts + " cannot be read (" + e.getMessage()
                    + "); it takes a mounted /proc", e);
        }
    }

    /** Whether a list of mounts, as the kernel has it, names this place. */
    static boolean mountedAt(List<String> lines, Path at) {
        String escaped = at.toString().replace("\\", "\\134").replace(" ", "\\040")
                .replace("\t", "\\011").replace("\n", "\\012");
        for (String line : lines) {
            String[] words = line.split(" ");
            if (words.length > 4 && words[4].equals(escaped)) {
                return true;
            }
        }
        return false;
    }

    /** Bytes of file systems that are used, and free, by mount point; without those that fail. */
    Map<String, long[]> figures(List<Path> points) throws BlockException {
        Map<String, long[]> all = new LinkedHashMap<>();
        if (points.isEmpty()) {
            return all;
        }
        String[] command = new String[points.size() + 5];
        System.arraycopy(new String[] {"stat", "-f", "-c", "%S %b %f %a %n", "--"}, 0, command, 0,
                5);
        for (int i = 0; i < points.size(); i++) {
            command[i + 5] = points.get(i).toString();
        }
        for (String line : programs.run(LOOK, command).said().split("\n")) {
            String[] words = line.split(" ", 5);
            if (words.length == 5 && words[0].matches("\\d{1,9}")) {
                long unit = Long.parseLong(words[0]);
                all.put(words[4], new long[] {
                    unit * (Long.parseLong(words[1]) - Long.parseLong(words[2])),
                    unit * Long.parseLong(words[3])});
            }
        }
        return all;
    }
}
