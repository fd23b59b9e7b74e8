package dev.sluice.zram;

import dev.sluice.block.Attribute;
import dev.sluice.block.Bio;
import dev.sluice.block.BlockException;
import dev.sluice.block.Clock;
import dev.sluice.block.Device;
import dev.sluice.block.Errno;
import dev.sluice.block.Limits;
import dev.sluice.block.Memory;
import dev.sluice.block.Op;
import dev.sluice.block.Target;
import dev.sluice.sys.Arena;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.LongAdder;
import java.util.concurrent.locks.LockSupport;

/**
 * A disk of compressed pages in memory, as the kernel's zram, with writers that share the work of
 * one large request.
 *
 * <p>What ends in some 50 µs ends within submit, in the thread that brings it: a page or few to
 * write, more to read. Larger requests, and all writes of a codec that is too slow even for one
 * page, go to the {@link BatchQueue}.
 *
 * <p>States: set up (has a {@link Disk}) → {@link #reset} → not set up (size 0) → {@link #init} →
 * set up. Each request is counted in before it looks for the disk, and out when it is done with
 * it, so that a reset knows when nobody is.
 */
public final class Zram implements Target, BatchQueue.Work {
    private static final long INLINE_NANOS = 50_000;
    /** Slots that are emptied within submit at most, and by one unit of a larger discard. */
    private static final int DISCARD_INLINE = 256;
    private static final int DISCARD_UNIT = 64;
    private static final long END_NANOS = TimeUnit.SECONDS.toNanos(30);
    private static final long NAP_NANOS = 100_000;

    private final String name;
    private final Options options;
    private final Arena arena;
    private final Clock clock;
    private final Device.Log log;
    private final int page;
    private final Memory zeros;
    private final BatchQueue queue;
    private final List<Attribute> attributes = new Attributes(this).all();
    private final LongAdder entered = new LongAdder();
    private final LongAdder left = new LongAdder();

    private volatile Disk disk; // written under this
    private volatile Limits limits; // written under this
    private volatile Codec codec; // written under this
    private volatile long memLimit; // written under this
    private volatile long writeNanos; // written under this
    private volatile long readNanos; // written under this

    /**
     * A disk that has been set up.
     *
     * @param name the device's
     * @param threads where large requests are carried out
     */
    public Zram(String name, Options options, Arena arena, Threads threads, Clock clock,
            Device.Log log) throws BlockException {
        this.name = name;
        this.options = options;
        this.arena = arena;
        this.clock = clock;
        this.log = log;
        this.page = options.page();
        this.queue = new BatchQueue(this, threads, options.writers(), !options.async(), clock);
        this.codec = Codec.of(options.codec(), options.level(), options.dictionary());
        this.memLimit = options.memLimit();
        this.zeros = arena.map(page);
        try {
            init(options.size());
        } catch (BlockException | RuntimeException | Error e) {
            arena.unmap(zeros);
            throw e;
        }
    }

    /** Sets the disk up with a size in bytes, rounded up to pages. */
    synchronized void init(long bytes) throws BlockException {
        if (disk != null) {
            throw new BlockException(Errno.EBUSY, "the device has been set up with "
                    + limits.size() + " bytes; write 1 to reset first");
        }
        long pages = bytes / page + (bytes % page == 0 ? 0 : 1);
        if (pages == 0 || pages >= Options.MOST_PAGES) {
            throw new BlockException(Errno.EINVAL, "the size must be from 1 byte to "
                    + (Options.MOST_PAGES - 1) * page + " bytes, not " + bytes);
        }
        writeNanos = (long) codec.compressNanos() * page / Options.LEAST_PAGE;
        readNanos = (long) codec.decompressNanos() * page / Options.LEAST_PAGE;
        Disk made = new Disk(name, pages * page, page, codec, arena, log);
        made.store().limit(memLimit);
        limits = new Limits(pages * page, page, false, true, true, writeNanos > INLINE_NANOS,
                false);
        disk = made;
    }

    /** Forgets everything; the limit goes, and the codec becomes the table's again. */
    synchronized void reset() throws BlockException {
        Disk old = disk;
        if (old != null) {
            disk = null;
            if (!idle()) {
                disk = old;
                throw new BlockException(Errno.EBUSY, "requests are under way that do not end");
            }
            limits = limits.withSize(0);
            old.close();
        }
        memLimit = 0;
        codec = Codec.of(options.codec(), options.level(), options.dictionary());
    }

    /** Waits until no request uses the disk, which none can find any more. */
    private boolean idle() {
        long since = clock.nanos();
        while (true) {
            // In this order: what came in after the first look is in the second, not in the first.
            long out = left.sum();
            if (out == entered.sum()) {
                return true;
            }
            if (clock.nanos() - since > END_NANOS) {
                return false;
            }
            LockSupport.parkNanos(NAP_NANOS);
        }
    }

    /** Another codec, with its default level, for when the disk is set up. */
    synchronized void codec(String wanted) throws BlockException {
        Codec found = wanted.equals(options.codec())
                ? Codec.of(wanted, options.level(), options.dictionary())
                : Codec.of(wanted, 0, null);
        if (disk != null) {
            throw new BlockException(Errno.EBUSY, "the device has been set up with "
                    + codec.name() + "; write 1 to reset first");
        }
        codec = found;
    }

    synchronized void memLimit(long bytes) {
        memLimit = (bytes + Arena.PAGE - 1) & -Arena.PAGE;
        Disk now = disk;
        if (now != null) {
            now.store().limit(memLimit);
        }
    }

    Disk disk() {
        return disk;
    }

    String codecName() {
        return codec.name();
    }

    long memLimit() {
        return memLimit;
    }

