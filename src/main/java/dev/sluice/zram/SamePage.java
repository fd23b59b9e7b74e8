package dev.sluice.zram;

import dev.sluice.block.Memory;
import java.lang.invoke.MethodHandles;
import java.lang.invoke.VarHandle;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;

/** Pages that repeat one word of eight bytes. */
final class SamePage {
    private static final VarHandle LONGS =
            MethodHandles.byteBufferViewVarHandle(long[].class, ByteOrder.nativeOrder());

    private SamePage() {}

    /** Whether the page repeats its first word. Most pages that do not differ at its end. */
    static boolean is(Memory memory, int at, int page) {
        ByteBuffer bytes = memory.bytes();
        long word = (long) LONGS.get(bytes, at);
        if ((long) LONGS.get(bytes, at + page - Long.BYTES) != word) {
            return false;
        }
        int i = at + Long.BYTES;
        int last = at + page - Long.BYTES;
        for (; i < last - 3 * Long.BYTES; i += 4 * Long.BYTES) {
            long differs = ((long) LONGS.get(bytes, i) ^ word)
                    | ((long) LONGS.get(bytes, i + 8) ^ word)
                    | ((long) LONGS.get(bytes, i + 16) ^ word)
                    | ((long) LONGS.get(bytes, i + 24) ^ word);
            if (differs != 0) {
                return false;
            }
        }
        for (; i < last; i += Long.BYTES) {
            if ((long) LONGS.get(bytes, i) != word) {
                return false;
            }
        }
        return true;
    }

    static long word(Memory memory, int at) {
        return (long) LONGS.get(memory.bytes(), at);
    }

    static void fill(Memory memory, int at, int page, long word) {
        ByteBuffer bytes = memory.bytes();
        for (int i = at; i < at + page; i += Long.BYTES) {
            LONGS.set(bytes, i, word);
        }
    }
}
