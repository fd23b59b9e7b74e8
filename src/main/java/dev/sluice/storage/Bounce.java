package dev.sluice.storage;

import dev.sluice.block.Limits;
import dev.sluice.block.Memory;
import dev.sluice.sys.Arena;
import java.util.ArrayDeque;
import java.util.Deque;

/**
 * Memory aligned to pages, for direct I/O of data that is not. Bounded: who finds none waits for
 * one whose system call is under way, and who has one waits for nothing else.
 */
final class Bounce {
    /** The most pieces, of {@link Limits#MAX_DATA} each; they cost what is used. */
    static final int PIECES = 8;

    private final Arena arena;
    private final Deque<Memory> free = new ArrayDeque<>(); // guarded by this
    private int made; // guarded by this

    Bounce(Arena arena) {
        this.arena = arena;
    }

    synchronized Memory take() {
        boolean interrupted = false;
        while (free.isEmpty() && made == PIECES) {
            try {
                wait();
            } catch (InterruptedException e) {
                // The bio must end all the same; the thread's owner is told afterwards.
                interrupted = true;
            }
        }
        if (interrupted) {
            Thread.currentThread().interrupt();
        }
        if (free.isEmpty()) {
            Memory piece = arena.map(Limits.MAX_DATA);
            made++;
            return piece;
        }
        // The one used last: its pages are there.
        return free.pop();
    }

    synchronized void give(Memory piece) {
        free.push(piece);
        notify();
    }

    synchronized void close() {
        free.forEach(arena::unmap);
        free.clear();
    }
}
