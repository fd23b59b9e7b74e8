package dev.sluice.testing;

import dev.sluice.block.Bio;
import dev.sluice.block.Errno;
import dev.sluice.block.Memory;
import dev.sluice.storage.Backing;
import java.lang.invoke.MethodHandles;
import java.lang.invoke.VarHandle;
import java.nio.ByteOrder;
import java.util.Arrays;
import java.util.BitSet;

/**
 * A file in memory that grows, knows its holes, and can be taken back to how it was at a mark. Its
 * hash tells states apart: it is kept by sectors, so that asking after a small change is cheap.
 * Thread-safe but for marks.
 */
public final class MemoryFile implements Backing {
    /** What a disk writes as a whole, in bytes. */
    public static final int SECTOR = 512;

    private static final int PAGE = 4096;
    private static final long GOLD = 0x9E3779B97F4A7C15L;

    private static final VarHandle WORD =
            MethodHandles.byteArrayViewVarHandle(long[].class, ByteOrder.LITTLE_ENDIAN);

    private final int blockSize;
    private byte[] bytes; // guarded by this, as are the others
    private long size;
    private final BitSet stored = new BitSet();

    private boolean marked;
    private byte[][] saved = new byte[16][];
    private final BitSet touched = new BitSet();
    private final BitSet storedAtMark = new BitSet();
    private long sizeAtMark;
    private long hashAtMark;
    private boolean hashKnown;

    /** A file of zeros that is one hole. */
    public MemoryFile(long size, int blockSize) {
        this.blockSize = blockSize;
        this.bytes = new byte[Math.toIntExact(round(size))];
        this.size = size;
    }

    private static long round(long bytes) {
        return (bytes + PAGE - 1) / PAGE * PAGE;
    }

    /** A file of its own with the same content. */
    public synchronized MemoryFile copy() {
        MemoryFile copy = new MemoryFile(size, blockSize);
        System.arraycopy(bytes, 0, copy.bytes, 0, copy.bytes.length);
        copy.stored.or(stored);
        return copy;
    }

    /** Remembers the state for {@link #rollback}; the mark stays where it was when there is one. */
    public synchronized void mark() {
        if (!marked) {
            hashAtMark = hash();
            hashKnown = true;
            marked = true;
            sizeAtMark = size;
            storedAtMark.clear();
            storedAtMark.or(stored);
        }
    }

    /** Back to the mark, which is then gone. */
    public synchronized void rollback() {
        for (int p = touched.nextSetBit(0); p >= 0; p = touched.nextSetBit(p + 1)) {
            System.arraycopy(saved[p], 0, bytes, p * PAGE, PAGE);
        }
        size = sizeAtMark;
        stored.clear();
        stored.or(storedAtMark);
        touched.clear();
        marked = false;
    }

    /** Keeps the state as it is now; the mark is gone. */
    public synchronized void commit() {
        hashAtMark = hash();
        touched.clear();
        marked = false;
    }

    /** Makes room, and saves the pages that are about to change. */
    private void touch(long from, long until) {
        if (until > bytes.length) {
            long room = Math.max(round(until), 2L * bytes.length);
            bytes = Arrays.copyOf(bytes, Math.toIntExact(room));
        }
        hashKnown &= marked;
        if (!marked || from >= until) {
            return;
        }
        for (int p = (int) (from / PAGE); p <= (until - 1) / PAGE; p++) {
            if (!touched.get(p)) {
                touched.set(p);
                if (p >= saved.length) {
                    saved = Arrays.copyOf(saved, Math.max(p + 1, 2 * saved.length));
                }
                if (saved[p] == null) {
                    saved[p] = new byte[PAGE];
                }
                System.arraycopy(bytes, p * PAGE, saved[p], 0, PAGE);
            }
        }
    }

    /** Stores bytes wherever they are to go, beyond the end too; the size stays. */
    synchronized void put(long offset, byte[] from, int at, int length) {
        touch(offset, offset + length);
        System.arraycopy(from, at, bytes, (int) offset, length);
        if (length > 0) {
            stored.set((int) (offset / PAGE), (int) ((offset + length - 1) / PAGE) + 1);
        }
    }

    /** Zeroes bytes wherever they are; the size stays. */
    synchronized void clear(long offset, long until) {
        long end = Math.min(until, bytes.length);
        if (offset < end) {
            touch(offset, end);
            Arrays.fill(bytes, (int) offset, (int) end, (byte) 0);
            stored.clear((int) (round(offset) / PAGE), (int) (Math.max(round(offset), end) / PAGE));
        }
    }

