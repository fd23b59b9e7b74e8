package dev.sluice.ploop;

import dev.sluice.block.Attribute;
import dev.sluice.block.Bio;
import dev.sluice.block.BlockException;
import dev.sluice.block.Device;
import dev.sluice.block.Errno;
import dev.sluice.block.Limits;
import dev.sluice.block.Memory;
import dev.sluice.block.Op;
import dev.sluice.block.Target;
import dev.sluice.block.Units;
import dev.sluice.file.FileIo;
import dev.sluice.ploop.Mapping.Found;
import dev.sluice.ploop.Mapping.Piece;
import dev.sluice.storage.Backing;
import dev.sluice.work.Host;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.function.IntPredicate;

/**
 * The disk in an image that is open. A request is mapped under the lock and goes to the file from
 * the thread that brought it; a write to a place without a cluster takes one that is ready, and its
 * word is seen by all at once. The table is written later, unless somebody waits for it.
 *
 * <p>What holds under the lock ({@link #check}):
 * <ul>
 * <li>a word names a used cluster, and no other word does;
 * <li>a used cluster is named by a word, or in limbo;
 * <li>a cluster in limbo is named by no word, and is not ready.
 * </ul>
 */
public final class Ploop implements Target {
    private static final long CLOSE_MILLIS = 60_000;

    private final Common common;
    private volatile Limits limits;
    private final FileIo io;
    private final Writeback writeback;
    private final Limbo limbo;
    private final NoSpace noSpace;
    private final Growth growth;
    private final Status status;
    private final Copies copies;
    private final Moves moves;
    private final LongWork work;
    private final Tracking tracking;
    private final Memory zeros;
    private final long cluster;
    private final Mapping mapping;
    private final FlightPool flights;

    /**
     * Opens the image in a backing, which it has from then on: {@link #close} closes it.
     *
     * @param device the name of the device to make
     */
    public static Ploop open(Backing backing, Options options, Host host, String device)
            throws BlockException {
        return open(backing, List.of(), options, host, device);
    }

    /**
     * Opens the image in a backing on top of others, all of which it has from then on.
     *
     * @param lowers what shows where the image has nothing, bottom first
     */
    public static Ploop open(Backing backing, List<Lower> lowers, Options options, Host host,
            String device) throws BlockException {
        String path = options.path();
        Header top = Image.header(path, backing, host.arena());
        Below below = Below.of(lowers, path, top, host.arena(), host.log());
        try {
            int block = Math.max(backing.blockSize(), below.block());
            if (top.diskBytes() % block != 0) {
                throw new BlockException(Errno.EINVAL, path + " has a disk of " + top.diskBytes()
                        + " bytes, which is not a multiple of " + block
                        + ", the block of direct I/O on it; use direct=off");
            }
            Image image = Image.open(path, backing, host.arena(), host.log());
            try {
                return new Ploop(image, backing, below, options, host, device);
            } catch (RuntimeException | Error e) {
                image.close();
                throw e;
            }
        } catch (BlockException | RuntimeException | Error e) {
            below.release();
            throw e;
        }
    }

    private Ploop(Image image, Backing backing, Below below, Options options, Host host,
            String device) {
        common = new Common(options, image, backing, below, host, device);
        limits = new Limits(image.header().diskBytes(),
                Math.max(backing.blockSize(), below.block()), false, true, true, true,
                backing.readOnly());
        cluster = image.header().clusterBytes();
        zeros = host.arena().map(Limits.MAX_DATA);
        io = new FileIo(backing, options.direct(), device, "ploop " + options.word(), host);
        below.start(io);
        writeback = new Writeback(common);
        limbo = new Limbo(common, writeback);
        noSpace = new NoSpace(common, this::submit, writeback::add);
        growth = new Growth(common, limbo, noSpace);
        flights = new FlightPool(common.epochs, this::landed);
        copies = new Copies(common, writeback, noSpace, bio -> written(bio, true));
        moves = new Moves(common, writeback, limbo, noSpace);
        mapping = new Mapping(common, writeback, limbo, growth, flights, io, copies, moves);
        work = new LongWork(common);
        tracking = new Tracking(host, options.path(), cluster);
        status = new Status(common, writeback, limbo, noSpace, growth, copies, moves, work);
        writeback.noSpace(noSpace);
        limbo.freed(this::freed);
        growth.whenCut(work::again);
        common.whenFailed(() -> {
            noSpace.restart();
            work.again();
        });
        host.timer().use();
    }

    @Override
    public void attached(Device device) {
        tracking.attached(device);
    }

    @Override
    public Limits limits() {
        return limits;
    }

    @Override
    public void submit(Bio bio) {
        if (bio.op() != Op.READ && common.failed()) {
            bio.fail(Errno.EIO);
            return;
        }
        switch (bio.op()) {
            case READ, WRITE -> transfer(bio);
            case DISCARD, WRITE_ZEROES -> zero(bio);
            default -> flush(bio);
        }
    }

