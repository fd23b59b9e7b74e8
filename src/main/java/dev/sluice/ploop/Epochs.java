package dev.sluice.ploop;

/**
 * How many requests are under way that may use a cluster, in two counters that take turns: once the
 * other one is down to nothing, all that began before the last turn have ended. Guarded by the lock
 * of its device.
 */
final class Epochs {
    private final int[] underWay = new int[2];
    private int now;
    private long entered;

    /** A request begins; the counter that it is in. */
    int enter() {
        underWay[now]++;
        entered++;
        return now;
    }

    /** How many requests have begun so far. */
    long entered() {
        return entered;
    }

    /** It has ended; true where it was the last of an earlier turn. */
    boolean leave(int counter) {
        int left = --underWay[counter];
        if (left < 0) {
            throw new AssertionError("more requests have ended than began");
        }
        return left == 0 && counter != now;
    }

    /** From now on requests are counted by the other counter, which must be down to nothing. */
    void turn() {
        now = 1 - now;
        if (underWay[now] != 0) {
            throw new AssertionError(underWay[now] + " requests of an earlier turn are left");
        }
    }

    /** Whether all have ended that began before the last turn. */
    boolean turned() {
        return underWay[1 - now] == 0;
    }

    int underWay() {
        return underWay[0] + underWay[1];
    }
}
