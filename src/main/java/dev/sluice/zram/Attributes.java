package dev.sluice.zram;

import dev.sluice.block.Attribute;
import dev.sluice.block.BlockException;
import dev.sluice.block.Errno;
import java.util.List;
import java.util.Locale;

/** The kernel's attributes of a zram device: names, formats and errors are those of sysfs. */
final class Attributes {
    private static final int LONGEST_NAME = 127;

    private final Zram zram;

    Attributes(Zram zram) {
        this.zram = zram;
    }

    List<Attribute> all() {
        return List.of(
                new Attribute("disksize", () -> zram.limits().size() + "\n",
                        (text, inUse) -> zram.init(Numbers.bytes("disksize", text))),
                new Attribute("initstate", () -> (zram.disk() == null ? 0 : 1) + "\n", null),
                new Attribute("reset", null, this::reset),
                new Attribute("comp_algorithm", this::algorithms, this::algorithm),
                new Attribute("mem_limit", null, (text, inUse) ->
                        zram.memLimit(Numbers.bytes("mem_limit", text))),
                new Attribute("mem_used_max", null, this::resetMost),
                new Attribute("compact", null, (text, inUse) -> ready("compact").compact()),
                new Attribute("io_stat", this::ioStat, null),
                new Attribute("mm_stat", this::mmStat, null),
                new Attribute("bd_stat", () -> columns(0, 0, 0), null),
                new Attribute("debug_stat", () -> "version: 1\n0 " + column(0) + "\n", null));
    }

    /** The disk, for what takes one that has been set up. */
    private Disk ready(String attribute) throws BlockException {
        Disk disk = zram.disk();
        if (disk == null) {
            throw new BlockException(Errno.EINVAL, attribute + " takes a device that has been set"
                    + " up: write its size to disksize");
        }
        return disk;
    }

    private void reset(String text, boolean inUse) throws BlockException {
        if (Numbers.bytes("reset", text) == 0) {
            throw new BlockException(Errno.EINVAL, "reset takes 1");
        }
        if (inUse) {
            throw new BlockException(Errno.EBUSY, "the device is in use; close its file, and detach"
                    + " what stands on it");
        }
        zram.reset();
    }

    private String algorithms() {
        StringBuilder text = new StringBuilder();
        for (String name : Codec.NAMES) {
            text.append(name.equals(zram.codecName()) ? "[" + name + "]" : name).append(' ');
        }
        return text.append('\n').toString();
    }

    private void algorithm(String text, boolean inUse) throws BlockException {
        if (text.length() > LONGEST_NAME) {
            throw new BlockException(Errno.E2BIG, "comp_algorithm takes one of "
                    + String.join(", ", Codec.NAMES));
        }
        zram.codec(text);
    }

    private void resetMost(String text, boolean inUse) throws BlockException {
        if (!text.equals("0")) {
            throw new BlockException(Errno.EINVAL, "mem_used_max takes 0");
        }
        ready("mem_used_max").store().resetMost();
    }

    private String ioStat() {
        Disk disk = zram.disk();
        Counters c = disk == null ? new Counters() : disk.counters();
        return column(c.failedReads.sum()) + " " + column(c.failedWrites.sum()) + " 0 "
                + column(c.notifyFree.sum()) + "\n";
    }

    private String mmStat() {
        Disk disk = zram.disk();
        if (disk == null) {
            return columns(0, 0, 0, zram.memLimit(), 0, 0, 0, 0, 0);
        }
        Counters c = disk.counters();
        PageStore store = disk.store();
        return columns(c.pagesStored.sum() * disk.page(), c.comprDataSize.sum(),
                store.usedBytes(), store.limitBytes(), store.mostBytes(), c.samePages.sum(),
                c.pagesCompacted.sum(), c.hugePages.sum(), c.hugePagesSince.sum());
    }

    private static String columns(long... values) {
        StringBuilder text = new StringBuilder();
        for (long value : values) {
            text.append(text.length() == 0 ? "" : " ").append(column(value));
        }
        return text.append('\n').toString();
    }

    private static String column(long value) {
        return String.format(Locale.ROOT, "%8d", value);
    }
}
