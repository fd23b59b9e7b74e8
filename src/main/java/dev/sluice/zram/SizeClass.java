package dev.sluice.zram;

import dev.sluice.block.Memory;
import dev.sluice.sys.Arena;
import java.util.Arrays;

/**
 * The spans whose objects have one length. Those with a free place are linked; a place is taken
 * from the first of them: one that was freed if there is one, else the next that was never used.
 * A span that holds nothing any more is given back at once.
 *
 * <p>A free place has 0 for its owner, and behind it the number of the next free one, plus one.
 */
final class SizeClass {
    /** How many objects are moved under the lock in one go. */
    private static final int MOVES = 16;

    private final PageStore store;
    private final Spans spans;
    private final int number;
    private final int length;
    private final int perSpan;
    private int first = Spans.NONE; // guarded by this
    private int linked; // guarded by this

    SizeClass(PageStore store, Spans spans, int number, int length) {
        this.store = store;
        this.spans = spans;
        this.number = number;
        this.length = length;
        this.perSpan = spans.spanBytes() / length;
    }

    synchronized long allocate(long owner, boolean limited) {
        int span = first;
        if (span == Spans.NONE) {
            span = newSpan();
            if (span == Spans.NONE) {
                return PageStore.FULL;
            }
        }
        long place = allocateIn(span, owner, limited);
        return place == PageStore.FULL ? allocateInFree(owner) : place;
    }

    /** No span may grow: a place that was freed in any of them takes no memory. */
    private long allocateInFree(long owner) {
        for (int s = first; s != Spans.NONE; s = spans.get(s, Spans.AFTER)) {
            if (spans.get(s, Spans.FREE) > 0) {
                return allocateIn(s, owner, true);
            }
        }
        return PageStore.FULL;
    }

    private int newSpan() {
        int span = spans.take();
        if (span != Spans.NONE) {
            spans.set(span, Spans.CLASS, number);
            spans.set(span, Spans.LIVE, 0);
            spans.set(span, Spans.TOP, 0);
            spans.set(span, Spans.FREE, 0);
            link(span);
        }
        return span;
    }

    private long allocateIn(int span, long owner, boolean limited) {
        int freed = spans.get(span, Spans.FREE);
        int top = spans.get(span, Spans.TOP);
        int grows = freed > 0 ? 0 : touched(top + 1) - touched(top);
        if (!store.grow(grows, limited)) {
            if (top == 0) {
                unlink(span);
                spans.give(span, 0);
            }
            return PageStore.FULL;
        }
        int index = freed > 0 ? freed - 1 : top;
        long place = place(span, index);
        Memory memory = spans.memory(place);
        int at = Spans.at(place);
        if (freed > 0) {
            spans.set(span, Spans.FREE, memory.bytes().getInt(at + PageStore.HEADER));
        } else {
            spans.set(span, Spans.TOP, top + 1);
        }
        memory.bytes().putInt(at, (int) (owner + 1));
        int live = spans.get(span, Spans.LIVE) + 1;
        spans.set(span, Spans.LIVE, live);
        if (live == perSpan) {
            unlink(span);
        }
        return place;
    }

    /** The system's pages that so many objects reach into. */
    private int touched(int objects) {
        return (int) (((long) objects * length + Arena.PAGE - 1) / Arena.PAGE);
    }

    synchronized void free(long place) {
        freeLocked(place);
    }

    /** Answers how many of the system's pages went back. */
    private int freeLocked(long place) {
        int span = spans.span(place);
        int index = spans.inSpan(place) / length;
        Memory memory = spans.memory(place);
        int at = Spans.at(place);
        int live = spans.get(span, Spans.LIVE);
        if (spans.get(span, Spans.CLASS) != number || memory.bytes().getInt(at) == 0) {
            throw new AssertionError("place " + place + " is not in use");
        }
        if (live == 1) {
            int top = spans.get(span, Spans.TOP);
            if (live < perSpan) {
                unlink(span);
            }
            store.shrink(touched(top));
            spans.give(span, touched(top) * Arena.PAGE);
            return touched(top);
        }
        memory.bytes().putInt(at, 0);
        memory.bytes().putInt(at + PageStore.HEADER, spans.get(span, Spans.FREE));
        spans.set(span, Spans.FREE, index + 1);
        spans.set(span, Spans.LIVE, live - 1);
        if (live == perSpan) {
            link(span);
        }
        return 0;
    }

    private void link(int span) {
        spans.set(span, Spans.BEFORE, Spans.NONE);
        spans.set(span, Spans.AFTER, first);
        if (first != Spans.NONE) {
            spans.set(first, Spans.BEFORE, span);
        }
        first = span;
        linked++;
    }