    private void flush(Bio bio) {
        if (limits.readOnly()) {
            bio.complete();
        } else {
            writeback.add(Wait.of(bio, 0, common.bat.pages(), true));
        }
    }

    private void transfer(Bio bio) {
        Flight flight = mapping.whole(bio);
        if (flight != null) {
            go(flight);
        } else {
            pieces(bio);
        }
    }

    private void go(Flight flight) {
        Bio bio = flight.bio;
        Bio down = flight.io;
        down.set(bio.op(), flight.offset, bio.length(), false, bio.data(), bio.dataAt(),
                bio.caller());
        try {
            flight.to.submit(down);
        } catch (RuntimeException | Error e) {
            common.host.log().error("no worker for a request: " + e, e);
            down.fail(Errno.EIO);
        }
        if (down.release()) {
            landed(flight);
        }
    }

    /** It has come to its end in the file. */
    private void landed(Flight flight) {
        Bio bio = flight.bio;
        Errno outcome = flight.io.outcome();
        boolean allocated = flight.allocated;
        boolean turned;
        synchronized (common.lock) {
            turned = flights.give(flight);
        }
        if (turned) {
            limbo.ask();
            work.again();
        }
        if (outcome == Errno.OK) {
            written(bio, allocated);
        } else if (Common.full(outcome) && bio.op() != Op.READ && common.tuning.waits()) {
            noSpace.park(bio);
            noSpace.full();
        } else {
            bio.fail(outcome);
        }
    }

    /** Its data is where it belongs: ends it, or has it wait for what it asked for. */
    private void written(Bio bio, boolean allocated) {
        boolean sync = bio.fua() && bio.op() != Op.READ;
        if (sync || allocated && common.tuning.timeoutNanos() == 0) {
            writeback.add(Wait.of(bio, Bat.page((int) (bio.offset() / cluster)),
                    Bat.page((int) ((bio.until() - 1) / cluster)) + 1, sync));
        } else {
            bio.complete();
        }
    }

    /** A request whose clusters are anywhere, or not there yet. */
    private void pieces(Bio bio) {
        long at = bio.offset();
        // Up to here it is known that data is not zero, and has to have a cluster.
        long solid = at;
        Piece piece = new Piece();
        while (at < bio.until()) {
            mapping.find(bio, at, solid, piece);
            if (piece.found == Found.HOLE && bio.op() == Op.WRITE) {
                solid = mapping.solid(bio, at);
                if (solid > at) {
                    continue;
                }
                piece.until = Math.min(bio.until(), (at / cluster + 1) * cluster);
                solid = piece.until;
            }
            if (piece.found == Found.NONE_READY) {
                piece.until = bio.until();
            }
            boolean whole = at == bio.offset() && piece.until == bio.until();
            take(piece, whole ? bio : bio.part(at - bio.offset(), piece.until - at, at));
            if (whole) {
                return;
            }
            at = piece.until;
        }
        bio.complete();
    }

    private void take(Piece piece, Bio part) {
        switch (piece.found) {
            case FLIGHT -> {
                piece.flight.bio = part;
                go(piece.flight);
            }
            case HOLE -> {
                if (part.op() == Op.READ) {
                    part.answer(zeros, 0);
                }
                written(part, false);
            }
            case NONE_READY -> {
                if (noSpace.park(part)) {
                    growth.ask();
                }
            }
            case COPY -> copies.add(piece.job, part, piece.whole);
            case HELD -> moves.add(piece.move, part);
            default -> part.fail(Errno.EIO);
        }
    }

    /** A large range takes a worker's time. */
    private void zero(Bio bio) {
        if (bio.length() / cluster > Mapping.AT_ONCE && !common.queue.inWorker()) {
            common.queue.run(bio.caller(), () -> zeroHere(bio));
        } else {
            zeroHere(bio);
        }
    }

    private void zeroHere(Bio bio) {
        int from = (int) ((bio.offset() + cluster - 1) / cluster);
        int until = bio.until() == limits.size() ? common.disk : (int) (bio.until() / cluster);
        boolean chain = common.below.levels() > 0;
        if (bio.op() == Op.WRITE_ZEROES || from >= until || chain) {
            if (chain && bio.op() == Op.DISCARD) {
                mapping.discard(from, until);
            }
            // What has data below keeps its cluster, or takes one: zeros there hide it.
            pieces(bio);
            return;
        }
        long start = from * cluster;
        long end = Math.min(bio.until(), until * cluster);
        if (bio.offset() < start) {
            pieces(bio.part(0, start - bio.offset(), bio.offset()));
        }
        if (end < bio.until()) {
            pieces(bio.part(end - bio.offset(), bio.until() - end, end));
        }
        mapping.discard(from, until);
        if (bio.fua()) {
            written(bio.part(start - bio.offset(), end - start, start), false);
        }
        bio.complete();
    }

    /** Clusters came back. */
    private void freed() {
        work.again();
        growth.unblock();
        if (noSpace.some()) {
            noSpace.restart();
        }
    }

