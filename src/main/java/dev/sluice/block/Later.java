package dev.sluice.block;

import java.util.ArrayDeque;
import java.util.Deque;
import java.util.function.Consumer;

/** What runs later in this thread, or in the one that is at it: never nested. Thread-safe. */
final class Later {
    private final Deque<Runnable> tasks = new ArrayDeque<>(); // guarded by this
    private boolean running; // guarded by this

    synchronized void add(Runnable task) {
        tasks.add(task);
    }

    /** Runs what there is, unless a thread is at it; {@code failed} is told what one throws. */
    void run(Consumer<Throwable> failed) {
        synchronized (this) {
            if (running) {
                return;
            }
            running = true;
        }
        while (true) {
            Runnable task;
            synchronized (this) {
                task = tasks.poll();
                if (task == null) {
                    running = false;
                    return;
                }
            }
            try {
                task.run();
            } catch (Throwable e) {
                failed.accept(e);
            }
        }
    }
}
