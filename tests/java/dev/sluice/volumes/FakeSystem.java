package dev.sluice.volumes;

import dev.sluice.block.BlockException;
import dev.sluice.block.Errno;
import dev.sluice.block.Units;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import java.util.TreeSet;
import java.util.concurrent.CountDownLatch;

/**
 * A system in which volumes live: devices, and programs that make file systems on them and mount
 * them. It refuses what the real one would, or should: a file system made over another, two mounts
 * of one device, a mount point that is not there.
 */
final class FakeSystem implements Disks, Programs {
    /** A device; what is on it. */
    static final class Disk {
        String below = "";
        String table = "";
        String fs = "";
        int opens;
    }

    /** The process ends here. */
    static final class Crash extends Error {
        private static final long serialVersionUID = 1;
    }

    final Map<String, Disk> disks = new TreeMap<>();
    /** What is in images, by file name: it outlives the process. */
    final Map<String, String> images;
    final Map<String, String> mounted = new LinkedHashMap<>();
    final List<String> done = new ArrayList<>();
    /** What fails: the first words of a command. */
    final TreeSet<String> failing = new TreeSet<>();
    /** Mounts that something else uses. */
    final TreeSet<String> busy = new TreeSet<>();
    /** Programs wait for it. */
    volatile CountDownLatch gate = new CountDownLatch(0);
    /** After so many steps the process ends. */
    int steps = Integer.MAX_VALUE;
    /** Bytes that each device stores. */
    int stored = 4096;
    /** How a check of a file system ends. */
    int checked;
    /** What delays are now, of all devices. */
    String delays = "read=1ms";
    /** How often an image is found in use. */
    int locked;
    /** How often somebody waited for a moment. */
    int pauses;
    private final Path mountinfo;

    FakeSystem(Path mountinfo, Map<String, String> images) {
        this.mountinfo = mountinfo;
        this.images = images;
        list();
    }

