package dev.sluice.report;

import dev.sluice.block.BlockException;
import dev.sluice.block.Errno;
import java.util.Arrays;
import java.util.List;
import java.util.Locale;
import java.util.stream.Collectors;

/** Which runs of fio a report is made of. */
public enum Preset {
    /** Small requests by depth, and large ones. */
    ALL(List.of(1, 2, 4, 8, 16, 32, 64), List.of(1, 8, 32), true),
    /** Small requests, one at a time. */
    LATENCY(List.of(1), List.of(1), false),
    /** Small requests by how many are in flight. */
    DEPTH(List.of(1, 2, 4, 8, 16, 32, 64), List.of(1, 8, 32), false),
    /** Large requests, one behind the other. */
    THROUGHPUT(List.of(), List.of(), true);

    private final List<Integer> depths;
    private final List<Integer> fewDepths;
    private final boolean large;

    Preset(List<Integer> depths, List<Integer> fewDepths, boolean large) {
        this.depths = depths;
        this.fewDepths = fewDepths;
        this.large = large;
    }

    /** How many small requests are in flight, run by run. */
    List<Integer> depths(boolean quick) {
        return quick ? fewDepths : depths;
    }

    /** Whether large requests are measured. */
    boolean large() {
        return large;
    }

    /** All names, for a sentence. */
    public static String names() {
        return Arrays.stream(values()).map(p -> p.name().toLowerCase(Locale.ROOT))
                .collect(Collectors.joining(", "));
    }

    /** The one of a name. */
    public static Preset of(String name) throws BlockException {
        for (Preset one : values()) {
            if (one.name().equalsIgnoreCase(name)) {
                return one;
            }
        }
        throw new BlockException(Errno.EINVAL, "there is no preset " + name + "; there are "
                + names());
    }
}
