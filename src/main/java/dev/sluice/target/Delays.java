package dev.sluice.target;

import dev.sluice.block.BlockException;
import java.util.Arrays;

/** What delays are asked for, for who compares them with what is given. */
public final class Delays {
    private static final int COUNT = 4000;
    /** Steps of this size are spread evenly, and have nothing to do with those of the other. */
    private static final double GOLDEN = 0.6180339887498949;

    private Delays() {}

    /**
     * Delays as often as they are to come, sorted, in nanoseconds.
     *
     * @param text as the status of a {@code delay} has it: {@code 5ms}, {@code exp(1ms) of 20%}
     */
    public static long[] spread(String text) throws BlockException {
        String[] words = text.split(" of ");
        Distribution delay = Distribution.parse("delay", words[0]);
        double part = words.length < 2 ? 1
                : Double.parseDouble(words[1].replace("%", "")) / 100;
        long[] all = new long[COUNT];
        for (int i = 0; i < COUNT; i++) {
            boolean delayed = i + 0.5 < part * COUNT;
            all[i] = delayed ? delay.sample((i + 0.5) / (part * COUNT), i * GOLDEN % 1) : 0;
        }
        Arrays.sort(all);
        return all;
    }
}
