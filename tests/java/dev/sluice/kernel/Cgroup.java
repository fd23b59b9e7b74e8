package dev.sluice.kernel;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import org.awaitility.Awaitility;

/** A cgroup of a test's own, in the hierarchy that counts for I/O; it goes away with the test. */
final class Cgroup implements AutoCloseable {
    private static final Path BLKIO = Path.of("/sys/fs/cgroup/blkio");
    private static final Path UNIFIED = Path.of("/sys/fs/cgroup");

    /** As /proc/PID/cgroup has it. */
    final String name;
    final Path dir;

    Cgroup(String suffix) {
        Path root = Files.isDirectory(BLKIO) ? BLKIO : UNIFIED;
        name = "/sluice-test-" + ProcessHandle.current().pid() + "-" + suffix;
        dir = root.resolve(name.substring(1));
        try {
            Files.createDirectory(dir);
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    /** Starts a command as a member. */
    Shell.Running start(String... command) {
        return Shell.start(join(command));
    }

    Shell.Result run(String... command) {
        return Shell.run(join(command));
    }

    private String[] join(String[] command) {
        String[] all = new String[command.length + 4];
        all[0] = "sh";
        all[1] = "-c";
        all[2] = "echo $$ > " + dir + "/cgroup.procs && exec \"$@\"";
        all[3] = "sh";
        System.arraycopy(command, 0, all, 4, command.length);
        return all;
    }

    /** The threads that are members. */
    List<String> threads() {
        try {
            Path v1 = dir.resolve("tasks");
            return Files.readAllLines(Files.exists(v1) ? v1 : dir.resolve("cgroup.threads"));
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    /** Members that have ended may take a moment to leave. */
    @Override
    public void close() {
        Awaitility.await().atMost(Shell.LIMIT).ignoreExceptions().until(() -> {
            Files.delete(dir);
            return true;
        });
    }
}
