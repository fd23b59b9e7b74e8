package dev.sluice.work;

import java.util.Arrays;
import java.util.function.BooleanSupplier;
import java.util.function.IntSupplier;

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
     * @param underWay how many have not been handed out yet
     * @param push starts what was held back while {@link Completions#gathers} said so
     * @param eventDescriptor an eventfd(2) that is signalled whenever something ends
     */
    public record Source(BooleanSupplier reap, IntSupplier underWay, Runnable push,
            int eventDescriptor) {}

    private boolean polled; // guarded by this
    /** Copied on change: read for every request. */
    private volatile Source[] sources = {};
    /** Compared only with the thread that looks, which knows whether it wrote itself there. */
    private Thread gathering;

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

    /**
     * The calling thread, one of all, hands in requests of which more may follow: it calls
     * {@link #push} before it waits, or does anything else that may take long.
     */
    public void gather(boolean now) {
        gathering = now ? Thread.currentThread() : null;
    }

    /** Whether the calling thread does so. */
    public boolean gathers() {
        return gathering == Thread.currentThread();
    }

    /** Starts all that was held back. */
    public void push() {
        for (Source source : sources) {
            source.push.run();
        }
    }

    /** How many have not been handed out yet, of all. */
    public int underWay() {
        int n = 0;
        for (Source source : sources) {
            n += source.underWay.getAsInt();
        }
        return n;
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
