package dev.sluice.kernel;

import static org.assertj.core.api.Assertions.assertThat;

import dev.sluice.block.Memory;
import dev.sluice.sys.Arena;
import dev.sluice.sys.Libc;
import dev.sluice.sys.Native;
import java.nio.file.Path;

/**
 * A caller that starts direct writes (io_submit(2)) and makes other calls before it takes their
 * ends: what fio never does.
 */
final class AsyncWriter implements AutoCloseable {
    private static final Libc LIBC = Libc.LIBC;
    private static final int SETUP = 206;
    private static final int DESTROY = 207;
    private static final int GETEVENTS = 208;
    private static final int SUBMIT = 209;
    private static final int IOCB = 64;
    private static final int EVENT = 32;
    private static final int BLOCK = 4096;

    private final Arena arena = new Arena();
    private final int most;
    private final Memory memory;
    private final Memory data;
    private final long context;
    private final int fd;
    private int started;

    AsyncWriter(Path file, int most) {
        this.most = most;
        memory = arena.map(8 + most * (8 + IOCB + EVENT));
        data = arena.map(most * BLOCK);
        assertThat(LIBC.syscall(SETUP, most, memory.address(), 0, 0, 0, 0)).isZero();
        context = memory.bytes().getLong(0);
        fd = LIBC.open(file.toString(), Native.O_RDWR | Native.O_DIRECT | Native.O_CLOEXEC, 0);
        assertThat(fd).as(file.toString()).isNotNegative();
    }

    /** Starts a write of one block full of a byte. */
    void start(long offset, int fill) {
        int at = 8 + most * 8 + started * IOCB;
        for (int i = 0; i < BLOCK; i++) {
            data.bytes().put(started * BLOCK + i, (byte) fill);
        }
        memory.bytes().putLong(8 + started * 8, memory.address() + at);
        memory.bytes().putLong(at, started);
        memory.bytes().putShort(at + 16, (short) 1);
        memory.bytes().putInt(at + 20, fd);
        memory.bytes().putLong(at + 24, data.address() + (long) started * BLOCK);
        memory.bytes().putLong(at + 32, BLOCK);
        memory.bytes().putLong(at + 40, offset);
        assertThat(LIBC.syscall(SUBMIT, context, 1, memory.address() + 8 + started * 8, 0, 0, 0))
                .isEqualTo(1);
        started++;
    }

    int sync() {
        return LIBC.fsync(fd);
    }

    int punch(long offset, long length) {
        return LIBC.fallocate(fd, Native.FALLOC_PUNCH_HOLE | Native.FALLOC_KEEP_SIZE, offset,
                length);
    }

    /** Takes the ends of all that was started; each must have written its block. */
    void finish() {
        int events = 8 + most * (8 + IOCB);
        assertThat(LIBC.syscall(GETEVENTS, context, started, started, memory.address() + events,
                0, 0)).isEqualTo(started);
        for (int i = 0; i < started; i++) {
            assertThat(memory.bytes().getLong(events + i * EVENT + 16)).isEqualTo(BLOCK);
        }
        started = 0;
    }

    @Override
    public void close() {
        LIBC.close(fd);
        LIBC.syscall(DESTROY, context, 0, 0, 0, 0, 0);
        arena.close();
    }
}
