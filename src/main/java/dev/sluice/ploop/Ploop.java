package dev.sluice.ploop;

import dev.sluice.block.Attribute;
import dev.sluice.block.Bio;
import dev.sluice.block.BlockException;
import dev.sluice.block.Device;
import dev.sluice.block.Errno;
import dev.sluice.block.Limits;
import dev.sluice.block.Memory;
import dev.sluice.block.Target;
import dev.sluice.block.Units;
import dev.sluice.file.FileIo;
import dev.sluice.storage.Backing;
import dev.sluice.work.Host;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.function.IntPredicate;

/**
 * The disk in an image that is open, or in a chain of them. It is the {@link Top} that takes the
 * requests; a snapshot puts another one on it, to which all goes from an instant on.
 */
public final class Ploop implements Target {
    private static final long CLOSE_MILLIS = 60_000;
    /** How long who asks for long work waits for it; then it goes on by itself. */
    private static final long PATIENCE_MILLIS = 60_000;

    private final Host host;
    private final Memory zeros;
    private final LongWork work;
    private final Object beginning = new Object();
    private final Tracking tracking;
    private volatile long patienceMillis = PATIENCE_MILLIS;
    private final Snapshots snapshots;
    private volatile Top top;
    /** What came while another image is put in place; null where none is. */
    private volatile List<Bio> held; // changed under common.lock

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
        return open(backing, lowers, null, options, host, device);
    }

    /** The same, with where the files are: null where no snapshots are to be made. */
    public static Ploop open(Backing backing, List<Lower> lowers, Folder folder, Options options,
            Host host, String device) throws BlockException {
        String path = options.path();
        Header top = Image.header(path, backing, host.arena());
        Snapshots snapshots = new Snapshots(folder, path, options.word(), host);
        boolean left = backing.readOnly() && snapshots.names(path);
        Below below = Below.of(lowers, path, top, left, host.arena(), host.log());
        try {
            int block = Math.max(backing.blockSize(), below.block());
            if (top.diskBytes() % block != 0) {
                throw new BlockException(Errno.EINVAL, path + " has a disk of " + top.diskBytes()
                        + " bytes, which is not a multiple of " + block
                        + ", the block of direct I/O on it; use direct=off");
            }
            Image image = Image.open(path, backing, host.arena(), host.log());
            try {
                return new Ploop(new Common(options, image, backing, below, host, device),
                        snapshots, device);
            } catch (RuntimeException | Error e) {
                image.close();
                throw e;
            }
        } catch (BlockException | RuntimeException | Error e) {
            below.release();
            throw e;
        }
    }

    /**
     * Opens the disk in a chain of files, all but the last for reading. What was at work on them
     * when they were last in use is put right before, if they may be written.
     */
    public static Ploop open(Chain chain, Folder folder, boolean readOnly, Options options,
            Host host, String device) throws BlockException {
        List<Lower> opened = new ArrayList<>();
        try {
            int last = chain.files().size() - 1;
            for (Chain.Part file : chain.files()) {
                boolean lower = opened.size() < last;
                if (lower && !readOnly && !file.raw()) {
                    settle(file.path(), folder, host);
                }
                opened.add(new Lower(file.path(), folder.open(file.path(), readOnly || lower),
                        file.raw()));
            }
            if (!readOnly) {
                unchanged(chain, folder);
            }
            Ploop disk = open(opened.get(last).backing(), opened.subList(0, last), folder,
                    options.at(chain.top()), host, device);
            if (!readOnly) {
                disk.snapshots.tidy(chain);
            }
            return disk;
        } catch (BlockException | RuntimeException | Error e) {
            for (Lower file : opened) {
                file.backing().close();
            }
            throw e;
        }
    }

    /** What somebody else had open until now may have made it another disk; now it is locked. */
    private static void unchanged(Chain chain, Folder folder) throws BlockException {
        DiskDescriptor now = folder.read();
        if (now != null && !folder.path(now.image(now.top()).file()).equals(chain.top())) {
            throw new BlockException(Errno.EBUSY, "the snapshots of " + chain.top() + " have"
                    + " changed while it was opened; try again");
        }
    }

    /** A top that had just become one that is only read may not be closed yet. */
    private static void settle(String path, Folder folder, Host host) throws BlockException {
        if (folder.read() == null) {
            return;
        }
        boolean dirty;
        try (Backing backing = folder.open(path, true)) {
            dirty = Image.header(path, backing, host.arena()).dirty();
        }
        if (dirty) {
            try (Backing backing = folder.open(path, false)) {
                Image.open(path, backing, host.arena(), host.log()).close();
            }
        }
    }

    private Ploop(Common common, Snapshots snapshots, String device) {
        this.snapshots = snapshots;
        host = common.host;
        zeros = host.arena().map(Limits.MAX_DATA);
        FileIo io = new FileIo(common.backing, common.options.direct(), device,
                "ploop " + common.options.word(), host);
        common.below.start(io);
        work = new LongWork(() -> top.common, host, common.queue);
        top = top(common, io);
        if (!common.backing.readOnly() && snapshots.names(common.options.path())) {
            snapshots.resized(common);
        }
        tracking = new Tracking(host, common.options.path(), common.header.clusterBytes(),
                () -> work.job() instanceof Grow || work.job() instanceof Switch);
        host.timer().use();
    }

    /** One that is in use, or is to be. */
    Top top(Common common, FileIo io) {
        common.still = this::still;
        return new Top(common, io, zeros, this::submit);
    }

    /** It is about to be written to: if it was received as a state, it is that no longer. */
    public void begin() throws BlockException {
        snapshots.begin();
    }

    private void still() {
        top.settled();
        work.again();
    }

    /** From now on another one is in use; under the lock of both. */
    void top(Top next) {
        next.common.tuning = top.common.tuning;
        top.seal(next);
        top = next;
    }

    /** The one that takes the requests. */
    Top top() {
        return top;
    }

    @Override
    public void attached(Device device) {
        tracking.attached(device);
    }

    @Override
    public Limits limits() {
        return top.limits();
    }

    @Override
    public void submit(Bio bio) {
        if (held == null || !kept(bio)) {
            top.submit(bio);
        }
    }

    private boolean kept(Bio bio) {
        synchronized (top.common.lock) {
            return held != null && held.add(bio);
        }
    }

    /** Keeps what comes from now on; throws where something is under way. */
    void hold() throws BlockException {
        Common common = top.common;
        synchronized (common.lock) {
            if (!top.idle()) {
                throw new BlockException(Errno.EBUSY, "requests are under way: nobody may use the"
                        + " disk while its content becomes another one; wait for them, or close"
                        + " it, and ask again");
            }
            common.sealed = true;
            held = new ArrayList<>();
        }
    }

    /** Puts another image in the place of the top, while requests are kept. */
    void replace(Top next) {
        top.common.backing.handAio(next.common.backing);
        next.common.tuning = top.common.tuning;
        top = next;
    }

    /** What was kept goes on. */
    void go() {
        List<Bio> kept;
        Common common = top.common;
        synchronized (common.lock) {
            common.sealed = false;
            kept = held;
            held = null;
        }
        kept.forEach(top.noSpace::start);
    }

    @Override
    public void drain() {
        Top now = top;
        now.io.drain();
        now.awake().forEach(one -> one.noSpace.drain());
    }

    @Override
    public int heldFor(long request) {
        return top.awake().stream().mapToInt(one -> one.noSpace.heldFor(request)).max().orElse(-1);
    }

    @Override
    public void interrupt(long request) {
        top.awake().forEach(one -> one.noSpace.interrupt(request));
    }

    @Override
    public long allocated(long offset, long length) {
        long bytes = -1;
        while (bytes < 0) {
            bytes = top.allocated(offset, length);
        }
        return Math.min(length, bytes);
    }

    @Override
    public long seek(long offset, boolean data) {
        long found = -1;
        while (found < 0) {
            found = top.seek(offset, data);
        }
        return found;
    }

    @Override
    public Map<String, Object> status() {
        Map<String, Object> all = new LinkedHashMap<>();
        top.status().put(all);
        work.status(all);
        tracking.status(all);
        snapshots.status(all, top.common);
        return all;
    }

    @Override
    public List<Attribute> attributes() {
        return List.of(new Attribute("tracking", tracking::told, null));
    }

    @Override
    public String arguments() {
        Common common = top.common;
        return snapshots.word() + (common.options.direct() ? " direct=on" : "")
                + (common.backing.readOnly() ? " readonly=on" : "") + common.tuning.text();
    }

    /** A page of the table that found no room is as it was; a sync that failed is for good. */
    @Override
    public boolean keeps(Errno outcome) {
        return Common.full(outcome) && top.awake().stream().noneMatch(one -> one.common.failed());
    }

    @Override
    public synchronized void set(Map<String, String> changes) throws BlockException {
        Map<String, String> rest = new HashMap<>(changes);
        String size = rest.remove("size");
        Tuning next = top.common.tuning.with(rest);
        Grow grow = size == null ? null : grow(Units.parseSize("size", size));
        Top tuned = null;
        while (tuned != top) {
            tuned = top;
            tuned.awake().forEach(one -> one.tuned(next));
        }
        if (grow != null) {
            work.await(grow, patienceMillis);
        }
    }

    /** How long who asks for long work waits for it from now on. */
    void patience(long millis) {
        patienceMillis = millis;
    }

    /** Begins to make the disk larger, if nobody has; null where it has that size. */
    Grow grow(long bytes) throws BlockException {
        if (bytes == top.limits().size()) {
            return null;
        }
        if (work.job() instanceof Grow now && now.makes(bytes)) {
            return now;
        }
        // Under its lock, so that it does not begin meanwhile.
        synchronized (tracking) {
            tracking.refuse("growth");
            return begin("grow", () -> top.grow(work, bytes,
                    () -> snapshots.resized(top.common)));
        }
    }

    private interface Maker<J> {
        J make() throws BlockException;
    }

    /**
     * Makes a job and begins with it. It is made while no other is at work, nor can begin: what it
     * finds at first stays so.
     */
    private <J extends LongWork.Job> J begin(String name, Maker<J> maker) throws BlockException {
        synchronized (beginning) {
            work.free(name);
            J job = maker.make();
            work.begin(job);
            return job;
        }
    }

    @Override
    public void message(List<String> words, boolean inUse) throws BlockException {
        if (words.get(0).equals("switch") && words.size() == 2) {
            if (inUse) {
                throw new BlockException(Errno.EBUSY, "the device is in use, and its content would"
                        + " become another one; unmount and close it first");
            }
            work.await(toggle(words.get(1)), patienceMillis);
        } else {
            message(words);
        }
    }

    /** Begins to show another snapshot. */
    Switch toggle(String guid) throws BlockException {
        synchronized (tracking) {
            tracking.refuse("a switch");
            return begin("switch", () -> new Switch(this, snapshots, guid,
                    work::again));
        }
    }

    @Override
    public void message(List<String> words) throws BlockException {
        if (words.get(0).startsWith("tracking_")) {
            tracking.message(words, this::since);
            return;
        }
        if (words.get(0).equals("snapshot") && words.size() <= 2) {
            Snapshot snapshot = snapshot(words.size() == 1 ? null : words.get(1));
            work.await(snapshot, patienceMillis);
            return;
        }
        switch (String.join(" ", words)) {
            case "retry" -> top.awake().forEach(Top::retry);
            case "cancel" -> work.cancel();
            case "merge" -> merge();
            case "compact" -> begin("compact", () -> top.compaction());
            default -> throw new BlockException(Errno.EINVAL, "the message "
                    + String.join(" ", words) + " is unknown; ploop takes snapshot, or snapshot"
                    + " GUID, switch GUID, merge, compact, cancel, for what is at work, retry, when"
                    + " its file system has room again, and those of tracking, which begin with"
                    + " tracking_");
        }
    }

    /** What the disk has that it had not at a snapshot: what the files above that one have. */
    private IntPredicate since(String snapshot) throws BlockException {
        Set<Lower> base = snapshot == null ? Set.of() : snapshots.base(snapshot, top.common);
        return index -> top.status().has(index, base);
    }

    /** Begins to make one, with a GUID or without. */
    Snapshot snapshot(String guid) throws BlockException {
        return begin("snapshot", () -> new Snapshot(this, snapshots, guid, work::again));
    }

    /** Begins to merge the image below the top into it. */
    Merge merge() throws BlockException {
        return begin("merge", () -> new Merge(top, snapshots, work::again));
    }

    /** What it does when a message asks for it. */
    LongWork work() {
        return work;
    }

    /** For tests. */
    Bat bat() {
        return top.common.bat;
    }

    /** Whether the invariants hold; looks at every word. */
    boolean check() {
        return top.check();
    }

    @Override
    public void close() throws BlockException {
        tracking.close();
        endWork();
        // A job may have put another one there until now.
        Top last = top;
        Top before = last.before();
        if (before != null) {
            before.end();
        }
        last.end();
        BlockException broken = before == null ? null : closed(null, before::close);
        broken = closed(broken, last::close);
        host.arena().unmap(zeros);
        broken = closed(broken, last.common.backing::close);
        broken = closed(broken, last.common.below::close);
        if (broken != null) {
            throw broken;
        }
    }

    private void endWork() throws BlockException {
        try {
            if (!work.end(CLOSE_MILLIS)) {
                throw new BlockException(Errno.ETIMEDOUT, top.common.options.path() + " does not"
                        + " answer; it stays marked as in use");
            }
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            throw new BlockException(Errno.EINTR, top.common.options.path() + ": closing was"
                    + " interrupted; it stays marked as in use", e);
        }
    }

    private interface Closing {
        void close() throws BlockException;
    }

    private static BlockException closed(BlockException broken, Closing what) {
        try {
            what.close();
            return broken;
        } catch (BlockException e) {
            return broken == null ? e : broken;
        }
    }
}
