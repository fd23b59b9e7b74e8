package dev.sluice.work;

import dev.sluice.block.Clock;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.concurrent.TimeUnit;

/**
 * The cgroup of a thread, from /proc. Where the controller that throttles I/O has a hierarchy of
 * its own (v1, hybrid), that one counts, unless the thread is at its root; else the unified one.
 *
 * <p>Answers are kept for {@link #AGE_NANOS}: a thread that moved, or whose number another has by
 * now, is misplaced for no longer than that. Threads that are gone count as root. Thread-safe.
 */
public final class Cgroups implements WorkerPool.Callers {
    /** Who is unknown, or at the root. */
    public static final String ROOT = "/";

    /** How long an answer is believed. */
    static final long AGE_NANOS = TimeUnit.MILLISECONDS.toNanos(500);

    private static final int KEPT = 1024;
    private static final String IO_CONTROLLER = "blkio";

    private final Path proc;
    private final Clock clock;
    /** By thread id, the last one of those that share a place; entries never change. */
    private final Entry[] kept = new Entry[KEPT];

    private record Entry(int caller, String cgroup, long until) {}

    /** Reads below {@code proc}. */
    public Cgroups(Path proc, Clock clock) {
        this.proc = proc;
        this.clock = clock;
    }

    @Override
    public String cgroup(int caller) {
        if (caller <= 0) {
            return ROOT;
        }
        int place = caller & (KEPT - 1);
        Entry entry = kept[place];
        long now = clock.nanos();
        if (entry == null || entry.caller != caller || entry.until - now <= 0) {
            entry = new Entry(caller, read(caller), now + AGE_NANOS);
            kept[place] = entry;
        }
        return entry.cgroup;
    }

    private String read(int caller) {
        try {
            return parse(Files.readString(proc.resolve(caller + "/cgroup"),
                    StandardCharsets.UTF_8));
        } catch (IOException e) {
            // The thread is gone, or not to be seen from here.
            return ROOT;
        }
    }

    /** Lines of {@code id:controllers:path}; cgroups(7). */
    public static String parse(String text) {
        String unified = ROOT;
        for (String line : text.split("\n")) {
            String[] parts = line.split(":", 3);
            if (parts.length < 3) {
                continue;
            }
            if (parts[1].isEmpty()) {
                unified = parts[2];
            } else if (!parts[2].equals(ROOT)
                    && (',' + parts[1] + ',').contains(',' + IO_CONTROLLER + ',')) {
                return parts[2];
            }
        }
        return unified;
    }
}
