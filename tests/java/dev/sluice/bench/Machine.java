package dev.sluice.bench;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.stream.Stream;

/** What the figures depend on: the machine, the system, the programs. */
final class Machine {
    private final Shell shell;

    Machine(Shell shell) {
        this.shell = shell;
    }

    Map<String, String> facts() throws IOException, InterruptedException {
        Map<String, String> facts = new LinkedHashMap<>();
        if (Files.exists(Path.of(".git")) && installed("git")) {
            facts.put("sluice", first("git", "describe", "--always", "--dirty"));
        }
        facts.put("processor", field("/proc/cpuinfo", "model name") + ", "
                + Runtime.getRuntime().availableProcessors() + " cores");
        facts.put("memory", field("/proc/meminfo", "MemTotal"));
        facts.put("kernel", Files.readString(Path.of("/proc/sys/kernel/osrelease")).strip());
        facts.put("system", field("/etc/os-release", "PRETTY_NAME").replace("\"", ""));
        facts.put("java", System.getProperty("java.vm.name") + " "
                + System.getProperty("java.runtime.version"));
        for (String program : List.of("fio", "qemu-storage-daemon", "nbdkit", "nbdfuse")) {
            if (installed(program)) {
                facts.put(program, first(program, "--version"));
            }
        }
        facts.put("file system of the data files", first("findmnt", "--noheadings", "--output",
                "FSTYPE,SOURCE", "--target", shell.scratch().toString()));
        return facts;
    }

    private String first(String... command) throws IOException, InterruptedException {
        return shell.run(20, command).lines().findFirst().orElse("").strip();
    }

    /** The sides that take part decide which programs must be there. */
    private static boolean installed(String program) {
        return Stream.of(System.getenv("PATH").split(":"))
                .anyMatch(folder -> Files.isExecutable(Path.of(folder, program)));
    }

    /** The value behind the first line with the name, after = or a colon. */
    private static String field(String file, String name) throws IOException {
        for (String line : Files.readAllLines(Path.of(file))) {
            if (line.startsWith(name)) {
                return line.substring(name.length()).replaceFirst("^\\s*[:=]\\s*", "");
            }
        }
        return "unknown";
    }

    /** The three load averages. */
    static String load() throws IOException {
        List<String> words = List.of(Files.readString(Path.of("/proc/loadavg")).split(" "));
        return String.join(" ", words.subList(0, 3));
    }

    /** Ticks of all processors so far that another guest of the host took, and all ticks. */
    static long[] ticks() throws IOException {
        String[] words = Files.readAllLines(Path.of("/proc/stat")).get(0).split("\\s+");
        long all = 0;
        // user, nice, system, idle, iowait, irq, softirq, steal; guest is part of user.
        for (int i = 1; i <= 8; i++) {
            all += Long.parseLong(words[i]);
        }
        return new long[] {Long.parseLong(words[8]), all};
    }
}
