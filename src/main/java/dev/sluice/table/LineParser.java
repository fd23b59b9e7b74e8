package dev.sluice.table;

import dev.sluice.block.BlockException;
import dev.sluice.block.Errno;
import dev.sluice.block.Units;
import dev.sluice.target.TargetType;
import dev.sluice.target.Words;
import java.nio.charset.StandardCharsets;
import java.util.List;
import java.util.Map;

/** Reads one line of a table: what can be judged without the others. */
final class LineParser {
    /** A size is a multiple of this, in bytes, whatever the block. */
    static final int SECTOR = 512;

    private static final int NAME_BYTES = 255;

    private final Map<String, TargetType> types;

    LineParser(Map<String, TargetType> types) {
        this.types = types;
    }

    /** The line, or null for an empty one. A mistake's sentence begins with the line's number. */
    TableLine parse(int number, String text) throws BlockException {
        List<String> words;
        try {
            words = Words.splitLine(text);
        } catch (BlockException e) {
            throw new BlockException(e.errno(), "line " + number + ": " + e.getMessage(), e);
        }
        if (words.isEmpty()) {
            return null;
        }
        try {
            return line(words);
        } catch (BlockException e) {
            throw at(number, words.get(0), e);
        }
    }

    private TableLine line(List<String> words) throws BlockException {
        String name = words.get(0);
        checkName(name);
        if (words.size() >= 2 && types.containsKey(words.get(1))) {
            throw wrong("the size is missing; " + shape(types.get(words.get(1))));
        }
        if (words.size() < 3) {
            throw wrong("too few words; write: NAME SIZE TARGET [LOWER … | PATH] [KEY=VALUE …]");
        }
        TargetType type = types.get(words.get(2));
        if (type == null) {
            throw wrong("there is no target " + Words.quote(words.get(2)) + "; there are "
                    + String.join(", ", types.keySet()));
        }
        long size = size(words.get(1), type);
        int at = 3;
        List<String> lowers = words.subList(at, lowersEnd(words, at, type));
        at += lowers.size();
        String path = null;
        if (type.takesPath() && !inPlaceOfPath(type, words.subList(at, words.size()))) {
            path = words.get(positional(words, at, type, 1) - 1);
            at++;
        }
        if ("".equals(path) || path != null && path.indexOf('\0') >= 0) {
            throw wrong("the path is empty or holds a zero byte; name a file or block device");
        }
        Map<String, String> values = KeyValues.parse(words.subList(at, words.size()),
                type);
        return new TableLine(name, size, type.name(), lowers, path, values);
    }

    private static int lowersEnd(List<String> words, int from, TargetType type)
            throws BlockException {
        int end = positional(words, from, type, type.lowers());
        while (type.moreLowers() && end < words.size() && !KeyValues.isOf(type, words.get(end))) {
            end++;
        }
        return end;
    }

    private static boolean inPlaceOfPath(TargetType type, List<String> words) {
        return type.pathKey() != null && !words.isEmpty() && KeyValues.isOf(type, words.get(0))
                && words.stream().anyMatch(word -> word.startsWith(type.pathKey() + "="));
    }

    /** Where so many words that are no key=value of the type end. */
    private static int positional(List<String> words, int from, TargetType type, int count)
            throws BlockException {
        for (int i = from; i < from + count; i++) {
            if (i == words.size() || KeyValues.isOf(type, words.get(i))) {
                throw wrong((type.takesPath() && i >= 3 + type.lowers() ? "the path"
                        : "a lower device") + " is missing; " + shape(type));
            }
        }
        return from + count;
    }

    private static long size(String word, TargetType type) throws BlockException {
        if (word.equals("-")) {
            if (!type.sizeFollows()) {
                throw wrong(type.name() + " has no size of its own; write one, as in 1G,"
                        + " instead of -");
            }
            return TableLine.FOLLOWS;
        }
        long size = Units.parseSize("size", word);
        if (size == 0) {
            throw wrong("the size is 0; write at least " + SECTOR);
        }
        checkMultiple(size, SECTOR, "");
        return size;
    }

    /** Refuses a size that is no multiple of a block; {@code whose} tells whose block it is. */
    static void checkMultiple(long size, int block, String whose) throws BlockException {
        if (size % block != 0) {
            long up = size - size % block + block;
            throw wrong("the size " + size + " is not a multiple of " + block + whose + "; "
                    + (up > 0 ? up : up - block) + " is");
        }
    }

    /** Refuses what no device may be called. */
    static void checkName(String name) throws BlockException {
        if (name.isEmpty()) {
            throw wrong("the name is empty; write one");
        }
        if (name.indexOf('/') >= 0) {
            throw wrong("a name must not hold a /; it becomes a file of the mount directory");
        }
        if (name.equals(".") || name.equals("..") || name.equals(".sluice")) {
            throw wrong("the name is one that every mount has already; choose another");
        }
        if (Table.RESERVED.contains(name)) {
            throw wrong("the name is that of a control file; choose one other than "
                    + String.join(", ", Table.RESERVED));
        }
        if (name.chars().anyMatch(Character::isISOControl)) {
            throw wrong("a name must not hold control characters; write it without");
        }
        int bytes = name.getBytes(StandardCharsets.UTF_8).length;
        if (bytes > NAME_BYTES) {
            throw wrong("the name has " + bytes + " bytes; a file name has at most "
                    + NAME_BYTES);
        }
    }

    private static String shape(TargetType type) {
        return "write: NAME SIZE " + type.name() + " LOWER".repeat(type.lowers())
                + (type.moreLowers() ? " …" : "")
                + (type.takesPath() ? " PATH" : "")
                + (type.parameters().isEmpty() ? "" : " [KEY=VALUE …]");
    }

    /** A mistake that does not yet say where. */
    static BlockException wrong(String sentence) {
        return new BlockException(Errno.EINVAL, sentence);
    }

    /** The same mistake with its place in front. */
    static BlockException at(int number, String name, BlockException mistake) {
        String shown = name.codePointCount(0, name.length()) <= 40 ? name
                : name.substring(0, name.offsetByCodePoints(0, 40)) + "…";
        String device = shown.isEmpty() ? "\"\"" : shown.replaceAll("\\p{Cntrl}", "?");
        return new BlockException(mistake.errno(),
                "line " + number + ": " + device + ": " + mistake.getMessage(), mistake);
    }
}
