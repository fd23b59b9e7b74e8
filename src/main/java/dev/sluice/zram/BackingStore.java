package dev.sluice.zram;

import dev.sluice.block.BlockException;
import dev.sluice.block.Errno;
import dev.sluice.block.Memory;

/** What holds pages that have left memory. From any thread; reads and writes wait for nobody. */
interface BackingStore {
    /** Told once how a read or write went, by any thread, the caller's included. */
    @FunctionalInterface
    interface Done {
        void ended(Errno outcome);
    }

    /** Its path, or the name of the device. */
    String name();

    /** Bytes. */
    long size();

    /** Fills memory; {@code caller}: thread id of who asked, 0 when unknown. */
    void read(long offset, Memory to, int at, int length, int caller, Done done);

    void write(long offset, Memory from, int at, int length, Done done);

    /** Nothing is under way any more. */
    void close() throws BlockException;
}
