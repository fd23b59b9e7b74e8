package dev.sluice.fuse;

import dev.sluice.block.Device;
import dev.sluice.table.Table;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

/**
 * The devices that a mount shows as files: by name, by file handle, and how often each is open. A
 * handle of a device is a number that no control file's handle can be: {@link #MAGIC} above, the
 * device's place below. Devices can come and go; one that is open stays. Thread-safe.
 */
public final class Handles {
    /** What {@link #open} answers when there is no such device; never a handle. */
    static final long NONE = 0;

    private static final long MAGIC = 0x534c5543L;

    /** Copied on change: read for every request. An empty place has null. */
    private volatile Device[] devices = {}; // written under this
    private int[] opens = {}; // guarded by this
    private final Map<String, Integer> places = new LinkedHashMap<>(); // guarded by this

    /** For these devices but the hidden ones, none open. */
    public Handles(List<Device> devices) {
        devices.stream().filter(device -> !Table.hides(device)).forEach(this::add);
    }

    /** Shows one more device, of a name that none has. */
    public synchronized void add(Device device) {
        if (places.containsKey(device.name())) {
            throw new IllegalArgumentException(device.name() + " is shown already");
        }
        int place = Arrays.asList(devices).indexOf(null);
        if (place < 0) {
            place = devices.length;
            opens = Arrays.copyOf(opens, place + 1);
        }
        Device[] more = Arrays.copyOf(devices, opens.length);
        more[place] = device;
        opens[place] = 0;
        places.put(device.name(), place);
        devices = more;
    }

    /**
     * Shows a device no longer; false while somebody has it open. From then on nobody can open it,
     * and no handle is its own.
     */
    public synchronized boolean remove(Device device) {
        int place = Arrays.asList(devices).indexOf(device);
        if (place < 0) {
            return true;
        }
        if (opens[place] > 0) {
            return false;
        }
        places.remove(device.name());
        Device[] fewer = devices.clone();
        fewer[place] = null;
        devices = fewer;
        return true;
    }

    /** The device of a handle; null when the handle is not a device's. */
    Device device(long handle) {
        return isDevice(handle) ? devices[(int) handle] : null;
    }

    static boolean isDevice(long handle) {
        return handle >>> 32 == MAGIC;
    }

    /** The device of a name, or null. */
    synchronized Device named(String name) {
        Integer place = places.get(name);
        return place == null ? null : devices[place];
    }

    /** All devices that show, in the order in which they came. */
    synchronized List<Device> shown() {
        List<Device> all = new ArrayList<>();
        places.values().forEach(place -> all.add(devices[place]));
        return all;
    }

    /**
     * Counts an open and answers the handle, {@link #NONE} where no such device shows. The first
     * open forgives a failed flush.
     */
    synchronized long open(String name) {
        Integer place = places.get(name);
        if (place == null) {
            return NONE;
        }
        if (opens[place]++ == 0) {
            devices[place].reopen(lower -> opens(lower) > 0);
        }
        return MAGIC << 32 | place;
    }

    /** Counts the close of a device's handle. */
    synchronized void release(long handle) {
        opens[(int) handle]--;
    }

    /** How many descriptions of a device's file are open; none of one that does not show. */
    public synchronized int opens(Device device) {
        int place = Arrays.asList(devices).indexOf(device);
        return place < 0 ? 0 : opens[place];
    }
}
