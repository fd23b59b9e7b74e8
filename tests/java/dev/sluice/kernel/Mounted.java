package dev.sluice.kernel;

import dev.sluice.sys.Libc;
import dev.sluice.sys.Native;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.Deque;
import java.util.List;
import java.util.Map;
import java.util.stream.Stream;
import org.awaitility.Awaitility;

/**
 * A real mount in a folder of its own. What is attached and mounted through it goes away with it,
 * in the reverse order, also after the test has failed or killed the daemon; what could not be
 * cleared away fails the test.
 */
final class Mounted implements AutoCloseable {
    final Path folder;
    final Path dir;
    final Path table;
    /** Where a disk is mounted, and what of. */
    private final Deque<Map.Entry<Path, Path>> disks = new ArrayDeque<>();
    private final Deque<String> loops = new ArrayDeque<>();
    private final List<String> left = new ArrayList<>();

    /** Only the folder and the table, nothing mounted yet. */
    private Mounted(List<String> lines) {
        try {
            folder = Files.createTempDirectory("sluice-kernel").toRealPath();
            dir = Files.createDirectory(folder.resolve("m"));
            table = Files.write(folder.resolve("table"), lines);
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    /** A table, to be mounted by the test; closing clears away what it mounted on {@link #dir}. */
    static Mounted prepared(String... lines) {
        return new Mounted(List.of(lines));
    }

    /** A mounted table, with these mount options; empty for none. */
    static Mounted with(String options, String... lines) {
        Mounted m = prepared(lines);
        try {
            m.mount(options).ok();
        } catch (Throwable e) {
            m.closeAfter(e);
            throw e;
        }
        return m;
    }

    private void closeAfter(Throwable e) {
        try {
            close();
        } catch (AssertionError second) {
            e.addSuppressed(second);
        }
    }

    Shell.Result mount(String options) {
        return options.isEmpty()
                ? Shell.sluice("mount", table.toString(), dir.toString())
                : Shell.sluice("mount", "-o", options, table.toString(), dir.toString());
    }

    Shell.Result umount(String... options) {
        String[] command = new String[options.length + 2];
        command[0] = "umount";
        System.arraycopy(options, 0, command, 1, options.length);
        command[command.length - 1] = dir.toString();
        return Shell.sluice(command);
    }

    /** The file of a device. */
    Path file(String device) {
        return dir.resolve(device);
    }

    /** A new loop device on the file of a device. */
    Path attach(String device, String... options) {
        String[] command = new String[options.length + 2];
        command[0] = "attach";
        command[1] = file(device).toString();
        System.arraycopy(options, 0, command, 2, options.length);
        String loop = Shell.sluice(command).ok();
        loops.push(loop);
        return Path.of(loop);
    }

    Shell.Result detach(Path loop) {
        Shell.Result r = Shell.sluice("detach", loop.toString());
        if (r.exit() == 0) {
            loops.remove(loop.toString());
        }
        return r;
    }

    /** Mounts what a loop device holds, on a new folder. */
    Path disk(Path loop) {
        Path at = folder.resolve("disk" + disks.size());
        Shell.run("mkdir", "-p", at.toString()).ok();
        Shell.run("mount", loop.toString(), at.toString()).ok();
        disks.push(Map.entry(at, loop));
        return at;
    }

    /** Unmounts what {@link #disk} has mounted, and waits until nobody has it any more. */
    Shell.Result umountDisk(Path at) {
        Shell.Result r = Shell.run("umount", at.toString());
        if (r.exit() == 0) {
            Map.Entry<Path, Path> disk = disks.stream().filter(d -> d.getKey().equals(at))
                    .findFirst().orElseThrow();
            disks.remove(disk);
            awaitFree(disk.getValue());
        }
        return r;
    }

    /** A namespace that was made meanwhile has all mounts as well, and may keep them a little. */
    private static void awaitFree(Path disk) {
        Awaitility.await().atMost(Shell.LIMIT).pollInterval(Duration.ofMillis(20))
                .until(() -> Files.isRegularFile(disk) ? !isAttached(disk) : isFree(disk));
    }

    /** Whether a loop device holds a file. */
    private static boolean isAttached(Path file) {
        return Shell.bash("cat /sys/block/loop*/loop/backing_file 2>/dev/null || true").ok()
                .lines().anyMatch(file.toString()::equals);
    }

    /** Whether a block device can be had for oneself alone, as it cannot while it is mounted. */
    private static boolean isFree(Path device) {
        int fd = Libc.LIBC.open(device.toString(),
                Native.O_RDONLY | Native.O_EXCL | Native.O_CLOEXEC, 0);
        if (fd >= 0) {
            Libc.LIBC.close(fd);
        }
        return fd >= 0;
    }

    /** One of a device's counters, as in {@code flush.ended}. */
    long stat(String device, String name) {
        String stats = Shell.bash("timeout 10 cat \"$1\"", control(device, "stats")).ok();
        return stats.lines().filter(l -> l.startsWith(name + " "))
                .mapToLong(l -> Long.parseLong(l.substring(name.length() + 1)))
                .findFirst()
                .orElseThrow(() -> new AssertionError("no " + name + " in " + stats));
    }

    Path control(String device, String file) {
        return dir.resolve(".sluice").resolve(device).resolve(file);
    }

    long pid() {
        return Long.parseLong(Shell.bash("timeout 10 cat \"$1\"", dir.resolve(".sluice/pid")).ok());
    }

    /** Where the daemon's log, pid and result are, when root mounts. */
    Path runtime() {
        String name = dir.toString().replace("%", "%25").replace("/", "%2F");
        return Path.of("/run/sluice-0", name);
    }

    boolean isMounted() {
        return Shell.read(Path.of("/proc/self/mounts")).contains(" " + dir + " ");
    }

    /** The daemon's last word, once it is there as a whole: the file is there before its text. */
    String result() {
        Path file = runtime().resolve("result");
        Awaitility.await().atMost(Shell.LIMIT).pollInterval(Duration.ofMillis(50))
                .until(() -> Files.exists(file) && Shell.read(file).endsWith("\n"));
        return Shell.read(file);
    }

    /** A daemon whose mount is gone may still be ending, or end just now. */
    private void endDaemon() {
        // As scripts/sluice does it: a number alone might be another program's by now.
        Shell.Result ended = Shell.bash("source \"$1/scripts/lib/common.sh\";"
                + " await_end \"$2\" 30000", Shell.HOME, runtime());
        if (ended.exit() != 0) {
            left.add("the daemon of " + dir + ", pid " + Shell.read(runtime().resolve("pid")));
            must(umount("--force"));
        }
    }

    @Override
    public void close() {
        for (Map.Entry<Path, Path> disk : List.copyOf(disks)) {
            if (umountDisk(disk.getKey()).exit() != 0) {
                must(Shell.run("umount", "-l", disk.getKey().toString()));
            }
        }
        for (String loop : loops) {
            if (Shell.sluice("detach", loop).exit() != 0) {
                must(Shell.run("losetup", "-d", loop));
            }
        }
        if (isMounted() && umount().exit() != 0) {
            must(umount("--force"));
        }
        if (isMounted()) {
            left.add("the mount " + dir);
        }
        if (Files.exists(runtime().resolve("pid"))) {
            endDaemon();
        }
        delete(runtime());
        delete(folder);
        if (!left.isEmpty()) {
            throw new AssertionError("left behind: " + left);
        }
    }

    private void delete(Path tree) {
        if (!Files.exists(tree)) {
            return;
        }
        try (Stream<Path> files = Files.walk(tree)) {
            for (Path p : files.sorted(Comparator.reverseOrder()).toList()) {
                Files.delete(p);
            }
        } catch (IOException | UncheckedIOException e) {
            left.add(e.toString());
        }
    }

    private void must(Shell.Result r) {
        if (r.exit() != 0) {
            left.add(r.toString());
        }
    }
}
