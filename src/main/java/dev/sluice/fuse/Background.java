package dev.sluice.fuse;

import dev.sluice.block.Memory;
import dev.sluice.sys.Arena;
import dev.sluice.sys.Libc;
import dev.sluice.sys.Native;
import java.nio.charset.StandardCharsets;
import java.util.function.IntPredicate;

/**
 * How many asynchronous requests the kernel sends before it makes callers wait: the bound on the
 * memory of requests under way. What was sent must be read, or control would wait behind data; so
 * for each request that may yet come there is room for the largest. Small ones take little of it,
 * and as they are held the kernel is told to send more.
 *
 * <p>A caller that waits for each answer is not counted by the kernel: it is one request a thread,
 * and held beyond the budget if need be.
 */
final class Background implements AutoCloseable {
    private static final int LARGEST = 1 << 20;
    /** However little memory there is, so many in all. */
    private static final int LEAST = 16;

    private final long budget;
    private final int most;
    private final IntPredicate tell;
    private volatile int told; // written under this
    private volatile boolean fixed;

    /**
     * Starts with what {@link #told} says, which the kernel is to know by INIT.
     *
     * @param budget bytes for requests under way
     * @param most requests, whatever memory is left
     * @param tell gives the kernel a new number; false when it cannot be told
     */
    Background(long budget, int most, IntPredicate tell) {
        this.budget = budget;
        this.most = most;
        this.tell = tell;
        this.told = allowed(0, 0);
    }

    /**
     * How many there is room for, the largest each; negative where more is held than there should
     * be. Else those that the kernel does not count would be granted it again and again.
     */
    private long room(long takenBytes) {
        return Math.floorDiv(budget - takenBytes, LARGEST);
    }

    private int allowed(int held, long takenBytes) {
        return (int) Math.min(most, Math.max(LEAST, held + room(takenBytes)));
    }

    /** Requests are held, or were given back. From any thread. */
    void look(int held, long takenBytes) {
        long ahead = told - held;
        long room = room(takenBytes);
        // Not for every request, but before the kernel makes anybody wait.
        if (!fixed && (ahead < room / 2 || ahead > room + room / 8)) {
            tell(held, takenBytes);
        }
    }

    private synchronized void tell(int held, long takenBytes) {
        int want = allowed(held, takenBytes);
        if (want != told && !fixed) {
            told = want;
            fixed = !tell.test(want);
        }
    }

    /** What the kernel was told last. */
    int told() {
        return told;
    }

    /** Whether the kernel cannot be told another number. */
    boolean fixed() {
        return fixed;
    }

    @Override
    public void close() {
        fixed = true;
    }

    /**
     * The kernel's control file of a connection (fs/fuse/control.c): where it is mounted, or, for
     * root, on a mount of our own that no name leads to. Null when there is no way to it.
     */
    static final class ControlFile implements IntPredicate, AutoCloseable {
        private static final Libc LIBC = Libc.LIBC;
        private static final int TEXT = 64;

        private final int fd;
        private final Memory memory;
        private final Arena arena;

        private ControlFile(int fd, Memory memory, Arena arena) {
            this.fd = fd;
            this.memory = memory;
            this.arena = arena;
        }

        static ControlFile open(int connection, Arena arena) {
            String name = connection + "/max_background";
            int fd = LIBC.open("/sys/fs/fuse/connections/" + name,
                    Native.O_WRONLY | Native.O_CLOEXEC, 0);
            Memory memory = arena.map(Arena.PAGE);
            if (fd < 0) {
                int root = Native.detachedMount("fusectl", memory);
                if (root >= 0) {
                    fd = Native.openAt(root, name, Native.O_WRONLY | Native.O_CLOEXEC, memory);
                    LIBC.close(root);
                }
            }
            if (fd < 0) {
                arena.unmap(memory);
                return null;
            }
            return new ControlFile(fd, memory, arena);
        }

        /** One caller at a time. */
        @Override
        public boolean test(int number) {
            byte[] text = (number + "\n").getBytes(StandardCharsets.US_ASCII);
            memory.bytes().put(TEXT, text);
            return LIBC.write(fd, memory.address() + TEXT, text.length) == text.length;
        }

        @Override
        public void close() {
            LIBC.close(fd);
            arena.unmap(memory);
        }
    }
}
