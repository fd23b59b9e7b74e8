package dev.sluice.sys;

/** What a tracepoint of the kernel's says. One thread at a time. */
public interface Trace extends AutoCloseable {
    /** Takes what was read. */
    @FunctionalInterface
    interface To {
        /** When the tracepoint was passed, by CLOCK_MONOTONIC in nanoseconds, and the field. */
        void take(long nanos, long value);
    }

    /** Hands on all that was said since the last time, in order for each CPU. */
    void read(To to);

    /** Whether it says anything from now on. */
    void turn(boolean on);

    @Override
    void close();
}
