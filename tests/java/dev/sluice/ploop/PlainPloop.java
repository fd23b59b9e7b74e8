package dev.sluice.ploop;

import dev.sluice.block.Bio;
import dev.sluice.block.BlockException;
import dev.sluice.block.Errno;
import dev.sluice.block.Limits;
import dev.sluice.block.Memory;
import dev.sluice.block.Op;
import dev.sluice.block.Target;
import dev.sluice.storage.Backing;
import dev.sluice.testing.SimHost;
import dev.sluice.work.WorkQueue;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.util.ArrayDeque;
import java.util.Deque;
import java.util.Set;
import java.util.TreeSet;

/**
 * The plainest target that keeps all invariants of the format, one bio after the other; or breaks
 * one of them, at the line where it would be kept. It shows that the oracle sees what it must.
 */
final class PlainPloop implements Target {
    private static final int PAGE = 4096;

    /** What is left out or done in the wrong order. */
    enum Fault {
        NONE,
        /** I1: words may name clusters that are not yet in the file. */
        NO_SYNC_AFTER_GROWTH,
        /** I1: words may name clusters with old data. */
        NO_ZEROS_BEFORE_REUSE,
        /** I2: two words may name a cluster. */
        REUSE_BEFORE_WORD,
        /** I3's nearest here: moved data must be durable before its new word. */
        MOVE_WITHOUT_SYNC,
        /** I4's nearest here: the mark and the words behind it in two writes. */
        MARK_AFTER_CHANGES,
        /** I4's nearest here: the mark is gone before the words are there. */
        UNMARK_BEFORE_SYNC,
        /** I5: a flush without the table. */
        FLUSH_WITHOUT_PAGES,
        /** I5: a flush without the sync. */
        FLUSH_WITHOUT_SYNC,
        /** I5: FUA without the table. */
        FUA_WITHOUT_PAGES,
        /** I5: FUA without the sync. */
        FUA_WITHOUT_SYNC
    }

    private final Backing backing;
    private final WorkQueue queue;
    private final Fault fault;
    private final long prealloc;
    private final ByteBuffer table;
    private final int cluster;
    private final long data;
    private final long size;
    private final long unit;
    private final Set<Long> ready = new TreeSet<>();
    private final Set<Integer> dirty = new TreeSet<>();
    private final Deque<Bio> waiting = new ArrayDeque<>();
    private boolean busy;

    PlainPloop(Backing backing, WorkQueue queue, long prealloc, Fault fault) {
        this.backing = backing;
        this.queue = queue;
        this.prealloc = prealloc;
        this.fault = fault;
        Memory head = SimHost.memory(PAGE);
        backing.read(0, head, 0, PAGE);
        ByteBuffer h = head.bytes().order(ByteOrder.LITTLE_ENDIAN);
        cluster = h.getInt(28) * 512;
        size = h.getLong(36) * 512;
        data = h.getInt(48) * 512L;
        unit = h.get(15) == 't' ? cluster : 512;
        Memory all = SimHost.memory((int) data);
        backing.read(0, all, 0, all.size());
        table = all.bytes().order(ByteOrder.LITTLE_ENDIAN);
        if (fault != Fault.MARK_AFTER_CHANGES) {
            mark(CrashImage.IN_USE);
        }
        Set<Long> used = new TreeSet<>();
        for (int i = 0; i < size / cluster; i++) {
            used.add(place(i));
        }
        for (long at = data; at + cluster <= backing.size(); at += cluster) {
            if (!used.contains(at)) {
                free(at);
            }
        }
        backing.resize(data + (backing.size() - data) / cluster * cluster);
        backing.sync();
    }

    private void mark(int value) {
        table.putInt(44, value);
        table.putLong(56, 0);
        writePage(0);
        backing.sync();
    }

    private void free(long at) {
        if (fault != Fault.NO_ZEROS_BEFORE_REUSE) {
            backing.punch(at, cluster);
            backing.sync();
        }
        ready.add(at);
    }

    private long place(int i) {
        return (table.getInt(64 + 4 * i) & 0xffffffffL) * unit;
    }

    private void place(int i, long at) {
        table.putInt(64 + 4 * i, (int) (at / unit));
        dirty.add((64 + 4 * i) / PAGE);
    }

    private void writePage(int page) {
        Memory copy = SimHost.memory((int) Math.min(PAGE, data - (long) page * PAGE));
        copy.bytes().put(0, table, page * PAGE, copy.size());
        backing.write((long) page * PAGE, copy, 0, copy.size());
    }

