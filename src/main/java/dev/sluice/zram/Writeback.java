package dev.sluice.zram;

import dev.sluice.block.BlockException;
import dev.sluice.block.Errno;
import dev.sluice.block.Memory;
import dev.sluice.sys.Arena;
import java.util.ArrayDeque;
import java.util.Deque;

/**
 * Moves pages to the backing device, several at a time: each is copied and written, and its memory
 * given back only when that went well and nobody used the page meanwhile. One run at a time.
 */
final class Writeback {
    /** Pages being written at once, at first. */
    static final int BATCH = 32;
    /** And the most that may be asked for, each with a page of memory. */
    static final int MOST_BATCH = 4096;
    /** Budget and counters are in units of this, in bytes. */
    static final int UNIT = 4096;

    private final Arena arena;
    private boolean limited; // guarded by this
    private long budget; // guarded by this; in units
    private volatile int batch = BATCH;

    Writeback(Arena arena) {
        this.arena = arena;
    }

    synchronized void limited(boolean on) {
        limited = on;
    }

    synchronized boolean limited() {
        return limited;
    }

    synchronized void budget(long units) {
        budget = units;
    }

    synchronized long budget() {
        return budget;
    }

    void batch(int pages) {
        batch = pages;
    }

    int batch() {
        return batch;
    }

    /** As when it was made. */
    synchronized void reset() {
        limited = false;
        budget = 0;
        batch = BATCH;
    }

    private synchronized boolean spend(long units) {
        if (limited && budget < units) {
            return false;
        }
        budget -= limited ? units : 0;
        return true;
    }

    private synchronized void restore(long units) {
        budget += limited ? units : 0;
    }

    /** Pages on their way, and those that come. */
    final class Run {
        private final Disk disk;
        private final BackingStore store;
        private final boolean compressed;
        private final long units;
        private final int most = batch;
        private final Streams own;
        private final Deque<Memory> buffers = new ArrayDeque<>(); // guarded by this
        private int underWay; // guarded by this
        private long written; // guarded by this
        private Errno failure = Errno.OK; // guarded by this; the last one
        private Runnable over; // guarded by this

        /** {@code compressed}: the bytes go as they are stored. */
        Run(Disk disk, BackingStore store, boolean compressed) {
            this.disk = disk;
            this.store = store;
            this.compressed = compressed;
            this.units = disk.page() / UNIT;
            this.own = disk.streams().take();
        }

        /** All that a round of candidates may come to; waits for room, and for nothing else. */
        void all(Candidates candidates) throws BlockException {
            while (candidates.next()) {
                int i = 0;
                try {
                    while (i < candidates.count()) {
                        room();
                        put(candidates.slot(i++));
                    }
                } finally {
                    candidates.drop(i);
                    // A slot must not be picked again before its first write has ended.
                    quiet();
                }
            }
        }

        private synchronized void room() throws BlockException {
            await(most - 1);
        }

        private synchronized void quiet() throws BlockException {
            await(0);
        }

        private void await(int atMost) throws BlockException {
            boolean interrupted = false;
            while (underWay > atMost) {
                try {
                    wait();
                } catch (InterruptedException e) {
                    // What is under way uses memory of this run: it must end first.
                    interrupted = true;
                }
            }
            if (interrupted) {
                Thread.currentThread().interrupt();
                throw new BlockException(Errno.EINTR, "writeback was interrupted; do it again");
            }
        }

        /** Starts with one slot that was picked; waits for nothing. */
        void put(long slot) throws BlockException {
            if (!spend(units)) {
                disk.drop(slot);
                throw new BlockException(Errno.EIO, "writeback has used up its limit; raise"
                        + " writeback_limit");
            }
            long block = disk.blocks().take();
            if (block == Blocks.NONE) {
                restore(units);
                disk.drop(slot);
                throw new BlockException(Errno.ENOSPC, store.name() + " is full; discard what is"
                        + " not needed, or name a larger backing device");
            }
            Memory buffer = buffer();
            int flags = disk.copy(slot, buffer, compressed, own);
            if (flags == SlotChunk.EMPTY || flags == -1) {
                restore(units);
                disk.blocks().free(block);
                gone(buffer, flags == -1 ? Errno.EIO : Errno.OK, 0);
                return;
            }
            if (compressed) {
                clear(buffer, SlotChunk.size(flags));
            }
            store.write(block * disk.page(), buffer, 0, disk.page(),
                    outcome -> ended(slot, flags, block, buffer, outcome));
        }

        private Memory buffer() {
            synchronized (this) {
                underWay++;
                if (!buffers.isEmpty()) {
                    return buffers.pop();
                }
            }
            return arena.map(disk.page());
        }

        /** What was in the buffer before is no part of the page. */
        private void clear(Memory buffer, int from) {
            buffer.copyFrom(from, disk.zeros(), 0, disk.page() - from);
        }

        private void ended(long slot, int flags, long block, Memory buffer, Errno outcome) {
            boolean away = false;
            if (outcome == Errno.OK) {
                disk.counters().bdWrites.increment();
                int kept = compressed ? flags & (SlotChunk.SIZE | SlotChunk.PRIORITY
                        | SlotChunk.HUGE) : 0;
                away = disk.replace(slot, SlotChunk.STORED | SlotChunk.AWAY | kept, block);
            } else {
                restore(units);
                disk.drop(slot);
            }
            if (!away) {
                disk.blocks().free(block);
            }
            gone(buffer, outcome, away ? 1 : 0);
        }

        private void gone(Memory buffer, Errno outcome, int pages) {
            Runnable next;
            synchronized (this) {
                buffers.push(buffer);
                failure = outcome == Errno.OK ? failure : outcome;
                written += pages;
                underWay--;
                notifyAll();
                next = underWay == 0 ? over : null;
            }
            if (next != null) {
                next.run();
            }
        }

        /** Calls back once nothing is under way, perhaps at once; nothing more is put. */
        void whenOver(Runnable then) {
            synchronized (this) {
                if (underWay > 0) {
                    over = then;
                    return;
                }
            }
            then.run();
        }

        /** Nothing is under way: gives memory back, and answers the last failure. */
        synchronized Errno close() {
            buffers.forEach(arena::unmap);
            buffers.clear();
            disk.streams().give(own);
            return failure;
        }

        /** Pages that have left memory. */
        synchronized long written() {
            return written;
        }
    }
}
