package dev.sluice.fuse;

import dev.sluice.block.Bio;
import dev.sluice.block.Device;
import dev.sluice.block.Errno;
import dev.sluice.block.Memory;
import dev.sluice.block.Op;
import dev.sluice.sys.Native;
import java.nio.ByteBuffer;

/**
 * Room for one request: its message, its data, its reply, and its bio. The data of a WRITE, which
 * stands right behind the message's header, begins on a page, as direct I/O below wants it; a READ
 * is filled at the same place.
 *
 * <p>A slot is one thread's at a time. It is handed on with the request: to a worker, to a target
 * that parks the bio, and back to the pool by whoever sends the reply.
 */
final class Slot implements Bio.End, Runnable {
    /** Where data begins. */
    static final int DATA = 4096;

    private static final int HEADER = 0;
    /** A short reply's data stands behind the header and goes out with it. */
    private static final int SHORT = HEADER + Wire.OUT_HEADER;
    private static final int VECTOR = 32;

    private final Memory memory;
    private final ByteBuffer bytes;
    private final SlotPool pool;
    private final Bio bio = new Bio(this);

    private Channel channel;
    private Device device;
    private long unique;
    private int opcode;
    private int caller;
    private long madeNanos;
    private int seekWhence;
    private long seekOffset;

    Slot(Memory memory, SlotPool pool) {
        this.memory = memory;
        this.bytes = memory.bytes();
        this.pool = pool;
    }

    Memory memory() {
        return memory;
    }

    ByteBuffer bytes() {
        return bytes;
    }

    /** Bytes of data it has room for. */
    int room() {
        return memory.size() - DATA;
    }

    /** What the request is, beside its bio. */
    void request(Channel from, int requestOpcode, long requestUnique, int requestCaller,
            Device to) {
        caller = requestCaller;
        channel = from;
        opcode = requestOpcode;
        unique = requestUnique;
        device = to;
    }

    /** The same request as another slot's. */
    void request(Slot other) {
        request(other.channel, other.opcode, other.unique, other.caller, other.device);
        madeNanos = other.madeNanos;
    }

    /** When the request was made; 0 where that is not known. */
    void made(long nanos) {
        madeNanos = nanos;
    }

    /** Makes the bio; the data, if any, is this slot's. */
    void bio(Op op, long offset, long length, boolean fua) {
        bio.set(op, offset, length, fua, op.hasData() ? memory : null, DATA, caller)
                .request(unique).made(madeNanos);
    }

    /** Thread id of who asked. */
    int caller() {
        return caller;
    }

    /** Makes it an LSEEK instead of a bio. */
    void seek(long offset, int whence) {
        seekOffset = offset;
        seekWhence = whence;
    }

    /**
     * Carries the request out in this thread. True when it has been answered, so that the slot
     * is free again; otherwise whoever ends it answers and gives the slot to the pool.
     */
    boolean serve() {
        if (opcode == Wire.LSEEK) {
            replySeek();
            return true;
        }
        device.submit(bio);
        if (bio.release()) {
            reply();
            return true;
        }
        return false;
    }

    /** Where the slot is the request's own: carries it out, and has it completed. */
    @Override
    public void run() {
        if (opcode == Wire.LSEEK) {
            replySeek();
            give();
            return;
        }
        device.submit(bio);
        if (bio.release()) {
            ended(bio);
        }
    }

    /** Sends the reply here, or has a worker do it where more is owed. */
    @Override
    public void ended(Bio ended) {
        if (pool.completions().here(ended)) {
            complete();
        } else {
            pool.completions().run(caller, this::complete);
        }
    }

    private void complete() {
        try {
            reply();
        } finally {
            give();
        }
    }

    private void give() {
        channel.ends();
        pool.give(this);
    }

    private void reply() {
        Errno outcome = bio.outcome();
        if (outcome != Errno.OK) {
            error(outcome);
        } else if (opcode == Wire.READ) {
            data(bio.answerMemory().address() + bio.answerAt(), (int) bio.length());
        } else if (opcode == Wire.WRITE) {
            bytes.putInt(SHORT, (int) bio.length());
            bytes.putInt(SHORT + 4, 0);
            send(8, 0);
        } else {
            error(Errno.OK);
        }
    }

    private void replySeek() {
        boolean data = seekWhence == Native.SEEK_DATA;
        long size = device.limits().size();
        try {
            long found = device.target().seek(seekOffset, data);
            if (data && found >= size) {
                error(Errno.ENXIO);
            } else {
                bytes.putLong(SHORT, Math.min(found, size));
                send(8, 0);
            }
        } catch (RuntimeException e) {
            pool.log().error(device.name() + ": seek failed: " + e, e);
            error(Errno.EIO);
        }
    }

    /** Answers without data; OK is a plain success. */
    void error(Errno errno) {
        send(0, -errno.number());
    }

    /** Answers with a failure instead of carrying it out, and goes back to the pool. */
    void refuse(Errno errno) {
        try {
            error(errno);
        } finally {
            give();
        }
    }

    private void data(long address, int length) {
        header(length, 0);
        vector(0, memory.address() + HEADER, Wire.OUT_HEADER);
        vector(1, address, length);
        channel.writev(vector(), 2);
    }

    /** Sends the header, and what stands right behind it. */
    private void send(int dataLength, int error) {
        header(dataLength, error);
        channel.write(memory.address() + HEADER, Wire.OUT_HEADER + dataLength);
    }

    private void header(int dataLength, int error) {
        bytes.putInt(HEADER + Wire.OUT_LENGTH, Wire.OUT_HEADER + dataLength);
        bytes.putInt(HEADER + Wire.OUT_ERROR, error);
        bytes.putLong(HEADER + Wire.OUT_UNIQUE, unique);
    }

    /** Sets an entry of {@link #vector()}. */
    void vector(int index, long address, long length) {
        bytes.putLong(VECTOR + 16 * index, address);
        bytes.putLong(VECTOR + 16 * index + 8, length);
    }

    /** Where two struct iovec stand: where a message lands, or what a reply consists of. */
    long vector() {
        return memory.address() + VECTOR;
    }
}
