package dev.sluice.testing;

import dev.sluice.block.Bio;
import dev.sluice.block.Limits;
import dev.sluice.block.Memory;
import dev.sluice.block.Op;
import dev.sluice.block.Target;
import java.util.Random;
import java.util.function.Consumer;

/**
 * Memory with one planted bug that shows now and then: what the oracle must find. Blocks of 4 KiB,
 * except where the bug is in read-modify-write: then the target takes any range.
 */
public final class BrokenTarget implements Target {
    /** What is wrong. */
    public enum Bug {
        NONE, BYTE_CHANGED, WRITE_DROPPED, WRITE_MISPLACED, DISCARD_LEAVES_AN_EDGE,
        TORN_WITHIN_A_UNIT, FLUSH_LOST, FUA_LOST, REWRITES_RACE, STALE_AFTER_DISCARD,
        CHANGED_LATER
    }

    private static final int BLOCK = 4096;

    private final Bug bug;
    private final Random random;
    private final Consumer<Runnable> later;
    private final MemoryTarget memory;
    private final byte[] stale;
    private int changed;

    public BrokenTarget(Bug bug, long size, long seed, Consumer<Runnable> later) {
        this.bug = bug;
        this.random = new Random(seed);
        this.later = later;
        this.memory = new MemoryTarget(Limits.memory(size)
                .withBlockSize(bug == Bug.REWRITES_RACE ? 1 : BLOCK));
        this.stale = new byte[(int) size];
    }

    /** The bytes and their volatile cache. */
    public MemoryTarget memory() {
        return memory;
    }

    @Override
    public Limits limits() {
        return memory.limits();
    }

    @Override
    public void submit(Bio bio) {
        if (bug == Bug.REWRITES_RACE && bio.op() == Op.WRITE) {
            rewrite(bio);
        } else if (bug == Bug.TORN_WITHIN_A_UNIT && bio.op() == Op.WRITE) {
            tear(bio);
        } else if (!misbehaves(bio)) {
            memory.submit(bio);
        } else {
            bio.complete();
        }
    }

    private synchronized boolean misbehaves(Bio bio) {
        boolean now = random.nextInt(50) == 0;
        boolean write = bio.op() == Op.WRITE;
        switch (bug) {
            case WRITE_DROPPED:
                return write && now;
            case FLUSH_LOST:
                return bio.op() == Op.FLUSH;
            case FUA_LOST:
                return write && bio.fua() && carry(bio.op(), bio.offset(), bio.length(),
                        bio.data());
            case WRITE_MISPLACED:
                return write && now && carry(bio.op(), (bio.offset() + BLOCK)
                        % (limits().size() - bio.length()) & -BLOCK, bio.length(), bio.data());
            case BYTE_CHANGED:
                return write && now && carry(bio.op(), bio.offset(), bio.length(), bio.data())
                        && change((int) bio.offset() + random.nextInt((int) bio.length()));
            case CHANGED_LATER:
                return bio.op() == Op.FLUSH && change(random.nextInt((int) limits().size()));
            case DISCARD_LEAVES_AN_EDGE:
                return bio.op() == Op.DISCARD && now
                        && carry(bio.op(), bio.offset(), bio.length() - 1, null);
            case STALE_AFTER_DISCARD:
                return remember(bio) && now && bio.op() == Op.READ && restore(bio);
            default:
                return false;
        }
    }

    private boolean change(int at) {
        memory.bytes()[at]++;
        changed++;
        return true;
    }

    private boolean remember(Bio bio) {
        if (bio.op() == Op.WRITE) {
            bio.data().bytes().get(bio.dataAt(), stale, (int) bio.offset(), (int) bio.length());
        }
        return true;
    }

    private boolean restore(Bio bio) {
        bio.data().bytes().put(bio.dataAt(), stale, (int) bio.offset(), (int) bio.length());
        return true;
    }

    /** Straight to the bytes, past limits and bio. */
    private boolean carry(Op op, long offset, long length, Memory data) {
        synchronized (memory) {
            if (op == Op.WRITE) {
                data.bytes().get(0, memory.bytes(), (int) offset, (int) length);
            } else {
                java.util.Arrays.fill(memory.bytes(), (int) offset, (int) (offset + length),
                        (byte) 0);
            }
        }
        return true;
    }

    /** In two steps, cut where no block begins, with anything in between. */
    private void tear(Bio bio) {
        byte[] data = new byte[(int) bio.length()];
        bio.data().bytes().get(bio.dataAt(), data);
        int cut = data.length / 2 - 100;
        put(data, (int) bio.offset(), 0, cut);
        later.accept(() -> {
            put(data, (int) bio.offset(), cut, data.length);
            bio.complete();
        });
    }

    private void put(byte[] data, int offset, int from, int until) {
        synchronized (memory) {
            System.arraycopy(data, from, memory.bytes(), offset + from, until - from);
        }
    }

    /** Reads whole blocks, changes them, and writes them back later, excluding nobody. */
    private void rewrite(Bio bio) {
        int from = (int) (bio.offset() & -BLOCK);
        int until = (int) Math.min(limits().size(), (bio.until() + BLOCK - 1) & -BLOCK);
        byte[] blocks = new byte[until - from];
        synchronized (memory) {
            System.arraycopy(memory.bytes(), from, blocks, 0, blocks.length);
        }
        bio.data().bytes().get(bio.dataAt(), blocks, (int) bio.offset() - from,
                (int) bio.length());
        later.accept(() -> {
            put(blocks, from, 0, blocks.length);
            bio.complete();
        });
    }

    @Override
    public String arguments() {
        return "";
    }
}
