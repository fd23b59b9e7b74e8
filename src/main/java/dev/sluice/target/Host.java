package dev.sluice.target;

import dev.sluice.block.Clock;
import dev.sluice.block.Device;
import dev.sluice.sys.Arena;
import dev.sluice.work.Completions;

/**
 * What a mount gives its targets, so that none reaches for clock, threads or memory itself.
 *
 * @param clock time
 * @param arena data memory
 * @param tasks runs what may block, outside the thread that asks
 * @param completions takes asynchronous I/O in, to hand out what has ended
 * @param log where failures go that nobody is told otherwise
 */
public record Host(
        Clock clock, Arena arena, Tasks tasks, Completions completions, Device.Log log) {
    /** Runs work on the mount's pool. */
    @FunctionalInterface
    public interface Tasks {
        /** Queues the work; it is run once, by some worker, soon. */
        void run(Runnable work);
    }
}
