package dev.sluice.work;

import dev.sluice.block.Clock;
import dev.sluice.block.Device;
import dev.sluice.sys.Arena;

/**
 * What a mount gives its targets, so that none reaches for clock, threads or memory itself.
 *
 * @param clock time
 * @param arena data memory
 * @param queues where a device, by its name, has carried out what may block
 * @param completions takes asynchronous I/O in, to hand out what has ended
 * @param log where failures go that nobody is told otherwise
 * @param timer has things happen at some time
 */
public record Host(
        Clock clock, Arena arena, Queues queues, Completions completions, Device.Log log,
        Timer timer) {
    /** The queue of each device. */
    @FunctionalInterface
    public interface Queues {
        /** The queue of a device, the same for the same name. */
        WorkQueue of(String device);
    }
}
