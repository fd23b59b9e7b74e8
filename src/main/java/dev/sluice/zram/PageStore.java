package dev.sluice.zram;

import dev.sluice.block.Memory;
import dev.sluice.sys.Arena;
import java.util.concurrent.atomic.AtomicLong;

/**
 * Where compressed pages are: objects of any length up to a page. Lengths are rounded up to a class
 * of 1/256 page, and each class fills spans of 64 pages of its own, from the front, objects lying
 * across page borders; a free place in a span is used before the span grows, so only pages that
 * were touched count. Each object has its owner in front, which lets {@link #compact} move it.
 *
 * <p>Thread-safe: a lock for each class, and one for the spans. A place belongs to who allocated it
 * until who owns it frees it.
 */
final class PageStore {
    /** No place: the limit is reached, or there is no memory. */
    static final long FULL = -1;
    /** The owner, plus one; 0 marks a free place. */
    static final int HEADER = 4;

    private static final int CLASSES_PER_PAGE = 256;

    private final Spans spans;
    private final int page;
    private final int grain;
    private final SizeClass[] classes;

    private final AtomicLong usedPages = new AtomicLong();
    private final AtomicLong mostPages = new AtomicLong();
    private volatile long limitPages;

    /** Whoever holds places: compaction asks before it moves one. */
    interface Owners {
        /**
         * The owner's place is to move. When it is in use, or not the owner's (any more), false.
         * Otherwise nobody uses it until {@link #moved}.
         */
        boolean hold(long owner, long place);

        /** The bytes have been copied to the new place. */
        void moved(long owner, long place);
    }

    /** For objects of up to {@code page} bytes. */
    PageStore(Arena arena, int page) {
        this.page = page;
        this.grain = page / CLASSES_PER_PAGE;
        this.spans = new Spans(arena, page);
        this.classes = new SizeClass[classOf(page) + 1];
        for (int i = 0; i < classes.length; i++) {
            classes[i] = new SizeClass(this, spans, i, (i + 1) * grain);
        }
    }

    private int classOf(int bytes) {
        return (bytes + HEADER + grain - 1) / grain - 1;
    }

    /** The bytes that an object of this length takes up. */
    int roundedUp(int bytes) {
        return (classOf(bytes) + 1) * grain;
    }

    /** A place for so many bytes, or {@link #FULL}. The owner is at most 2^32 - 2. */
    long allocate(int bytes, long owner) {
        return classes[classOf(bytes)].allocate(owner, true);
    }

    /** The same past the limit, for what gives more back right afterwards. */
    long allocateInstead(int bytes, long owner) {
        return classes[classOf(bytes)].allocate(owner, false);
    }

    /** Gives a place back, by the length that it was allocated with. */
    void free(long place, int bytes) {
        classes[classOf(bytes)].free(place);
    }

    /** The memory of a place; the object begins at {@link #at} in it. */
    Memory memory(long place) {
        return spans.memory(place);
    }

    /** Where the object begins in its memory. */
    static int at(long place) {
        return Spans.at(place) + HEADER;
    }

    /** Takes so many pages of the system's; false when that is over the limit. */
    boolean grow(int pages, boolean limited) {
        long now = pages == 0 ? usedPages.get() : usedPages.addAndGet(pages);
        long limit = limitPages;
        if (limited && limit != 0 && now > limit) {
            usedPages.addAndGet(-pages);
            return false;
        }
        if (pages > 0 && now > mostPages.get()) {
            mostPages.accumulateAndGet(now, Math::max);
        }
        return true;
    }

    void shrink(int pages) {
        long now = usedPages.addAndGet(-pages);
        assert now >= 0;
    }

    /** Bytes of memory in use, in whole pages of the system. */
    long usedBytes() {
        return usedPages.get() * Arena.PAGE;
    }

    /** The most of it since the last {@link #resetMost}. */
    long mostBytes() {
        return mostPages.get() * Arena.PAGE;
    }

    void resetMost() {
        mostPages.set(usedPages.get());
    }

    /** Bytes, rounded up to pages; 0 for none. */
    void limit(long bytes) {
        limitPages = bytes / Arena.PAGE + (bytes % Arena.PAGE == 0 ? 0 : 1);
    }

    long limitBytes() {
        return limitPages * Arena.PAGE;
    }

    /** Moves objects together and gives memory back; answers how many pages of the system. */
    long compact(Owners owners) {
        long freed = 0;
        for (SizeClass one : classes) {
            freed += one.compact(owners);
        }
        return freed;
    }

    /** Gives all memory back; nobody may use any place any more. */
    void close() {
        spans.close();
    }
}
