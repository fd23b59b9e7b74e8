package dev.sluice.block;

import java.util.List;
import java.util.Map;
import java.util.concurrent.TimeUnit;
import java.util.function.Consumer;
import java.util.function.Predicate;

/**
 * The only door to a target: a file, and every layer above, submit here. It checks ranges, makes
 * read-modify-write of what covers a block in part, emulates FUA and WRITE_ZEROES, knows what is in
 * flight, counts, and holds changes back while somebody looks.
 *
 * <p>Bios in flight are a list in order of arrival. A change that covers a block in part
 * ("rewrites") waits for every earlier change that touches its blocks, and later changes of them
 * wait for it; each bio counts its blockers, and whoever ends the last one starts it. Nothing else
 * waits, no thread is held, and where no bio rewrites nothing is searched.
 *
 * <p>A failed flush is sticky: the kernel reports it once, so changes and flushes are refused until
 * the file is opened anew ({@link #reopen}), unless the target {@link Target#keeps keeps} all. A
 * broken assertion of a target marks its device broken for good.
 */
public final class Device {
    private static final long DRAIN_STEP_MILLIS = 5;
    /** The blockers of a change that waits for {@link #release} only. */
    private static final int HELD = -1;

    private final String name;
    private final String type;
    private final Target target;
    private final List<Device> lowers;
    private final Clock clock;
    private final Scratch scratch;
    private final Memory zeros;
    private final Log log;

    private final Object lock = new Object();
    private final InFlight inFlight; // guarded by lock
    private int rewriting; // guarded by lock
    private final IoStats stats = new IoStats(); // guarded by lock
    private final Later later = new Later();
    private boolean leaving; // guarded by lock
    private volatile boolean shut; // written under lock
    private Consumer<Bio> watcher; // guarded by lock
    private boolean holding; // guarded by lock
    private volatile boolean flushFailed;
    private volatile boolean broken;

    /** Where a device reports what nobody else would: the sentence, and its cause or null. */
    @FunctionalInterface
    public interface Log {
        /** From any thread. */
        void error(String sentence, Throwable cause);
    }

    /** Gives memory outside the heap, zeroed, that lives as long as the devices. */
    @FunctionalInterface
    public interface MemorySource {
        /** A new piece of at most {@link Memory#MAX_BYTES}. */
        Memory allocate(int bytes);
    }

    /**
     * Opens the door to a target.
     *
     * @param name the device's name in the table
     * @param type the target's type name
     * @param lowers the devices that the target submits to, in the table's order
     */
    public Device(String name, String type, Target target, List<Device> lowers, Clock clock,
            MemorySource memory, Log log) {
        this.name = name;
        this.type = type;
        this.target = target;
        this.lowers = List.copyOf(lowers);
        this.clock = clock;
        this.log = log;
        this.inFlight = new InFlight(clock.nanos());
        Limits limits = target.limits();
        boolean imposes = !limits.inherited() && limits.blockSize() > 1;
        this.scratch = imposes
                ? new Scratch(memory.allocate(Scratch.PIECES * limits.blockSize()),
                        limits.blockSize())
                : null;
        boolean needsZeros = imposes || !limits.inherited() && !limits.zeroes();
        this.zeros = needsZeros ? memory.allocate(Limits.MAX_BLOCK) : null;
    }

    /** Takes a bio; see {@link Target#submit}. Anything may be asked: what is wrong is refused. */
    public void submit(Bio bio) {
        Limits limits = target.limits();
        Errno refused = check(bio, limits);
        boolean rewrites = refused == null && scratch != null && bio.op().changes()
                && !aligned(bio);
        boolean start;
        long now = clock.nanos();
        synchronized (lock) {
            if (bio.device != null) {
                throw new AssertionError("a bio goes to one device; a layer passes a part on: "
                        + bio);
            }
            bio.device = this;
            bio.startNanos = bio.madeNanos == 0 ? now : bio.madeNanos;
            bio.rewrites = rewrites;
            if (shut || leaving && bio.op() != Op.FLUSH) {
                refused = Errno.EIO;
                bio.rewrites = false;
            }
            bio.blockers = 0;
            inFlight.add(bio, now);
            start = refused != null || !waits(bio) && !held(bio);
        }
        if (refused != null) {
            bio.fail(refused);
        } else if (start) {
            start(bio);
        }
    }

    private Errno check(Bio bio, Limits limits) {
        if (broken) {
            return Errno.EIO;
        }
        if (bio.op() != Op.READ) {
            if (limits.readOnly() && bio.op() != Op.FLUSH) {
                return Errno.EROFS;
            }
            if (flushFailed) {
                return Errno.EIO;
            }
        }
        return limits.check(bio);
    }

    private boolean aligned(Bio bio) {
        return ((bio.offset() | bio.length()) & (target.limits().blockSize() - 1)) == 0;
    }

    /** Whether earlier bios keep this one from starting; counts it in. */
    private boolean waits(Bio bio) {
        if (bio.rewrites) {
            rewriting++;
        }
        if (rewriting == 0 || !bio.op().changes()) {
            return false;
        }
        for (Bio b = bio.before; b != null; b = b.before) {
            if (excludes(b, bio)) {
                bio.blockers++;
            }
        }
        return bio.blockers > 0;
    }

