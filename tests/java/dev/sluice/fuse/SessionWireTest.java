package dev.sluice.fuse;

import static org.assertj.core.api.Assertions.assertThat;

import dev.sluice.block.BlockException;
import dev.sluice.block.Completion;
import dev.sluice.block.Device;
import dev.sluice.block.Limits;
import dev.sluice.block.Memory;
import dev.sluice.block.Op;
import dev.sluice.sys.Arena;
import dev.sluice.sys.Libc;
import dev.sluice.sys.Native;
import dev.sluice.sys.Trace;
import dev.sluice.testing.MemoryTarget;
import dev.sluice.work.Completions;
import dev.sluice.work.Timer;
import dev.sluice.work.WorkerPool;
import java.util.List;
import java.util.Map;
import java.util.concurrent.atomic.AtomicInteger;
import jnr.ffi.LibraryLoader;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/**
 * Literal messages in, literal replies out, no kernel: a socket pair that keeps message boundaries
 * stands for /dev/fuse. Offsets are written out here, not taken from {@link Wire}.
 */
@Tag("unit")
@Timeout(120)
class SessionWireTest {
    private static final int SIZE = 1 << 20;
    private static final int SEQPACKET = 5;
    private static final int UNIX = 1;
    private static final long UNIQUE = 0x1122334455667788L;
    private static final long HOUR = 3_600_000_000_000L;

    /** What only this test needs. */
    public interface Sockets {
        int socketpair(int domain, int type, int protocol, long twoFds);
    }

    private final Sockets sockets = LibraryLoader.create(Sockets.class).load("c");
    private final Arena arena = new Arena();
    private final Memory out = arena.map(2 << 20);
    private final Memory in = arena.map(2 << 20);
    private final MemoryTarget target = new MemoryTarget(Limits.memory(SIZE));
    private final WorkerPool workers = new WorkerPool("test", 2, 2, c -> "/",
            System::nanoTime, (s, c) -> { });
    private final Device device = new Device("disk", "memory", target, List.of(),
            System::nanoTime, arena::map, (s, c) -> { });
    private final Device later = new Device("later", "memory",
            new MemoryTarget(new Limits(SIZE, 1, false, true, true, true, false)), List.of(),
            System::nanoTime, arena::map, (s, c) -> { });
    private final Timer timer = new Timer((s, c) -> { });
    /** All requests here have one number. */
    private final Trace anHourAgo = new Trace() {
        @Override
        public void read(To to) {
            to.take(System.nanoTime() - HOUR, UNIQUE);
        }

        @Override
        public void turn(boolean on) {}

        @Override
        public void close() {}
    };
    private Handles handles;
    private final Readers readers = new Readers(1);
    private Session session;
    private Thread thread;
    private Channel first;
    private int here;
    private int there;
    private int alsoHere;
    private int alsoThere;
    private long handle;

    @BeforeEach
    void start() throws BlockException {
        assertThat(sockets.socketpair(UNIX, SEQPACKET, 0, out.address())).isZero();
        here = out.bytes().getInt(0);
        there = out.bytes().getInt(4);
        assertThat(sockets.socketpair(UNIX, SEQPACKET, 0, out.address())).isZero();
        alsoHere = out.bytes().getInt(0);
        alsoThere = out.bytes().getInt(4);
        handles = new Handles(List.of(device, later));
        handle = handles.open(device.name());
        first = new Channel(there);
        session(new Completions(true));
    }

    private void session(Completions completions) throws BlockException {
        Channels channels = new Channels(first, () -> new Channel(alsoThere));
        SlotPool slots = new SlotPool(arena, new Background(64 << 20, 64, n -> true),
                new CompletionWorker(Completion.Mode.AUTO, workers.queue("c"), (s, c) -> { }),
                (s, c) -> { });
        Sessions sessions = new Sessions(null, readers, (s, c) -> { });
        session = new Session(channels,
                new Intake(channels, completions, timer, MountOptions.parse(null),
                        System::nanoTime,
                    new IdleCpus(IdleCpus.Mode.SLEEP, arena),
                    new Arrivals(anHourAgo, true, 0, System::nanoTime), arena), null,
                handles, slots, workers::queue, new Interrupts(
                        look -> look.test(List.of(device)), timer,
                        workers.queue("i"), System::nanoTime, (s, c) -> { }), true, readers,
                sessions, true,
                Pace.ofThread(System::nanoTime, arena),
                Crowding.ofThread(System::nanoTime, arena));
        thread = new Thread(session);
        thread.setDaemon(true);
    }

