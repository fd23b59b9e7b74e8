package dev.sluice.testing;

import dev.sluice.block.Errno;
import dev.sluice.block.Memory;
import java.util.Arrays;

/**
 * One change of a file, or a sync.
 *
 * @param length bytes; the new size for RESIZE; 0 for SYNC
 * @param data what a WRITE stores; null for others
 */
public record FileOp(Kind kind, long offset, long length, byte[] data) {
    /** What happens to the file. */
    public enum Kind { WRITE, PUNCH, ZERO, RESIZE, RESERVE, SYNC }

    static FileOp write(long offset, Memory memory, int at, int length) {
        byte[] data = new byte[length];
        memory.bytes().get(at, data);
        return new FileOp(Kind.WRITE, offset, length, data);
    }

    static FileOp of(Kind kind, long offset, long length) {
        return new FileOp(kind, offset, length, null);
    }

    /** Whether bytes change, rather than the size alone. */
    public boolean changesBytes() {
        return kind != Kind.SYNC && kind != Kind.RESERVE;
    }

    /** Whether it touches bytes before the given end, as of a header. */
    public boolean writesBelow(long end) {
        return kind == Kind.WRITE && offset < end;
    }

    /** The size of the file afterwards. */
    long sizeAfter(long size) {
        return switch (kind) {
            case RESIZE -> length;
            case WRITE, RESERVE -> Math.max(size, offset + length);
            default -> size;
        };
    }

    /** A WRITE of its first bytes only. */
    public FileOp first(int bytes) {
        return new FileOp(kind, offset, bytes, Arrays.copyOf(data, bytes));
    }

    /** Carries it out on a file. */
    public Errno on(MemoryFile file) {
        return switch (kind) {
            case WRITE -> {
                file.put(offset, data, 0, data.length);
                if (file.size() < offset + length) {
                    file.cut(offset + length);
                }
                yield Errno.OK;
            }
            case PUNCH -> file.punch(offset, length);
            case ZERO -> file.zero(offset, length);
            case RESIZE -> file.resize(length);
            case RESERVE -> file.reserve(offset, length);
            case SYNC -> Errno.OK;
        };
    }

    @Override
    public String toString() {
        return kind + (kind == Kind.SYNC ? "" : " of " + length + " at " + offset)
                + (data == null ? "" : " #" + Integer.toHexString(Arrays.hashCode(data)));
    }
}
