package dev.sluice.zram;

import dev.sluice.block.BlockException;
import dev.sluice.block.Errno;
import java.util.ArrayList;
import java.util.List;

/**
 * What is to happen to pages by themselves, and the codecs for it. Immutable.
 *
 * @param codecs to recompress with, that of priority 1 first
 * @param recompress after how many seconds without use each of them is tried; 0 for never
 * @param writeback after how many seconds a page is written back; 0 for never
 */
record Rules(List<Algorithms.Choice> codecs, List<Long> recompress, long writeback) {
    private static final String OFF = "off";

    /**
     * Reads {@code CODEC[:level=N][:dict=FILE][:after=TIME],…} and {@code after=TIME}; either may
     * be {@code off}.
     */
    static Rules of(String recompress, String writeback) throws BlockException {
        List<Algorithms.Choice> codecs = new ArrayList<>();
        List<Long> after = new ArrayList<>();
        for (String one : recompress.equals(OFF) ? new String[0] : recompress.split(",", -1)) {
            codec(one, codecs, after);
        }
        if (codecs.size() >= Algorithms.MOST) {
            throw new BlockException(Errno.EINVAL, "recompress= must be at most "
                    + (Algorithms.MOST - 1) + " codecs, not " + codecs.size());
        }
        if (!writeback.equals(OFF) && !writeback.startsWith("after=")) {
            throw new BlockException(Errno.EINVAL, "writeback= must be after=TIME or off, not "
                    + writeback);
        }
        return new Rules(List.copyOf(codecs), List.copyOf(after), writeback.equals(OFF) ? 0
                : Numbers.seconds("writeback=after", writeback.substring("after=".length())));
    }

    private static void codec(String text, List<Algorithms.Choice> codecs, List<Long> after)
            throws BlockException {
        String[] parts = text.split(":");
        Words words = Words.of("recompress=CODEC", String.join(" ",
                List.of(parts).subList(1, parts.length)), List.of("level", "dict", "after"));
        String path = words.value("dict", null);
        codecs.add(new Algorithms.Choice(parts[0],
                (int) words.number("level", 0, Short.MIN_VALUE, 1 << 17),
                path == null ? null : Dictionary.read(path), Dictionary.absolute(path)));
        String time = words.value("after", null);
        after.add(time == null ? 0 : Numbers.seconds("recompress=CODEC:after", time));
    }

    /** Seconds after which the codec of a priority is tried; 0 for never. */
    long after(int priority) {
        return priority - 1 < recompress.size() ? recompress.get(priority - 1) : 0;
    }

    /** Whether anything happens by itself. */
    boolean any() {
        return writeback > 0 || recompress.stream().anyMatch(a -> a > 0);
    }

    /** The shortest of the times, in seconds. */
    long soonest() {
        long least = writeback > 0 ? writeback : Long.MAX_VALUE;
        for (long a : recompress) {
            least = a > 0 ? Math.min(least, a) : least;
        }
        return least;
    }

    /** As in the table; empty without codecs. */
    static String recompressText(Algorithms algorithms, Rules rules) {
        StringBuilder text = new StringBuilder();
        for (int p = 1; p < Algorithms.MOST; p++) {
            Algorithms.Choice choice = algorithms.choice(p);
            if (choice != null) {
                long after = rules.after(p);
                text.append(text.length() == 0 ? "" : ",").append(choice.name())
                        .append(choice.level() == 0 ? "" : ":level=" + choice.level())
                        .append(choice.path() == null ? "" : ":dict=" + choice.path())
                        .append(after == 0 ? "" : ":after=" + Numbers.secondsText(after));
            }
        }
        return text.toString();
    }

    /** As in the table. */
    String writebackText() {
        return writeback == 0 ? OFF : "after=" + Numbers.secondsText(writeback);
    }
}
