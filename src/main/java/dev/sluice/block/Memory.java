package dev.sluice.block;

import java.nio.ByteBuffer;

/**
 * A piece of memory outside the heap: a direct buffer for Java, an address for system calls.
 * Only absolute access is used; position and limit are never read or set, so any thread may use it.
 * At most 1 GiB, so that offsets inside it are ints.
 */
public final class Memory {
    /** The most one piece may hold, in bytes. */
    public static final int MAX_BYTES = 1 << 30;

    private final ByteBuffer bytes;
    private final long address;

    /** The buffer must be direct and start at the address. */
    public Memory(ByteBuffer bytes, long address) {
        if (!bytes.isDirect() || bytes.capacity() > MAX_BYTES) {
            throw new IllegalArgumentException("memory must be direct and at most 1 GiB");
        }
        this.bytes = bytes;
        this.address = address;
    }

    /** The bytes, for absolute access. */
    public ByteBuffer bytes() {
        return bytes;
    }

    /** Where the first byte is, for system calls. */
    public long address() {
        return address;
    }

    /** Length in bytes. */
    public int size() {
        return bytes.capacity();
    }

    /** Copies within or between pieces; the ranges of one piece must not overlap. */
    public void copyFrom(int at, Memory from, int fromAt, int length) {
        bytes.put(at, from.bytes, fromAt, length);
    }
}