    private void unlink(int span) {
        int before = spans.get(span, Spans.BEFORE);
        int after = spans.get(span, Spans.AFTER);
        if (before == Spans.NONE) {
            first = after;
        } else {
            spans.set(before, Spans.AFTER, after);
        }
        if (after != Spans.NONE) {
            spans.set(after, Spans.BEFORE, before);
        }
        linked--;
    }

    /** Empties the spans that hold least into those that hold most; answers the pages won. */
    long compact(PageStore.Owners owners) {
        int[] order = fullestFirst();
        int to = 0;
        int from = order.length - 1;
        long won = 0;
        int next = 0;
        while (to < from) {
            Step step = step(order[to], order[from], next, owners);
            won += step.won;
            next = step.next;
            if (step.toFull) {
                to++;
            } else if (step.fromDone) {
                from--;
                next = 0;
            }
        }
        for (int span : order) {
            won += squeeze(span, owners);
        }
        return won;
    }

    /** Moves objects to the front of a span and gives the pages behind them back. */
    private synchronized int squeeze(int span, PageStore.Owners owners) {
        if (!isPartial(span)) {
            return 0;
        }
        int before = touched(spans.get(span, Spans.TOP));
        int low = 0;
        int high = spans.get(span, Spans.TOP) - 1;
        while (true) {
            while (high >= low && owner(span, high) == 0) {
                high--;
            }
            while (low < high && owner(span, low) != 0) {
                low++;
            }
            long place = place(span, high);
            if (low >= high || !owners.hold(number(owner(span, high)), place)) {
                break;
            }
            long goal = place(span, low);
            // With the owner's number in front.
            spans.memory(goal).copyFrom(Spans.at(goal), spans.memory(place), Spans.at(place),
                    length);
            owners.moved(number(owner(span, low)), goal);
            spans.memory(place).bytes().putInt(Spans.at(place), 0);
        }
        spans.set(span, Spans.TOP, high + 1);
        linkFree(span, high);
        int left = touched(high + 1);
        store.shrink(before - left);
        spans.forget(span, left * Arena.PAGE, (before - left) * Arena.PAGE);
        return before - left;
    }

    /** The free places below one that is in use, the first of them first. */
    private void linkFree(int span, int last) {
        int free = 0;
        for (int i = last; i >= 0; i--) {
            if (owner(span, i) == 0) {
                long place = place(span, i);
                spans.memory(place).bytes().putInt(Spans.at(place) + PageStore.HEADER, free);
                free = i + 1;
            }
        }
        spans.set(span, Spans.FREE, free);
    }

    private long place(int span, int index) {
        return spans.start(span) + (long) index * length;
    }

    /** What stands in front of an object: its owner's number and one; 0 when it is free. */
    private int owner(int span, int index) {
        long place = place(span, index);
        return spans.memory(place).bytes().getInt(Spans.at(place));
    }

    private static long number(int owner) {
        return Integer.toUnsignedLong(owner) - 1;
    }

    /** What one go of moving came to; {@code next}: where to go on in the span that is emptied. */
    private record Step(int won, int next, boolean toFull, boolean fromDone) {}

    private synchronized Step step(int to, int from, int next, PageStore.Owners owners) {
        if (!isPartial(to)) {
            return new Step(0, next, true, false);
        }
        int won = 0;
        int index = next;
        for (int moves = 0; moves < MOVES; index++) {
            if (!isPartial(from) || index >= spans.get(from, Spans.TOP)) {
                return new Step(won, 0, false, true);
            }
            if (!isPartial(to)) {
                return new Step(won, index, true, false);
            }
            int owner = owner(from, index);
            if (owner != 0 && owners.hold(number(owner), place(from, index))) {
                won += move(place(from, index), to, number(owner), owners);
                moves++;
            }
        }
        return new Step(won, index, false, false);
    }

    private int move(long place, int to, long owner, PageStore.Owners owners) {
        int top = spans.get(to, Spans.TOP);
        long goal = allocateIn(to, owner, false);
        int grown = touched(spans.get(to, Spans.TOP)) - touched(top);
        spans.memory(goal).copyFrom(PageStore.at(goal), spans.memory(place), PageStore.at(place),
                length - PageStore.HEADER);
        owners.moved(owner, goal);
        return freeLocked(place) - grown;
    }

    /** Still this class's, with places both free and taken: what was seen before may be over. */
    private boolean isPartial(int span) {
        int live = spans.get(span, Spans.LIVE);
        return spans.get(span, Spans.CLASS) == number && live > 0 && live < perSpan;
    }

    private int[] fullestFirst() {
        long[] found;
        synchronized (this) {
            found = new long[linked];
            int i = 0;
            for (int span = first; span != Spans.NONE; span = spans.get(span, Spans.AFTER)) {
                int live = spans.get(span, Spans.LIVE);
                found[i++] = (long) (perSpan - live) << 32 | span;
            }
        }
        Arrays.sort(found);
        return Arrays.stream(found).mapToInt(f -> (int) f).toArray();
    }
}
