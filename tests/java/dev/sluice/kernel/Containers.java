package dev.sluice.kernel;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.net.UnixDomainSocketAddress;
import java.nio.ByteBuffer;
import java.nio.channels.SocketChannel;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Comparator;
import java.util.List;
import java.util.concurrent.TimeUnit;
import java.util.stream.Stream;

/**
 * A daemon that makes volumes, and a podman of its own that knows it, in a folder of their own.
 * Whatever is left of containers, volumes, mounts and loop devices goes with it; what could not be
 * cleared away fails the test.
 */
final class Containers implements AutoCloseable {
    /** What a container without privileges of its host can be given anywhere. */
    private static final String CONF = """
            [containers]
            default_ulimits = ["nofile=1024:1024", "nproc=1024:1024"]
            netns = "none"
            [engine]
            cgroup_manager = "cgroupfs"
            runtime = "runc"
            events_logger = "none"
            [engine.volume_plugins]
            sluice = "%s"
            """;
    private static final String STORAGE = """
            [storage]
            driver = "vfs"
            graphroot = "%s"
            runroot = "%s"
            """;

    final Path folder;
    final Path dir;
    final Path own;
    final Path socket;
    private boolean podman;
    private final List<String> before = detached();

    Containers() {
        try {
            folder = Files.createTempDirectory("sluice-volumes").toRealPath();
            dir = Files.createDirectory(folder.resolve("m"));
            own = folder.resolve("own");
            socket = folder.resolve("sluice.sock");
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    /** Starts the daemon, or starts it again. */
    Shell.Result serve() {
        return Shell.sluice("volumes", "--socket", socket.toString(), "--folder", own.toString(),
                "/dev/null", dir.toString());
    }

    /** Makes podman's folders, and an image with a shell. */
    void podmanToo() throws IOException {
        Files.writeString(folder.resolve("containers.conf"), CONF.formatted(socket));
        Files.writeString(folder.resolve("storage.conf"), STORAGE.formatted(
                folder.resolve("graph"), folder.resolve("run")));
        podman = true;
        Shell.bash("mkdir -p $1/root/bin $1/root/v; cp $(command -v busybox) $1/root/bin/;"
                + " echo image >$1/root/v/of;"
                + " for c in sh cat dd sync sleep df rm time ls; do"
                + " ln -s busybox $1/root/bin/$c; done; tar -C $1/root -cf $1/root.tar .",
                folder).ok();
        podman("import", folder.resolve("root.tar").toString(), "box").ok();
    }

    /** Once more as long as the plugin says that it takes longer, and to ask again. */
    Shell.Result podman(String... arguments) {
        long until = System.nanoTime() + TimeUnit.SECONDS.toNanos(120);
        Shell.Result result = podmanOnce(arguments);
        while (result.err().contains("ask again later") && System.nanoTime() < until) {
            result = podmanOnce(arguments);
        }
        return result;
    }

    private Shell.Result podmanOnce(String... arguments) {
        String[] fixed = {"env", "CONTAINERS_CONF=" + folder.resolve("containers.conf"),
            "CONTAINERS_STORAGE_CONF=" + folder.resolve("storage.conf"), "timeout", "-k", "5",
            "100", "podman"};
        String[] command = Arrays.copyOf(fixed, fixed.length + arguments.length);
        System.arraycopy(arguments, 0, command, fixed.length, arguments.length);
        return Shell.run(Duration.ofSeconds(110), command);
    }

    /** Runs a line of the shell in a new container that has these volumes as /NAME. */
    Shell.Result inContainer(String line, String... volumes) {
        List<String> words = new ArrayList<>(List.of("run", "--rm"));
        for (String volume : volumes) {
            words.addAll(List.of("-v", volume + ":/" + volume));
        }
        words.addAll(List.of("box", "/bin/sh", "-c", line));
        return podman(words.toArray(String[]::new));
    }

    /** Asks the plugin; the JSON of its answer. */
    String ask(String what, String json) {
        try (SocketChannel channel = SocketChannel.open(UnixDomainSocketAddress.of(socket))) {
            byte[] body = json.getBytes(StandardCharsets.UTF_8);
            ByteBuffer all = ByteBuffer.wrap(("POST /VolumeDriver." + what + " HTTP/1.1\r\n"
                    + "Content-Length: " + body.length + "\r\n\r\n" + json)
                    .getBytes(StandardCharsets.UTF_8));
            while (all.hasRemaining()) {
                channel.write(all);
            }
            ByteBuffer room = ByteBuffer.allocate(1 << 20);
            while (channel.read(room) >= 0) {
                continue;
            }
            String reply = new String(room.array(), 0, room.position(), StandardCharsets.UTF_8);
            return reply.substring(reply.indexOf("\r\n\r\n") + 4);
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    /** The mount point of a volume that is in use. */
    Path at(String volume) {
        return own.resolve("mounts").resolve(volume);
    }

    long pid() {
        return Long.parseLong(Shell.bash("timeout 10 cat \"$1\"", dir.resolve(".sluice/pid")).ok());
    }

    /** Sends the daemon a signal and waits for its end. */
    void end(String signal) {
        long pid = pid();
        Shell.run("kill", "-" + signal, Long.toString(pid)).ok();
        Shell.bash("for ((i = 0; i < 500; i++)); do [[ -e /proc/$1/exe ]] || exit 0; sleep 0.1;"
                + " done; exit 1", pid).ok();
    }

    /** Mounts in the folder, and loop devices on files in it. */
    List<String> mounts() {
        return Shell.read(Path.of("/proc/self/mountinfo")).lines()
                .map(line -> line.split(" ")[4])
                .filter(at -> at.startsWith(folder.toString()) && !at.equals(dir.toString())
                        && !at.startsWith(folder.resolve("graph").toString()))
                .toList();
    }

    /** Files in it that loop devices have, or of a mount that is gone and was not before. */
    List<String> loops() {
        List<String> all = new ArrayList<>(detached());
        all.removeAll(before);
        attached().filter(file -> file.startsWith(folder.toString())).forEach(all::add);
        return all;
    }

    private static List<String> detached() {
        return attached().filter(file -> file.lastIndexOf('/') == 0).toList();
    }

    private static Stream<String> attached() {
        return Shell.bash("cat /sys/block/loop*/loop/backing_file 2>/dev/null || true").ok()
                .lines();
    }

    @Override
    public void close() {
        List<String> left = new ArrayList<>();
        if (podman) {
            must(left, podman("rm", "-f", "-t", "0", "-a"));
            podman("volume", "rm", "-f", "-a");
        }
        if (Files.exists(runtime().resolve("pid"))) {
            // It may be gone, stuck, or have lost its mount.
            Shell.bash("pid=$(cat \"$1\"); if tr '\\0' ' ' <\"/proc/$pid/cmdline\" | grep -qF"
                    + " -- \"-Dsluice.runtime=$2\"; then kill \"$pid\";"
                    + " for ((i = 0; i < 300; i++)); do [[ -e /proc/$pid/exe ]] || exit 0;"
                    + " sleep 0.1; done; kill -9 \"$pid\";"
                    + " exit 1; fi 2>/dev/null", runtime().resolve("pid"), runtime());
        }
        Shell.sluice("umount", "--force", dir.toString());
        Shell.bash("for ((n = 0; n < 99; n++)); do at=$(awk -v f=\"$1/\" 'index($5, f) == 1"
                + " {at = $5} END {print at}' /proc/self/mountinfo); [[ -n $at ]] || exit 0;"
                + " umount \"$at\" || umount -l \"$at\"; done", folder);
        left.addAll(mounts());
        attached().filter(file -> file.startsWith(folder.toString())).forEach(left::add);
        delete(left, runtime());
        delete(left, folder);
        if (!left.isEmpty()) {
            throw new AssertionError("left behind: " + left);
        }
    }

    /** Where the daemon's log and pid are. */
    Path runtime() {
        return Path.of("/run/sluice-0", dir.toString().replace("/", "%2F"));
    }

    private static void must(List<String> left, Shell.Result result) {
        if (result.exit() != 0) {
            left.add(result.toString());
        }
    }

    private static void delete(List<String> left, Path tree) {
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
}
