package dev.sluice.bench;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import dev.sluice.bench.Side.Data;
import dev.sluice.bench.Side.Gc;
import dev.sluice.bench.Side.Serving;
import dev.sluice.bench.Side.Starter;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;

/** How each side is started and stopped. The working directory is the root of the project. */
final class Sides {
    private final Shell shell;
    private final long size;
    private final String mountOptions;

    /** The size is in bytes, a multiple of 1 MiB; the options are for our own mounts. */
    Sides(Shell shell, long size, String mountOptions) {
        this.shell = shell;
        this.size = size;
        this.mountOptions = mountOptions;
    }

    List<Group> transport() {
        String mib = mib();
        Side zero = new Side("zero", "sluice zero", Data.NONE, false, true,
                sluice("zero", data -> mib + " zero"));
        Side nullCo = new Side("null", "qemu-storage-daemon null-co over FUSE", Data.NONE, false,
                true, qemu("null", data -> List.of(
                        "null-co,node-name=disk,read-zeroes=on,size=" + size)));
        Side ram = new Side("ram", "sluice ram", Data.MEMORY, false, true,
                sluice("ram", data -> mib + " ram"));
        Side nbd = new Side("nbdkit", "nbdkit memory through nbdfuse", Data.MEMORY, false, true,
                data -> nbdkit());
        Side file = new Side("file", "sluice file", Data.COMMON, true, true,
                sluice("file", data -> "- file " + data));
        Side raw = new Side("qraw", "qemu-storage-daemon raw over FUSE", Data.COMMON, true, true,
                qemu("qraw", data -> raw("filename=" + data)));
        Side bare = new Side("bare", "the bare file, buffered", Data.COMMON, true, false,
                Sides::bare);
        Side direct = new Side("file-direct", "sluice file direct=on", Data.COMMON, false, true,
                sluice("file-direct", data -> "- file " + data + " direct=on"));
        Side rawDirect = new Side("qraw-direct",
                "qemu-storage-daemon raw cache.direct=on aio=native over FUSE", Data.COMMON, false,
                true, qemu("qraw-direct", data -> raw(
                        "cache.direct=on,aio=native,filename=" + data)));
        Side bareDirect = new Side("bare-direct", "the bare file, O_DIRECT", Data.COMMON, false,
                true, Sides::bare);
        return List.of(new Group(List.of(zero, nullCo)), new Group(List.of(ram, nbd)),
                new Group(List.of(file, raw, bare)),
                new Group(List.of(direct, rawDirect, bareDirect)));
    }

    /** What depends on the data file of a side. */
    interface Words<T> {
        T with(Path data);
    }

    /** A device over an image, made where it is missing; the words follow its path. */
    Starter ploop(String name, String words) {
        return imaged(sluice(name, "", data -> "- ploop " + data + words));
    }

    /** A chain of so many files that each have their part of the clusters, made if missing. */
    Starter chain(String name, String words, int levels) {
        return data -> {
            boolean missing = !Files.exists(data);
            Serving serving = ploop(name, words).start(data);
            try {
                if (missing) {
                    PloopChain.fill(serving.file(), size, levels);
                }
            } catch (IOException e) {
                serving.close();
                throw e;
            }
            return serving;
        };
    }

    /** The parallels driver over an image; {@code file} are options of the file below. */
    Starter parallels(String name, String file) {
        return imaged(qemu(name, data -> List.of("file,node-name=file," + file + "filename=" + data,
                "parallels,node-name=disk,file=file")));
    }

    private Starter imaged(Starter then) {
        return data -> {
            if (!Files.exists(data)) {
                shell.run(20, OurMount.SLUICE, "image", "create", data.toString(), mib());
            }
            return then.start(data);
        };
    }

    /** Without locks: others have the file open, and wait for their turn. */
    private static List<String> raw(String file) {
        return List.of("file,locking=off,node-name=file," + file, "raw,node-name=disk,file=file");
    }

