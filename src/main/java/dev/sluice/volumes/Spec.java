package dev.sluice.volumes;

import dev.sluice.block.BlockException;
import dev.sluice.block.Errno;
import dev.sluice.block.Units;
import dev.sluice.target.Words;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.TreeMap;
import java.util.TreeSet;
import java.util.regex.Pattern;

/**
 * What a volume is to be: the options it was created with, checked. No option can name anything
 * outside of the plugin's own folder.
 *
 * @param size bytes of the device; 0 where an image that is there says it
 * @param target {@code ploop}, {@code zram} or {@code ram}
 * @param values parameters of the target
 * @param delays parameters of a delay device above it; none without one
 * @param fs the file system that is made on it
 * @param ephemeral whether what is in it goes when its last user leaves
 * @param images file names, the lowest first, of a chain of images; empty for one of its own
 */
record Spec(long size, String target, Map<String, String> values, Map<String, String> delays,
        String fs, boolean ephemeral, List<String> images) {
    private static final long MIB = 1 << 20;
    /** There may be hundreds, and each takes so much ahead of need. */
    private static final String PREALLOC = "prealloc=16M";
    private static final long USUAL_SIZE = 1 << 30;
    private static final Map<String, Long> LEAST = Map.of("ext4", 8 * MIB, "xfs", 300 * MIB);
    private static final Set<String> DELAYS = Set.of("read", "write", "flush", "percent",
            "read-percent", "write-percent", "flush-percent", "seed");
    /** What can be said of each target: nothing that names a file or another device. */
    private static final Map<String, Set<String>> KEYS = Map.of(
            "ploop", Set.of("direct", "dirty-timeout", "dirty-max-age", "dirty-ratio",
                    "dirty-policy", "enospc", "prealloc"),
            "zram", Set.of("codec", "level", "page", "writers", "async", "mem-limit",
                    "recompress"),
            "ram", Set.of("block"));
    private static final Pattern NAME = Pattern.compile("[a-zA-Z0-9][a-zA-Z0-9_.-]{0,127}");
    /** Values that name files: a distribution's table, a codec's dictionary. */
    private static final Pattern FILES = Pattern.compile("histogram|dict=|/");

    /** A name that can be a file's, and nothing but a file of the folder it is looked for in. */
    static String checkName(String what, String name) throws BlockException {
        if (!NAME.matcher(name).matches()) {
            throw wrong("the " + what + " " + shown(name) + " is not possible; write letters,"
                    + " digits, _ . and - only, a letter or digit first, and at most 128");
        }
        return name;
    }

    /** A text of somebody else's in a sentence. */
    static String shown(String text) {
        String line = text.replaceAll("[^\\x20-\\x7e]", "?");
        return "\"" + (line.length() <= 40 ? line : line.substring(0, 40) + "…") + "\"";
    }

    private static BlockException wrong(String sentence) {
        return new BlockException(Errno.EINVAL, sentence);
    }

    /** Checks options as they were given. */
    static Spec parse(Map<String, String> options) throws BlockException {
        Map<String, String> left = new TreeMap<>(options);
        String target = oneOf("target", left.remove("target"), "ploop", "zram", "ram");
        String fs = oneOf("fs", left.remove("fs"), "ext4", "xfs");
        String ephemeral = oneOf("ephemeral", left.remove("ephemeral"), "false", "true", "");
        List<String> images = images(target, left.remove("image"));
        String size = left.remove("size");
        long bytes = images.isEmpty() ? USUAL_SIZE : 0;
        if (size != null) {
            bytes = round(Units.parseSize("size", size));
            if (bytes < LEAST.get(fs)) {
                throw wrong("size " + size + " is too little for " + fs + "; give it "
                        + Units.size(LEAST.get(fs)) + " at least");
            }
        }
        Map<String, String> values = new TreeMap<>();
        Map<String, String> delays = new TreeMap<>();
        for (Map.Entry<String, String> option : left.entrySet()) {
            String key = option.getKey();
            Map<String, String> to = DELAYS.contains(key) ? delays
                    : KEYS.get(target).contains(key) ? values : null;
            if (to == null) {
                throw wrong("there is no option " + shown(key) + "; there are size, target, fs,"
                        + " ephemeral, " + (target.equals("ploop") ? "image, " : "")
                        + String.join(", ", new TreeSet<>(KEYS.get(target)))
                        + ", and for a delay " + String.join(", ", new TreeSet<>(DELAYS)));
            }
            if (FILES.matcher(option.getValue()).find()) {
                throw wrong("option " + key + "=" + shown(option.getValue())
                        + " names a file, which a volume's options cannot; leave it out, or put"
                        + " it into a table, for sluice mount");
            }
            to.put(key, option.getValue());
        }
        boolean shortLived = !ephemeral.equals("false");
        if (shortLived && !images.isEmpty()) {
            throw wrong("ephemeral and image= exclude each other, since an image that was named"
                    + " is kept; leave one of them out");
        }
        return new Spec(bytes, target, values, delays, fs, shortLived, images);
    }

    private static long round(long bytes) throws BlockException {
        if (bytes > Long.MAX_VALUE - MIB) {
            throw wrong("size " + bytes + " is too large; write a smaller one");
        }
        return (bytes + MIB - 1) / MIB * MIB;
    }

    /** The first word where nothing is given. */
    private static String oneOf(String key, String value, String... words) throws BlockException {
        if (value == null) {
            return words[0];
        }
        if (!List.of(words).contains(value)) {
            throw wrong("option " + key + "=" + shown(value) + " must be "
                    + String.join(" or ", words));
        }
        return value;
    }

    private static List<String> images(String target, String value) throws BlockException {
        if (value == null) {
            return List.of();
        }
        if (!target.equals("ploop")) {
            throw wrong("option image= is for target=ploop, and there is no image in " + target
                    + "; leave it out");
        }
        List<String> names = List.of(value.split(",", -1));
        for (int i = 0; i < names.size(); i++) {
            String name = names.get(i);
            boolean raw = i == 0 && names.size() > 1 && name.startsWith("raw@");
            checkName("image", raw ? name.substring(4) : name);
        }
        return names;
    }

    /** Whether the device is there only while somebody uses the volume. */
    boolean closes() {
        return ephemeral || target.equals("ploop");
    }

    /** The file that is written, in the folder of images; null where there is none. */
    String top(String name) {
        return !target.equals("ploop") ? null
                : images.isEmpty() ? name + ".hds" : images.get(images.size() - 1);
    }

    /** The names of its devices, that which shows as a file first. */
    List<String> devices(String name) {
        return delays.isEmpty() ? List.of(name) : List.of(name, below(name));
    }

    /** A hidden device: no volume has such a name. */
    private static String below(String name) {
        return "." + name;
    }

    /** The lines of a table for its devices. */
    String table(String name, Path folder) {
        List<String> words = new ArrayList<>();
        String disk = delays.isEmpty() ? name : below(name);
        words.add(disk);
        words.add(target.equals("ploop") ? "-" : Units.size(size));
        words.add(target);
        if (images.size() > 1) {
            List<String> files = new ArrayList<>();
            for (String image : images) {
                files.add(image.startsWith("raw@") ? "raw@" + folder.resolve(image.substring(4))
                        : folder.resolve(image).toString());
            }
            words.add("image=" + String.join(",", files));
        } else if (target.equals("ploop")) {
            words.add(folder.resolve(top(name)).toString());
        }
        if (target.equals("ploop") && !values.containsKey("prealloc")) {
            words.add(PREALLOC);
        }
        values.forEach((key, value) -> words.add(key + "=" + value));
        StringBuilder text = new StringBuilder(line(words));
        if (!delays.isEmpty()) {
            words.clear();
            words.addAll(List.of(name, "-", "delay", disk));
            delays.forEach((key, value) -> words.add(key + "=" + value));
            text.append(line(words));
        }
        return text.toString();
    }

    private static String line(List<String> words) {
        return String.join(" ", words.stream().map(Words::quote).toList()) + "\n";
    }

    /** The options that make an equal one. */
    Map<String, String> options() {
        Map<String, String> all = new LinkedHashMap<>();
        if (size > 0) {
            all.put("size", Units.size(size));
        }
        all.put("target", target);
        all.put("fs", fs);
        if (ephemeral) {
            all.put("ephemeral", "true");
        }
        if (!images.isEmpty()) {
            all.put("image", String.join(",", images));
        }
        all.putAll(values);
        all.putAll(delays);
        return all;
    }
}
