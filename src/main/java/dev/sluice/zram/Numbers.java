package dev.sluice.zram;

import dev.sluice.block.BlockException;
import dev.sluice.block.Errno;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/** Numbers as the kernel's attributes take them. */
final class Numbers {
    private static final Pattern BYTES = Pattern.compile("(0[xX][0-9a-fA-F]{1,16}|\\d{1,19})"
            + "([kKmMgGtTpPeE]?)");
    private static final String SUFFIXES = "kmgtpe";
    private static final Pattern SECONDS = Pattern.compile("(\\d{1,9})([smhd])");
    private static final String UNITS = "smhd";
    private static final int[] UNIT_SECONDS = {1, 60, 3600, 86_400};

    private Numbers() {}

    /** Bytes, with a suffix of a power of 1024 in either case. */
    static long bytes(String name, String text) throws BlockException {
        Matcher m = BYTES.matcher(text);
        if (m.matches()) {
            int shift = m.group(2).isEmpty() ? 0
                    : 10 + 10 * SUFFIXES.indexOf(Character.toLowerCase(m.group(2).charAt(0)));
            try {
                long n = Long.decode(m.group(1).startsWith("0x") || m.group(1).startsWith("0X")
                        ? m.group(1) : m.group(1).replaceFirst("^0+(?=\\d)", ""));
                if (n <= Long.MAX_VALUE >> shift) {
                    return n << shift;
                }
            } catch (NumberFormatException e) {
                // Too many digits: refused below.
            }
        }
        throw new BlockException(Errno.EINVAL, name + " must be bytes, with K, M, G or T behind"
                + " them as in 512M, not " + text);
    }

    /** Whole seconds of a duration such as {@code 10m}. */
    static long seconds(String name, String text) throws BlockException {
        Matcher m = SECONDS.matcher(text);
        if (m.matches()) {
            long n = Long.parseLong(m.group(1)) * UNIT_SECONDS[UNITS.indexOf(m.group(2))];
            if (n > 0 && n <= Integer.MAX_VALUE) {
                return n;
            }
        }
        throw new BlockException(Errno.EINVAL, name + " must be a number with s, m, h or d, as in"
                + " 10m, not " + text);
    }

    /** The shortest exact text of it. */
    static String secondsText(long seconds) {
        int i = UNIT_SECONDS.length - 1;
        while (seconds % UNIT_SECONDS[i] != 0) {
            i--;
        }
        return seconds / UNIT_SECONDS[i] + UNITS.substring(i, i + 1);
    }
}