    /** Whether it is a change that could start and must not yet. */
    private boolean held(Bio bio) {
        boolean held = holding && bio.op().changes();
        bio.blockers = held ? HELD : 0;
        return held;
    }

    /** Whether two changes must not run together: one rewrites, and they touch a common block. */
    private boolean excludes(Bio a, Bio b) {
        if (!(a.rewrites || b.rewrites) || !a.op().changes() || !b.op().changes()) {
            return false;
        }
        long mask = -scratch.pieceBytes();
        return (a.offset() & mask) <= ((b.until() - 1) & mask)
                && (b.offset() & mask) <= ((a.until() - 1) & mask);
    }

    /**
     * Called by the bio when it has ended, before its owner goes on. True when others waited for
     * it: they go on with {@link #resume()}, which is called after the owner was told.
     */
    boolean ended(Bio bio) {
        long now = clock.nanos();
        boolean freed = false;
        if (bio.op() == Op.FLUSH) {
            flushEnded(bio);
        }
        synchronized (lock) {
            Bio later = bio.after;
            inFlight.remove(bio, now);
            stats.count(bio, now - bio.startNanos);
            if (watcher != null && bio.op().changes()) {
                watcher.accept(bio);
            }
            if (rewriting > 0 && bio.op().changes()) {
                freed = unblock(bio, later);
            }
            if (inFlight.count() == 0 || holding) {
                lock.notifyAll();
            }
        }
        return freed;
    }

    private void flushEnded(Bio bio) {
        if (bio.outcome() != Errno.OK) {
            if (bio.outcome() == Errno.EINTR || target.keeps(bio.outcome())) {
                // Its caller died before it was carried out, or all is kept: nothing is lost.
                return;
            }
            flushFailed(bio.outcome());
        } else if (flushFailed) {
            // The kernel reports a failed writeback to one fsync only; it may concern this one.
            bio.note(Errno.EIO);
        }
    }

    private boolean unblock(Bio bio, Bio first) {
        boolean freed = false;
        for (Bio b = first; b != null; b = b.after) {
            if (excludes(bio, b) && --b.blockers == 0 && !held(b)) {
                Bio free = b;
                later.add(() -> start(free));
                freed = true;
            }
        }
        if (bio.rewrites) {
            rewriting--;
        }
        return freed;
    }

    /** Runs later in this thread, or in the one that is at it: never nested. */
    void resume(Runnable task) {
        later.add(task);
        resume();
    }

    /** Runs what is ready, unless a thread is at it. */
    void resume() {
        // Whatever fails, the next one must have its turn.
        later.run(e -> {
            broken = true;
            log.error(name + ": takes no more requests, its own bookkeeping failed: " + e, e);
        });
    }

    private void start(Bio bio) {
        Limits limits = target.limits();
        if (bio.fua() && !limits.fua() && !limits.inherited() && bio.op().changes()) {
            new Fua(this, bio).start();
        } else {
            carry(bio);
        }
    }

    /** Carries a bio out; its FUA, if any, is the target's own business. */
    void carry(Bio bio) {
        Limits limits = target.limits();
        boolean whole = scratch == null || bio.op() == Op.FLUSH || aligned(bio);
        boolean zeroing = bio.op().changes() && bio.op() != Op.WRITE && !limits.inherited()
                && !limits.zeroes();
        if (whole && !zeroing) {
            issue(bio);
            return;
        }
        long block = limits.blockSize();
        long from = Math.min(bio.until(), (bio.offset() + block - 1) & -block);
        long until = Math.max(from, bio.until() & -block);
        if (bio.offset() < from) {
            edge(bio, bio.offset(), from);
        }
        if (from < until && zeroing) {
            bio.hold();
            new Zeroing(this, bio, from, until).start();
        } else if (from < until) {
            issue(bio.part(from - bio.offset(), until - from, from));
        }
        if (until < bio.until()) {
            edge(bio, until, bio.until());
        }
        bio.complete();
    }

    private void edge(Bio bio, long from, long until) {
        bio.hold();
        new Edge(this, bio, from, (int) (until - from)).start();
    }

    /**
     * Hands an aligned, checked bio to the target, and answers for what escapes it. The bio is
     * held meanwhile, so that it is not in use again when something escapes after its end.
     */
    void issue(Bio bio) {
        bio.hold();
        try {
            target.submit(bio);
        } catch (AssertionError e) {
            broken = true;
            log.error(name + ": " + type + " broke its own invariant on " + bio
                    + " and takes no more requests: " + e.getMessage(), e);
            bio.failUnlessCompleted(Errno.EIO);
        } catch (Throwable e) {
            log.error(name + ": " + type + " failed on " + bio + ": " + e, e);
            bio.failUnlessCompleted(Errno.EIO);
        }
        bio.drop(null);
    }

    boolean flushFailed() {
        return flushFailed;
    }

