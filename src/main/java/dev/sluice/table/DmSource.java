package dev.sluice.table;

import dev.sluice.block.BlockException;
import dev.sluice.block.Errno;
import dev.sluice.block.Units;
import java.util.ArrayList;
import java.util.List;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/**
 * Text for device-mapper, cut into devices and their segments. Three forms are understood: the
 * lines of {@code dmsetup create NAME}, those that {@code dmsetup table} prints, with the name in
 * front, and the devices of {@code dmsetup create --concise}.
 */
final class DmSource {
    private static final Pattern BARE = Pattern.compile("[0-9]+(\\s.*)?");
    private static final Pattern NAMED = Pattern.compile("(\\S[^,]*?):\\s+([0-9].*)");
    private static final Pattern NUMBER = Pattern.compile("[0-9]{1,19}");
    /** Name, uuid, minor and flags stand before the table in the concise form. */
    private static final int FIELDS = 4;

    private final List<Device> devices = new ArrayList<>();
    private final String bareName;

    /**
     * A device to be.
     *
     * @param number of its first line
     */
    record Device(String name, int number, boolean readOnly, List<Segment> segments) {
        /** Sectors. */
        long length() {
            Segment last = segments.get(segments.size() - 1);
            return last.start + last.length;
        }
    }

    /**
     * One line of a table.
     *
     * @param start in sectors
     * @param length in sectors
     * @param target the word, and what stands behind it
     */
    record Segment(int number, long start, long length, String target, List<String> words) {}

    /** @param name of a device whose text gives it none; null when there must be a name */
    private DmSource(String name) {
        this.bareName = name;
    }

    static List<Device> read(String text, String name) throws BlockException {
        DmSource source = new DmSource(name);
        String[] lines = text.split("\r?\n", -1);
        for (int i = 0; i < lines.length; i++) {
            String line = lines[i].strip();
            if (!line.isEmpty() && !line.startsWith("#")) {
                source.line(i + 1, line);
            }
        }
        if (source.devices.isEmpty()) {
            throw LineParser.wrong("there is no line for device-mapper; write one a segment, as in:"
                    + " 0 204800 linear /dev/loop0 0");
        }
        return source.devices;
    }

    private void line(int number, String line) throws BlockException {
        Matcher named = NAMED.matcher(line);
        if (BARE.matcher(line).matches()) {
            segment(bareName, number, false, line);
        } else if (named.matches()) {
            segment(named.group(1), number, false, named.group(2));
        } else if (split(line, ',').size() > FIELDS) {
            for (String device : split(line, ';')) {
                concise(number, device);
            }
        } else {
            throw new BlockException(Errno.EINVAL, "line " + number
                    + ": this is no line of device-mapper; write START LENGTH TARGET …,"
                    + " NAME: START LENGTH TARGET … or NAME,UUID,MINOR,FLAGS,TABLE");
        }
    }

    private void concise(int number, String text) throws BlockException {
        if (text.isBlank()) {
            return;
        }
        List<String> fields = split(text, ',');
        String name = plain(fields.get(0)).strip();
        try {
            if (fields.size() <= FIELDS) {
                throw LineParser.wrong("a part is missing; write NAME,UUID,MINOR,FLAGS,TABLE");
            }
            String flags = fields.get(FIELDS - 1).strip();
            if (!flags.isEmpty() && !flags.equals("rw") && !flags.equals("ro")) {
                throw LineParser.wrong("the flag " + flags + " is unknown; write rw or ro");
            }
            for (Device device : devices) {
                if (device.name.equals(name)) {
                    throw LineParser.wrong("line " + device.number
                            + " has this name already; give each device its own");
                }
            }
            for (String line : fields.subList(FIELDS, fields.size())) {
                segment(name, number, flags.equals("ro"), plain(line));
            }
        } catch (BlockException e) {
            throw e.getMessage().startsWith("line " + number + ":") ? e
                    : LineParser.at(number, name, e);
        }
    }

