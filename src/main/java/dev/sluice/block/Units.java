package dev.sluice.block;

import java.util.regex.Matcher;
import java.util.regex.Pattern;

/** Sizes ({@code 4k 1M 2G}) and durations ({@code 250us 5ms 2s}) as text and back. */
public final class Units {
    private static final Pattern SIZE = Pattern.compile("(\\d{1,19})([kKMGTP]?)");
    private static final Pattern DURATION = Pattern.compile("(\\d{1,19})(ns|us|ms|s|m|h)");
    private static final String SUFFIXES = "kMGTP";
    private static final String[] TIMES = {"h", "m", "s", "ms", "us", "ns"};
    private static final long[] NANOS = {
        3_600_000_000_000L, 60_000_000_000L, 1_000_000_000L, 1_000_000L, 1_000L, 1L
    };

    private Units() {}

    /** Bytes of a size; powers of 1024. {@code what} names it in the sentence. */
    public static long parseSize(String what, String text) throws BlockException {
        Matcher m = SIZE.matcher(text);
        if (m.matches()) {
            int power = 1 + SUFFIXES.indexOf(m.group(2).replace('K', 'k'));
            int shift = m.group(2).isEmpty() ? 0 : 10 * power;
            try {
                long n = Long.parseLong(m.group(1));
                if (n <= Long.MAX_VALUE >> shift) {
                    return n << shift;
                }
            } catch (NumberFormatException e) {
                // Nineteen digits can be too large: refused below.
            }
        }
        throw new BlockException(Errno.EINVAL, what + " " + text
                + " is not a size; write bytes or a number with k, M, G, T or P, as in 64M");
    }

    /** The shortest exact text of a size. */
    public static String size(long bytes) {
        int i = 0;
        long n = bytes;
        while (n != 0 && n % 1024 == 0 && i < SUFFIXES.length()) {
            n /= 1024;
            i++;
        }
        return i == 0 ? Long.toString(n) : n + "" + SUFFIXES.charAt(i - 1);
    }

    /** Nanoseconds of a duration; a bare {@code 0} needs no unit. */
    public static long parseDuration(String what, String text) throws BlockException {
        Matcher m = DURATION.matcher(text);
        if (m.matches()) {
            for (int i = 0; i < TIMES.length; i++) {
                if (TIMES[i].equals(m.group(2))) {
                    try {
                        return Math.multiplyExact(Long.parseLong(m.group(1)), NANOS[i]);
                    } catch (ArithmeticException | NumberFormatException e) {
                        break;
                    }
                }
            }
        }
        if (text.equals("0")) {
            return 0;
        }
        throw new BlockException(Errno.EINVAL, what + " " + text
                + " is not a duration; write a number with ns, us, ms, s, m or h, as in 5ms");
    }

    /** The shortest exact text of a duration. */
    public static String duration(long nanos) {
        for (int i = 0; i < TIMES.length; i++) {
            if (nanos != 0 && nanos % NANOS[i] == 0) {
                return nanos / NANOS[i] + TIMES[i];
            }
        }
        return "0";
    }
}
