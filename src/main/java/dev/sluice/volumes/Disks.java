package dev.sluice.volumes;

import dev.sluice.block.BlockException;
import java.util.List;

/** The devices of the mount, as volumes need them. Thread-safe, but for the same device. */
interface Disks {
    /** Opens the devices of a table; the last shows as a file, the others stand below it. */
    void add(String table) throws BlockException;

    /** Closes devices and shows them no longer. Fails while the file of the first is open. */
    void remove(List<String> names) throws BlockException;

    /** Whether somebody has the device's file open. */
    boolean isOpen(String name);

    /** Waits for a moment, as somebody may be just about to let a device or its image go. */
    void pause();

    /** Bytes of storage or memory that the device takes; -1 where there is no such device. */
    long stored(String name);

    /** The device's size; -1 where there is no such device. */
    long size(String name);

    /** The device's block size. */
    int block(String name);

    /** What stands behind the target in a table line, as it is now; empty without a device. */
    String arguments(String name);
}
