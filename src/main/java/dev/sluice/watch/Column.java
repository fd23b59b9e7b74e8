package dev.sluice.watch;

import dev.sluice.block.Op;
import java.util.Arrays;
import java.util.Comparator;
import java.util.Locale;
import java.util.function.ToDoubleFunction;
import java.util.stream.Collectors;

/** The columns of the live view, as iostat calls them, from left to right. */
public enum Column {
    /** The name of the device. */
    DEVICE("device", 0, null),
    /** Reads a second. */
    READS("r/s", 1, r -> r.perSecond(Op.READ)),
    /** Writes a second. */
    WRITES("w/s", 2, r -> r.perSecond(Op.WRITE)),
    /** MiB read a second. */
    READ_MIB("rMB/s", 6, r -> r.mib(Op.READ)),
    /** MiB written a second. */
    WRITE_MIB("wMB/s", 7, r -> r.mib(Op.WRITE)),
    /** Milliseconds a read took. */
    READ_AWAIT("r_await", 4, r -> r.await(Op.READ)),
    /** Milliseconds a write took. */
    WRITE_AWAIT("w_await", 5, r -> r.await(Op.WRITE)),
    /** Milliseconds a flush took. */
    FLUSH_AWAIT("f_await", 10, r -> r.await(Op.FLUSH)),
    /** Requests in flight on average. */
    QUEUE("aqu-sz", 8, Rates::queue),
    /** Of the time, how much anything was in flight. */
    UTIL("%util", 3, Rates::util),
    /** Requests kept waiting. */
    HELD("held", 9, Rates::held),
    /** Data by what keeping it takes. */
    RATIO("ratio", 11, Rates::ratio);

    /** Room for six figures, or five beside the blank where more would be odd. */
    private static final int WIDTH = 7;
    private static final int NARROW = 6;

    private final String head;
    private final int rank;
    private final ToDoubleFunction<Rates> value;

    Column(String head, int rank, ToDoubleFunction<Rates> value) {
        this.head = head;
        this.rank = rank;
        this.value = value;
    }

    /** What stands above it. */
    public String head() {
        return head;
    }

    /** The column that is called so, whatever the case, or null. */
    public static Column of(String head) {
        return Arrays.stream(values()).filter(c -> c.head.equalsIgnoreCase(head)).findFirst()
                .orElse(null);
    }

    /** All names, for a sentence. */
    public static String names() {
        return Arrays.stream(values()).map(Column::head).collect(Collectors.joining(", "));
    }

    /** How soon it is left out where there is no room: the greatest first. */
    int rank() {
        return rank;
    }

    /** How wide it is at least, with the blank in front. */
    int width() {
        boolean small = this == UTIL || this == HELD || this == RATIO;
        return Math.max(small ? NARROW : WIDTH, head.length() + 1);
    }

    /** Names upwards, figures downwards. */
    Comparator<Rates> order() {
        return value == null ? Comparator.comparing(Rates::name)
                : Comparator.comparingDouble(value).reversed();
    }

    /** What stands in a row. */
    String text(Rates rates) {
        return switch (this) {
            case DEVICE -> rates.name();
            case HELD -> Long.toString(rates.held());
            case RATIO -> rates.ratio() == 0 ? "-" : figure(rates.ratio());
            default -> figure(value.applyAsDouble(rates));
        };
    }

    /** As many digits behind the point as tell something: three figures, or the whole number. */
    static String figure(double value) {
        int digits = value >= 99.95 || value == 0 ? 0 : value >= 9.995 ? 1
                : value >= 0.9995 ? 2 : 3;
        if (value >= 9_999_999.5) {
            return String.format(Locale.ROOT, "%.0fM", value / 1e6);
        }
        return String.format(Locale.ROOT, "%." + digits + "f", value);
    }
}
