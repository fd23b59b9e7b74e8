package dev.sluice.fuse;

import dev.sluice.block.Device;
import dev.sluice.block.Errno;
import dev.sluice.block.Op;
import dev.sluice.sys.Native;
import dev.sluice.work.Host;
import dev.sluice.work.Slice;
import dev.sluice.work.TimerThread;
import java.lang.invoke.MethodHandles;
import java.lang.invoke.VarHandle;
import java.nio.ByteBuffer;
import java.util.function.LongConsumer;

/**
 * One session thread's loop: reads a request and answers it. What concerns a device's data is
 * submitted here, and answered where the stack ends at once; whoever ends it later answers it.
 * Everything else goes through libfuse to the file system.
 */
final class Session implements Runnable {
    private static final int MESSAGE = Landing.MESSAGE;

    /** From this size on a second thread gains more by copying than it costs. */
    private static final int LARGE = 64 << 10;
    /** So many small ones in a row, and a thread that was asked in leaves. */
    private static final int ENOUGH = 512;

    private static final VarHandle AT;
    private static final VarHandle HANDLING;

    static {
        try {
            MethodHandles.Lookup l = MethodHandles.lookup();
            // A call of other types would look its own up again each time, and allocate.
            AT = l.findVarHandle(Session.class, "at", long.class).withInvokeExactBehavior();
            HANDLING = l.findVarHandle(Session.class, "handling", boolean.class)
                    .withInvokeExactBehavior();
        } catch (ReflectiveOperationException e) {
            throw new ExceptionInInitializerError(e);
        }
    }

    private final Channels channels;
    /** Where this turn's request came from, and is answered. */
    private Channel channel;
    private final Intake intake;
    private final Handshake libfuse;
    private final Handles handles;
    private final SlotPool slots;
    private final Host.Queues queues;
    private final Interrupts interrupts;
    private final boolean inline;
    private final Pace pace;
    private final Crowding crowding;
    private final Readers readers;
    private final Sessions sessions;
    private final boolean first;
    private final LongConsumer expire = this::expire;
    private final Landing landing;
    /** Whose requests may be held back until there are more of them, or none. */
    private Device latest;
    private int small;
    private volatile long served;
    /** The number of the request it is at, where that may block; 0: none; negative: stuck. */
    private volatile long at;
    private long requests;
    /**
     * From before a request's bio until its reply has been sent. Whoever sees under a device's lock
     * that a bio has ended sees this too, as long as the reply may come from the target's memory.
     */
    @SuppressWarnings("unused")
    private volatile boolean handling;
    /** What the last look saw; the watch's own. */
    private long seen;
    private volatile boolean stopped;
    private volatile Throwable failure;

    Session(Channels channels, Intake intake, Handshake libfuse, Handles handles, SlotPool slots,
            Host.Queues queues, Interrupts interrupts, boolean inline, Readers readers,
            Sessions sessions, boolean first, Pace pace, Crowding crowding) {
        this.channels = channels;
        this.channel = channels.first();
        this.intake = intake;
        this.libfuse = libfuse;
        this.handles = handles;
        this.slots = slots;
        this.landing = new Landing(slots);
        this.queues = queues;
        this.interrupts = interrupts;
        this.inline = inline;
        this.readers = readers;
        this.sessions = sessions;
        this.first = first;
        this.pace = pace;
        this.crowding = crowding;
    }

    @Override
    public void run() {
        TimerThread.wakeExactly();
        Slice.ask(Slice.POLITE);
        try {
            serve();
        } catch (InterruptedException e) {
            throw new IllegalStateException("nobody interrupts a session thread", e);
        } catch (RuntimeException | Error e) {
            failure = e;
            slots.log().error(Thread.currentThread().getName() + " ended: " + e, e);
        } finally {
            intake.push();
            intake.away();
            readers.close();
            landing.close();
        }
    }

    private void serve() throws InterruptedException {
        if (!first) {
            help();
            return;
        }
        while (turn()) {
            if (pace.isSlow(readers.someInside(), intake.looks())) {
                readers.ask();
            }
            crowding.request(!readers.someInside() && intake.isDeep());
        }
    }

