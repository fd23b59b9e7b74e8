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
import dev.sluice.block.Packing;
import dev.sluice.block.Target;
import dev.sluice.sys.Arena;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.concurrent.TimeUnit;

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
    private static final List<String> LIVE = List.of("mem-limit", "recompress", "writeback");
    private static final long SECOND_NANOS = TimeUnit.SECONDS.toNanos(1);
    private static final long END_NANOS = TimeUnit.SECONDS.toNanos(30);

    private final String name;
    private final Options options;
    private final Arena arena;
    private final Clock clock;
    private final Device.Log log;
    private final Guards guards;
    private final int page;
    private final Memory zeros;
    private final BatchQueue queue;
    private final Algorithms algorithms;
    private final Stores stores;
    private final Writeback writeback;
    private final PostProcessing processing;
    private final Policy policy;
    private final List<Attribute> attributes;
    private final Status status;
    private final Users users;
    private final Throughput done;

    private volatile Disk disk; // written under this
    private volatile Limits limits; // written under this
    private volatile long memLimit; // written under this
    private volatile boolean compressedWriteback; // written under this
    private volatile long writeNanos; // written under this
    private volatile long readNanos; // written under this

    /**
     * A disk that has been set up.
     *
     * @param name the device's
     */
    public Zram(String name, Options options, Means means) throws BlockException {
        this(name, options, means, Guards.ALL);
    }

    Zram(String name, Options options, Means means, Guards guards) throws BlockException {
        this.name = name;
        this.options = options;
        this.arena = means.arena();
        this.clock = means.clock();
        this.log = means.log();
        this.guards = guards;
        this.page = options.page();
        this.users = new Users(clock);
        this.done = new Throughput(clock);
        this.queue = new BatchQueue(this, means.threads(), options.writers(), !options.async(),
                clock);
        Options.Later later = options.later();
        Rules rules = Rules.of(later.recompress(), later.writeback());
        List<Algorithms.Choice> codecs = new ArrayList<>(rules.codecs());
        codecs.add(0, new Algorithms.Choice(options.codec(), options.level(),
                options.dictionary(), options.dictionaryPath()));
        this.algorithms = new Algorithms(codecs);
        this.writeback = new Writeback(arena);
        this.processing = new PostProcessing(this, algorithms, writeback);
        this.policy = new Policy(this, processing, rules, means.threads(), means.timer(), clock,
                log);
        this.memLimit = options.memLimit();
        this.compressedWriteback = later.compressed();
        this.attributes = new Attributes(this, algorithms, processing, writeback).all();
        this.stores = new Stores(means, page, later.backingFile());
        this.status = new Status(this, options, algorithms, queue);
        this.zeros = arena.map(page);
        try {
            init(options.size());
        } catch (BlockException | RuntimeException | Error e) {
            arena.unmap(zeros);
            stores.close();
            throw e;
        }
        policy.start();
    }

    /** Sets the disk up with a size in bytes, rounded up to pages. */
    synchronized void init(long bytes) throws BlockException {
        checkUnset("the size");
        long pages = bytes / page + (bytes % page == 0 ? 0 : 1);
        if (pages == 0 || pages >= Options.MOST_PAGES) {
            throw new BlockException(Errno.EINVAL, "the size must be from 1 byte to "
                    + (Options.MOST_PAGES - 1) * page + " bytes, not " + bytes);
        }
        Codec[] codecs = algorithms.codecs();
        writeNanos = (long) codecs[0].compressNanos() * page / Options.LEAST_PAGE;
        readNanos = (long) codecs[0].decompressNanos() * page / Options.LEAST_PAGE;
        BackingStore store = stores.now();
        Blocks blocks = store == null ? null : new Blocks(arena, store.size() / page, guards);
        Disk made = new Disk(name, pages * page, page, codecs, blocks, guards, arena, log);
        made.store().limit(memLimit);
        limits = new Limits(pages * page, page, false, true, true, writeNanos > INLINE_NANOS,
                false);
        disk = made;
    }

    /** Forgets everything; what was set since is the table's again, the limits are gone. */
    synchronized void reset() throws BlockException {
        Disk old = disk;
        if (old != null) {
            disk = null;
            if (!users.gone()) {
                disk = old;
                throw new BlockException(Errno.EBUSY, "requests do not end; see status for them");
            }
            limits = limits.withSize(0);
            old.close();
        }
        memLimit = 0;
        algorithms.reset();
        writeback.reset();
        compressedWriteback = options.later().compressed();
        stores.reset();
    }

    /** The disk, or null; it stays as it is until {@link #leave}, which must follow. */
    Disk enter() {
        users.enter();
        return disk;
    }

    void leave() {
        users.leave();
    }

    /** What was set up cannot change. */
    private void checkUnset(String what) throws BlockException {
        if (disk != null) {
            throw new BlockException(Errno.EBUSY, what + " is fixed: the device has been set up"
                    + " with " + limits.size() + " bytes; write 1 to reset first");
        }
    }

    /** Chooses codecs for when the disk is set up; what is wrong is told before what is late. */
    synchronized void codec(int priority, String wanted) throws BlockException {
        Algorithms.check(wanted);
        checkUnset("the codec");
        algorithms.choose(priority, wanted);
    }

    synchronized void recompressCodec(String text) throws BlockException {
        checkUnset("the codec");
        algorithms.recompress(text);
    }

    synchronized void backing(String path) throws BlockException {
        checkUnset("the backing device");
        stores.choose(path);
    }

    synchronized void compressedWriteback(boolean on) throws BlockException {
        checkUnset("compressed_writeback");
        compressedWriteback = on;
    }

    boolean compressedWriteback() {
        return compressedWriteback;
    }

    BackingStore backing() {
        return stores.now();
    }

    String backingName() {
        return stores.name();
    }

    synchronized void memLimit(long bytes) {
        memLimit = (Math.min(bytes, Long.MAX_VALUE - Arena.PAGE) + Arena.PAGE - 1) & -Arena.PAGE;
        Disk now = disk;
        if (now != null) {
            now.store().limit(memLimit);
        }
    }

    Disk disk() {
        return disk;
    }

    int page() {
        return page;
    }

    Policy policy() {
        return policy;
    }

    Writeback writeback() {
        return writeback;
    }

    /** What was done so far. */
    Throughput done() {
        return done;
    }

    /** Now, in whole seconds, as slots have it. */
    int second() {
        return (int) Math.floorDiv(clock.nanos(), SECOND_NANOS);
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
        users.enter();
        Disk d = disk;
        Op op = bio.op();
        if (op == Op.FLUSH || d == null) {
            end(bio, op == Op.FLUSH ? Errno.OK : Errno.EIO);
        } else {
            done.requests.increment();
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
        done.bytesRead.add(bio.length());
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
        done.bytesWritten.add(bio.length());
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
            users.leave();
            throw e;
        }
        end(bio, outcome);
    }

    /** Pages of a bio, one after the other; all are tried, the first error counts. */
    private Errno pages(Disk d, Bio bio, long first, int from, int count) {
        Memory data = bio.data();
        boolean read = bio.op() == Op.READ;
        Errno outcome = Errno.OK;
        int second = (int) Math.floorDiv(bio.arrivedNanos(), SECOND_NANOS);
        Streams own = d.streams().take();
        try {
            for (int i = from; i < from + count; i++) {
                int at = bio.dataAt() + i * page;
                Errno one = read ? d.read(first + i, data, at, own, second)
                        : d.write(first + i, data, at, own, second);
                while (one == null) {
                    one = fetch(d, bio, first + i, i, second) ? Errno.OK
                            : d.read(first + i, data, at, own, second);
                }
                if (outcome == Errno.OK) {
                    outcome = one;
                }
            }
        } finally {
            d.streams().give(own);
        }
        return outcome;
    }

    /**
     * Has a page come from the backing device, as a part of the bio, which so does not end before;
     * false when the page is no longer there.
     */
    private boolean fetch(Disk d, Bio bio, long slot, int i, int second) {
        Disk.Away away = d.pin(slot, second);
        if (away == null) {
            return false;
        }
        Bio part;
        // Several writers may be at it; a bio makes its parts one at a time.
        synchronized (bio) {
            part = bio.part((long) i * page, page, slot * page);
        }
        users.enter();
        stores.now().read(away.block() * page, part.data(), part.dataAt(), page, bio.caller(),
                outcome -> end(part, d.fetched(away, part.data(), part.dataAt(), outcome)));
        return true;
    }

    private void end(Bio bio, Errno outcome) {
        users.leave();
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
        users.enter();
        try {
            Disk d = disk;
            long slot = offset / page;
            if (d == null) {
                return 0;
            }
            long found = d.slots().next(slot, data);
            return found == slot ? offset : found * page;
        } finally {
            users.leave();
        }
    }

    @Override
    public List<Attribute> attributes() {
        return attributes;
    }

    @Override
    public Map<String, Object> status() {
        return status.all();
    }

    @Override
    public Packing packing() {
        return status.packing();
    }

    @Override
    public Map<String, Object> stats() {
        return status.stats();
    }

    @Override
    public String arguments() {
        return status.arguments(memLimit);
    }

    @Override
    public synchronized void set(Map<String, String> changes) throws BlockException {
        for (String key : changes.keySet()) {
            if (!LIVE.contains(key)) {
                throw new BlockException(Errno.EBUSY, key + " is fixed while the device is in use;"
                        + " " + String.join(", ", LIVE) + " can change");
            }
        }
        String limit = changes.get("mem-limit");
        long bytes = limit == null ? memLimit : Numbers.bytes("mem-limit", limit);
        Rules old = policy.rules();
        String recompress = changes.get("recompress");
        String away = changes.getOrDefault("writeback", old.writebackText());
        Rules next = recompress == null
                ? new Rules(old.codecs(), old.recompress(), Rules.of("off", away).writeback())
                : Rules.of(recompress, away);
        if (recompress != null) {
            algorithms.add(next.codecs(), disk == null ? null : disk.streams());
        }
        policy.rules(next);
        memLimit(bytes);
    }

    @Override
    public void close() throws BlockException {
        policy.close();
        try {
            boolean idle = queue.close(END_NANOS);
            // Before it is looked who is in there: nobody finds the disk any more.
            Disk old;
            synchronized (this) {
                old = disk;
                disk = null;
            }
            if (!idle || !users.gone()) {
                throw new BlockException(Errno.ETIMEDOUT, "zram: writers are still at work; their"
                        + " memory is free when the process has ended");
            }
            if (old != null) {
                old.close();
            }
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            throw new BlockException(Errno.EINTR, "zram: closing was interrupted; its memory is"
                    + " free when the process has ended", e);
        }
        arena.unmap(zeros);
        stores.close();
    }
}