    /** Adds a segment to the device of that name, which is new or the last. */
    private void segment(String name, int number, boolean readOnly, String line)
            throws BlockException {
        try {
            checkName(name);
            Device device = devices.stream().filter(d -> d.name.equals(name)).findFirst()
                    .orElse(null);
            if (device == null) {
                device = new Device(name, number, readOnly, new ArrayList<>());
                devices.add(device);
            }
            List<String> words = words(line);
            if (words.size() < 3) {
                throw LineParser.wrong("too few words; write START LENGTH TARGET …");
            }
            long start = sectors("the start", words.get(0));
            long length = sectors("the length", words.get(1));
            long due = device.segments.isEmpty() ? 0 : device.length();
            if (start != due) {
                throw LineParser.wrong("the segment begins at sector " + start + "; it must be "
                        + due + (due == 0 ? ", as the first" : ", where the one before ends"));
            }
            if (length == 0) {
                throw LineParser.wrong("the length is 0; a segment has one sector at least");
            }
            if (length > (Long.MAX_VALUE >> 9) - start) {
                throw LineParser.wrong("the segment ends beyond "
                        + Units.size(1L << 62) + ", where no disk can; write fewer sectors");
            }
            device.segments.add(new Segment(number, start, length, words.get(2),
                    words.subList(3, words.size())));
        } catch (BlockException e) {
            throw LineParser.at(number, name, e);
        }
    }

    private void checkName(String name) throws BlockException {
        try {
            LineParser.checkName(name);
            if (name.startsWith(".")) {
                throw LineParser.wrong("a name must not begin with a dot; those are for what the"
                        + " devices stand on");
            }
        } catch (BlockException e) {
            throw name.equals(bareName)
                    ? LineParser.wrong(e.getMessage() + "; --name gives the device another") : e;
        }
    }

    /** A number of sectors of 512 bytes, in bytes at most what a file can have. */
    static long sectors(String what, String word) throws BlockException {
        long n = number(what, word, Long.MAX_VALUE);
        if (n > Long.MAX_VALUE >> 9) {
            throw LineParser.wrong(what + " " + word + " is more sectors than a disk can have;"
                    + " write at most " + (Long.MAX_VALUE >> 9));
        }
        return n;
    }

    /** A decimal number. */
    static long number(String what, String word, long most) throws BlockException {
        if (NUMBER.matcher(word).matches()) {
            try {
                long n = Long.parseLong(word);
                if (n <= most) {
                    return n;
                }
            } catch (NumberFormatException e) {
                // Nineteen digits can be too many: refused below.
            }
        }
        throw LineParser.wrong(what + " " + word + " is no whole number from 0 to " + most
                + "; write digits only");
    }

    /** Words between spaces; a backslash keeps the letter behind it in the word. */
    private static List<String> words(String line) {
        List<String> words = new ArrayList<>();
        StringBuilder word = null;
        for (int i = 0; i < line.length(); i++) {
            char c = line.charAt(i);
            if (Character.isWhitespace(c)) {
                if (word != null) {
                    words.add(word.toString());
                    word = null;
                }
                continue;
            }
            word = word == null ? new StringBuilder() : word;
            if (c == '\\' && i + 1 < line.length()) {
                i++;
            }
            word.append(line.charAt(i));
        }
        if (word != null) {
            words.add(word.toString());
        }
        return words;
    }

    /** The parts between separators that no backslash stands before; backslashes stay. */
    private static List<String> split(String text, char separator) {
        List<String> parts = new ArrayList<>();
        int from = 0;
        for (int i = 0; i < text.length(); i++) {
            if (text.charAt(i) == '\\') {
                i++;
            } else if (text.charAt(i) == separator) {
                parts.add(text.substring(from, i));
                from = i + 1;
            }
        }
        parts.add(text.substring(from));
        return parts;
    }

    /** Without the backslashes that kept separators; others are the table's own. */
    private static String plain(String part) {
        return part.replaceAll("\\\\([,;\\\\])", "$1");
    }
}
