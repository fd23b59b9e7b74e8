package dev.sluice.fuse;

import dev.sluice.block.Memory;
import dev.sluice.sys.Arena;
import dev.sluice.sys.Libc;
import dev.sluice.sys.Native;
import java.nio.ByteBuffer;
import java.util.ArrayDeque;
import java.util.Deque;
import java.util.Map;
import java.util.concurrent.ConcurrentHashMap;
import jnr.ffi.Runtime;

/**
 * What goes through libfuse. Two of its replies are widened on the way: it knows protocol 7.19
 * only, and cannot ask for what makes a direct file fast. For these it is given a channel that
 * leads into a pipe; what it wrote there is changed and sent on.
 */
final class Handshake {
    private static final int ENOENT = 2;

    private final LibFuse2 lib;
    private final long session;
    private final Channel kernel;
    private final int maxBackground;
    private final Arena arena;
    /** Kept here, as only native memory leads to it. */
    private final LibFuse2.Send send = this::send;
    /** Its struct fuse_chan_ops: receive, send, destroy. */
    private final Memory operations;
    /** Of each of our channels the one that libfuse replies to. */
    private final Map<Channel, Long> libfuses = new ConcurrentHashMap<>();
    /** As many as there ever were threads at it at the same time. */
    private final Deque<Pipe> free = new ArrayDeque<>(); // guarded by itself

    Handshake(LibFuse2 lib, long fuse, int maxBackground, Arena arena) {
        this.lib = lib;
        this.maxBackground = maxBackground;
        session = lib.fuse_get_session(fuse);
        kernel = new Channel(lib.fuse_chan_fd(lib.fuse_session_next_chan(session, 0)));
        this.arena = arena;
        operations = arena.map(Arena.PAGE);
        operations.bytes().putLong(8, Runtime.getRuntime(lib).getClosureManager()
                .getClosurePointer(LibFuse2.Send.class, send).address());
    }

    /** Where libfuse's reply can be caught. */
    private final class Pipe {
        private final Memory reply = arena.map(Arena.PAGE);
        private final long channel;
        private final int end;

        Pipe() {
            if (Libc.LIBC.pipe2(reply.address(), Native.O_CLOEXEC) != 0) {
                throw new IllegalStateException("no pipe: " + Native.error().text());
            }
            end = reply.bytes().getInt(0);
            channel = lib.fuse_kern_chan_new(reply.bytes().getInt(4));
        }

        /** Hands a message to libfuse, and answers the length of its reply. */
        int process(long message, int length) {
            lib.fuse_session_process(session, message, length, channel);
            long n = Libc.LIBC.read(end, reply.address(), Arena.PAGE / 2);
            if (n < Wire.OUT_HEADER) {
                throw new IllegalStateException("libfuse did not reply: " + n);
            }
            return (int) n;
        }

        void send(Channel to, int length) {
            int vector = Arena.PAGE - 16;
            reply.bytes().putLong(vector, reply.address());
            reply.bytes().putLong(vector + 8, length);
            to.writev(reply.address() + vector, 1);
        }
    }

    private Pipe take() {
        synchronized (free) {
            Pipe pipe = free.pollLast();
            if (pipe != null) {
                return pipe;
            }
        }
        return new Pipe();
    }

    /** Only one whose reply was read: of what failed in between nobody knows what is left in it. */
    private void give(Pipe pipe) {
        synchronized (free) {
            free.addLast(pipe);
        }
    }

    Channel kernel() {
        return kernel;
    }

    /** Hands a message to libfuse, which replies to where it was read. From any thread. */
    void process(Channel from, long message, int length) {
        lib.fuse_session_process(session, message, length,
                libfuses.computeIfAbsent(from, this::libfuse));
    }

    /** libfuse's own way of sending takes one channel a connection, and ends us without it. */
    private long libfuse(Channel to) {
        return lib.fuse_chan_new(operations.address(), to.fd(), Arena.PAGE, 0);
    }

    private int send(long channel, long vector, long count) {
        boolean awaited = new Channel(lib.fuse_chan_fd(channel)).writev(vector, (int) count);
        return awaited ? 0 : -ENOENT;
    }

    /**
     * INIT, the first message: asks for large requests, asynchronous direct I/O (without it
     * io_submit is synchronous), mmap of direct files, and many requests under way.
     */
    void init(Memory message, int length) {
        int offered = message.bytes().getInt(Wire.InitIn.FLAGS);
        int offered2 = (offered & Wire.InitOut.INIT_EXT) != 0
                ? message.bytes().getInt(Wire.InitIn.FLAGS2) : 0;
        Pipe pipe = take();
        int n = pipe.process(message.address(), length);
        ByteBuffer b = pipe.reply.bytes();
        for (int i = n; i < Wire.InitOut.BYTES; i++) {
            b.put(i, (byte) 0);
        }
        if (b.getInt(Wire.OUT_ERROR) == 0) {
            int wanted = Wire.InitOut.ASYNC_READ | Wire.InitOut.BIG_WRITES
                    | Wire.InitOut.ASYNC_DIO | Wire.InitOut.PARALLEL_DIROPS
                    | Wire.InitOut.USE_MAX_PAGES | Wire.InitOut.INIT_EXT;
            b.putInt(Wire.OUT_LENGTH, Wire.InitOut.BYTES);
            b.putInt(Wire.InitOut.MINOR, 31);
            b.putInt(Wire.InitOut.FLAGS, b.getInt(Wire.InitOut.FLAGS) | wanted & offered);
            b.putInt(Wire.InitOut.FLAGS2, Wire.InitOut.DIRECT_IO_ALLOW_MMAP & offered2);
            b.putShort(Wire.InitOut.MAX_BACKGROUND, (short) maxBackground);
            b.putShort(Wire.InitOut.CONGESTION, (short) maxBackground);
            b.putInt(Wire.InitOut.MAX_WRITE, Wire.LARGEST_WRITE);
            b.putInt(Wire.InitOut.TIME_GRANULARITY, 1);
            b.putShort(Wire.InitOut.MAX_PAGES, (short) (Wire.LARGEST_WRITE / 4096));
            n = Wire.InitOut.BYTES;
        }
        pipe.send(kernel, n);
        give(pipe);
    }

    /** OPEN: a device's file is direct, and its writers do not exclude each other. */
    void open(Channel from, long message, int length) {
        Pipe pipe = take();
        int n = pipe.process(message, length);
        ByteBuffer b = pipe.reply.bytes();
        if (b.getInt(Wire.OUT_ERROR) == 0 && n == Wire.OpenOut.BYTES
                && Handles.isDevice(b.getLong(Wire.OpenOut.FH))) {
            b.putInt(Wire.OpenOut.FLAGS, b.getInt(Wire.OpenOut.FLAGS)
                    | Wire.OpenOut.DIRECT_IO | Wire.OpenOut.PARALLEL_DIRECT_WRITES);
        }
        pipe.send(from, n);
        give(pipe);
    }
}
