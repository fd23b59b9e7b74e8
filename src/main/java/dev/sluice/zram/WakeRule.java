package dev.sluice.zram;

/** How many writers to wake. */
final class WakeRule {
    private WakeRule() {}

    /**
     * How many more are to start: where those that run cannot take all that is queued in one batch
     * each, one for each batch that is left, the last one perhaps not full; never one that would
     * find nothing.
     *
     * @param running writers that run
     * @param queued units of work that nobody has taken
     * @param batch units that a writer takes at once
     * @param most writers that may run
     */
    static int starts(int running, int queued, int batch, int most) {
        int batches = (queued + batch - 1) / batch;
        return Math.max(0, Math.min(batches, most) - running);
    }
}
