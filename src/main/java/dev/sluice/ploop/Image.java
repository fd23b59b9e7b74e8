package dev.sluice.ploop;

import dev.sluice.block.BlockException;
import dev.sluice.block.Device;
import dev.sluice.block.Errno;
import dev.sluice.block.Memory;
import dev.sluice.ploop.Findings.Kind;
import dev.sluice.storage.Backing;
import dev.sluice.sys.Arena;
import java.util.ArrayList;
import java.util.List;

/**
 * An image that is open: header, table, and which clusters are used. It is always checked when it
 * is opened. Whoever writes to it makes the table durable; this makes known that somebody does:
 * the mark is set and durable before anything is changed, and taken away after all else is durable.
 * The backing is its owner's.
 */
public final class Image implements AutoCloseable {
    /** So that a mistaken size does not make a map without bounds. */
    private static final int MAX_CLUSTERS = Integer.MAX_VALUE - (1 << 29);
    /** How many clusters more than all of the disk a file may ever have. */
    private static final int SPARE = 1 << 20;

    private final String path;
    private final Backing backing;
    private final Arena arena;
    private final Device.Log log;
    private final Header stored;
    private final Bat bat;
    private final ClusterMap clusters;
    private final Extension extension;
    private final Findings findings;
    private final List<String> notes = new ArrayList<>();
    private boolean writing;

    private Image(String path, Backing backing, Arena arena, Device.Log log)
            throws BlockException {
        this.path = path;
        this.backing = backing;
        this.arena = arena;
        this.log = log;
        stored = header(path, backing, arena);
        Header header = meant(stored, backing.size());
        int end = end(header);
        bat = Bat.read(path, header, backing, arena);
        clusters = new ClusterMap(arena, header.firstCluster(), end, room(header, end));
        // A cluster that is cut short can be read as far as it is there.
        bat.end(header.offset(end) < backing.size() ? end + 1 : end);
        extension = Extension.read(header, backing, arena, end);
        findings = Scan.run(stored, bat, extension, clusters, backing);
    }

    /** The first cluster that can never be in the file, which has as many as end now. */
    int room(Header header, int end) {
        long room = (long) Math.max(end, header.firstCluster()) + header.entries() + SPARE;
        return (int) Math.min(room, Math.min(header.lastCluster() + 1L, MAX_CLUSTERS));
    }

    /** What the first bytes of a file say; throws where they are no header. */
    static Header header(String path, Backing backing, Arena arena)
            throws BlockException {
        int bytes = Math.max(backing.blockSize(), Header.BYTES);
        if (backing.size() < bytes) {
            throw new BlockException(Errno.EINVAL, path + " is no ploop image: it has "
                    + backing.size() + " bytes, less than the header of one; name one, or make"
                    + " one with: sluice image create");
        }
        Memory memory = arena.map(bytes);
        try {
            Errno outcome = backing.read(0, memory, 0, bytes);
            if (outcome != Errno.OK) {
                throw BlockException.storage(outcome, path + " cannot be read");
            }
            return Header.parse(path, memory.bytes(), backing.size());
        } finally {
            arena.unmap(memory);
        }
    }

    /** Where data cannot begin where the header says, it is taken to begin behind the table. */
    private static Header meant(Header stored, long fileBytes) {
        long least = stored.leastDataSectors();
        boolean right = stored.dataSectorsRight()
                && (stored.dataSectors() <= least || stored.dataStart() <= fileBytes);
        return right ? stored : stored.withData(least);
    }

    /** The cluster behind the last whole one of the file. */
    private int end(Header header) throws BlockException {
        int first = header.firstCluster();
        long whole = (backing.size() - header.dataStart()) / header.clusterBytes();
        long most = Math.min(MAX_CLUSTERS - 1, header.lastCluster()) - first;
        if (whole > most) {
            throw new BlockException(Errno.EFBIG, path + " has " + backing.size() + " bytes,"
                    + " which are " + whole + " clusters, more than the " + most + " that can be"
                    + " handled; convert it to larger clusters");
        }
        return first + (int) Math.max(0, whole);
    }

    /** Looks at an image without changing anything, whatever state it is in. */
    public static Image examine(String path, Backing backing, Arena arena, Device.Log log)
            throws BlockException {
        return new Image(path, backing, arena, log);
    }

    /**
     * Opens an image for a device: for writing, if the backing can be written, and then it must be
     * sound. One that was not closed is taken where nothing but clusters without an owner is found.
     */
    static Image open(String path, Backing backing, Arena arena, Device.Log log)
            throws BlockException {
        Image image = new Image(path, backing, arena, log);
        try {
            image.checkBlocks();
            if (!backing.readOnly()) {
                image.begin();
            } else {
                image.noteState();
            }
            return image;
        } catch (BlockException | RuntimeException | Error e) {
            image.release();
            throw e;
        }
    }

    /** Makes a file that is empty an empty image. */
    public static void create(String path, Header header, Backing backing, Arena arena)
            throws BlockException {
        Bat bat = new Bat(header, arena, backing.blockSize());
        try {
            check(path, backing.resize(header.dataStart()));
            check(path, writePage(0, bat, backing, arena));
            check(path, backing.sync());
        } finally {
            bat.close();
        }
    }

    private static void check(String path, Errno outcome) throws BlockException {
        if (outcome != Errno.OK) {
            throw BlockException.storage(outcome, path + " cannot be written");
        }
    }