    private void pages() {
        Set<Integer> now = new TreeSet<>(dirty);
        dirty.clear();
        now.forEach(this::writePage);
    }

    @Override
    public Limits limits() {
        return new Limits(size, Math.max(1, backing.blockSize()), false, true, true, true, false);
    }

    @Override
    public void submit(Bio bio) {
        waiting.add(bio);
        if (!busy) {
            busy = true;
            queue.run(0, this::work);
        }
    }

    private void work() {
        Bio bio = waiting.poll();
        carry(bio);
        if (waiting.isEmpty()) {
            busy = false;
        } else {
            queue.run(0, this::work);
        }
        bio.complete();
    }

    private void carry(Bio bio) {
        for (long at = bio.offset(); at < bio.until();) {
            long end = Math.min(bio.until(), (at / cluster + 1) * cluster);
            piece(bio, (int) (at / cluster), at, (int) (end - at));
            at = end;
        }
        if (bio.op() == Op.FLUSH) {
            durable(Fault.FLUSH_WITHOUT_PAGES, Fault.FLUSH_WITHOUT_SYNC);
        } else if (bio.fua()) {
            durable(Fault.FUA_WITHOUT_PAGES, Fault.FUA_WITHOUT_SYNC);
        }
    }

    private void durable(Fault noPages, Fault noSync) {
        if (fault != noPages) {
            pages();
        }
        if (fault != noSync) {
            backing.sync();
        }
    }

    private void piece(Bio bio, int i, long at, int length) {
        int from = bio.dataAt() + (int) (at - bio.offset());
        long to = place(i) + at % cluster;
        boolean none = place(i) == 0;
        switch (bio.op()) {
            case READ -> {
                if (none) {
                    bio.data().bytes().put(from, new byte[length]);
                } else {
                    backing.read(to, bio.data(), from, length);
                }
            }
            case WRITE -> {
                move(i);
                if (place(i) == 0) {
                    place(i, take());
                }
                backing.write(place(i) + at % cluster, bio.data(), from, length);
            }
            case DISCARD -> {
                if (!none && length == cluster) {
                    drop(i);
                } else if (!none) {
                    backing.punch(to, length);
                }
            }
            case WRITE_ZEROES -> {
                if (!none) {
                    backing.zero(to, length);
                }
            }
            default -> { }
        }
    }

    private void drop(int i) {
        long was = place(i);
        place(i, 0);
        if (fault == Fault.REUSE_BEFORE_WORD) {
            backing.punch(was, cluster);
            ready.add(was);
            return;
        }
        pages();
        backing.sync();
        free(was);
    }

    private long take() {
        if (ready.isEmpty()) {
            long end = backing.size();
            backing.reserve(end, prealloc);
            if (fault != Fault.NO_SYNC_AFTER_GROWTH) {
                backing.sync();
            }
            for (long at = end; at < end + prealloc; at += cluster) {
                ready.add(at);
            }
        }
        long taken = ready.iterator().next();
        ready.remove(taken);
        return taken;
    }

    /** Some writes move their cluster, as copy-on-write would. */
    private void move(int i) {
        if (place(i) == 0 || i % 4 != 0 || ready.isEmpty()) {
            return;
        }
        long was = place(i);
        long now = take();
        Memory copy = SimHost.memory(cluster);
        backing.read(was, copy, 0, cluster);
        backing.write(now, copy, 0, cluster);
        if (fault != Fault.MOVE_WITHOUT_SYNC) {
            backing.sync();
        }
        place(i, now);
        pages();
        backing.sync();
        free(was);
    }

    @Override
    public String arguments() {
        return "";
    }

    @Override
    public void close() throws BlockException {
        if (fault == Fault.MARK_AFTER_CHANGES) {
            table.putInt(44, CrashImage.IN_USE);
        }
        if (fault == Fault.UNMARK_BEFORE_SYNC) {
            pages();
            mark(0);
        }
        pages();
        Errno outcome = backing.sync();
        mark(0);
        long end = data;
        for (int i = 0; i < size / cluster; i++) {
            end = Math.max(end, place(i) + cluster);
        }
        backing.resize(end);
        backing.sync();
        if (outcome != Errno.OK) {
            throw new BlockException(outcome, "the close failed");
        }
    }
}
