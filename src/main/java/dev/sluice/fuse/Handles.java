package dev.sluice.fuse;

import dev.sluice.block.Device;
import java.util.List;

/**
 * The devices by file handle, and how often each is open. A handle of a device is a number that no
 * control file's handle can be: {@link #MAGIC} above, the device's place in the table below.
 */
public final class Handles {
    private static final long MAGIC = 0x534c5543L;

    private final Device[] devices;
    private final int[] opens; // guarded by this

    /** For these devices, none open. */
    public Handles(List<Device> devices) {
        this.devices = devices.toArray(new Device[0]);
        this.opens = new int[this.devices.length];
    }

    /** The device of a handle; null when the handle is not a device's. */
    Device device(long handle) {
        return isDevice(handle) ? devices[(int) handle] : null;
    }

    static boolean isDevice(long handle) {
        return handle >>> 32 == MAGIC;
    }

    /** Counts an open and answers the handle. The first open forgives a failed flush. */
    synchronized long open(int index) {
        if (opens[index]++ == 0) {
            devices[index].reopen(lower -> opens(lower) > 0);
        }
        return MAGIC << 32 | index;
    }

    /** Counts the close of a device's handle. */
    synchronized void release(long handle) {
        opens[(int) handle]--;
    }

    /** How many descriptions of a device's file are open. From any thread. */
    public synchronized int opens(Device device) {
        for (int i = 0; i < devices.length; i++) {
            if (devices[i] == device) {
                return opens[i];
            }
        }
        throw new IllegalArgumentException(device.name() + " is not of this mount");
    }
}
