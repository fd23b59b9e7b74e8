package dev.sluice.table;

import dev.sluice.block.BlockException;
import dev.sluice.block.Units;
import dev.sluice.target.TargetType;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.HashSet;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;

/**
 * A table made from device-mapper's text. What a line names by its path becomes a hidden device,
 * one for each path; of several segments each becomes a hidden device too, and {@code concat} the
 * one of the name.
 */
public final class DmTable {
    private static final String MAPPER = "/dev/mapper/";
    private static final long MOST_32_BITS = (1L << 32) - 1;

    private final List<DmSource.Device> devices;
    private final List<TableLine> lines = new ArrayList<>();
    private final List<Integer> numbers = new ArrayList<>();
    private final Set<String> names = new HashSet<>();
    private final Map<String, String> hiddenByPath = new HashMap<>();
    private final Map<String, Boolean> readOnlyByPath = new HashMap<>();

    private DmTable(List<DmSource.Device> devices) {
        this.devices = devices;
        devices.forEach(device -> names.add(device.name()));
    }

    /**
     * Reads a file.
     *
     * @param name of the device, where the text gives none; null for that of the file, without
     *     what stands behind its last dot
     */
    public static Table read(Path file, String name, List<TargetType> types)
            throws BlockException {
        String own = file.getFileName().toString().replaceFirst("(?<=.)\\.[^.]*$", "");
        return parse(Table.text(file), name == null ? own : name, types);
    }

    static Table parse(String text, String name, List<TargetType> types) throws BlockException {
        DmTable table = new DmTable(DmSource.read(text, name));
        for (DmSource.Device device : table.devices) {
            try {
                table.add(device);
            } catch (BlockException e) {
                throw e.getMessage().startsWith("line ") ? e
                        : LineParser.at(device.number(), device.name(), e);
            }
        }
        return Table.of(table.lines, table.numbers, types);
    }

    private void add(DmSource.Device device) throws BlockException {
        List<DmSource.Segment> segments = device.segments();
        List<String> parts = new ArrayList<>();
        boolean protects = false;
        for (int i = 0; i < segments.size(); i++) {
            DmSource.Segment segment = segments.get(i);
            String name = segments.size() == 1 ? device.name()
                    : hidden(device.name() + "-" + (i + 1));
            parts.add(name);
            try {
                protects |= segment(name, segment, device.readOnly());
            } catch (BlockException e) {
                throw LineParser.at(segment.number(), device.name(), e);
            }
        }
        if (device.readOnly() && !protects) {
            throw LineParser.wrong("the flag ro needs a segment on a path; " + segments.get(0)
                    .target() + " takes writes always, so write rw");
        }
        if (parts.size() > 1) {
            line(device.number(), new TableLine(device.name(), device.length() << 9, "concat",
                    parts, null, Map.of()));
        }
    }

    private void line(int number, TableLine line) {
        lines.add(line);
        numbers.add(number);
    }

    /** Adds the line of one segment; whether it stands on something that can be read-only. */
    private boolean segment(String name, DmSource.Segment s, boolean readOnly)
            throws BlockException {
        List<String> words = s.words();
        List<String> lowers = new ArrayList<>();
        Map<String, String> values = new LinkedHashMap<>();
        switch (s.target()) {
            case "zero", "error" -> {
                if (!words.isEmpty()) {
                    throw LineParser.wrong(s.target() + " takes no arguments; write only "
                            + s.start() + " " + s.length() + " " + s.target());
                }
            }
            case "linear" -> {
                if (words.size() != 2) {
                    throw LineParser.wrong("linear takes exactly 2 arguments, not " + words.size()
                            + "; write linear DEVICE OFFSET");
                }
                lowers.add(lower(s, words.get(0), readOnly));
                offset("offset", words.get(1), values);
            }
            case "delay" -> delay(s, readOnly, lowers, values);
            case "flakey" -> flakey(s, readOnly, lowers, values);
            default -> throw LineParser.wrong("the target " + s.target() + " is not here;"
                    + " zero, error, linear, delay and flakey are");
        }
        line(s.number(), new TableLine(name, s.length() << 9, s.target(),
                lowers.isEmpty() ? lowers : lowers.subList(0, 1), null, values));
        return !lowers.isEmpty();
    }

    private static void offset(String key, String word, Map<String, String> values)
            throws BlockException {
        long sectors = DmSource.sectors("the offset", word);
        if (sectors != 0 || !key.equals("offset")) {
            values.put(key, Units.size(sectors << 9));
        }
    }

