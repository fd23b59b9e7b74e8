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
    private long turns;
    private long wanted;

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

    /**
     * The number of a turn: once that has {@link #passed}, all that are under way now have ended.
     * Several may wait for turns; whoever does looks again whenever {@link #leave} says so.
     */
    long ask() {
        if (turned()) {
            turn();
            return turns;
        }
        wanted = turns + 1;
        return wanted;
    }

    /** Whether all have ended that were under way when it was asked for. */
    boolean passed(long turn) {
        if (turned() && wanted > turns) {
            turn();
        }
        return turns > turn || turns == turn && turned();
    }

    /** From now on requests are counted by the other counter, which is down to nothing. */
    private void turn() {
        now = 1 - now;
        turns++;
    }

    private boolean turned() {
        return underWay[1 - now] == 0;
    }

    int underWay() {
        return underWay[0] + underWay[1];
    }
}
