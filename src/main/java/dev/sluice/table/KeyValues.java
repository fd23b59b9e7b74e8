package dev.sluice.table;

import dev.sluice.block.BlockException;
import dev.sluice.target.TargetType;
import dev.sluice.target.Words;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.stream.Collectors;

/** Reads {@code key=value …}, in a table line and in a change while in use. */
public final class KeyValues {
    private KeyValues() {}

    /** The values by key, in the order written. Every key is the type's and stands once. */
    public static Map<String, String> parse(List<String> words, TargetType type)
            throws BlockException {
        Map<String, String> values = new LinkedHashMap<>();
        for (String word : words) {
            int equals = word.indexOf('=');
            if (equals < 0) {
                throw LineParser.wrong("the word " + Words.quote(word) + " is no key=value; "
                        + keys(type));
            }
            String key = word.substring(0, equals);
            if (!isOf(type, word)) {
                throw LineParser.wrong("there is no key " + Words.quote(key) + "; "
                        + keys(type));
            }
            if (values.put(key, word.substring(equals + 1)) != null) {
                throw LineParser.wrong("the key " + key + " stands twice; write it once");
            }
        }
        return values;
    }

    /** Whether a word begins with a key of the type and {@code =}. */
    static boolean isOf(TargetType type, String word) {
        return type.parameters().stream().anyMatch(p -> word.startsWith(p.key() + "="));
    }

    private static String keys(TargetType type) {
        return type.name() + (type.parameters().isEmpty() ? " takes none" : " takes "
                + type.parameters().stream().map(TargetType.Parameter::key)
                        .collect(Collectors.joining(", ")));
    }
}