    private void delay(DmSource.Segment s, boolean readOnly, List<String> lowers,
            Map<String, String> values) throws BlockException {
        List<String> words = s.words();
        if (words.size() != 3 && words.size() != 6 && words.size() != 9) {
            throw LineParser.wrong("delay takes exactly 3, 6 or 9 arguments, not " + words.size()
                    + "; write DEVICE OFFSET MILLISECONDS for reads, and the same for writes and"
                    + " for flushes where they differ");
        }
        String[] classes = {"read", "write", "flush"};
        for (int i = 0; i < words.size() / 3; i++) {
            String device = lower(s, words.get(3 * i), readOnly);
            lowers.add(device);
            if (i > 0) {
                values.put(classes[i] + "-device", device);
            }
            offset(i == 0 ? "offset" : classes[i] + "-offset", words.get(3 * i + 1), values);
            long millis = DmSource.number("the delay", words.get(3 * i + 2), MOST_32_BITS);
            values.put(classes[i], Units.duration(millis * 1_000_000));
        }
    }

    private void flakey(DmSource.Segment s, boolean readOnly, List<String> lowers,
            Map<String, String> values) throws BlockException {
        List<String> words = s.words();
        if (words.size() < 4) {
            throw LineParser.wrong("flakey takes 4 arguments or more, not " + words.size()
                    + "; write flakey DEVICE OFFSET UP DOWN [COUNT FEATURE …]");
        }
        lowers.add(lower(s, words.get(0), readOnly));
        offset("offset", words.get(1), values);
        long up = DmSource.number("the up interval", words.get(2), MOST_32_BITS);
        long down = DmSource.number("the down interval", words.get(3), MOST_32_BITS);
        if (up + down == 0) {
            throw LineParser.wrong("both intervals are 0; give one of them a second at least");
        }
        values.put("up", Units.duration(up * 1_000_000_000));
        values.put("down", Units.duration(down * 1_000_000_000));
        List<String> features = words.subList(Math.min(5, words.size()), words.size());
        if (words.size() > 4) {
            long count = DmSource.number("the count of features", words.get(4), MOST_32_BITS);
            if (count != features.size()) {
                throw LineParser.wrong("the count of feature words is " + count + ", but "
                        + features.size() + " follow; write " + features.size());
            }
        }
        features(features, values);
    }

    private static void features(List<String> features, Map<String, String> values)
            throws BlockException {
        for (String feature : features) {
            String before = switch (feature) {
                case "error_reads" -> values.put("reads", "fail");
                case "error_writes" -> values.put("writes", "fail");
                case "drop_writes" -> values.put("writes", "drop");
                case "corrupt_bio_byte", "random_read_corrupt", "random_write_corrupt" ->
                    throw LineParser.wrong("flakey's " + feature + " is not here; error_reads,"
                            + " error_writes and drop_writes are");
                default -> throw LineParser.wrong("flakey has no feature " + feature
                        + "; error_reads, error_writes and drop_writes are there");
            };
            if (before != null) {
                throw LineParser.wrong("the feature " + feature + " stands beside another for the"
                        + " same operations; write one of them");
            }
        }
        if (!features.isEmpty()) {
            // A feature is all that goes wrong then.
            values.putIfAbsent("reads", "pass");
            values.putIfAbsent("writes", "pass");
        }
    }

    /** The name of the device behind a word: one of this text, or a hidden one for a path. */
    private String lower(DmSource.Segment s, String word, boolean readOnly)
            throws BlockException {
        if (word.startsWith(MAPPER)) {
            String name = word.substring(MAPPER.length());
            for (DmSource.Device other : devices) {
                if (other.name().equals(name)) {
                    if (readOnly && !other.readOnly()) {
                        throw LineParser.wrong("it is ro, but stands on " + name + ", which is not;"
                                + " give both the same flag");
                    }
                    return name;
                }
            }
        }
        if (word.indexOf('\0') >= 0) {
            throw LineParser.wrong("a path holds a zero byte; name a file or block device");
        }
        String path = word.matches("[0-9]+:[0-9]+") ? "/dev/block/" + word : word;
        Boolean before = readOnlyByPath.putIfAbsent(path, readOnly);
        if (before != null && before != readOnly) {
            throw LineParser.wrong("one device on " + path + " is ro and another is rw; give both"
                    + " the same flag");
        }
        String known = hiddenByPath.get(path);
        if (known != null) {
            return known;
        }
        Path last = Path.of(path).getFileName();
        String name = hidden(last == null ? "disk" : last.toString());
        hiddenByPath.put(path, name);
        line(s.number(), new TableLine(name, TableLine.FOLLOWS, "file", List.of(), path,
                readOnly ? Map.of("readonly", "on") : Map.of()));
        return name;
    }

    /** A hidden name that no device has yet, made from one. */
    private String hidden(String base) {
        String start = "." + base.replaceAll("^\\.+|\\p{Cc}", "");
        start = start.length() > 60 ? start.substring(0, 60) : start;
        String name = start;
        for (int i = 2; name.length() < 2 || name.equals(".sluice") || !names.add(name); i++) {
            name = start + "-" + i;
        }
        return name;
    }
}
