package dev.sluice.target;

import dev.sluice.block.BlockException;
import dev.sluice.block.Errno;
import java.util.ArrayList;
import java.util.List;

/**
 * Words as a table line and a control file have them: between spaces, tabs or line ends; double
 * quotes keep spaces in a word, and inside them a backslash keeps a quote or a backslash.
 */
public final class Words {
    private static final String SPACES = " \t\r\n\f\u000b";

    private Words() {}

    /** The words of a text. */
    public static List<String> split(String text) throws BlockException {
        return split(text, false);
    }

    /** The words of a line up to a comment: a word that begins with an unquoted {@code #}. */
    public static List<String> splitLine(String line) throws BlockException {
        return split(line, true);
    }

    private static List<String> split(String text, boolean comments) throws BlockException {
        List<String> words = new ArrayList<>();
        int at = 0;
        while (true) {
            while (at < text.length() && isSpace(text.charAt(at))) {
                at++;
            }
            if (at == text.length() || comments && text.charAt(at) == '#') {
                return words;
            }
            StringBuilder word = new StringBuilder();
            at = word(text, at, word);
            words.add(word.toString());
        }
    }

    /** Reads one word and answers where it ends. */
    private static int word(String text, int from, StringBuilder word) throws BlockException {
        boolean quoted = false;
        int at = from;
        for (; at < text.length(); at++) {
            char c = text.charAt(at);
            if (c == '"') {
                quoted = !quoted;
            } else if (quoted && c == '\\' && escapes(text, at + 1)) {
                at++;
                word.append(text.charAt(at));
            } else if (!quoted && isSpace(c)) {
                break;
            } else {
                word.append(c);
            }
        }
        if (quoted) {
            throw new BlockException(Errno.EINVAL, "the quote that opens in "
                    + text.substring(from).strip() + " never closes; put a second \" behind it");
        }
        return at;
    }

    private static boolean escapes(String text, int at) {
        return at < text.length() && (text.charAt(at) == '"' || text.charAt(at) == '\\');
    }

    private static boolean isSpace(char c) {
        return SPACES.indexOf(c) >= 0;
    }

    /** The word as it must be written to be read back: in quotes only where it needs them. */
    public static String quote(String word) {
        boolean plain = !word.isEmpty() && word.charAt(0) != '#' && word.indexOf('"') < 0
                && word.chars().noneMatch(c -> isSpace((char) c));
        return plain ? word : '"' + word.replace("\\", "\\\\").replace("\"", "\\\"") + '"';
    }
}
