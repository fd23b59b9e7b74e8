package dev.sluice.ploop;

import java.util.Arrays;

/** Pages in the order in which they were put in; each at most once. For one thread. */
final class PageList {
    private static final int OUT = -2;
    private static final int NONE = -1;

    private int[] next;
    private int[] before;
    private int first = NONE;
    private int last = NONE;
    private int count;

    PageList(int pages) {
        next = new int[pages];
        before = new int[pages];
        Arrays.fill(next, OUT);
    }

    /** Takes larger pages too from now on. */
    void grow(int pages) {
        int from = next.length;
        next = Arrays.copyOf(next, pages);
        before = Arrays.copyOf(before, pages);
        Arrays.fill(next, from, pages, OUT);
    }

    boolean has(int page) {
        return next[page] != OUT;
    }

    /** The one put in first, or -1. */
    int first() {
        return first;
    }

    /** The one put in behind another, or -1. */
    int after(int page) {
        return next[page];
    }

    int count() {
        return count;
    }

    void add(int page) {
        next[page] = NONE;
        before[page] = last;
        if (last == NONE) {
            first = page;
        } else {
            next[last] = page;
        }
        last = page;
        count++;
    }

    void remove(int page) {
        int b = before[page];
        int n = next[page];
        if (b == NONE) {
            first = n;
        } else {
            next[b] = n;
        }
        if (n == NONE) {
            last = b;
        } else {
            before[n] = b;
        }
        next[page] = OUT;
        count--;
    }
}
