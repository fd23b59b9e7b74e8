package dev.sluice.zram;

/** Where work goes that is not for the thread that brings it. */
@FunctionalInterface
public interface Threads {
    /**
     * Runs the work once, soon, in another thread; a throw says that nobody will.
     *
     * @param caller thread id of who asked for it; 0 when unknown
     */
    void run(int caller, Runnable work);
}
