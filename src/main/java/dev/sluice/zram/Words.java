package dev.sluice.zram;

import dev.sluice.block.BlockException;
import dev.sluice.block.Errno;
import java.util.ArrayList;
import java.util.List;
import java.util.regex.Pattern;

/** {@code key=value …} as written to an attribute; the last of a key counts. */
final class Words {
    private static final Pattern BLANKS = Pattern.compile("\\s+");

    /**
     * One of them.
     *
     * @param value null where there is no {@code =}
     */
    record Word(String key, String value) {}

    private final String attribute;
    private final List<Word> all = new ArrayList<>();

    private Words(String attribute) {
        this.attribute = attribute;
    }

    /** Reads them; each must be of these keys and have a value. */
    static Words of(String attribute, String text, List<String> keys) throws BlockException {
        Words words = split(attribute, text);
        for (Word word : words.all) {
            if (!keys.contains(word.key) || word.value == null || word.value.isEmpty()) {
                throw words.wrong("cannot use " + word.key
                        + (word.value == null ? "" : "=" + word.value) + "; it takes "
                        + String.join("=…, ", keys) + "=…");
            }
        }
        return words;
    }

    /** Reads them, whatever they are. */
    static Words split(String attribute, String text) {
        Words words = new Words(attribute);
        for (String one : BLANKS.split(text.strip())) {
            int equals = one.indexOf('=');
            if (!one.isEmpty()) {
                words.all.add(equals < 0 ? new Word(one, null)
                        : new Word(one.substring(0, equals), one.substring(equals + 1)));
            }
        }
        return words;
    }

    List<Word> all() {
        return all;
    }

    String value(String key, String otherwise) {
        String value = otherwise;
        for (Word word : all) {
            value = word.key.equals(key) ? word.value : value;
        }
        return value;
    }

    long number(String key, long otherwise, long least, long most) throws BlockException {
        return number(attribute + " " + key + "=", value(key, Long.toString(otherwise)), least,
                most);
    }

    /** A text as a number; {@code name} stands before it in what is said of it. */
    static long number(String name, String text, long least, long most) throws BlockException {
        try {
            long n = Long.decode(text);
            if (n >= least && n <= most) {
                return n;
            }
        } catch (NumberFormatException e) {
            // Refused below.
        }
        throw new BlockException(Errno.EINVAL, name + text + " must be a number from " + least
                + " to " + most);
    }

    BlockException wrong(String right) {
        return new BlockException(Errno.EINVAL, attribute + " " + right);
    }
}
