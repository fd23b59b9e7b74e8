package dev.sluice.block;

/** Where time comes from, so that a test owns it. */
@FunctionalInterface
public interface Clock {
    /** Nanoseconds since some fixed moment; never goes back. */
    long nanos();
}