    /** The header goes with page 0: nobody else may be writing that. */
    private static Errno writePage(int page, Bat bat, Backing backing, Arena arena) {
        Memory memory = arena.map(Bat.PAGE);
        try {
            return backing.write((long) page * Bat.PAGE, memory, 0, bat.copyPage(page, memory, 0));
        } finally {
            arena.unmap(memory);
        }
    }

    /** Direct I/O reaches the clusters only where they are whole blocks. */
    void checkBlocks() throws BlockException {
        int block = backing.blockSize();
        if (block > Bat.PAGE || header().dataStart() % block != 0
                || header().clusterBytes() % block != 0) {
            throw new BlockException(Errno.EINVAL, path + " has clusters of "
                    + header().clusterBytes() + " bytes from byte " + header().dataStart()
                    + " on, which direct I/O in units of " + block + " cannot reach; use"
                    + " direct=off");
        }
    }

    private void noteState() {
        if (header().dirty()) {
            note("it was not closed, and is read as it was left");
        }
        if (findings.damaged()) {
            note("it is damaged, and what cannot be read gives errors: "
                    + findings.damage().sentence());
        }
    }

    private void note(String what) {
        notes.add(what);
        log.error(path + ": " + what, null);
    }

    private void begin() throws BlockException {
        Findings.Finding damage = findings.damage();
        if (damage != null) {
            throw new BlockException(Errno.EIO, path + " is damaged and is not opened for writing: "
                    + damage.sentence() + "; see it with: sluice image check " + path
                    + ", or use readonly=on");
        }
        if (findings.count(Kind.FOREIGN) > 0) {
            throw new BlockException(Errno.EIO, path + " is not opened for writing: its format"
                    + " extension has a " + extension.foreign() + " and is not known here; use"
                    + " readonly=on");
        }
        if (header().dirty()) {
            long leaks = findings.count(Findings.Grade.LEAK);
            note("it was not closed; it was checked, no data is damaged, and " + leaks
                    + " clusters that nobody owned are free again");
        }
        dropExtension();
        bat.header(header().with(Header.DIRTY, 0));
        check(path, writePage(0, bat, backing, arena));
        check(path, backing.sync());
        writing = true;
        forgetSurplus();
        long whole = header().offset(clusters.end());
        if (whole < backing.size()) {
            // What was cut off in growing is nobody's, and what grows there later must be zeros.
            check(path, backing.resize(whole));
        }
    }

    /** Words behind the end of the disk would be second names of clusters that are free. */
    private void forgetSurplus() throws BlockException {
        if (findings.count(Kind.SURPLUS) == 0) {
            return;
        }
        for (int i = bat.next(header().needed()); i < bat.entries(); i = bat.next(i + 1)) {
            bat.set(i, Bat.NONE);
        }
        for (int page = Bat.page(header().needed()); page < bat.pages(); page++) {
            check(path, writePage(page, bat, backing, arena));
        }
        check(path, backing.sync());
        note("clusters behind the end of the disk are forgotten");
    }

    /** Writing makes it stale, and clusters would be taken where it is: so nothing points to it. */
    private void dropExtension() {
        if (extension != null) {
            if (extension.fault() == null) {
                extension.clusters().forEach(cluster -> clusters.free(cluster, false));
            }
            note("its format extension is dropped: it says what changed since a backup, and is not"
                    + " kept up here");
        }
    }

    /** It stays marked as in use when it is closed: what it holds is not all durable. */
    void abandon() {
        writing = false;
    }

    /** The header as it is now. */
    public Header header() {
        return bat.header();
    }

    /** The header as it was in the file. */
    Header stored() {
        return stored;
    }

    /** What was found when it was opened. */
    public Findings findings() {
        return findings;
    }

    /** What a user should know of how it was opened. */
    List<String> notes() {
        return notes;
    }

    Bat bat() {
        return bat;
    }

    ClusterMap clusters() {
        return clusters;
    }

    Extension extension() {
        return extension;
    }

    /**
     * Ends the use of it. The table is written by now; after a failure it stays marked as in use.
     */
    @Override
    public void close() throws BlockException {
        try {
            if (writing) {
                finish();
            }
        } finally {
            release();
        }
    }

    private void finish() throws BlockException {
        check(path, backing.sync());
        boolean empty = bat.next(0) == bat.entries();
        bat.header(header().with(0, 0).withEmpty(empty));
        check(path, writePage(0, bat, backing, arena));
        check(path, backing.sync());
        punchFree();
        long end = header().offset(clusters.usedEnd());
        if (end < backing.size()) {
            Errno outcome = backing.resize(end);
            if (outcome == Errno.OK) {
                outcome = backing.sync();
            }
            if (outcome != Errno.OK) {
                log.error(path + ": " + (backing.size() - end) + " bytes at its end are not given"
                        + " back: " + outcome.text(), null);
            }
        }
    }

    /**
     * What is free among the clusters gives its storage back: zeroed ahead of need, and read along
     * with its neighbours, it looks to a check like data that nobody names.
     */
    private void punchFree() {
        int end = clusters.usedEnd();
        int from = header().firstCluster();
        while (from < end) {
            int until = from;
            while (until < end && !clusters.used(until)) {
                until++;
            }
            if (until > from && Scan.stored(header(), backing, from, until)) {
                long start = header().offset(from);
                Errno outcome = backing.punch(start, header().offset(until) - start);
                if (outcome != Errno.OK) {
                    log.error(path + ": free clusters at byte " + start + " do not give their"
                            + " storage back: " + outcome.text(), null);
                    return;
                }
            }
            from = until + 1;
        }
    }

    private void release() {
        bat.close();
        clusters.close();
    }
}
