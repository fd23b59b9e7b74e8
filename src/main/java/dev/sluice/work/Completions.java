package dev.sluice.work;

import java.util.Arrays;
import java.util.function.BooleanSupplier;

/**
 * Where asynchronous I/O tells what has ended, to threads that have other work too: a session
 * thread takes requests and hands out what has ended in one loop, and need not be woken for either
 * while it is busy with the other. Thread-safe.
 */
public final class Completions {
    /**
     * Something that ends by itself.
     *
     * @param reap hands out what has ended, in the calling thread; false when there was nothing
     * @param underWay whether something has not ended yet
     * @param eventDescriptor an eventfd(2) that is signalled whenever something ends
     */
    public record Source(BooleanSupplier reap, BooleanSupplier underWay, int eventDescriptor) {}

    private boolean polled; // guarded by this
    /** Copied on change: read for every request. */
    private volatile Source[] sources = {};

    /** {@code polled}: somebody will call {@link #reap} for as long as sources are in use. */
    public Completions(boolean polled) {
        this.polled = polled;
    }

    /** Takes a source in; false when nobody polls, and it must see to itself. */
    public synchronized boolean add(Source source) {
        if (polled) {
            Source[] more = Arrays.copyOf(sources, sources.length + 1);
            more[sources.length] = source;
            sources = more;
        }
        return polled;
    }

    /** Hands out what has ended anywhere; false when there was nothing. */
    public boolean reap() {
        boolean some = false;
        for (Source source : sources) {
            some |= source.reap.getAsBoolean();
        }
        return some;
    }

    /** Whether anything has not ended yet. */
    public boolean underWay() {
        for (Source source : sources) {
            if (source.underWay.getAsBoolean()) {
                return true;
            }
        }
        return false;
    }

    /**
     * The event descriptors of all sources; empty when there is nothing to poll. Sources that come
     * later see to themselves.
     */
    public synchronized int[] fix() {
        polled = false;
        return Arrays.stream(sources).mapToInt(Source::eventDescriptor).toArray();
    }
}
