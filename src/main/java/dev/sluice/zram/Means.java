package dev.sluice.zram;

import dev.sluice.block.Clock;
import dev.sluice.block.Device;
import dev.sluice.sys.Arena;
import dev.sluice.work.Timer;

/**
 * What a disk works with.
 *
 * @param arena memory
 * @param threads where large requests and what may wait are carried out
 * @param clock time, the same as that of the devices
 * @param log where failures go that nobody is told otherwise
 * @param timer has policies run
 * @param backing the device that pages are written back to; null for none
 */
public record Means(Arena arena, Threads threads, Clock clock, Device.Log log, Timer timer,
        Device backing) {}