    /** Why it ended before the mount did; null when it did not. */
    Throwable failure() {
        return failure;
    }

    /** Reads while it is of use, each time it is asked in. */
    private void help() throws InterruptedException {
        while (readers.enter()) {
            small = 0;
            while (small < ENOUGH || readers.someAway() || !readers.leave()) {
                if (!turn()) {
                    return;
                }
            }
            intake.away();
        }
    }

    /** Takes one request; false when there will be none any more. */
    private boolean turn() {
        landing.ready();
        channel = channels.next(channel);
        int length = intake.read(channel, landing, first, expire);
        if (length == Channel.GONE || stopped) {
            return false;
        }
        if (length >= Wire.IN_HEADER) {
            Slot slot = landing.landed(length);
            long unique = slot.bytes().getLong(MESSAGE + Wire.IN_UNIQUE);
            try {
                handle(slot, length);
            } catch (RuntimeException | Error e) {
                refuse(unique, e);
            }
        } else {
            // Woken for nothing: a sign that it is not needed.
            small += ENOUGH / 8;
        }
        return true;
    }

    /** Whatever it was, the caller is told something and the thread goes on. */
    private void refuse(long unique, Throwable e) {
        slots.log().error("a request failed: " + e, e);
        // What is numbered 0 wants no answer. A second one the kernel does not take, nor mind.
        if (unique != 0) {
            Slot small = slots.take(0);
            small.request(channel, 0, unique, 0, null);
            channel.holds();
            small.refuse(Errno.EIO);
        }
    }

    /** What is read from now on is not answered. */
    void stop() {
        stopped = true;
    }

    /** Requests taken so far; for status. */
    long served() {
        return served;
    }

    private void handle(Slot slot, int length) {
        served++;
        ByteBuffer b = slot.bytes();
        int opcode = b.getInt(MESSAGE + Wire.IN_OPCODE);
        switch (opcode) {
            case Wire.READ, Wire.WRITE, Wire.FSYNC, Wire.FALLOCATE, Wire.LSEEK -> {
                Device device = handles.device(b.getLong(MESSAGE + Wire.FH));
                if (device != null) {
                    if (device != latest || opcode != Wire.READ && opcode != Wire.WRITE) {
                        intake.push();
                        latest = device;
                    }
                    slot.request(channel, opcode, b.getLong(MESSAGE + Wire.IN_UNIQUE),
                            b.getInt(MESSAGE + Wire.IN_PID), device);
                    slot.made(intake.made(b.getLong(MESSAGE + Wire.IN_UNIQUE)));
                    HANDLING.setOpaque(this, true);
                    try {
                        data(slot, opcode, device);
                    } finally {
                        HANDLING.setRelease(this, false);
                    }
                } else {
                    throughLibfuse(opcode, length);
                }
            }
            // libfuse would make the kernel ask again for what it never saw.
            case Wire.INTERRUPT -> interrupts.add(b.getLong(MESSAGE + Wire.INTERRUPTED));
            default -> throughLibfuse(opcode, length);
        }
    }

    /** To open a control file makes its content, which may take as long as any other. */
    private void throughLibfuse(int opcode, int length) {
        intake.push();
        intake.away();
        long message = landing.settle().memory().address() + MESSAGE;
        sessions.away();
        try {
            if (opcode == Wire.OPEN) {
                libfuse.open(channel, message, length);
            } else {
                libfuse.process(channel, message, length);
            }
        } finally {
            readers.back();
        }
    }

