package dev.sluice.target;

import dev.sluice.block.Memory;
import dev.sluice.sys.Arena;
import dev.sluice.sys.Native;
import java.lang.invoke.MethodHandles;
import java.lang.invoke.VarHandle;
import java.nio.ByteOrder;

/**
 * Up to 1 GiB of a {@link RamTarget}: the bytes, and one bit for each page that was written. Both
 * are mappings that cost what is touched. A page without a bit is zero or about to be. The races
 * are argued in {@link RamTarget}.
 */
final class RamChunk {
    /** The unit that is counted and given back, in bytes. */
    static final int PAGE = Arena.PAGE;

    private static final int PAGES_PER_WORD = 64;
    private static final VarHandle WORDS =
            MethodHandles.byteBufferViewVarHandle(long[].class, ByteOrder.nativeOrder());
    private static final VarHandle DISCARDING;

    static {
        try {
            DISCARDING = MethodHandles.lookup()
                    .findVarHandle(RamChunk.class, "discarding", int.class);
        } catch (ReflectiveOperationException e) {
            throw new ExceptionInInitializerError(e);
        }
    }

    private final Memory bytes;
    private final Memory bits;
    private final int size;
    private final int pages;

    /** Discards that have cleared bits and not yet given the pages back. */
    @SuppressWarnings("unused")
    private volatile int discarding;

    RamChunk(Arena arena, int size) {
        this.size = size;
        bytes = arena.map(size);
        pages = bytes.size() / PAGE;
        int words = (pages + PAGES_PER_WORD - 1) / PAGES_PER_WORD;
        try {
            bits = arena.map(words * Long.BYTES);
        } catch (OutOfMemoryError e) {
            arena.unmap(bytes);
            throw e;
        }
        // A huge page would make 2 MiB resident for the first byte written into it.
        Native.noHugePages(bytes);
    }

    Memory bytes() {
        return bytes;
    }

    void unmap(Arena arena) {
        arena.unmap(bytes);
        arena.unmap(bits);
    }

    /** Whether the range is known to be zero without looking at its bytes. */
    boolean untouched(int at, int length) {
        int last = (at + length - 1) / PAGE;
        for (int page = at / PAGE; page <= last;) {
            int end = Math.min(last, page | (PAGES_PER_WORD - 1));
            if ((word(page) & mask(page, end)) != 0) {
                return false;
            }
            page = end + 1;
        }
        // Asked after the bits: none now means that those who cleared them are done.
        return discarding == 0;
    }

    /** The bytes first, the bits afterwards. */
    void write(int at, Memory from, int fromAt, int length) {
        bytes.copyFrom(at, from, fromAt, length);
        int last = (at + length - 1) / PAGE;
        for (int page = at / PAGE; page <= last;) {
            int end = Math.min(last, page | (PAGES_PER_WORD - 1));
            long ignored = (long) WORDS.getAndBitwiseOr(bits.bytes(), wordAt(page),
                    mask(page, end));
            page = end + 1;
        }
    }

    /** Zeroes the range and gives its whole pages back: bits first, pages afterwards. */
    void discard(int at, int length, Memory zeros) {
        int from = wholeFrom(at);
        int until = wholeUntil(at, length);
        if (from < until) {
            int before = (int) DISCARDING.getAndAdd(this, 1);
            assert before >= 0;
            try {
                clear(from / PAGE, until / PAGE - 1);
                Native.forget(bytes, from, until - from);
            } finally {
                int after = (int) DISCARDING.getAndAdd(this, -1) - 1;
                assert after >= 0;
            }
        }
        zeroEdges(at, length, from, until, zeros);
    }

    /** Zeroes the range; pages that were written stay, the others are not made. */
    void zero(int at, int length, Memory zeros) {
        int from = wholeFrom(at);
        int until = wholeUntil(at, length);
        for (int run = from; run < until;) {
            boolean kept = isSet(run / PAGE);
            int end = Math.min(until, nextPage(run / PAGE, !kept) * PAGE);
            if (kept) {
                for (int i = run; i < end; i += zeros.size()) {
                    bytes.copyFrom(i, zeros, 0, Math.min(zeros.size(), end - i));
                }
            } else {
                // Not skipped: a discard may be about to give them back, with their old bytes.
                Native.forget(bytes, run, end - run);
            }
            run = end;
        }
        zeroEdges(at, length, from, until, zeros);
    }

    private static int wholeFrom(int at) {
        return (int) (((long) at + PAGE - 1) & -PAGE);
    }

    /** The chunk's last page is whole even where the device ends inside it. */
    private int wholeUntil(int at, int length) {
        return at + length == size ? bytes.size() : (at + length) & -PAGE;
    }

    private void zeroEdges(int at, int length, int from, int until, Memory zeros) {
        int end = at + length;
        if (from >= until) {
            // No whole page: one or two pieces of pages.
            int middle = Math.min(from, end);
            zeroPart(at, middle, zeros);
            zeroPart(middle, end, zeros);
        } else {
            zeroPart(at, from, zeros);
            zeroPart(until, end, zeros);
        }
    }

    /** Looks at the bytes, not at the bit, and leaves a page that was never written so. */
    private void zeroPart(int from, int until, Memory zeros) {
        for (int i = from; i < until; i++) {
            if (bytes.bytes().get(i) != 0) {
                bytes.copyFrom(i, zeros, 0, until - i);
                return;
            }
        }
    }

    private void clear(int first, int last) {
        for (int page = first; page <= last;) {
            int end = Math.min(last, page | (PAGES_PER_WORD - 1));
            long ignored = (long) WORDS.getAndBitwiseAnd(bits.bytes(), wordAt(page),
                    ~mask(page, end));
            page = end + 1;
        }
    }

    /** Bytes of written pages in the range. */
    long allocated(int at, int length) {
        int first = at / PAGE;
        int last = (at + length - 1) / PAGE;
        long sum = 0;
        for (int page = first; page <= last;) {
            int end = Math.min(last, page | (PAGES_PER_WORD - 1));
            sum += (long) Long.bitCount(word(page) & mask(page, end)) * PAGE;
            page = end + 1;
        }
        if (isSet(first)) {
            sum -= at % PAGE;
        }
        if (isSet(last)) {
            sum -= (last + 1L) * PAGE - ((long) at + length);
        }
        return Math.max(0, sum);
    }

    /** The next byte from {@code at} on in a page that was, or was not, written; or the size. */
    int seek(int at, boolean written) {
        return (int) Math.max(at, (long) nextPage(at / PAGE, written) * PAGE);
    }

    private int nextPage(int from, boolean written) {
        for (int page = from; page < pages;) {
            long word = written ? word(page) : ~word(page);
            long rest = word & mask(page, page | (PAGES_PER_WORD - 1));
            if (rest != 0) {
                int found = (page & -PAGES_PER_WORD) + Long.numberOfTrailingZeros(rest);
                return Math.min(pages, found);
            }
            page = (page | (PAGES_PER_WORD - 1)) + 1;
        }
        return pages;
    }

    private boolean isSet(int page) {
        return (word(page) & mask(page, page)) != 0;
    }

    private long word(int page) {
        return (long) WORDS.getVolatile(bits.bytes(), wordAt(page));
    }

    private static int wordAt(int page) {
        return page / PAGES_PER_WORD * Long.BYTES;
    }

    /** The bits of pages of one word, both ends included. */
    private static long mask(int first, int last) {
        return -1L << first & -1L >>> -(last + 1);
    }
}
