package dev.sluice.work;

import dev.sluice.block.Device;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Set;
import java.util.TreeSet;
import java.util.concurrent.ConcurrentHashMap;
import java.util.function.IntSupplier;

/**
 * Puts a worker's threads into the caller's cgroup, so that their CPU time and I/O are charged
 * there: by {@code tasks} of the v1 hierarchies that account for either, and by
 * {@code cgroup.threads} of the unified one, which takes threads from within one threaded subtree
 * only (cgroups(7)). Thread-safe.
 */
public final class Charge {
    private static final List<String> CONTROLLERS = List.of("cpu", "cpuacct", "blkio", "io");

    /** A mounted hierarchy: where, and the file that takes thread ids. */
    private record Hierarchy(Path root, String file) {}

    private final List<Hierarchy> hierarchies;
    private final String home;
    private final IntSupplier threadId;
    private final Device.Log log;
    private final Set<String> refused = ConcurrentHashMap.newKeySet();

    /**
     * For the hierarchies in a mount table.
     *
     * @param mounts the text of /proc/mounts
     * @param home the daemon's own cgroup, for work of nobody's
     * @param threadId the calling thread's number, as gettid(2) has it
     */
    public Charge(String mounts, String home, IntSupplier threadId, Device.Log log) {
        this.home = home;
        this.threadId = threadId;
        this.log = log;
        List<Hierarchy> found = new ArrayList<>();
        for (String line : mounts.split("\n")) {
            String[] f = line.split(" ");
            if (f.length > 3 && f[2].equals("cgroup2")) {
                found.add(new Hierarchy(Path.of(f[1]), "cgroup.threads"));
            } else if (f.length > 3 && f[2].equals("cgroup")
                    && List.of(f[3].split(",")).stream().anyMatch(CONTROLLERS::contains)) {
                found.add(new Hierarchy(Path.of(f[1]), "tasks"));
            }
        }
        hierarchies = List.copyOf(found);
    }

    /** Whether any hierarchy is mounted that could charge. */
    public boolean possible() {
        return !hierarchies.isEmpty();
    }

    /**
     * Moves the calling thread; what refuses is logged once for each cgroup. A thread is born where
     * the one is that made it, which may have been moved: so work of nobody's goes home.
     */
    void enter(String caller) {
        String cgroup = caller.equals(Cgroups.ROOT) ? home : caller;
        for (Hierarchy h : hierarchies) {
            try {
                // A name may have letters that this system's file names cannot.
                Path dir = h.root.resolve(cgroup.substring(1));
                if (!Files.isDirectory(dir)) {
                    continue;
                }
                Files.write(dir.resolve(h.file), Integer.toString(threadId.getAsInt())
                        .getBytes(StandardCharsets.UTF_8));
            } catch (IOException | RuntimeException e) {
                if (refused.add(cgroup)) {
                    log.error("charge=on: " + cgroup + " in " + h.root + " takes no thread of the"
                            + " daemon (" + e.getMessage() + "); its I/O is charged to the"
                            + " daemon. The unified hierarchy needs both in one threaded"
                            + " subtree", null);
                }
            }
        }
    }

    /** Cgroups that took no thread; for status. */
    Set<String> refused() {
        return new TreeSet<>(refused);
    }
}