    /** Remembers that a flush failed. */
    void flushFailed(Errno errno) {
        if (!flushFailed && !shut) {
            flushFailed = true;
            log.error(name + ": a flush failed (" + errno.text() + "); writes are refused until the"
                    + " device is opened anew", null);
        }
    }

    Scratch scratch() {
        return scratch;
    }

    Memory zeros() {
        return zeros;
    }

    /**
     * The device's file was opened while nobody had it open: a failed flush is forgiven, also of
     * the devices below, but for those whose own file is open: whoever has it there was not told.
     */
    public void reopen(Predicate<Device> isOpen) {
        target.reopen();
        flushFailed = false;
        lowers.stream().filter(isOpen.negate()).forEach(lower -> lower.reopen(isOpen));
    }

    /**
     * Waits until nothing is in flight, hastening what the target holds back; false when something
     * is left after the time.
     */
    public boolean drain(long timeoutMillis) throws InterruptedException {
        long deadline = clock.nanos() + TimeUnit.MILLISECONDS.toNanos(timeoutMillis);
        while (true) {
            // Again and again: what was hastened may bring more, as a read brings its write-back.
            hasten();
            synchronized (lock) {
                long left = deadline - clock.nanos();
                if (inFlight.count() == 0 || left <= 0) {
                    return inFlight.count() == 0;
                }
                lock.wait(Math.min(DRAIN_STEP_MILLIS, TimeUnit.NANOSECONDS.toMillis(left) + 1));
            }
        }
    }

    /** A bio may be held back anywhere below: the layer that passed a part on cannot tell. */
    private void hasten() {
        target.drain();
        lowers.forEach(Device::hasten);
    }

    /**
     * Takes nothing more but flushes, the rest gets EIO: what was answered can then be drained and
     * flushed for good. Who comes late, as from a mount that was taken away while in use, must not
     * write through descriptors and to memory that something else has by now.
     */
    public void leave() {
        synchronized (lock) {
            leaving = true;
        }
        release();
    }

    /**
     * Takes nothing more at all, from an instant on at which nothing is in flight; then the target
     * may be closed.
     *
     * @return false when there was no such instant in the time
     */
    public boolean shut(long timeoutMillis) throws InterruptedException {
        long deadline = clock.nanos() + TimeUnit.MILLISECONDS.toNanos(timeoutMillis);
        synchronized (lock) {
            while (inFlight.count() > 0) {
                long left = deadline - clock.nanos();
                if (left <= 0) {
                    return false;
                }
                lock.wait(TimeUnit.NANOSECONDS.toMillis(left) + 1);
            }
            shut = true;
            return true;
        }
    }

    /**
     * Has somebody told of every change that has ended, well or not, before its owner is; or null.
     * Under the device's lock, which it must neither take nor keep long.
     */
    public void watch(Consumer<Bio> to) {
        synchronized (lock) {
            watcher = to;
        }
    }

    /**
     * Begins no more changes until {@link #release}, and waits until those that had begun have
     * ended; false when one has not after the time: nothing is held then.
     */
    public boolean hold(long timeoutMillis) throws InterruptedException {
        long deadline = clock.nanos() + TimeUnit.MILLISECONDS.toNanos(timeoutMillis);
        synchronized (lock) {
            holding = !leaving;
            while (holding && inFlight.changing() && clock.nanos() < deadline) {
                lock.wait(DRAIN_STEP_MILLIS);
            }
            if (holding && !inFlight.changing()) {
                return true;
            }
        }
        release();
        return false;
    }

    /** Begins the changes that were held. */
    public void release() {
        synchronized (lock) {
            holding = false;
            for (Bio b = inFlight.oldest(); b != null; b = b.after) {
                if (b.blockers == HELD) {
                    Bio free = b;
                    b.blockers = 0;
                    later.add(() -> start(free));
                }
            }
        }
        resume();
    }

    /** The device's name in the table. */
    public String name() {
        return name;
    }

    /** The target's type name. */
    public String type() {
        return type;
    }

    /** For control, never for bios. */
    public Target target() {
        return target;
    }

    /** The devices that the target submits to. */
    public List<Device> lowers() {
        return lowers;
    }

    /** The target's facts. */
    public Limits limits() {
        return target.limits();
    }

    /** Bios taken and not yet ended. */
    public int inFlight() {
        synchronized (lock) {
            return inFlight.count();
        }
    }

    /** Whether a failed flush keeps changes out. */
    public boolean failed() {
        return flushFailed || broken;
    }

    /** How many bios of a kind have ended. */
    public long ended(Op op) {
        synchronized (lock) {
            return stats.ended(op);
        }
    }

    /** How many FUA bios have ended. */
    public long fuaWrites() {
        synchronized (lock) {
            return stats.fuaWrites();
        }
    }

    /**
     * What is in flight, for how long and how much, counters and latencies by operation; where
     * there are any steps, in ascending order, also how many bios took how long by these.
     */
    public Map<String, Object> stats(long... upToNanos) {
        long now = clock.nanos();
        synchronized (lock) {
            Map<String, Object> all = inFlight.snapshot(now);
            all.putAll(stats.snapshot(upToNanos));
            return all;
        }
    }
}