    static Serving bare(Path data) {
        return new Serving(data, List.of(), Gc.NONE, () -> { });
    }

    /** The line is the table's without the name of the device. */
    private Starter sluice(String name, Words<String> line) {
        return sluice(name, "", line);
    }

    /** With mount options of the side's own. */
    Starter sluice(String name, String own, Words<String> line) {
        String options = own + (own.isEmpty() || mountOptions.isEmpty() ? "" : ",")
                + mountOptions;
        return data -> {
            OurMount mount = OurMount.of(shell, name, options,
                    "disk " + line.with(data) + "\n");
            return new Serving(mount.file("disk"), List.of(mount.pid()),
                    () -> collections(mount.dir()), mount::close);
        };
    }

    private static long collections(Path mount) throws IOException {
        Path status = mount.resolve(".sluice/status.json");
        JsonNode count = new ObjectMapper().readTree(Files.readString(status)).get("gc_count");
        if (count == null) {
            throw new IOException(status + " has no gc_count");
        }
        return count.asLong();
    }

    /** The nodes make up the one called disk. */
    Starter qemu(String name, Words<List<String>> nodes) {
        return data -> {
            // It mounts over a regular file.
            Path file = shell.scratch().resolve(name + ".disk");
            if (!Files.exists(file)) {
                Files.createFile(file);
            }
            List<String> command = new ArrayList<>(List.of("qemu-storage-daemon"));
            for (String node : nodes.with(data)) {
                command.addAll(List.of("--blockdev", node));
            }
            command.addAll(List.of("--export", "fuse,id=export,node-name=disk,writable=on,"
                    + "mountpoint=" + file));
            Process server = shell.spawn(name, command.toArray(String[]::new));
            shell.awaitReady(name, server, () -> Shell.mounted(file));
            return new Serving(file, List.of(server.pid()), Gc.NONE,
                    () -> shell.stop(name, server));
        };
    }

    /** The size as a table has it. */
    String mib() {
        return (size >> 20) + "M";
    }

    /** The kernel's own, which must be unused; unused it is left. */
    Serving kernelZram(String algorithm) throws IOException {
        KernelZram.setUp(shell.scratch(), algorithm, size);
        return new Serving(KernelZram.DEVICE, List.of(), Gc.NONE,
                () -> KernelZram.reset(shell.scratch()));
    }

    /** Over a socket, since nbdfuse takes several connections only to a server it found there. */
    Serving nbdkit(String... words) throws IOException, InterruptedException {
        Path socket = shell.scratch().resolve("nbdkit.socket");
        Files.deleteIfExists(socket);
        List<String> command = new ArrayList<>(List.of("nbdkit", "--foreground", "--unix",
                socket.toString(), "memory", "size=" + size));
        command.addAll(List.of(words));
        Process server = shell.spawn("nbdkit", command.toArray(String[]::new));
        try {
            shell.awaitReady("nbdkit", server, () -> Files.exists(socket));
            Path mount = Files.createDirectories(shell.scratch().resolve("nbdkit.mount"));
            Process front = shell.spawn("nbdfuse", "nbdfuse", mount + "/disk", "--unix",
                    socket.toString());
            shell.awaitReady("nbdfuse", front, () -> Shell.mounted(mount));
            return new Serving(mount.resolve("disk"), List.of(front.pid(), server.pid()),
                    Gc.NONE, () -> stopNbdkit(mount, front, server));
        } catch (IOException | InterruptedException e) {
            shell.stop("nbdkit", server);
            throw e;
        }
    }

    /** The front wants to be unmounted, not killed. */
    private void stopNbdkit(Path mount, Process front, Process server)
            throws IOException, InterruptedException {
        try {
            shell.run(20, "umount", mount.toString());
            shell.awaitEnd("nbdfuse", front);
        } finally {
            shell.stop("nbdkit", server);
        }
    }
}
