package dev.sluice.ploop;

/** Who is told how far long work has come. */
@FunctionalInterface
public interface Progress {
    /** So many of so many bytes are done. */
    void at(long done, long total);
}
