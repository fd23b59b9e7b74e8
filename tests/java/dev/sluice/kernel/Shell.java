package dev.sluice.kernel;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.concurrent.TimeUnit;
import java.util.stream.Stream;
import org.awaitility.Awaitility;
import org.awaitility.core.ConditionTimeoutException;

/** Programs of the system, each with a limit to how long it may take. */
final class Shell {
    /** The folder of the project, where tests run. */
    static final Path HOME = Path.of("").toAbsolutePath();
    static final String SLUICE = HOME.resolve("scripts/sluice").toString();
    static final Duration LIMIT = Duration.ofSeconds(180);
    /** How long what was killed may take to be gone; one that waits in the kernel stays. */
    private static final Duration END = Duration.ofSeconds(20);

    private Shell() {}

    /** How a program ended, and what it said. */
    record Result(String command, int exit, String out, String err) {
        /** What it printed, without the last line end; an error where it failed. */
        String ok() {
            if (exit != 0) {
                throw new AssertionError(this);
            }
            return out.stripTrailing();
        }

        /** The one sentence it failed with; an error where it did not fail with just one. */
        String sentence() {
            if (exit != 1 || err.lines().count() != 1 || !err.startsWith("sluice: ")) {
                throw new AssertionError("not one sentence: " + this);
            }
            return err.substring("sluice: ".length()).stripTrailing();
        }
    }

    /** A program that goes on beside the test, until it is waited for or closed. */
    static final class Running implements AutoCloseable {
        private final String command;
        private final Process process;
        private final Path out;
        private final Path err;

        private Running(String... command) {
            this.command = String.join(" ", command);
            try {
                out = Files.createTempFile("sluice-kernel", ".out");
                err = Files.createTempFile("sluice-kernel", ".err");
                // Whoever runs the tests in the background has them ignore it.
                String[] all = new String[command.length + 2];
                all[0] = "env";
                all[1] = "--default-signal=INT,HUP,TERM,QUIT";
                System.arraycopy(command, 0, all, 2, command.length);
                process = new ProcessBuilder(all)
                        .redirectInput(new java.io.File("/dev/null"))
                        .redirectOutput(out.toFile())
                        .redirectError(err.toFile())
                        .start();
            } catch (IOException e) {
                throw new UncheckedIOException(e);
            }
        }

        long pid() {
            return process.pid();
        }

        boolean runs() {
            return process.isAlive();
        }

        /** What it printed so far. */
        String out() {
            return read(out);
        }

        /** What it complained of so far. */
        String err() {
            return read(err);
        }

        Result await(Duration limit) {
            try {
                if (!process.waitFor(limit.toMillis(), TimeUnit.MILLISECONDS)) {
                    throw new AssertionError(command + " still runs after " + limit + "; "
                            + out() + err());
                }
                return new Result(command, process.exitValue(), out(), err());
            } catch (InterruptedException e) {
                Thread.currentThread().interrupt();
                throw new AssertionError("interrupted while waiting for " + command, e);
            }
        }

        /** Ends it, and what it started, if it still runs: then its files are closed as well. */
        @Override
        public void close() {
            List<ProcessHandle> all = Stream.concat(process.descendants(),
                    Stream.of(process.toHandle())).filter(ProcessHandle::isAlive).toList();
            all.forEach(ProcessHandle::destroyForcibly);
            try {
                Awaitility.await().atMost(END).pollInterval(Duration.ofMillis(5))
                        .until(() -> all.stream().allMatch(p -> ended(p.pid())));
            } catch (ConditionTimeoutException e) {
                System.err.println(command + " was killed, and has not ended: " + e);
            }
            try {
                Files.deleteIfExists(out);
                Files.deleteIfExists(err);
            } catch (IOException e) {
                throw new UncheckedIOException(e);
            }
        }
    }

    /** Whether no thread of a process runs any more, also where nobody has waited for its end. */
    static boolean ended(long pid) {
        try (Stream<Path> tasks = Files.list(Path.of("/proc", Long.toString(pid), "task"))) {
            return tasks.allMatch(Shell::isDead);
        } catch (IOException | UncheckedIOException e) {
            return true;
        }
    }

    private static boolean isDead(Path task) {
        try {
            String stat = Files.readString(task.resolve("stat"));
            return "ZX".indexOf(stat.charAt(stat.lastIndexOf(')') + 2)) >= 0;
        } catch (IOException e) {
            // It went while it was looked at.
            return true;
        }
    }

    static Running start(String... command) {
        return new Running(command);
    }

    static Result run(String... command) {
        return run(LIMIT, command);
    }

    static Result run(Duration limit, String... command) {
        try (Running running = start(command)) {
            return running.await(limit);
        }
    }

    static Result sluice(String... arguments) {
        String[] command = new String[arguments.length + 1];
        command[0] = SLUICE;
        System.arraycopy(arguments, 0, command, 1, arguments.length);
        return run(command);
    }

    /** Runs a line of bash; its words after the line are $1, $2 … */
    static Result bash(String line, Object... words) {
        String[] fixed = {"bash", "-c", "set -euo pipefail; " + line, "bash"};
        String[] command = Arrays.copyOf(fixed, fixed.length + words.length);
        for (int i = 0; i < words.length; i++) {
            command[fixed.length + i] = words[i].toString();
        }
        return run(command);
    }

    /** Runs fio over a file with direct I/O; options by name, null for one without a value. */
    static Result fio(Path file, Map<String, String> options) {
        String[] fixed = {"fio", "--name=t", "--filename=" + file, "--direct=1",
            "--verify_state_save=0"};
        String[] more = options.entrySet().stream()
                .map(e -> "--" + e.getKey() + (e.getValue() == null ? "" : "=" + e.getValue()))
                .toArray(String[]::new);
        String[] command = Arrays.copyOf(fixed, fixed.length + more.length);
        System.arraycopy(more, 0, command, fixed.length, more.length);
        return run(Duration.ofSeconds(240), command);
    }

    static String read(Path file) {
        try {
            return Files.readString(file);
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }
}
