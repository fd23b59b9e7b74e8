package dev.sluice.block;

import java.lang.invoke.MethodHandles;
import java.lang.invoke.VarHandle;

/**
 * One request to one device. It ends when {@link #complete()} or {@link #fail} was called once and
 * all its parts have ended; the first failure wins (the kernel's bio_chain).
 *
 * <p>A bio belongs to the device it was submitted to. A layer passes a bio on as a part of it.
 * The first part is kept for the next use of a recycled bio, so that a stack that ends within
 * submit allocates nothing.
 *
 * <p>The submitter of a bio that is no part holds it until {@link #release()}. If that says the
 * bio has ended, the submitter goes on itself, in its own thread; otherwise the {@link End} given
 * is called later, by the thread that ends the bio. Only the owner reuses a bio, with {@link #set},
 * once it has ended: all that could end it has then done so.
 *
 * <p>From submit to its end the data belongs to the bio; afterwards nobody touches it.
 */
public final class Bio {
    /** What goes on after a bio has ended and its submitter has let go of it. */
    @FunctionalInterface
    public interface End {
        /** Called once, in the thread that ended the bio. Must not block for long, nor throw. */
        void ended(Bio bio);
    }

    private static final VarHandle PENDING;
    private static final VarHandle FAILURE;
    private static final VarHandle COMPLETED;

    static {
        try {
            MethodHandles.Lookup l = MethodHandles.lookup();
            PENDING = l.findVarHandle(Bio.class, "pending", int.class);
            FAILURE = l.findVarHandle(Bio.class, "failure", Errno.class);
            COMPLETED = l.findVarHandle(Bio.class, "completed", boolean.class);
        } catch (ReflectiveOperationException e) {
            throw new ExceptionInInitializerError(e);
        }
    }

    private final Bio parent;
    private final End end;

    private Op op;
    private long offset;
    private long length;
    private boolean fua;
    private Memory data;
    private int dataAt;
    private int caller;
    private long request;
    /** When the request was made; 0 for when it comes to its device. */
    long madeNanos;

    private Memory answer;
    private int answerAt;
    private long partAt;

    /** The target's own completion, each part, each hold: the bio ends when none is left. */
    @SuppressWarnings("unused")
    private volatile int pending;

    @SuppressWarnings("unused")
    private volatile Errno failure;

    @SuppressWarnings("unused")
    private volatile boolean completed;

    /** Read and changed before the end only, by whoever works on the bio; seen by PENDING. */
    private volatile int owed;

    private Bio spare;
    private boolean spareTaken;

    // Where the device below keeps its account of the bio; guarded by that device's lock.
    Device device;
    long startNanos;
    Bio before;
    Bio after;
    int blockers;
    boolean rewrites;

    /** A bio of its own; {@code end} is told unless {@link #release()} told the submitter. */
    public Bio(End end) {
        this.parent = null;
        this.end = end;
    }

    private Bio(Bio parent) {
        this.parent = parent;
        this.end = null;
    }

    /**
     * Makes a new or ended bio into a request; the submitter holds it until {@link #release()}.
     *
     * @param offset bytes from the start of the device
     * @param length bytes; at most {@link Limits#MAX_DATA} where the operation has data
     * @param data where the bytes are or go, from {@code dataAt} on; null without data
     * @param caller thread id of who asked; 0 when unknown
     */
    public Bio set(
            Op op, long offset, long length, boolean fua, Memory data, int dataAt, int caller) {
        if ((int) PENDING.getAcquire(this) != 0) {
            throw new AssertionError("a bio in flight is not reused: " + this);
        }
        init(op, offset, length, fua, data, dataAt, caller);
        PENDING.setRelease(this, 2);
        return this;
    }

    private void init(
            Op op, long offset, long length, boolean fua, Memory data, int dataAt, int caller) {
        this.op = op;
        this.offset = offset;
        this.length = length;
        this.fua = fua;
        this.data = data;
        this.dataAt = dataAt;
        this.caller = caller;
        request = 0;
        madeNanos = 0;
        answer = null;
        owed = 0;
        device = null;
        spareTaken = false;
        FAILURE.setOpaque(this, null);
        COMPLETED.setOpaque(this, false);
    }

    /**
     * A part of this bio, with the same operation, data and caller, to be submitted to a device
     * below. Made before this bio is completed.
     *
     * @param at where the part begins in this bio, in bytes
     * @param partLength bytes
     * @param partOffset where it goes on the device below, in bytes
     */
    public Bio part(long at, long partLength, long partOffset) {
        Bio part = spareTaken || spare == null ? new Bio(this) : spare;
        if (!spareTaken) {
            spare = part;
            spareTaken = true;
        }
        part.init(op, partOffset, partLength, fua, data, dataAt + (int) (data == null ? 0 : at),
                caller);
        part.partAt = at;
        part.request = request;
        // The device's own parts go to its target as they are; a device below has its own time.
        part.startNanos = startNanos;
        hold();
        PENDING.setRelease(part, 1);
        return part;
    }

    /** Ends the bio well, once its parts have ended. From any thread, once. */
    public void complete() {
        finish(null);
    }