    @Override
    public Limits limits() {
        return limits;
    }

    @Override
    public void submit(Bio bio) {
        entered.increment();
        Disk d = disk;
        Op op = bio.op();
        if (op == Op.FLUSH) {
            end(bio, Errno.OK);
        } else if (d == null) {
            end(bio, Errno.EIO);
        } else {
            long first = bio.offset() / page;
            long count = bio.length() / page;
            if (op == Op.READ) {
                read(d, bio, first, count);
            } else if (op == Op.WRITE) {
                write(d, bio, first, count);
            } else {
                discard(d, bio, first, count);
            }
        }
    }

    private void read(Disk d, Bio bio, long first, long count) {
        if (count == 1 && d.isEmpty(first)) {
            bio.answer(zeros, 0);
            end(bio, Errno.OK);
        } else if (count * readNanos <= INLINE_NANOS) {
            now(d, bio, first, count);
        } else {
            queue.submit(bio, first, first + count - 1, false, (int) count, bio.caller());
        }
    }

    private void write(Disk d, Bio bio, long first, long count) {
        if (count * writeNanos <= INLINE_NANOS && queue.isFree(first, first + count - 1)) {
            now(d, bio, first, count);
        } else {
            queue.submit(bio, first, first + count - 1, true, (int) count, bio.caller());
        }
    }

    private void discard(Disk d, Bio bio, long first, long count) {
        if (count <= DISCARD_INLINE && queue.isFree(first, first + count - 1)) {
            now(d, bio, first, count);
        } else {
            queue.submit(bio, first, first + count - 1, true,
                    (int) ((count + DISCARD_UNIT - 1) / DISCARD_UNIT), bio.caller());
        }
    }

    /** Carries the bio out in this thread. */
    private void now(Disk d, Bio bio, long first, long count) {
        Errno outcome = Errno.OK;
        try {
            if (bio.op().hasData()) {
                outcome = pages(d, bio, first, 0, (int) count);
            } else {
                d.discard(first, count);
            }
        } catch (RuntimeException | Error e) {
            // Its device answers for it; here it is only no longer under way.
            left.increment();
            throw e;
        }
        end(bio, outcome);
    }

    /** Pages of a bio, one after the other; all are tried, the first error counts. */
    private Errno pages(Disk d, Bio bio, long first, int from, int count) {
        Memory data = bio.data();
        boolean read = bio.op() == Op.READ;
        Errno outcome = Errno.OK;
        Codec.Stream stream = d.streams().take();
        try {
            for (int i = from; i < from + count; i++) {
                int at = bio.dataAt() + i * page;
                Errno one = read ? d.read(first + i, data, at, stream)
                        : d.write(first + i, data, at, stream);
                if (outcome == Errno.OK) {
                    outcome = one;
                }
            }
        } finally {
            d.streams().give(stream);
        }
        return outcome;
    }

    private void end(Bio bio, Errno outcome) {
        left.increment();
        if (outcome == Errno.OK) {
            bio.complete();
        } else {
            bio.fail(outcome);
        }
    }

    /** A writer's turn. Outside of submit nobody else answers for what escapes. */
    @Override
    public Errno carry(BatchQueue.Job job, int from, int count) {
        Bio bio = (Bio) job.what;
        try {
            Disk d = disk;
            if (d == null) {
                return Errno.EIO;
            }
            long first = bio.offset() / page;
            if (bio.op().hasData()) {
                return pages(d, bio, first, from, count);
            }
            long slot = first + (long) from * DISCARD_UNIT;
            d.discard(slot, Math.min((long) count * DISCARD_UNIT, bio.until() / page - slot));
            return Errno.OK;
        } catch (RuntimeException | Error e) {
            log.error(name + ": zram failed on " + bio + ": " + e, e);
            return Errno.EIO;
        }
    }

    @Override
    public void ended(BatchQueue.Job job, Errno outcome) {
        Bio bio = (Bio) job.what;
        try {
            end(bio, outcome);
        } catch (RuntimeException | Error e) {
            log.error(name + ": the owner of a request failed: " + e, e);
        }
    }

    /** What the store takes up as a whole: of a part of it, the most that it may be. */
    @Override
    public long allocated(long offset, long length) {
        Disk d = disk;
        return d == null ? 0 : Math.min(length, d.store().usedBytes());
    }

    @Override
    public long seek(long offset, boolean data) {
        entered.increment();
        try {
            Disk d = disk;
            long slot = offset / page;
            if (d == null) {
                return 0;
            }
            long found = d.slots().next(slot, data);
            return found == slot ? offset : found * page;
        } finally {
            left.increment();
        }
    }

    @Override
    public List<Attribute> attributes() {
        return attributes;
    }

    @Override
    public Map<String, Object> status() {
        return new Status(this, options, queue).all();
    }

    @Override
    public String arguments() {
        return Status.arguments(options, codec, memLimit);
    }

    @Override
    public void set(Map<String, String> changes) throws BlockException {
        for (String key : changes.keySet()) {
            if (!key.equals("mem-limit")) {
                throw new BlockException(Errno.EBUSY, key + " is fixed while the device is in use;"
                        + " mem-limit can change");
            }
        }
        memLimit(Numbers.bytes("mem-limit", changes.get("mem-limit")));
    }

    @Override
    public void close() throws BlockException {
        try {
            if (!queue.close(END_NANOS)) {
                throw new BlockException(Errno.ETIMEDOUT, "writers are still at work");
            }
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            throw new BlockException(Errno.EINTR, "waiting for the writers was interrupted", e);
        }
        synchronized (this) {
            if (disk != null) {
                disk.close();
                disk = null;
            }
        }
        arena.unmap(zeros);
    }
}
