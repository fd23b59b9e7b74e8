package dev.sluice.bench;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.util.List;
import java.util.Locale;
import java.util.concurrent.Callable;
import java.util.concurrent.TimeUnit;

/**
 * What goes on while thousands of requests are held for an hour: how fast another device of the
 * mount is, and how long the calls take that change, release or end it.
 */
final class Crowd {
    static final String NAME = "5000-held";

    private static final int HELD = 5000;
    private static final int SETS = 100;
    private static final int LIMIT_SECONDS = 30;
    private static final String FIO = "crowd";
    private static final Cell READS = new Cell(NAME, "randread", Cell.SMALL, "libaio", 32, 1,
            false);
    private static final String TABLE = "disk 64M ram\nslow - delay disk read=1h write=1h\n"
            + "other 64G zero\n";

    private final Shell shell;
    private final Fio fio;
    private final String mountOptions;
    private final int seconds;
    private final int warm;
    private final CrowdFigures figures = new CrowdFigures();

    Crowd(Shell shell, Fio fio, String mountOptions, int seconds, int warm) {
        this.shell = shell;
        this.fio = fio;
        this.mountOptions = mountOptions;
        this.seconds = seconds;
        this.warm = warm;
    }

    /** One repetition, with daemons of its own. */
    void measure(boolean reverse) throws IOException, InterruptedException {
        try (OurMount mount = mount()) {
            read(mount, warm);
            release(mount, hold(mount));
            // What was compiled before delay's code was in use may have to be compiled again.
            read(mount, warm);
            compare(mount, reverse);
            compare(mount, !reverse);
            control(mount);
        }
        terminate();
        force();
    }

    private void compare(OurMount mount, boolean besideFirst)
            throws IOException, InterruptedException {
        double alone = besideFirst ? 0 : read(mount, seconds);
        Process crowd = hold(mount);
        double beside = read(mount, seconds);
        release(mount, crowd);
        if (besideFirst) {
            alone = read(mount, seconds);
        }
        figures.speed(alone, beside);
        System.err.printf(Locale.ROOT, "%-28s %10.1f, alone %.1f%n", NAME, beside, alone);
    }

    String report() {
        return figures.report(HELD);
    }

    private OurMount mount() throws IOException, InterruptedException {
        return OurMount.of(shell, FIO, mountOptions, TABLE);
    }

    private double read(OurMount mount, int length) throws IOException, InterruptedException {
        return fio.run(READS, mount.file("other"), true, length).iops();
    }

    /** Has fio send what is to be held, and waits until all of it is. */
    private Process hold(OurMount mount) throws IOException, InterruptedException {
        int jobs = 4;
        Process crowd = shell.spawn(FIO, "fio", "--name=" + FIO, "--filename="
                + mount.file("slow"), "--direct=1", "--ioengine=libaio", "--numjobs=" + jobs,
                "--iodepth=" + HELD / jobs, "--number_ios=" + HELD / jobs, "--thread",
                "--rw=randrw", "--bs=4k", "--size=64M", "--group_reporting",
                "--output-format=json");
        await("fio's requests to be held", () -> held(mount) == HELD);
        return crowd;
    }

    private void release(OurMount mount, Process crowd)
            throws IOException, InterruptedException {
        mount.sluice("message", mount.file("slow").toString(), "suspend");
        shell.awaitEnd(FIO, crowd);
        mount.sluice("message", mount.file("slow").toString(), "resume");
    }

    private long held(OurMount mount) throws IOException, InterruptedException {
        // By another process: one that is never answered can be ended.
        return shell.run(LIMIT_SECONDS, "cat", mount.file(".sluice/slow/status").toString())
                .lines().filter(l -> l.startsWith("held_"))
                .mapToLong(l -> Long.parseLong(l.substring(l.indexOf(' ') + 1).strip())).sum();
    }

    private void control(OurMount mount) throws IOException, InterruptedException {
        String slow = mount.file("slow").toString();
        Process crowd = hold(mount);
        time("status", () -> mount.sluice("status", mount.dir().toString()));
        for (int i = 1; i <= SETS; i++) {
            String read = "read=" + i + "us";
            String write = "write=" + (SETS + 1 - i) + "us";
            time("set", () -> mount.sluice("set", slow, read, write));
        }
        // What comes after a set goes by it, and past what was there before.
        time("a read after set", () -> shell.run(LIMIT_SECONDS, "dd", "if=" + slow,
                "of=/dev/null", "bs=4k", "count=1", "iflag=direct", "status=none"));
        figures.count("still held after set", HELD, held(mount));
        time("message suspend", () -> mount.sluice("message", slow, "suspend"));
        time("message resume", () -> mount.sluice("message", slow, "resume"));
        figures.count("answered after suspend", HELD, answered(crowd));
    }

    private void terminate() throws IOException, InterruptedException {
        OurMount mount = mount();
        Process crowd = hold(mount);
        long pid = mount.pid();
        time("SIGTERM to the daemon's end", () -> {
            shell.run(LIMIT_SECONDS, "kill", "-TERM", Long.toString(pid));
            await("the daemon to end", () -> ended(pid));
            return null;
        });
        figures.count("answered after SIGTERM", HELD, answered(crowd));
    }

    private void force() throws IOException, InterruptedException {
        OurMount mount = mount();
        Process crowd = hold(mount);
        long pid = mount.pid();
        time("umount --force", () -> mount.sluice("umount", "--force", mount.dir().toString()));
        await("the daemon to end", () -> ended(pid));
        // What it asked for has failed, as it was to.
        shell.awaitEnd(FIO, crowd);
    }

    private long answered(Process crowd) throws IOException, InterruptedException {
        shell.awaitEnd(FIO, crowd);
        return CrowdFigures.answered(Files.readString(shell.scratch().resolve(FIO + ".log")));
    }

    private void time(String name, Callable<?> call) throws IOException, InterruptedException {
        long start = System.nanoTime();
        ask(call);
        double millis = (System.nanoTime() - start) / 1e6;
        figures.call(name, millis);
    }

    private static void await(String what, Callable<Boolean> condition)
            throws IOException, InterruptedException {
        long deadline = System.nanoTime() + TimeUnit.SECONDS.toNanos(LIMIT_SECONDS);
        while (!ask(condition)) {
            if (System.nanoTime() > deadline) {
                throw new IOException("waited " + LIMIT_SECONDS + " s for " + what);
            }
            Thread.sleep(2);
        }
    }

    private static <T> T ask(Callable<T> call) throws IOException, InterruptedException {
        try {
            return call.call();
        } catch (IOException | InterruptedException | RuntimeException e) {
            throw e;
        } catch (Exception e) {
            throw new AssertionError(e);
        }
    }

    /** A process of which only the status is left has ended: nobody may ever ask for that. */
    private static boolean ended(long pid) throws IOException {
        try {
            String stat = Files.readString(Path.of("/proc/" + pid + "/stat"));
            return List.of('Z', 'X').contains(stat.charAt(stat.lastIndexOf(')') + 2));
        } catch (NoSuchFileException e) {
            return true;
        } catch (IOException e) {
            // Reading the file of a process that has just ended gives ESRCH.
            return !Files.exists(Path.of("/proc/" + pid));
        }
    }
}