    private void data(Slot slot, int opcode, Device device) {
        ByteBuffer b = slot.bytes();
        long size = device.limits().size();
        switch (opcode) {
            case Wire.READ, Wire.WRITE -> {
                long offset = b.getLong(MESSAGE + Wire.RW_OFFSET);
                int asked = b.getInt(MESSAGE + Wire.RW_SIZE);
                // A block device's file ends at its size: reads stop there, writes do not fit.
                int length = (int) Math.max(0, Math.min(asked, size - offset));
                boolean read = opcode == Wire.READ;
                // Of writes that are handed in one thread makes as many as two.
                if (length < LARGE && !(read && intake.isDeep())) {
                    small++;
                } else {
                    small = 0;
                    readers.ask();
                }
                if (length == 0) {
                    slot.error(read || asked == 0 ? Errno.OK : Errno.ENOSPC);
                    return;
                }
                // No FSYNC follows an O_DSYNC write on a direct file: the open flags tell.
                int flags = b.getInt(MESSAGE + Wire.RW_FLAGS);
                boolean fua = !read && (flags & Native.O_DSYNC) != 0;
                submit(device, read ? Op.READ : Op.WRITE, offset, length, fua);
            }
            case Wire.FSYNC -> submit(device, Op.FLUSH, 0, 0, false);
            case Wire.LSEEK -> seek(slot, device, b.getLong(MESSAGE + Wire.LSEEK_OFFSET),
                    b.getInt(MESSAGE + Wire.LSEEK_WHENCE));
            default -> allocate(slot, device);
        }
    }

    /** fallocate(2) as a block device's file takes it (block/fops.c). */
    private void allocate(Slot slot, Device device) {
        ByteBuffer b = slot.bytes();
        long offset = b.getLong(MESSAGE + Wire.FALLOCATE_OFFSET);
        long length = b.getLong(MESSAGE + Wire.FALLOCATE_LENGTH);
        int mode = b.getInt(MESSAGE + Wire.FALLOCATE_MODE);
        Falloc f = Falloc.of(mode, offset, length, device.limits().size());
        if (f.op() == null) {
            slot.error(f.errno());
        } else {
            submit(device, f.op(), offset, f.length(), false);
        }
    }

    private void seek(Slot slot, Device device, long offset, int whence) {
        if (whence != Native.SEEK_DATA && whence != Native.SEEK_HOLE) {
            slot.error(Errno.EINVAL);
        } else if (offset < 0 || offset >= device.limits().size()) {
            slot.error(Errno.ENXIO);
        } else {
            Slot own = landing.own(0, false);
            own.seek(offset, whence);
            channel.holds();
            if (device.limits().inline()) {
                own.run();
            } else {
                execute(own, device);
            }
        }
    }

    private void submit(Device device, Op op, long offset, long length, boolean fua) {
        if (inline && device.limits().inline()) {
            landing.settle().bio(op, offset, length, fua);
            Slot parted = landing.part();
            if (parted.serve()) {
                landing.back(parted);
            } else {
                channel.holds();
            }
        } else {
            boolean data = op == Op.WRITE;
            Slot own;
            if (data && length > Landing.SMALL) {
                landing.settle();
                own = landing.part();
            } else {
                own = landing.own(op.hasData() ? (int) length : 0, data);
            }
            own.bio(op, offset, length, fua);
            start(own, device);
        }
    }

    private void start(Slot request, Device device) {
        channel.holds();
        if (!inline) {
            execute(request, device);
            return;
        }
        long number = begin();
        if (first) {
            intake.gather(true);
        }
        try {
            request.run();
        } finally {
            if (first) {
                intake.gather(false);
            }
            end(number);
        }
    }

    /** Hands out what is due, which may get this thread stuck as any request may. */
    private void expire(long nanos) {
        long number = begin();
        try {
            intake.expire(nanos);
        } finally {
            end(number);
        }
    }

    private long begin() {
        long number = ++requests;
        at = number;
        return number;
    }

    private void end(long number) {
        if (!AT.compareAndSet(this, number, 0L)) {
            at = 0;
            readers.back();
        }
    }

    /** Whether it is at work; where it is at what it was at the last look, another reads on. */
    boolean look() {
        long now = at;
        if (now > 0 && now == seen && AT.compareAndSet(this, now, -now)) {
            intake.away();
            sessions.away();
        }
        seen = now;
        return now != 0;
    }

    /** Whether it is at a request, and may yet send a reply. */
    boolean handling() {
        return handling && !stuck();
    }

    /** Whether it was stuck at the last look, and still is. */
    boolean stuck() {
        return at < 0;
    }

    private void execute(Slot request, Device device) {
        try {
            queues.of(device.name()).run(request.caller(), request);
        } catch (RuntimeException | Error e) {
            // No worker took it: nobody else would answer.
            slots.log().error("no worker for a request: " + e, e);
            request.refuse(Errno.EIO);
        }
    }
}
