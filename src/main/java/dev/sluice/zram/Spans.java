package dev.sluice.zram;

import dev.sluice.block.Memory;
import dev.sluice.sys.Arena;
import dev.sluice.sys.Native;
import java.util.Arrays;

/**
 * The memory of a {@link PageStore}: regions of 1 GiB of address space, cut into spans, and a
 * record of 32 bytes for each span, outside the heap as well. A place is a region's number and the
 * offset in it; a span's number follows from it. Thread-safe; a span's record is guarded by the
 * lock of the class that has it.
 */
final class Spans {
    private static final int REGION_SHIFT = 30;
    private static final int PAGES = 64;
    static final int NONE = -1;

    /** Fields of a record: ints at these offsets. */
    static final int CLASS = 0;
    static final int LIVE = 4;
    static final int TOP = 8;
    static final int FREE = 12;
    static final int BEFORE = 16;
    static final int AFTER = 20;
    private static final int RECORD = 32;

    private final Arena arena;
    private final int shift;
    private final int perRegionShift;
    private volatile Memory[] regions = {}; // written under this
    private volatile Memory[] records = {}; // written under this
    private int made; // guarded by this
    private int free = NONE; // guarded by this; linked by AFTER

    Spans(Arena arena, int page) {
        this.arena = arena;
        this.shift = Integer.numberOfTrailingZeros(PAGES * page);
        this.perRegionShift = REGION_SHIFT - shift;
    }

    int spanBytes() {
        return 1 << shift;
    }

    /** A span that nobody has, its pages untouched; {@link #NONE} when there is no memory. */
    synchronized int take() {
        if (free != NONE) {
            int span = free;
            free = get(span, AFTER);
            return span;
        }
        if (made >>> perRegionShift == regions.length) {
            try {
                map();
            } catch (OutOfMemoryError e) {
                return NONE;
            }
        }
        return made++;
    }

    private void map() {
        Memory region = arena.map(1 << REGION_SHIFT);
        Memory record;
        try {
            record = arena.map(RECORD << perRegionShift);
        } catch (OutOfMemoryError e) {
            arena.unmap(region);
            throw e;
        }
        // A huge page would make 2 MiB resident for the first byte written into it.
        Native.noHugePages(region);
        Memory[] moreRecords = Arrays.copyOf(records, records.length + 1);
        moreRecords[records.length] = record;
        records = moreRecords;
        Memory[] more = Arrays.copyOf(regions, regions.length + 1);
        more[regions.length] = region;
        regions = more;
    }

    /** Gives the memory of a span back to the system, and the span to whoever takes it next. */
    void give(int span, int touchedBytes) {
        forget(span, 0, touchedBytes);
        synchronized (this) {
            set(span, CLASS, NONE);
            set(span, AFTER, free);
            free = span;
        }
    }

    /** Gives a part of a span's memory back to the system. */
    void forget(int span, int at, int length) {
        if (length > 0) {
            Native.forget(regions[span >>> perRegionShift], startInRegion(span) + at, length);
        }
    }

    int get(int span, int field) {
        return records[span >>> perRegionShift].bytes().getInt(recordAt(span) + field);
    }

    void set(int span, int field, int value) {
        records[span >>> perRegionShift].bytes().putInt(recordAt(span) + field, value);
    }

    private int recordAt(int span) {
        return (span & ((1 << perRegionShift) - 1)) * RECORD;
    }

    private int startInRegion(int span) {
        return (span & ((1 << perRegionShift) - 1)) << shift;
    }

    int span(long place) {
        return (int) (place >>> shift);
    }

    /** The place of the first byte of a span. */
    long start(int span) {
        return (long) span << shift;
    }

    int inSpan(long place) {
        return (int) (place & (spanBytes() - 1));
    }

    Memory memory(long place) {
        return regions[(int) (place >>> REGION_SHIFT)];
    }

    static int at(long place) {
        return (int) (place & ((1 << REGION_SHIFT) - 1));
    }

    synchronized void close() {
        for (Memory region : regions) {
            arena.unmap(region);
        }
        for (Memory record : records) {
            arena.unmap(record);
        }
        regions = new Memory[0];
        records = regions;
        made = 0;
        free = NONE;
    }
}