    @AfterEach
    void end() throws InterruptedException {
        session.stop();
        Libc.LIBC.close(here);
        Libc.LIBC.close(alsoHere);
        thread.join(60_000);
        assertThat(thread.isAlive()).isFalse();
        Libc.LIBC.close(there);
        Libc.LIBC.close(alsoThere);
        workers.close();
        arena.close();
    }

    /** An in-header: len, opcode, unique, nodeid, uid, gid, pid; then the handle. */
    private void message(int opcode, int length) {
        for (int i = 0; i < 128; i++) {
            out.bytes().put(i, (byte) 0);
        }
        out.bytes().putInt(0, length);
        out.bytes().putInt(4, opcode);
        out.bytes().putLong(8, UNIQUE);
        out.bytes().putInt(32, 4711);
        out.bytes().putLong(40, handle);
    }

    /** Sends the message and answers the length of the reply; its bytes are in {@code in}. */
    private int call(int length) {
        return call(here, length);
    }

    private int call(int end, int length) {
        if (thread.getState() == Thread.State.NEW) {
            thread.start();
        }
        assertThat(Libc.LIBC.write(end, out.address(), length)).isEqualTo(length);
        int n = (int) Libc.LIBC.read(end, in.address(), in.size());
        assertThat(n).isGreaterThanOrEqualTo(16);
        assertThat(in.bytes().getInt(0)).as("length in the header").isEqualTo(n);
        assertThat(in.bytes().getLong(8)).as("unique").isEqualTo(UNIQUE);
        return n;
    }

    private int error() {
        return in.bytes().getInt(4);
    }

    private void write(long offset, int size, int flags, int fill) {
        message(16, 80 + size);
        out.bytes().putLong(48, offset);
        out.bytes().putInt(56, size);
        out.bytes().putInt(72, flags);
        for (int i = 0; i < size; i++) {
            out.bytes().put(80 + i, (byte) (fill + i));
        }
        call(80 + size);
    }

    private int read(long offset, int size) {
        message(15, 80);
        out.bytes().putLong(48, offset);
        out.bytes().putInt(56, size);
        return call(80) - 16;
    }

    @Test
    void whereManyAreHeldAnotherDescriptorIsReadAndAnswered() {
        for (int i = 0; i < 256; i++) {
            first.holds();
        }
        for (int i = 0; i < 3; i++) {
            message(20, 56);
            assertThat(call(alsoHere, 56)).isEqualTo(16);
        }
    }

    @Test
    void whatIsWrittenIsRead() {
        write(4096, 5000, 0, 7);
        assertThat(error()).isZero();
        assertThat(in.bytes().getInt(0)).isEqualTo(24);
        assertThat(in.bytes().getInt(16)).as("written").isEqualTo(5000);
        assertThat(read(4095, 5002)).isEqualTo(5002);
        assertThat(error()).isZero();
        assertThat(in.bytes().get(16)).isZero();
        for (int i = 0; i < 5000; i++) {
            assertThat(in.bytes().get(17 + i)).isEqualTo((byte) (7 + i));
        }
        assertThat(in.bytes().get(16 + 5001)).isZero();
    }

    @Test
    void theFileEndsAtItsSize() {
        assertThat(read(SIZE - 10, 100)).isEqualTo(10);
        assertThat(read(SIZE, 100)).isZero();
        assertThat(error()).isZero();
        assertThat(read(Long.MAX_VALUE, 100)).isZero();
        write(SIZE - 10, 100, 0, 0);
        assertThat(in.bytes().getInt(16)).as("a short write").isEqualTo(10);
        write(SIZE, 1, 0, 0);
        assertThat(error()).as("ENOSPC").isEqualTo(-28);
    }