    private synchronized void list() {
        StringBuilder text = new StringBuilder("1 0 0:1 / / rw - ext4 /dev/root rw\n");
        mounted.keySet().forEach(at -> text.append("2 1 7:0 / ").append(at)
                .append(" rw - ext4 /dev/loop0 rw\n"));
        try {
            Files.writeString(mountinfo, text);
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    private void step(String what) {
        if (steps-- <= 0) {
            throw new Crash();
        }
        done.add(what);
    }

    @Override
    public synchronized void add(String table) throws BlockException {
        String[] lines = table.split("\n");
        String[] last = lines[lines.length - 1].split(" ");
        if (locked-- > 0) {
            throw new BlockException(Errno.EBUSY, "another program has it open");
        }
        step("open " + last[0]);
        if (table.contains("codec=bad")) {
            throw new BlockException(Errno.EINVAL, "there is no codec bad");
        }
        if (disks.containsKey(last[0])) {
            throw new BlockException(Errno.EEXIST, "there is a device of this name");
        }
        Disk disk = new Disk();
        disk.table = table;
        String[] first = lines[0].split(" ");
        if (first[2].equals("ploop")) {
            disk.below = first[3];
            if (!Files.exists(Path.of(first[3]))) {
                throw new BlockException(Errno.ENOENT, first[3] + " does not exist");
            }
            disk.fs = images.getOrDefault(first[3], "");
        }
        disks.put(last[0], disk);
    }

    @Override
    public synchronized void remove(List<String> names) throws BlockException {
        Disk disk = disks.get(names.get(0));
        if (disk == null) {
            return;
        }
        if (disk.opens > 0) {
            throw new BlockException(Errno.EBUSY, names.get(0) + " cannot be closed");
        }
        step("close " + names.get(0));
        if (!disk.below.isEmpty()) {
            images.put(disk.below, disk.fs);
        }
        disks.remove(names.get(0));
    }

    @Override
    public void pause() {
        // Here time does not pass by itself.
        pauses++;
    }

    @Override
    public synchronized boolean isOpen(String name) {
        Disk disk = disks.get(name);
        return disk != null && disk.opens > 0;
    }

    @Override
    public synchronized long stored(String name) {
        return disks.containsKey(name) ? stored : -1;
    }

    @Override
    public synchronized long size(String name) {
        Disk disk = disks.get(name);
        String size = disk == null ? "" : disk.table.split(" ")[1];
        try {
            // An image has what is usual.
            return disk == null ? -1 : size.equals("-") ? 1 << 30 : Units.parseSize("size", size);
        } catch (BlockException e) {
            throw new AssertionError(e);
        }
    }

    @Override
    public int block(String name) {
        return 1;
    }

    @Override
    public synchronized String arguments(String name) {
        Disk disk = disks.get(name);
        return disk == null ? "" : "." + name + " " + delays;
    }

    @Override
    public Ended run(long limitMillis, String... command) throws BlockException {
        try {
            gate.await();
        } catch (InterruptedException e) {
            throw new IllegalStateException(e);
        }
        synchronized (this) {
            String line = String.join(" ", command);
            String word = command[0].equals("sh") ? "mount" : command[0];
            step(word);
            if (failing.stream().anyMatch((word + " " + line)::startsWith)) {
                return new Ended(1, "noise\n" + word + ": it does not work\n");
            }
            Ended ended = act(word, command);
            list();
            return ended;
        }
    }

    private Ended act(String word, String[] command) {
        String last = command[command.length - 1];
        switch (word) {
            case "blkid":
                String fs = disk(last).fs;
                return fs.isEmpty() ? new Ended(2, "") : new Ended(0, fs + "\n");
            case "mkfs.ext4", "mkfs.xfs":
                assert disk(last).fs.isEmpty() : "a file system over another";
                disk(last).fs = word.substring(5);
                keep(disk(last));
                return new Ended(0, "");
            case "debugfs":
                assert disk(last).fs.equals("ext4") : "no ext4 to take a folder out of";
                return new Ended(0, "");
            case "e2fsck":
                assert disk(last).opens == 0 : "a check of what is mounted";
                return new Ended(checked, checked == 0 ? "clean\n" : "v: 12 errors\n");
            case "mount":
                return mount(disk(command[4]), name(command[4]), command[5], command[6]);
            case "umount":
                return umount(command[1].equals("-l"), last);
            case "sync":
                return new Ended(0, "");
            case "stat":
                StringBuilder text = new StringBuilder();
                for (int i = 5; i < command.length; i++) {
                    text.append("4096 100 60 50 ").append(command[i]).append('\n');
                }
                return new Ended(0, text.toString());
            default:
                throw new AssertionError(word);
        }
    }

    private Ended mount(Disk disk, String name, String at, String type) {
        assert disk.opens == 0 : "two mounts of one device";
        assert Files.isDirectory(Path.of(at)) : "no mount point";
        assert !mounted.containsKey(at) : "a mount over another";
        if (!disk.fs.equals(type)) {
            return new Ended(32, "mount: wrong fs type\n");
        }
        mounted.put(at, name);
        disk.opens++;
        return new Ended(0, "");
    }

    private Ended umount(boolean lazy, String at) {
        if (!mounted.containsKey(at)) {
            return new Ended(32, "umount: " + at + ": not mounted.\n");
        }
        if (busy.contains(at) && !lazy) {
            return new Ended(32, "umount: " + at + ": target is busy.\n");
        }
        Disk disk = disks.get(mounted.remove(at));
        if (disk != null && !lazy) {
            keep(disk);
            disk.opens--;
        }
        return new Ended(0, "");
    }

    private void keep(Disk disk) {
        if (!disk.below.isEmpty()) {
            images.put(disk.below, disk.fs);
        }
    }

    private static String name(String file) {
        return Path.of(file).getFileName().toString();
    }

    private Disk disk(String file) {
        Disk disk = disks.get(name(file));
        assert disk != null : "no device " + file;
        return disk;
    }

    /** What the next process finds: mounts are there, and dead; devices are gone. */
    FakeSystem after() {
        FakeSystem next = new FakeSystem(mountinfo, images);
        next.mounted.putAll(mounted);
        next.list();
        return next;
    }
}