    @Override
    public void drain() {
        io.drain();
        noSpace.drain();
    }

    @Override
    public int heldFor(long request) {
        return noSpace.heldFor(request);
    }

    @Override
    public void interrupt(long request) {
        noSpace.interrupt(request);
    }

    @Override
    public long allocated(long offset, long length) {
        if (length >= limits.size()) {
            return status.allocated();
        }
        return Math.min(length, status.allocated(offset, length));
    }

    @Override
    public long seek(long offset, boolean data) {
        return status.seek(offset, data, limits.size());
    }

    @Override
    public Map<String, Object> status() {
        Map<String, Object> all = status.all();
        tracking.status(all);
        return all;
    }

    @Override
    public List<Attribute> attributes() {
        return List.of(new Attribute("tracking", tracking::told, null));
    }

    @Override
    public int heldBack() {
        return noSpace.parkedCount();
    }

    @Override
    public String arguments() {
        return common.options.word() + (common.options.direct() ? " direct=on" : "")
                + (limits.readOnly() ? " readonly=on" : "") + common.tuning.text();
    }

    @Override
    public synchronized void set(Map<String, String> changes) throws BlockException {
        Map<String, String> rest = new HashMap<>(changes);
        String size = rest.remove("size");
        Tuning next = common.tuning.with(rest);
        Grow grow = size == null ? null : grow(Units.parseSize("size", size));
        boolean gaveUp = common.tuning.waits() && !next.waits();
        common.tuning = next;
        growth.unblock();
        writeback.tuned();
        if (gaveUp) {
            retry();
        }
        if (grow != null) {
            work.await(grow, CLOSE_MILLIS);
        }
    }

    /** Begins to make the disk larger; null where it has that size. */
    Grow grow(long bytes) throws BlockException {
        if (bytes == limits.size()) {
            return null;
        }
        if (tracking.on()) {
            throw new BlockException(Errno.EBUSY, "the disk does not grow while its changes are"
                    + " tracked: end that first with the message tracking_stop");
        }
        Grow grow = new Grow(common, limbo, moves, growth, writeback, work,
                now -> limits = limits.withSize(now), bytes);
        work.begin(grow);
        return grow;
    }

    @Override
    public void message(List<String> words) throws BlockException {
        if (words.get(0).startsWith("tracking_")) {
            tracking.message(words, this::since);
            return;
        }
        switch (String.join(" ", words)) {
            case "retry" -> retry();
            case "cancel" -> work.cancel();
            case "compact" -> work.begin(new Compaction(common, limbo, moves, growth));
            default -> throw new BlockException(Errno.EINVAL, "the message "
                    + String.join(" ", words) + " is unknown; ploop takes compact, cancel, for what"
                    + " is at work, retry, when its file system has room again, and those of"
                    + " tracking, which begin with tracking_");
        }
    }

    private IntPredicate since(String snapshot) throws BlockException {
        if (snapshot != null) {
            throw new BlockException(Errno.ENOENT, "there is no snapshot " + snapshot);
        }
        return common::has;
    }

    private void retry() {
        growth.unblock();
        writeback.again();
        noSpace.retry();
    }

    LongWork work() {
        return work;
    }

    Bat bat() {
        return common.bat;
    }

    /** Whether the invariants hold; looks at every word. */
    boolean check() {
        synchronized (common.lock) {
            return writeback.check() && status.check();
        }
    }

    @Override
    public void close() throws BlockException {
        tracking.close();
        noSpace.close();
        try {
            if (!work.end(CLOSE_MILLIS) || !copies.end(CLOSE_MILLIS)
                    || !limbo.end(CLOSE_MILLIS) || !growth.end(CLOSE_MILLIS)
                    || !writeback.end(CLOSE_MILLIS)) {
                throw new BlockException(Errno.ETIMEDOUT, common.options.path() + " does not"
                        + " answer; it stays marked as in use");
            }
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            throw new BlockException(Errno.EINTR, common.options.path() + ": closing was"
                    + " interrupted; it stays marked as in use", e);
        }
        assert check();
        BlockException broken = finish();
        try {
            common.image.close();
        } catch (BlockException e) {
            broken = broken == null ? e : broken;
        }
        limbo.close();
        writeback.close();
        copies.close();
        common.host.arena().unmap(zeros);
        common.backing.close();
        common.below.close();
        if (broken != null) {
            throw broken;
        }
    }

    /** Null, or why the image stays marked as in use. */
    private BlockException finish() {
        if (limits.readOnly()) {
            return null;
        }
        Errno outcome = common.failed() ? Errno.EIO : writeback.writeAll();
        if (outcome == Errno.OK) {
            limbo.finish();
            return null;
        }
        common.image.abandon();
        String why = common.failed() ? common.failure() : "the table could not be written ("
                + outcome.text() + ")";
        return new BlockException(outcome, common.options.path() + " stays marked as in use: "
                + why);
    }
}
