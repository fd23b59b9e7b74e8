package dev.sluice.watch;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.Comparator;
import java.util.List;
import java.util.stream.Collectors;

/** Rates as the lines of a table: a head, and one a device. Immutable. */
public final class Screen {
    /** Wider than any table. */
    public static final int WIDE = 10_000;

    private static final int SHORTEST_NAME = 6;
    /** A longer name has so much of the width; the rest of it gives way to figures. */
    private static final int NAMES_PART = 4;

    private final Column sort;

    /**
     * @param sort the column to sort by, or null for the order of the table
     */
    public Screen(Column sort) {
        this.sort = sort;
    }

    /** The rows in the order in which they are shown. */
    public List<Rates> sorted(List<Rates> rows) {
        return sort == null ? rows : rows.stream().sorted(sort.order()).toList();
    }

    /**
     * The table. What does not fit into the width is left out, by columns, the least telling first;
     * what does not fit into the height, by rows, and the last line says how many.
     */
    public List<String> lines(List<Rates> rows, int width, int height) {
        int longest = rows.stream().mapToInt(r -> r.name().length()).max().orElse(0);
        int name = Math.max(Math.max(longest, SHORTEST_NAME), Column.DEVICE.head().length());
        List<Column> columns = fitting(rows, width - Math.min(name, Math.max(
                width / NAMES_PART, SHORTEST_NAME)));
        int left = columns.stream().mapToInt(c -> width(c, rows)).sum();
        int nameWidth = Math.max(SHORTEST_NAME, Math.min(name, width - left));
        List<String> lines = new ArrayList<>();
        lines.add(cut(Column.DEVICE.head(), nameWidth) + columns.stream()
                .map(c -> right(c.head(), width(c, rows))).collect(Collectors.joining()));
        List<Rates> sorted = sorted(rows);
        int shown = sorted.size() + 1 <= height ? sorted.size() : Math.max(0, height - 2);
        for (Rates row : sorted.subList(0, shown)) {
            lines.add(cut(row.name(), nameWidth) + columns.stream()
                    .map(c -> right(c.text(row), width(c, rows))).collect(Collectors.joining()));
        }
        if (shown < sorted.size()) {
            lines.add(cut("… and " + (sorted.size() - shown) + " more", Math.min(width, 40)));
        }
        return lines;
    }

    /** The columns behind the name for which there is room, in their order. */
    private static List<Column> fitting(List<Rates> rows, int room) {
        List<Column> byRank = Arrays.stream(Column.values()).filter(c -> c != Column.DEVICE)
                .sorted(Comparator.comparingInt(Column::rank)).toList();
        List<Column> fit = new ArrayList<>();
        int taken = 0;
        for (Column column : byRank) {
            taken += width(column, rows);
            if (taken > room) {
                break;
            }
            fit.add(column);
        }
        return Arrays.stream(Column.values()).filter(fit::contains).toList();
    }

    private static int width(Column column, List<Rates> rows) {
        return rows.stream().mapToInt(r -> column.text(r).length() + 1)
                .reduce(column.width(), Math::max);
    }

    private static String right(String text, int width) {
        return " ".repeat(Math.max(0, width - text.length())) + text;
    }

    private static String cut(String text, int width) {
        return text.length() > width ? text.substring(0, width - 1) + "…"
                : text + " ".repeat(width - text.length());
    }
}
