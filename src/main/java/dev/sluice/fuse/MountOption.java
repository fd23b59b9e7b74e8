package dev.sluice.fuse;

import java.util.List;
import java.util.stream.Collectors;

/**
 * What is to be known of one of the {@link MountOptions}.
 *
 * @param form how it is written
 * @param initial what holds without it; empty where the meaning says that
 */
public record MountOption(String form, String initial, String meaning) {
    /** All of them, in the order in which they are shown. */
    public static final List<MountOption> ALL = List.of(
            new MountOption("ro", "", "nobody may write, not to set and message either"),
            new MountOption("allow_other", "", "other users may use the mount, as far as file modes"
                    + " let them"),
            new MountOption("uid=N", "", "owner of the device files; the caller if not given"),
            new MountOption("gid=N", "", "their group; the caller's if not given"),
            new MountOption("mode=MODE", "0600", "their mode"),
            new MountOption("loop=session|stock", "session", "stock is jnr-fuse's own loop, slower,"
                    + " for where the other fails"),
            new MountOption("threads=N", "", "threads that may read requests, 1 to 64; one for each"
                    + " processor if not given, at most 4"),
            new MountOption("inline=on|off", "on", "off has workers carry out every request, also"
                    + " what would end at once"),
            new MountOption("workers=N", "512", "most threads of all workers together, 0 to 4096"),
            new MountOption("depth=N", "32", "threads of one worker, 1 to 1024: what one cgroup may"
                    + " have blocking on one device"),
            new MountOption("charge=on|off", "off", "on has a worker's threads enter the cgroup"
                    + " that they work for"),
            new MountOption("completion=auto|caller|worker", "auto", "who sends the reply of what"
                    + " ended later: by the rules, always who ended it, always a worker"),
            new MountOption("max_background=N", "16384", "most asynchronous requests that the"
                    + " kernel sends before callers wait"),
            new MountOption("payload=SIZE", "1G", "memory for the data of requests under way, 8M"
                    + " at least"),
            new MountOption("look=DURATION", "150us", "how long a thread looks for the end of"
                    + " direct I/O before it sleeps; 0 for not at all"),
            new MountOption("spin=DURATION", "15us", "how long at least a thread is awake before a"
                    + " delayed request is due, 0 to 1ms; 0 for not at all"),
            new MountOption("idle=auto|poll|sleep", "auto", "when idle processors are kept from"
                    + " sleeping: while a delayed request is due within 2 ms, while there are"
                    + " requests, never"),
            new MountOption("arrival=kernel|read", "kernel", "from when a delay counts: from when"
                    + " the request came to the kernel, or was read; read where the kernel does not"
                    + " tell"),
            new MountOption("metrics=PORT", "", "serves metrics for Prometheus on this port of the"
                    + " loopback address, 0 for any; on none if not given"));

    /** How all are written, for a sentence. */
    public static String forms() {
        return ALL.stream().map(MountOption::form).collect(Collectors.joining(", "));
    }
}