    /** Sets the size; bytes beyond it are gone. */
    synchronized void cut(long bytesLeft) {
        touch(bytesLeft, bytesLeft);
        clear(bytesLeft, bytes.length);
        size = bytesLeft;
    }

    /** Tells this state from others; of the bytes inside the size, and the size. */
    public synchronized long hash() {
        if (!marked) {
            return hashKnown ? hashAtMark : fullHash();
        }
        long hash = hashAtMark ^ mix(sizeAtMark * GOLD) ^ mix(size * GOLD);
        for (int p = touched.nextSetBit(0); p >= 0; p = touched.nextSetBit(p + 1)) {
            for (int s = 0; s < PAGE; s += SECTOR) {
                long number = (long) p * (PAGE / SECTOR) + s / SECTOR;
                hash ^= hash(saved[p], s, number) ^ hash(bytes, p * PAGE + s, number);
            }
        }
        return hash;
    }

    private long fullHash() {
        long hash = mix(size * GOLD);
        for (int s = 0; s < bytes.length; s += SECTOR) {
            hash ^= hash(bytes, s, s / SECTOR);
        }
        return hash;
    }

    /** Zeros hash to 0, wherever they are. */
    private static long hash(byte[] of, int at, long number) {
        long sum = 0;
        for (int i = 0; i < SECTOR; i += 8) {
            long word = (long) WORD.get(of, at + i);
            if (word != 0) {
                sum += mix(word + i * GOLD);
            }
        }
        return sum == 0 ? 0 : mix(sum + number * GOLD);
    }

    private static long mix(long z) {
        long a = (z ^ (z >>> 30)) * 0xBF58476D1CE4E5B9L;
        long b = (a ^ (a >>> 27)) * 0x94D049BB133111EBL;
        return b ^ (b >>> 31);
    }

    /** The bytes themselves, at least as many as the size: for a look, or to make a start. */
    public synchronized byte[] bytes() {
        return bytes;
    }

    @Override
    public synchronized long size() {
        return size;
    }

    @Override
    public int blockSize() {
        return blockSize;
    }

    @Override
    public boolean readOnly() {
        return false;
    }

    private void check(long offset, long length, boolean inside) {
        boolean whole = (offset | length) % blockSize == 0 && offset >= 0 && length >= 0;
        if (!whole || inside && offset + length > size) {
            throw new AssertionError("a file of " + size + " bytes in blocks of " + blockSize
                    + " is not asked for " + length + " at " + offset);
        }
    }

    @Override
    public synchronized Errno read(long offset, Memory memory, int at, int length) {
        if (offset + length > size) {
            return Errno.EIO;
        }
        check(offset, length, true);
        memory.bytes().put(at, bytes, (int) offset, length);
        return Errno.OK;
    }

    @Override
    public synchronized Errno write(long offset, Memory memory, int at, int length) {
        check(offset, length, false);
        touch(offset, offset + length);
        memory.bytes().get(at, bytes, (int) offset, length);
        stored.set((int) (offset / PAGE), (int) ((offset + length - 1) / PAGE) + 1);
        size = Math.max(size, offset + length);
        return Errno.OK;
    }

    @Override
    public boolean start(Bio bio) {
        return false;
    }

    @Override
    public Errno sync() {
        return Errno.OK;
    }

    @Override
    public void forgive() {}

    @Override
    public synchronized Errno punch(long offset, long length) {
        check(offset, length, true);
        clear(offset, Math.min(size, offset + length));
        return Errno.OK;
    }

    @Override
    public synchronized Errno zero(long offset, long length) {
        Errno outcome = punch(offset, length);
        if (length > 0) {
            stored.set((int) (offset / PAGE), (int) ((offset + length - 1) / PAGE) + 1);
        }
        return outcome;
    }

    @Override
    public synchronized Errno resize(long length) {
        check(length, 0, false);
        cut(length);
        return Errno.OK;
    }

    @Override
    public synchronized Errno reserve(long offset, long length) {
        check(offset, length, false);
        touch(offset, offset + length);
        if (length > 0) {
            stored.set((int) (offset / PAGE), (int) ((offset + length - 1) / PAGE) + 1);
        }
        size = Math.max(size, offset + length);
        return Errno.OK;
    }

    @Override
    public synchronized long allocated() {
        return (long) stored.cardinality() * PAGE;
    }

    @Override
    public synchronized long seek(long offset, boolean data) {
        int page = (int) (offset / PAGE);
        int found = data ? stored.nextSetBit(page) : stored.nextClearBit(page);
        return found < 0 ? size : Math.min(size, Math.max(offset, (long) found * PAGE));
    }

    @Override
    public void close() {}
}
