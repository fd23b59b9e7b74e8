package dev.sluice.report;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

/** What figures depend on: the machine, the system, the programs. */
public final class Machine {
    private Machine() {}

    /** By name, as far as files of the system say it. */
    public static Map<String, String> facts() {
        Map<String, String> facts = new LinkedHashMap<>();
        facts.put("processor", field("/proc/cpuinfo", "model name") + ", "
                + Runtime.getRuntime().availableProcessors() + " processors");
        facts.put("memory", field("/proc/meminfo", "MemTotal"));
        facts.put("kernel", field("/proc/sys/kernel/osrelease", ""));
        facts.put("system", field("/etc/os-release", "PRETTY_NAME").replace("\"", ""));
        facts.put("java", System.getProperty("java.vm.name") + " "
                + System.getProperty("java.runtime.version"));
        return facts;
    }

    /** The load averages now. */
    public static String load() {
        String[] words = field("/proc/loadavg", "").split(" ");
        return words.length < 3 ? "unknown" : words[0] + " " + words[1] + " " + words[2];
    }

    /** The value behind the first line with the name, after = or a colon. */
    private static String field(String file, String name) {
        try {
            List<String> lines = Files.readAllLines(Path.of(file));
            for (String line : lines) {
                if (line.startsWith(name)) {
                    return line.substring(name.length()).replaceFirst("^\\s*[:=]?\\s*", "");
                }
            }
        } catch (IOException e) {
            // A system without the file: that is said, and the rest of the report stands.
            return "unknown (" + e.getMessage() + ")";
        }
        return "unknown";
    }
}
