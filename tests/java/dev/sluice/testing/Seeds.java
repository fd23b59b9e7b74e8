package dev.sluice.testing;

import java.util.Random;

/** Where random tests have their seed from: {@code -Dseed=N}, or a new one; it is printed. */
public final class Seeds {
    private Seeds() {}

    /** A seed for a test. */
    public static long seed(String test) {
        Long given = Long.getLong("seed");
        long seed = given != null ? given : new Random().nextInt(1 << 30);
        System.out.println(test + ": -Dseed=" + seed);
        return seed;
    }
}
