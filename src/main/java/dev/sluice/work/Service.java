package dev.sluice.work;

/** A loop with a thread of its own, for what waits all the time and must not take a worker. */
public final class Service {
    private Service() {}

    /** Starts the loop; the thread ends when the loop returns, or with the process. */
    public static void start(String name, Runnable loop) {
        Thread thread = new Thread(loop, name);
        thread.setDaemon(true);
        thread.start();
    }
}
