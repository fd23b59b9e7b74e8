package dev.sluice.kernel;

import dev.sluice.sys.Libc;
import dev.sluice.sys.Native;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.Deque;
import java.util.List;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;
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
    private final Deque<Path> disks = new ArrayDeque<>();
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
        disks.push(at);
        return at;
    }

    Shell.Result umountDisk(Path at) {
        String device = Shell.run("findmnt", "-n", "-o", "SOURCE", at.toString()).ok();
        Shell.Result r = Shell.run("umount", at.toString());
        if (r.exit() == 0) {
            disks.remove(at);
            // Whoever has just begun a namespace of mounts may have it yet, for a moment.
            Awaitility.await().atMost(Shell.LIMIT).until(() -> isFree(device));
        }
        return r;
    }

    /** Whether no file system is on a block device, wherever it is mounted. */
    private static boolean isFree(String device) {
        int fd = Libc.LIBC.open(device, Native.O_RDONLY | Native.O_EXCL | Native.O_CLOEXEC, 0);
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

    /** A daemon whose mount is gone may still be ending. */
    private void endDaemon() {
        long pid = Long.parseLong(Shell.read(runtime().resolve("pid")).strip());
        ProcessHandle daemon = ProcessHandle.of(pid)
                .filter(p -> p.info().commandLine().orElse("").contains(runtime().toString()))
                .orElse(null);
        if (daemon == null) {
            return;
        }
        try {
            daemon.onExit().get(15, TimeUnit.SECONDS);
        } catch (InterruptedException | ExecutionException | TimeoutException e) {
            left.add("the daemon " + pid + " (" + e + ")");
            daemon.destroyForcibly();
        }
    }

    @Override
    public void close() {
        for (Path at : disks) {
            if (Shell.run("umount", at.toString()).exit() != 0) {
                must(Shell.run("umount", "-l", at.toString()));
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
        } catch (IOException e) {
            left.add(e.toString());
        }
    }

    private void must(Shell.Result r) {
        if (r.exit() != 0) {
            left.add(r.toString());
        }
    }
}
