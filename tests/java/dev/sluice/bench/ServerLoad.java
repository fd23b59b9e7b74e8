package dev.sluice.bench;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.stream.Stream;

/**
 * What the threads of some processes have used so far, from their schedstat (nanoseconds; the
 * process's own stat counts ticks of 10 ms, too coarse for a short run). A thread that ends
 * between two looks takes its share along: compilers of a JVM may, a serving thread does not.
 */
final class ServerLoad {
    /** What was used between two looks. */
    record Spent(long cpuNanos, long switches) { }

    private record Task(long cpuNanos, long switches) { }

    private final Map<String, Task> tasks = new HashMap<>();

    private ServerLoad() { }

    static ServerLoad of(List<Long> pids) throws IOException {
        ServerLoad load = new ServerLoad();
        for (long pid : pids) {
            List<Path> folders;
            try (Stream<Path> list = Files.list(Path.of("/proc", "" + pid, "task"))) {
                folders = list.toList();
            }
            for (Path folder : folders) {
                load.add(folder);
            }
        }
        return load;
    }

    private void add(Path folder) throws IOException {
        try {
            String cpu = Files.readString(folder.resolve("schedstat"));
            long switches = 0;
            for (String line : Files.readAllLines(folder.resolve("status"))) {
                // voluntary_ctxt_switches and nonvoluntary_ctxt_switches
                if (line.contains("voluntary_ctxt_switches:")) {
                    switches += Long.parseLong(line.substring(line.indexOf(':') + 1).strip());
                }
            }
            tasks.put(folder.toString(), new Task(
                    Long.parseLong(cpu.substring(0, cpu.indexOf(' '))), switches));
        } catch (NoSuchFileException e) {
            if (Files.exists(folder)) {
                throw new IOException("this kernel has no " + e.getFile(), e);
            }
            // Otherwise the thread has ended since the list was read.
        } catch (IOException e) {
            // Reading the file of a thread that has just ended gives ESRCH.
            if (Files.exists(folder)) {
                throw e;
            }
        }
    }

    Spent since(ServerLoad before) {
        long cpu = 0;
        long switches = 0;
        Task none = new Task(0, 0);
        for (Map.Entry<String, Task> entry : tasks.entrySet()) {
            Task then = before.tasks.getOrDefault(entry.getKey(), none);
            cpu += entry.getValue().cpuNanos - then.cpuNanos;
            switches += entry.getValue().switches - then.switches;
        }
        return new Spent(cpu, switches);
    }
}
