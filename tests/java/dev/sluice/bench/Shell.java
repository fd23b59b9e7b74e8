package dev.sluice.bench;

import java.io.File;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.concurrent.TimeUnit;
import java.util.function.BooleanSupplier;

/** Runs other programs, each with a limit, so that nothing here waits for ever. */
final class Shell {
    private static final File NOTHING = new File("/dev/null");
    private final Path scratch;

    /** Output of the programs goes through files in the folder. */
    Shell(Path scratch) {
        this.scratch = scratch;
    }

    Path scratch() {
        return scratch;
    }

    /** What the command printed; a failure is an exception with what it said. */
    String run(int seconds, List<String> command) throws IOException, InterruptedException {
        // A file and not a pipe: a daemon it leaves behind would keep the pipe open.
        Path out = Files.createTempFile(scratch, "out", null);
        Path err = Files.createTempFile(scratch, "err", null);
        try {
            Process process = new ProcessBuilder(command).redirectInput(NOTHING)
                    .redirectOutput(out.toFile()).redirectError(err.toFile()).start();
            if (!process.waitFor(seconds, TimeUnit.SECONDS)) {
                process.destroyForcibly();
                throw new IOException(command + " did not end within " + seconds + " s");
            }
            if (process.exitValue() != 0) {
                throw new IOException(command + " ended with " + process.exitValue() + ": "
                        + Files.readString(err).strip() + " " + Files.readString(out).strip());
            }
            return Files.readString(out);
        } finally {
            Files.delete(out);
            Files.delete(err);
        }
    }

    String run(int seconds, String... command) throws IOException, InterruptedException {
        return run(seconds, List.of(command));
    }

    /** Starts a server in the foreground; its words go to NAME.log in the scratch folder. */
    Process spawn(String name, String... command) throws IOException {
        File log = scratch.resolve(name + ".log").toFile();
        Process process = new ProcessBuilder(command).redirectInput(NOTHING)
                .redirectErrorStream(true).redirectOutput(log).start();
        // Who must clean up after a killed benchmark finds the servers here.
        Files.writeString(scratch.resolve(name + ".pid"), process.pid() + "\n");
        return process;
    }

    /** Waits until the server is ready; one that ended instead is an exception. */
    void awaitReady(String name, Process server, BooleanSupplier ready)
            throws IOException, InterruptedException {
        long deadline = System.nanoTime() + TimeUnit.SECONDS.toNanos(10);
        while (!ready.getAsBoolean()) {
            if (!server.isAlive() || System.nanoTime() > deadline) {
                server.destroyForcibly();
                throw new IOException(name + " did not start: "
                        + Files.readString(scratch.resolve(name + ".log")).strip());
            }
            Thread.sleep(20);
        }
    }

    /** Asks the server to end; one that does not is killed. */
    void stop(String name, Process server) throws IOException, InterruptedException {
        server.destroy();
        awaitEnd(name, server);
    }

    /** Waits for a server that is about to end; one that does not is killed. */
    void awaitEnd(String name, Process server) throws IOException, InterruptedException {
        if (!server.waitFor(10, TimeUnit.SECONDS)) {
            server.destroyForcibly();
            throw new IOException(name + " did not end within 10 s and was killed");
        }
        Files.deleteIfExists(scratch.resolve(name + ".pid"));
    }

    static boolean mounted(Path path) {
        try {
            String sought = " " + path + " ";
            return Files.readString(Path.of("/proc/self/mounts")).contains(sought);
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }
}
