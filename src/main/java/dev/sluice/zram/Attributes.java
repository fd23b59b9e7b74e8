package dev.sluice.zram;

import dev.sluice.block.Attribute;
import dev.sluice.block.BlockException;
import dev.sluice.block.Errno;
import java.util.List;
import java.util.Locale;

/** The kernel's attributes of a zram device: names, formats and errors are those of sysfs. */
final class Attributes {
    /** What block_state shows at most. */
    private static final int MOST_LINES = 1 << 16;

    private final Zram zram;
    private final Algorithms algorithms;
    private final PostProcessing processing;
    private final Writeback writeback;

    Attributes(Zram zram, Algorithms algorithms, PostProcessing processing,
            Writeback writeback) {
        this.zram = zram;
        this.algorithms = algorithms;
        this.processing = processing;
        this.writeback = writeback;
    }

    List<Attribute> all() {
        return List.of(
                new Attribute("disksize", () -> zram.limits().size() + "\n",
                        (text, inUse) -> zram.init(Numbers.bytes("disksize", text))),
                new Attribute("initstate", () -> (zram.disk() == null ? 0 : 1) + "\n", null),
                new Attribute("reset", null, this::reset),
                new Attribute("comp_algorithm", () -> algorithms.list(0),
                        (text, inUse) -> zram.codec(0, text)),
                new Attribute("recomp_algorithm", algorithms::recompressLists,
                        (text, inUse) -> zram.recompressCodec(text)),
                new Attribute("algorithm_params", null,
                        (text, inUse) -> algorithms.parameters(text)),
                new Attribute("mem_limit", null, (text, inUse) ->
                        zram.memLimit(Numbers.bytes("mem_limit", text))),
                new Attribute("mem_used_max", null, this::resetMost),
                new Attribute("compact", null, (text, inUse) -> compact()),
                new Attribute("idle", null, (text, inUse) -> processing.idle(text)),
                new Attribute("recompress", null, (text, inUse) -> processing.recompress(text)),
                new Attribute("backing_dev", () -> zram.backingName() + "\n",
                        (text, inUse) -> zram.backing(text)),
                new Attribute("writeback", null, (text, inUse) -> processing.writeback(text)),
                new Attribute("writeback_limit", () -> writeback.budget() + "\n",
                        this::writebackLimit),
                new Attribute("writeback_limit_enable",
                        () -> (writeback.limited() ? 1 : 0) + "\n", (text, inUse) ->
                        writeback.limited(flag("writeback_limit_enable", text))),
                new Attribute("writeback_batch_size", () -> writeback.batch() + "\n",
                        this::batchSize),
                new Attribute("compressed_writeback",
                        () -> (zram.compressedWriteback() ? 1 : 0) + "\n", (text, inUse) ->
                        zram.compressedWriteback(flag("compressed_writeback", text))),
                new Attribute("block_state", this::blockState, null),
                new Attribute("io_stat", this::ioStat, null),
                new Attribute("mm_stat", this::mmStat, null),
                new Attribute("bd_stat", this::bdStat, null),
                new Attribute("debug_stat", () -> "version: 1\n0 " + column(0) + "\n", null));
    }

    /** The disk, for what takes one that has been set up. */
    private Disk ready(String attribute) throws BlockException {
        Disk disk = zram.disk();
        if (disk == null) {
            throw unset(attribute);
        }
        return disk;
    }

    /** Counted in: the disk stays for as long as it takes. */
    private void compact() throws BlockException {
        Disk disk = zram.enter();
        try {
            if (disk == null) {
                throw unset("compact");
            }
            disk.compact();
        } finally {
            zram.leave();
        }
    }

    private static BlockException unset(String attribute) {
        return new BlockException(Errno.EINVAL, attribute + " needs a device that is set up;"
                + " write its size to disksize");
    }

    private void reset(String text, boolean inUse) throws BlockException {
        if (Numbers.bytes("reset", text) == 0) {
            throw new BlockException(Errno.EINVAL, "reset must be 1, not " + text);
        }
        if (inUse) {
            throw new BlockException(Errno.EBUSY, "the device is in use; close its file, and detach"
                    + " what stands on it");
        }
        zram.reset();
    }

    private void writebackLimit(String text, boolean inUse) throws BlockException {
        long units = zram.page() / Writeback.UNIT;
        writeback.budget(number("writeback_limit", text, 0, Long.MAX_VALUE) / units * units);
    }

    private void batchSize(String text, boolean inUse) throws BlockException {
        writeback.batch((int) number("writeback_batch_size", text, 1, Writeback.MOST_BATCH));
    }

    private static long number(String attribute, String text, long least, long most)
            throws BlockException {
        return Words.number(attribute + "=", text.strip(), least, most);
    }

    /** As the kernel reads a flag. */
    private static boolean flag(String attribute, String text) throws BlockException {
        return switch (text.toLowerCase(Locale.ROOT)) {
            case "1", "y", "yes", "on", "t", "true" -> true;
            case "0", "n", "no", "off", "f", "false" -> false;
            default -> throw new BlockException(Errno.EINVAL, attribute + " must be 1 or 0, not "
                    + text);
        };
    }

    /** A line for each slot that is stored, as in the kernel's debugfs. */
    private String blockState() throws BlockException {
        StringBuilder text = new StringBuilder();
        Disk disk = zram.enter();
        try {
            SlotTable slots = disk == null ? null : disk.slots();
            int lines = 0;
            for (long s = slots == null ? 0 : slots.next(0, true);
                    slots != null && s < slots.slots() && lines < MOST_LINES;
                    s = slots.next(s + 1, true)) {
                int flags = disk.flags(s);
                if (SlotChunk.isStored(flags)) {
                    line(text, s, slots.at(s).used(SlotTable.inChunk(s)), flags);
                    lines++;
                }
            }
        } finally {
            zram.leave();
        }
        return text.toString();
    }

    private static void line(StringBuilder text, long slot, int used, int flags) {
        String number = Long.toString(slot);
        String second = Integer.toString(used);
        text.append(" ".repeat(Math.max(0, 12 - number.length()))).append(number).append(' ')
                .append(" ".repeat(Math.max(0, 12 - second.length()))).append(second)
                .append(".000000 ")
                .append((flags & SlotChunk.SAME) != 0 ? 's' : '.')
                .append((flags & SlotChunk.AWAY) != 0 ? 'w' : '.')
                .append((flags & SlotChunk.HUGE) != 0 ? 'h' : '.')
                .append((flags & SlotChunk.IDLE) != 0 ? 'i' : '.')
                .append(SlotChunk.priority(flags) > 0 ? 'r' : '.')
                .append((flags & SlotChunk.INCOMPRESSIBLE) != 0 ? 'n' : '.').append('\n');
    }

    private String bdStat() {
        Disk disk = zram.disk();
        if (disk == null) {
            return columns(0, 0, 0);
        }
        long units = zram.page() / Writeback.UNIT;
        Counters c = disk.counters();
        return columns(disk.blocks() == null ? 0 : disk.blocks().used() * units,
                c.bdReads.sum() * units, c.bdWrites.sum() * units);
    }

    private void resetMost(String text, boolean inUse) throws BlockException {
        if (!text.equals("0")) {
            throw new BlockException(Errno.EINVAL, "mem_used_max must be 0, not " + text);
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
