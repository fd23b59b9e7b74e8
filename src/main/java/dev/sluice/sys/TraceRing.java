package dev.sluice.sys;

import dev.sluice.block.Memory;
import java.lang.invoke.MethodHandles;
import java.lang.invoke.VarHandle;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;

/**
 * The records that the kernel writes of one tracepoint on one CPU, in memory that it shares with
 * us: a page of numbers, and behind it a ring of bytes (include/uapi/linux/perf_event.h). What does
 * not fit until somebody reads is lost.
 *
 * <p>One thread at a time.
 */
final class TraceRing {
    /** Where in the first page the kernel says how far it wrote, and we how far we read. */
    private static final int HEAD = 1024;
    private static final int TAIL = 1032;
    /** The type of the records that are wanted. */
    private static final int SAMPLE = 9;
    /** A record is its type, two numbers of which the second is its size, its time, */
    private static final int SIZE = 4;
    private static final int TIME = 8;
    /** the length of the tracepoint's fields, and these. */
    private static final int FIELDS = 20;

    private static final VarHandle LONGS = MethodHandles.byteBufferViewVarHandle(long[].class,
            ByteOrder.nativeOrder()).withInvokeExactBehavior();

    private final ByteBuffer bytes;
    private final int mask;
    private final int field;
    private long tail;

    /**
     * A ring in such memory.
     *
     * @param memory a page and a power of two of pages
     * @param field where the field of eight bytes that is asked for begins
     */
    TraceRing(Memory memory, int field) {
        this.bytes = memory.bytes();
        this.mask = memory.size() - Arena.PAGE - 1;
        this.field = FIELDS + field;
    }

    /** Reads all that was written. */
    void read(Trace.To to) {
        long head = (long) LONGS.getAcquire(bytes, HEAD);
        if (head == tail) {
            return;
        }
        while (tail < head) {
            int size = integer(tail + SIZE) >>> 16;
            if (integer(tail) == SAMPLE) {
                to.take(eight(tail + TIME), eight(tail + field));
            }
            tail += size;
        }
        LONGS.setRelease(bytes, TAIL, tail);
    }

    /** In two pieces: the ring may end between them. */
    private long eight(long at) {
        return integer(at) & 0xffff_ffffL | (long) integer(at + 4) << 32;
    }

    private int integer(long at) {
        return bytes.getInt(Arena.PAGE + ((int) at & mask));
    }
}
