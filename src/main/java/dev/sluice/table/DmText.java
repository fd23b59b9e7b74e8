package dev.sluice.table;

import dev.sluice.block.BlockException;
import dev.sluice.block.Device;
import dev.sluice.block.Units;
import dev.sluice.target.Words;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.TimeUnit;

/** Devices as {@code dmsetup table} would print them, with paths for numbers. */
public final class DmText {
    private static final String DELAY_KEYS = "[a-z-]*offset|read|write|flush|(write|flush)-device";

    private DmText() {}

    /** What device-mapper has no words for. */
    private static final class Unspeakable extends Exception {
        private static final long serialVersionUID = 1L;

        Unspeakable(String why) {
            super(why, null, false, false);
        }
    }

    /** The lines of a device; one that begins with # and says why, where it has none. */
    public static String of(Device device) {
        List<String> lines = new ArrayList<>();
        try {
            segments(device, 0, lines);
        } catch (Unspeakable | BlockException e) {
            return "# " + device.name() + ": " + e.getMessage() + "\n";
        }
        return String.join("\n", lines) + "\n";
    }

    /** Those of all devices that have a file, each line with the name in front. */
    public static String of(List<Device> devices) {
        StringBuilder text = new StringBuilder();
        for (Device device : devices) {
            if (!Table.hides(device)) {
                of(device).lines().forEach(line -> text.append(line.startsWith("#") ? ""
                        : device.name() + ": ").append(line).append('\n'));
            }
        }
        return text.toString();
    }

    private static long segments(Device device, long start, List<String> lines)
            throws Unspeakable, BlockException {
        if (device.type().equals("concat")) {
            long next = start;
            for (Device part : device.lowers()) {
                next = segments(part, next, lines);
            }
            return next;
        }
        long length = device.limits().size() >> 9;
        lines.add(start + " " + length + " " + target(device));
        return start + length;
    }

    private static String target(Device device) throws Unspeakable, BlockException {
        List<String> words = Words.split(device.target().arguments());
        Map<String, String> values = new HashMap<>();
        for (String word : words.subList(device.lowers().isEmpty() ? 0 : 1, words.size())) {
            int equals = word.indexOf('=');
            if (equals > 0) {
                values.put(word.substring(0, equals), word.substring(equals + 1));
            }
        }
        return switch (device.type()) {
            case "zero" -> "zero";
            case "error" -> {
                if (!values.equals(Map.of("errno", "EIO", "on", "all"))) {
                    throw new Unspeakable("error fails everything with EIO in device-mapper, not "
                            + String.join(" ", words));
                }
                yield "error";
            }
            case "file" -> "linear " + path(device) + " 0";
            case "linear" -> "linear " + place(device, values.get("offset"));
            case "delay" -> delay(device, values);
            case "flakey" -> flakey(device, values);
            default -> throw new Unspeakable("device-mapper has no target " + device.type());
        };
    }

    private static String delay(Device device, Map<String, String> values)
            throws Unspeakable, BlockException {
        for (String key : values.keySet()) {
            if (!key.matches(DELAY_KEYS) && !key.equals("seed")) {
                throw new Unspeakable("dm-delay has no " + key);
            }
        }
        StringBuilder text = new StringBuilder("delay");
        Device lower = device.lowers().get(0);
        String offset = values.get("offset");
        String delay = values.getOrDefault("read", "0");
        List<String> triples = new ArrayList<>();
        triples.add(place(lower, offset, delay));
        for (String name : List.of("write", "flush")) {
            String other = values.get(name + "-device");
            if (other != null) {
                lower = device.lowers().stream().filter(d -> d.name().equals(other)).findFirst()
                        .orElseThrow();
                offset = null;
            }
            offset = values.getOrDefault(name + "-offset", offset);
            delay = values.getOrDefault(name, delay);
            triples.add(place(lower, offset, delay));
        }
        int count = values.keySet().stream().anyMatch(k -> k.startsWith("flush")) ? 3
                : values.keySet().stream().anyMatch(k -> k.startsWith("write")) ? 2 : 1;
        triples.subList(0, count).forEach(triple -> text.append(' ').append(triple));
        return text.toString();
    }

    private static String place(Device lower, String offset, String delay)
            throws Unspeakable, BlockException {
        return path(lower) + " " + sectors(offset) + " " + whole("delay", delay,
                TimeUnit.MILLISECONDS);
    }

    private static String flakey(Device device, Map<String, String> values)
            throws Unspeakable, BlockException {
        String reads = values.get("reads");
        String writes = values.get("writes");
        List<String> features = new ArrayList<>();
        if (reads.equals("fail") && !writes.equals("fail")) {
            features.add("error_reads");
        }
        if (writes.equals("drop")) {
            features.add("drop_writes");
        } else if (writes.equals("fail") && !reads.equals("fail")) {
            features.add("error_writes");
        }
        if (reads.equals("pass") && writes.equals("pass")) {
            throw new Unspeakable("dm-flakey fails or drops something, not nothing");
        }
        return "flakey " + place(device, values.get("offset")) + " "
                + whole("up", values.get("up"), TimeUnit.SECONDS) + " "
                + whole("down", values.get("down"), TimeUnit.SECONDS)
                + (features.isEmpty() ? "" : " " + features.size() + " "
                + String.join(" ", features));
    }

    private static String place(Device device, String offset) throws Unspeakable, BlockException {
        return path(device.lowers().get(0)) + " " + sectors(offset);
    }

    private static long sectors(String offset) throws Unspeakable, BlockException {
        long bytes = offset == null ? 0 : Units.parseSize("offset", offset);
        if (bytes % 512 != 0) {
            throw new Unspeakable("the offset " + offset + " is no whole number of sectors");
        }
        return bytes >> 9;
    }

    private static long whole(String what, String duration, TimeUnit unit)
            throws Unspeakable, BlockException {
        if (duration.matches("[a-z]+\\(.*|.*[,:].*")) {
            throw new Unspeakable("device-mapper knows fixed times only, not " + duration);
        }
        long nanos = Units.parseDuration(what, duration);
        if (nanos % unit.toNanos(1) != 0) {
            throw new Unspeakable(what + " " + duration + " is no whole number of "
                    + (unit == TimeUnit.SECONDS ? "seconds" : "milliseconds"));
        }
        return nanos / unit.toNanos(1);
    }

    /** What device-mapper would call the device below. */
    private static String path(Device device) throws Unspeakable, BlockException {
        if (device.type().equals("file")) {
            return Words.split(device.target().arguments()).get(0)
                    .replaceAll("[\\s\\\\]", "\\\\$0");
        }
        if (!Table.hides(device)) {
            return "/dev/mapper/" + device.name();
        }
        throw new Unspeakable("it stands on " + device.name() + ", which is no path");
    }
}