    @Test
    void syncIsAFlushAndTheSyncFlagsAreFua() {
        write(0, 512, 0x1000, 1);
        write(0, 512, 0x101000, 2);
        write(0, 512, 0, 3);
        assertThat(device.fuaWrites()).isEqualTo(2);
        message(20, 56);
        call(56);
        assertThat(error()).isZero();
        assertThat(device.ended(Op.FLUSH)).isEqualTo(1);
    }

    @ParameterizedTest
    @ValueSource(booleans = {true, false})
    void requestsCountFromWhenTheyCameToTheKernel(boolean inline) {
        Device asked = inline ? device : later;
        handle = handles.open(asked.name());
        write(0, 512, 0, 1);
        write(0, 64 << 10, 0, 1);
        read(0, 512);
        read(0, 64 << 10);
        message(20, 56);
        call(56);
        for (String op : List.of("read", "write", "flush")) {
            Map<?, ?> one = (Map<?, ?>) asked.stats().get(op);
            assertThat((long) one.get("time_ns")).as(op)
                    .isBetween((long) one.get("ended") * HOUR,
                            ((long) one.get("ended") + 1) * HOUR);
        }
    }

    @Test
    void whereMuchIsUnderWayAnotherThreadReadsForReads() throws BlockException {
        AtomicInteger underWay = new AtomicInteger(Intake.DEEP);
        Completions completions = new Completions(true);
        completions.add(new Completions.Source(() -> false, underWay::get, () -> { },
                alsoThere));
        session(completions);
        write(0, 4096, 0, 7);
        assertThat(readers.someInside()).as("for a write").isFalse();
        underWay.set(Intake.DEEP - 1);
        read(0, 4096);
        assertThat(readers.someInside()).as("where little is under way").isFalse();
        underWay.set(Intake.DEEP);
        read(0, 4096);
        assertThat(readers.someInside()).isTrue();
        // It looks on, and does not see that the socket ends.
        session.stop();
        assertThat(Libc.LIBC.write(here, out.address(), 80)).isEqualTo(80);
    }

    @Test
    void holesAreZeros() {
        write(0, 8192, 0, 1);
        message(43, 72);
        out.bytes().putLong(48, 100);
        out.bytes().putLong(56, 4000);
        out.bytes().putInt(64, 3);
        call(72);
        assertThat(error()).isZero();
        read(99, 4002);
        assertThat(in.bytes().get(16)).isEqualTo((byte) 100);
        for (int i = 1; i <= 4000; i++) {
            assertThat(in.bytes().get(16 + i)).isZero();
        }
        assertThat(in.bytes().get(16 + 4001)).isEqualTo((byte) (1 + 4100));
        message(43, 72);
        out.bytes().putLong(56, 4096);
        call(72);
        assertThat(error()).as("EOPNOTSUPP").isEqualTo(-95);
    }

    @Test
    void seekFindsDataAndTheEnd() {
        message(46, 64);
        out.bytes().putLong(48, 5);
        out.bytes().putInt(56, 3);
        call(64);
        assertThat(in.bytes().getLong(16)).as("SEEK_DATA").isEqualTo(5);
        message(46, 64);
        out.bytes().putLong(48, 5);
        out.bytes().putInt(56, 4);
        call(64);
        assertThat(in.bytes().getLong(16)).as("SEEK_HOLE").isEqualTo(SIZE);
        message(46, 64);
        out.bytes().putLong(48, SIZE);
        out.bytes().putInt(56, 3);
        call(64);
        assertThat(error()).as("ENXIO").isEqualTo(-6);
    }

    @Test
    void aRequestThatFailsIsAnsweredAndTheThreadGoesOn() {
        // A LOOKUP for libfuse, which is not there.
        message(1, 48);
        call(48);
        assertThat(error()).as("EIO").isEqualTo(-5);
        write(0, 512, 0, 9);
        assertThat(error()).isZero();
        assertThat(session.failure()).isNull();
    }
}
