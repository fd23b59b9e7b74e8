package dev.sluice.block;

import java.util.ArrayDeque;
import java.util.Deque;

/**
 * The bounded pool of one-block pieces that read-modify-write works in. Who finds it empty is
 * queued and called when a piece comes back, in order. An {@link Edge} needs one piece and waits
 * for nothing else while it has it, so waiting always ends.
 */
final class Scratch {
    /** Pieces of one device. */
    static final int PIECES = 64;

    private final Memory memory;
    private final int pieceBytes;
    private final int[] free = new int[PIECES]; // guarded by this
    private int freeCount; // guarded by this
    private final Deque<Edge> waiting = new ArrayDeque<>(); // guarded by this

    /** The memory holds {@link #PIECES} pieces. */
    Scratch(Memory memory, int pieceBytes) {
        this.memory = memory;
        this.pieceBytes = pieceBytes;
        for (int i = PIECES - 1; i >= 0; i--) {
            free[freeCount++] = i * pieceBytes;
        }
    }

    Memory memory() {
        return memory;
    }

    /** The offset of a piece, or -1: then {@link Edge#piece} is called later. */
    synchronized int take(Edge edge) {
        if (freeCount > 0) {
            return free[--freeCount];
        }
        waiting.add(edge);
        return -1;
    }

    /** Gives a piece back; answers the edge that now has it, or null. */
    synchronized Edge give(int at) {
        Edge next = waiting.poll();
        if (next == null) {
            free[freeCount++] = at;
        }
        return next;
    }

    synchronized boolean allFree() {
        return freeCount == PIECES;
    }

    int pieceBytes() {
        return pieceBytes;
    }
}
