package dev.sluice.table;

import dev.sluice.block.BlockException;
import dev.sluice.block.Device;
import dev.sluice.block.Errno;
import dev.sluice.block.Limits;
import dev.sluice.target.TargetType;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.charset.CharacterCodingException;
import java.nio.charset.StandardCharsets;
import java.nio.file.AccessDeniedException;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Deque;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

/**
 * The devices of a mount, as text: one a line, {@code name size target [lower … | path]
 * key=value …}. Immutable. Every mistake is one sentence that begins with the line's number and
 * the device, and says what would be right.
 */
public final class Table {
    /** Names that control files of the mount have beside the folders of the devices. */
    public static final List<String> RESERVED =
            List.of("table", "table.dm", "status", "status.json", "stats", "metrics",
                    "pid", "version");

    private final Map<String, TableLine> lines = new LinkedHashMap<>();
    private final Map<String, Integer> numbers = new HashMap<>();
    private final Map<String, List<String>> below = new HashMap<>();
    private final List<TableLine> lowersFirst;

    private Table(List<TableLine> given, List<Integer> givenNumbers, List<TargetType> types)
            throws BlockException {
        Map<String, TargetType> byName = byName(types);
        for (int i = 0; i < given.size(); i++) {
            add(given.get(i), givenNumbers.get(i));
        }
        for (TableLine line : lines.values()) {
            below.put(line.name(), below(line, byName.get(line.target())));
            checkLowers(line);
        }
        lowersFirst = sort();
    }

    private static Map<String, TargetType> byName(List<TargetType> types) {
        Map<String, TargetType> byName = new LinkedHashMap<>();
        types.forEach(type -> byName.put(type.name(), type));
        return byName;
    }

    /** Reads a table; the types are those it may use. */
    public static Table parse(String text, List<TargetType> types) throws BlockException {
        return parse(text, types, false);
    }

    private static Table parse(String text, List<TargetType> types, boolean mayBeEmpty)
            throws BlockException {
        LineParser parser = new LineParser(byName(types));
        List<TableLine> lines = new ArrayList<>();
        List<Integer> numbers = new ArrayList<>();
        String[] texts = text.split("\n", -1);
        for (int i = 0; i < texts.length; i++) {
            TableLine line = parser.parse(i + 1, texts[i]);
            if (line != null) {
                lines.add(line);
                numbers.add(i + 1);
            }
        }
        if (lines.isEmpty() && !mayBeEmpty) {
            throw LineParser.wrong("the table has no device; write one a line, as in:"
                    + " disk 1G zero");
        }
        return of(lines, numbers, types);
    }

    /** The table of lines that were read, with the number of each in the text. */
    static Table of(List<TableLine> lines, List<Integer> numbers, List<TargetType> types)
            throws BlockException {
        return new Table(lines, numbers, types);
    }

    /** Reads a table from a file in UTF-8; {@code mayBeEmpty}: devices will come later. */
    public static Table read(Path file, List<TargetType> types, boolean mayBeEmpty)
            throws BlockException {
        return parse(text(file), types, mayBeEmpty);
    }

    /** The text of a file in UTF-8. */
    static String text(Path file) throws BlockException {
        String why;
        Errno errno = Errno.EIO;
        try {
            return StandardCharsets.UTF_8.newDecoder()
                    .decode(ByteBuffer.wrap(Files.readAllBytes(file))).toString();
        } catch (NoSuchFileException e) {
            why = "there is no such file";
            errno = Errno.ENOENT;
        } catch (AccessDeniedException e) {
            why = "permission denied";
            errno = Errno.EACCES;
        } catch (CharacterCodingException e) {
            why = "it is not text in UTF-8";
            errno = Errno.EINVAL;
        } catch (IOException e) {
            why = Files.isDirectory(file) ? "it is a folder" : e.getMessage();
        }
        throw new BlockException(errno, "the table " + file + " cannot be read: " + why
                + "; name a readable text file");
    }

    private void add(TableLine line, int number) throws BlockException {
        Integer first = numbers.putIfAbsent(line.name(), number);
        if (first != null) {
            throw LineParser.at(number, line.name(), LineParser.wrong(
                    "line " + first + " has this name already; give each device its own"));
        }
        lines.put(line.name(), line);
    }

