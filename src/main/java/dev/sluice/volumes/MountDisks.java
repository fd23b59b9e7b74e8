package dev.sluice.volumes;

import dev.sluice.block.BlockException;
import dev.sluice.block.Device;
import dev.sluice.block.Errno;
import dev.sluice.fuse.Handles;
import dev.sluice.table.DeviceSet;
import dev.sluice.table.Table;
import dev.sluice.target.TargetType;
import java.util.List;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.locks.LockSupport;
import java.util.function.Consumer;
import java.util.function.ToLongFunction;

/** The devices of the mount that runs. */
final class MountDisks implements Disks {
    private static final long DRAIN_MILLIS = 30_000;
    private static final long PAUSE_NANOS = TimeUnit.MILLISECONDS.toNanos(50);

    private final DeviceSet devices;
    private final Handles handles;
    private final List<TargetType> types;
    private final Runnable replies;
    private final Consumer<String> forget;

    /**
     * What a mount is made of.
     *
     * @param replies waits until nobody reads a target's memory any more for a bio that has ended
     * @param forget is told the names of devices that are gone
     */
    MountDisks(DeviceSet devices, Handles handles, List<TargetType> types, Runnable replies,
            Consumer<String> forget) {
        this.devices = devices;
        this.handles = handles;
        this.types = types;
        this.replies = replies;
        this.forget = forget;
    }

    @Override
    public void add(String table) throws BlockException {
        Table lines = Table.parse(table, types);
        devices.add(lines);
        // The last stands on the others.
        handles.add(devices.device(lines.lines().get(lines.lines().size() - 1).name()));
    }

    @Override
    public void remove(List<String> names) throws BlockException {
        Device shown = devices.device(names.get(0));
        if (shown == null) {
            return;
        }
        if (!handles.remove(shown)) {
            throw new BlockException(Errno.EBUSY, names.get(0) + " cannot be closed: its file is"
                    + " open; close it, or detach the loop device that holds it");
        }
        try {
            devices.remove(names, DRAIN_MILLIS, replies);
        } finally {
            names.forEach(forget);
        }
    }

    @Override
    public boolean isOpen(String name) {
        Device device = devices.device(name);
        return device != null && handles.opens(device) > 0;
    }

    @Override
    public void pause() {
        LockSupport.parkNanos(PAUSE_NANOS);
    }

    private long figure(String name, ToLongFunction<Device> of) {
        return devices.visit(() -> {
            Device device = devices.device(name);
            return device == null ? -1 : of.applyAsLong(device);
        });
    }

    @Override
    public long stored(String name) {
        return figure(name, d -> d.target().allocated(0, d.limits().size()));
    }

    @Override
    public long size(String name) {
        return figure(name, d -> d.limits().size());
    }

    @Override
    public int block(String name) {
        return (int) figure(name, d -> d.limits().blockSize());
    }

    @Override
    public String arguments(String name) {
        return devices.visit(() -> {
            Device device = devices.device(name);
            return device == null ? "" : device.target().arguments();
        });
    }
}
