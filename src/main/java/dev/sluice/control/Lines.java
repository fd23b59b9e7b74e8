package dev.sluice.control;

import java.util.Collections;
import java.util.List;
import java.util.Map;
import java.util.stream.Collectors;

/** Values by name as lines for a person or a script. */
final class Lines {
    private Lines() {}

    /** One value a line, in a column of their own; a list of maps has a line for each. */
    static String aligned(Map<String, Object> values) {
        int width = values.keySet().stream().mapToInt(String::length).max().orElse(0);
        StringBuilder text = new StringBuilder();
        values.forEach((name, value) -> {
            boolean rows = value instanceof List<?> list && !list.isEmpty()
                    && list.get(0) instanceof Map;
            for (Object row : rows ? (List<?>) value : Collections.singletonList(value)) {
                text.append(name).append(" ".repeat(width + 2 - name.length())).append(one(row))
                        .append('\n');
            }
        });
        return text.toString();
    }

    /** One value a line; those of a map have its name and a dot in front. */
    static String flat(Map<String, Object> values) {
        StringBuilder text = new StringBuilder();
        flat("", values, text);
        return text.toString();
    }

    private static void flat(String prefix, Map<?, ?> values, StringBuilder text) {
        values.forEach((name, value) -> {
            if (value instanceof Map<?, ?> more) {
                flat(prefix + name + ".", more, text);
            } else {
                text.append(prefix).append(name).append(' ').append(one(value)).append('\n');
            }
        });
    }

    /** A value without line ends. */
    private static String one(Object value) {
        if (value instanceof Boolean flag) {
            return flag ? "yes" : "no";
        }
        if (value instanceof List<?> list) {
            return list.isEmpty() ? "-"
                    : list.stream().map(Lines::one).collect(Collectors.joining(", "));
        }
        if (value instanceof Map<?, ?> map) {
            return map.isEmpty() ? "-" : map.entrySet().stream()
                    .map(e -> e.getKey() + "=" + one(e.getValue()))
                    .collect(Collectors.joining(" "));
        }
        return String.valueOf(value).replace('\n', ' ');
    }
}
