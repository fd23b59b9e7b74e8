package dev.sluice.sys;

import dev.sluice.block.Memory;
import java.util.HashSet;
import java.util.Set;

/**
 * All data memory of a mount: anonymous mappings that cost what is touched and go back with
 * MADV_DONTNEED. Thread-safe. Not allocateDirect, which touches all of it and caps it.
 */
public final class Arena implements AutoCloseable {
    /** The unit in which memory comes and goes back, in bytes. */
    public static final int PAGE = 4096;

    private final Set<Memory> pieces = new HashSet<>(); // guarded by this
    private long mapped; // guarded by this

    /** New zeroed memory; at most 1 GiB, rounded up to pages. */
    public synchronized Memory map(int bytes) {
        Memory piece = Native.map((int) Math.min(Memory.MAX_BYTES,
                ((long) bytes + PAGE - 1) & -PAGE));
        pieces.add(piece);
        mapped += piece.size();
        return piece;
    }

    /** Address space taken, in bytes; most of it may be untouched. */
    public synchronized long mappedBytes() {
        return mapped;
    }

    /** Gives one piece back. */
    public void unmap(Memory piece) {
        synchronized (this) {
            if (!pieces.remove(piece)) {
                throw new IllegalArgumentException("not of this arena, or given back before");
            }
            mapped -= piece.size();
        }
        Native.unmap(piece);
    }

    /** Gives everything back. Nobody may touch any of it any more. */
    @Override
    public synchronized void close() {
        pieces.forEach(Native::unmap);
        pieces.clear();
        mapped = 0;
    }
}