    /** Ends the bio with a failure, once its parts have ended. From any thread, once. */
    public void fail(Errno errno) {
        finish(errno);
    }

    private void finish(Errno errno) {
        if ((boolean) COMPLETED.getAndSet(this, true)) {
            throw new AssertionError("a bio ends once: " + this);
        }
        drop(errno);
    }

    /** Whether complete or fail was called. */
    boolean completed() {
        return completed;
    }

    /** Ends the bio with a failure, unless complete or fail was called before. */
    void failUnlessCompleted(Errno errno) {
        if (!(boolean) COMPLETED.getAndSet(this, true)) {
            drop(errno);
        }
    }

    /** One more thing to wait for. Only while the bio cannot have ended. */
    void hold() {
        PENDING.getAndAdd(this, 1);
    }

    /** One thing less to wait for; null when it went well. */
    void drop(Errno errno) {
        note(errno);
        if ((int) PENDING.getAndAdd(this, -1) == 1) {
            goOn(settle());
        }
    }

    /**
     * The submitter lets go. True when the bio has ended: the submitter goes on itself, and the
     * {@link End} is not called. False: the End was, is or will be called, by any thread, this one
     * included; the bio is no longer the submitter's.
     */
    public boolean release() {
        if ((int) PENDING.getAndAdd(this, -1) == 1) {
            Device waitedFor = settle();
            if (waitedFor == null) {
                return true;
            }
            goOn(waitedFor);
        }
        return false;
    }

    /** Remembers a failure, unless there was one before. */
    void note(Errno errno) {
        if (errno != null && errno != Errno.OK) {
            FAILURE.compareAndSet(this, null, errno);
        }
    }

    /** Closes the device's account of the bio; answers the device if others waited for it. */
    private Device settle() {
        Device d = device;
        return d != null && d.ended(this) ? d : null;
    }

    /** The owner first: running those who waited may take this thread any time. */
    private void goOn(Device waitedFor) {
        try {
            if (parent != null) {
                parent.partEnded(this);
            } else {
                end.ended(this);
            }
        } finally {
            if (waitedFor != null) {
                waitedFor.resume();
            }
        }
    }

    private void partEnded(Bio part) {
        if (part.answer != null) {
            if (part.length == length) {
                answer = part.answer;
                answerAt = part.answerAt;
            } else {
                data.copyFrom(dataAt + (int) part.partAt, part.answer, part.answerAt,
                        (int) part.length);
            }
        }
        if (part.owed != 0) {
            owe(part.owed);
        }
        drop(part.failure);
    }

    /**
     * Says before the end what is left to do once the data is where it belongs, of
     * {@link Completion}'s constants: it has the bio completed where that can be done.
     */
    public void owe(int what) {
        synchronized (this) {
            owed |= what;
        }
    }

    /** What is left to do, of the bio and all its parts. */
    public int owed() {
        return owed;
    }

    /**
     * For a READ: the bytes are not in {@link #data()} but here, in memory of the target's that
     * stays readable while the target is open. Called before {@link #complete()}. The reply is
     * then sent from there without a copy.
     */
    public void answer(Memory memory, int at) {
        answer = memory;
        answerAt = at;
    }

    /** Where a READ that ended well has its bytes, from {@link #answerAt()} on. */
    public Memory answerMemory() {
        return answer == null ? data : answer;
    }

    /** Where in {@link #answerMemory()} the bytes begin. */
    public int answerAt() {
        return answer == null ? dataAt : answerAt;
    }

    /** OK, or the first failure, once the bio has ended. */
    public Errno outcome() {
        Errno e = failure;
        return e == null ? Errno.OK : e;
    }

    /** What is asked. */
    public Op op() {
        return op;
    }

    /** Bytes from the start of the device it was submitted to. */
    public long offset() {
        return offset;
    }

    /** Bytes. */
    public long length() {
        return length;
    }

    /** Where the range ends, in bytes. */
    public long until() {
        return offset + length;
    }

    /** Whether a write must be durable when it ends. */
    public boolean fua() {
        return fua;
    }

    /** The data; null where the operation has none. */
    public Memory data() {
        return data;
    }

    /** Where in {@link #data()} the bytes begin. */
    public int dataAt() {
        return dataAt;
    }

    /** Thread id of who asked; 0 when unknown. */
    public int caller() {
        return caller;
    }

    /** Says which request of the kernel's the bio stands for; its parts do as well. */
    public Bio request(long number) {
        request = number;
        return this;
    }

    /**
     * Says when the request was made, by the clock of the devices; 0 for when it comes to its
     * device. Its parts come to a device below when they do.
     */
    public Bio made(long nanos) {
        madeNanos = nanos;
        return this;
    }

    /** The number of the kernel's request; 0 when it stands for none. */
    public long request() {
        return request;
    }

    /** When it was made, or came to its device, by the clock of the devices, in nanoseconds. */
    public long arrivedNanos() {
        return startNanos;
    }

    @Override
    public String toString() {
        return op + (fua ? "+FUA" : "") + " of " + length + " at " + offset;
    }
}