    /** The devices behind the type, and then others that keys name. */
    private static List<String> below(TableLine line, TargetType type) {
        List<String> names = new ArrayList<>(line.lowers());
        for (String key : type.lowerKeys()) {
            String name = line.values().get(key);
            if (name != null && !names.contains(name)) {
                names.add(name);
            }
        }
        return names;
    }

    private void checkLowers(TableLine line) throws BlockException {
        for (String lower : below(line)) {
            if (!lines.containsKey(lower)) {
                throw mistake(line, LineParser.wrong("there is no device " + lower
                        + " to stand on; the table has " + String.join(", ", lines.keySet())));
            }
        }
    }

    /** Lowers before what stands on them, otherwise in table order; finds cycles and towers. */
    private List<TableLine> sort() throws BlockException {
        Map<String, List<TableLine>> uppers = new HashMap<>();
        Map<String, Integer> missing = new HashMap<>();
        Map<String, Integer> depths = new HashMap<>();
        Deque<TableLine> next = new ArrayDeque<>();
        for (TableLine line : lines.values()) {
            missing.put(line.name(), below(line).size());
            below(line).forEach(lower ->
                    uppers.computeIfAbsent(lower, name -> new ArrayList<>()).add(line));
            if (below(line).isEmpty()) {
                next.add(line);
            }
        }
        List<TableLine> sorted = new ArrayList<>();
        while (!next.isEmpty()) {
            TableLine line = next.remove();
            int depth = 1 + below(line).stream().mapToInt(depths::get).max().orElse(0);
            if (depth > Limits.MAX_DEPTH) {
                throw mistake(line, LineParser.wrong("it is the device number " + depth
                        + " one above the other; stack at most " + Limits.MAX_DEPTH));
            }
            depths.put(line.name(), depth);
            sorted.add(line);
            for (TableLine upper : uppers.getOrDefault(line.name(), List.of())) {
                if (missing.merge(upper.name(), -1, Integer::sum) == 0) {
                    next.add(upper);
                }
            }
        }
        if (sorted.size() < lines.size()) {
            throw cycle(depths);
        }
        return sorted;
    }

    /** The sentence for lines that wait for each other; the sorted ones are not among them. */
    private BlockException cycle(Map<String, Integer> sorted) {
        String name = lines.keySet().stream().filter(n -> !sorted.containsKey(n)).findFirst()
                .orElseThrow();
        List<String> way = new ArrayList<>();
        // Every unsorted device has an unsorted lower, so the way down must come to a cycle.
        while (!way.contains(name)) {
            way.add(name);
            name = below.get(name).stream().filter(n -> !sorted.containsKey(n))
                    .findFirst().orElseThrow();
        }
        way.subList(0, way.indexOf(name)).clear();
        way.add(name);
        return mistake(lines.get(name), LineParser.wrong("it stands on itself: "
                + String.join(" on ", way) + "; let one of them stand on another device"));
    }

    /** Whether a device has no file: one with a dot in front is there for others to stand on. */
    public static boolean hides(Device device) {
        return device.name().startsWith(".");
    }

    /** A mistake with the place of its line in front. */
    BlockException mistake(TableLine line, BlockException mistake) {
        return LineParser.at(numbers.get(line.name()), line.name(), mistake);
    }

    /** The names of the devices that a line's stands on. */
    List<String> below(TableLine line) {
        return below.get(line.name());
    }

    /** The line's number in the text, from 1. */
    int number(TableLine line) {
        return numbers.get(line.name());
    }

    /** The lines in an order in which they can be opened. */
    List<TableLine> lowersFirst() {
        return lowersFirst;
    }

    /** The lines in the table's order. */
    public List<TableLine> lines() {
        return List.copyOf(lines.values());
    }

    /** The table as text, without its comments; reads back as the same lines. */
    public String text() {
        StringBuilder text = new StringBuilder();
        lines.values().forEach(line -> text.append(line.text()).append('\n'));
        return text.toString();
    }
}
