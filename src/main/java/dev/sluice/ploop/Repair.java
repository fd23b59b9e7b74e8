package dev.sluice.ploop;

import dev.sluice.block.BlockException;
import dev.sluice.block.Errno;
import dev.sluice.block.Limits;
import dev.sluice.block.Memory;
import dev.sluice.ploop.Findings.Kind;
import dev.sluice.storage.Backing;
import dev.sluice.sys.Arena;
import java.util.Set;
import java.util.TreeSet;
import java.util.function.Consumer;

/**
 * Puts an image right, as far as it is told to: nothing is done that is not said. While it is at
 * work the image is marked as in use; where it fails the mark stays, and it can be run again.
 */
public final class Repair {
    private final String path;
    private final Image image;
    private final Backing backing;
    private final Arena arena;
    private final Set<Findings.Repair> allowed;
    private final Consumer<String> said;
    private final Progress progress;
    private final Bat bat;
    private final Memory buffer;
    /** Pages of the table that were changed. */
    private final Set<Integer> pages = new TreeSet<>();
    /** What is used, as it comes to be. */
    private final ClusterMap seen;
    private boolean lost;
    private long sayings;

    private Repair(String path, Image image, Backing backing, Arena arena,
            Set<Findings.Repair> allowed, Consumer<String> said, Progress progress) {
        this.path = path;
        this.image = image;
        this.backing = backing;
        this.arena = arena;
        this.allowed = allowed;
        this.said = said;
        this.progress = progress;
        this.bat = image.bat();
        this.buffer = arena.map(Limits.MAX_DATA);
        ClusterMap map = image.clusters();
        this.seen = new ClusterMap(arena, map.first(), map.end(), map.capacity());
    }

    /**
     * Repairs an image that was examined; examine it again afterwards.
     *
     * @param allowed what may be done; {@link Findings.Repair#SAFE} always is
     * @param said is told of each thing that was done
     */
    public static void run(String path, Image image, Backing backing, Arena arena,
            Set<Findings.Repair> allowed, Consumer<String> said, Progress progress)
            throws BlockException {
        Findings found = image.findings();
        if (found.count(Kind.FOREIGN) > 0) {
            throw new BlockException(Errno.EIO, path + " is not repaired: its format extension has"
                    + " a " + image.extension().foreign() + " and is not known here; repair it with"
                    + " the program that wrote it, or read it with readonly=on");
        }
        Repair repair = new Repair(path, image, backing, arena, allowed, said, progress);
        try {
            for (Kind kind : Kind.values()) {
                if (found.count(kind) > 0 && repair.may(kind)) {
                    repair.all(found);
                    return;
                }
            }
        } finally {
            repair.seen.close();
            arena.unmap(repair.buffer);
        }
    }

    private boolean may(Kind kind) {
        return kind.repair() == Findings.Repair.SAFE || allowed.contains(kind.repair());
    }

    private void say(String what) {
        if (++sayings <= Findings.KEPT) {
            said.accept(what);
        }
    }

    private void all(Findings found) throws BlockException {
        Header before = image.stored();
        bat.header(image.header().with(Header.DIRTY, before.extension()));
        pages.add(0);
        write();
        if (found.count(Kind.DATA_START) > 0) {
            say("the start of data in the header is now sector " + image.header().dataSectors());
        }
        if (found.count(Kind.CUT) > 0 && may(Kind.CUT)) {
            fillUp();
        }
        forget();
        if (!pages.isEmpty()) {
            // Before copies make the file longer: what words name outside it would be inside.
            write();
        }
        boolean badStays = left(found);
        boolean copies = may(Kind.DUPLICATE) && !badStays;
        if (found.count(Kind.DUPLICATE) > 0 && may(Kind.DUPLICATE) && badStays) {
            say("nothing is copied while words name what is not in the file: repair both");
        }
        shared(copies);
        write();
        boolean healed = !badStays && (copies || found.count(Kind.DUPLICATE) == 0);
        boolean keeps = extension(found);
        if (healed) {
            // Else what seems unused may be what a wrong word should name.
            holes();
            tail();
        }
        int mark = !healed || keeps ? before.inUse() : 0;
        boolean empty = bat.next(0) == bat.entries();
        bat.header(image.header().with(mark, keeps ? before.extension() : 0).withEmpty(empty));
        pages.add(0);
        write();
        if (before.empty() != empty) {
            say("the flag of an image without data is " + (empty ? "set" : "taken away"));
        }
        if (before.dirty()) {
            say(healed ? "the mark of being in use is taken away"
                    : "the mark of being in use stays, as damage does");
        }
        if (sayings > Findings.KEPT) {
            said.accept("and " + (sayings - Findings.KEPT) + " things more");
        }
    }

    /** Whether words stay that name what is not a cluster of the file. */
    private boolean left(Findings found) {
        for (Kind kind : Kind.values()) {
            if (kind.repair() == Findings.Repair.LOSSY && found.count(kind) > 0 && !may(kind)) {
                return true;
            }
        }
        return false;
    }

    private void check(Errno outcome) throws BlockException {
        if (outcome != Errno.OK) {
            throw new BlockException(outcome, path + " cannot be repaired: " + outcome.text()
                    + "; nothing that can be read is lost, and it can be run again");
        }
    }

    /** Makes the changed pages durable, and what was written before. */
    private void write() throws BlockException {
        check(backing.sync());
        for (int page : pages) {
            int length = bat.copyPage(page, buffer, 0);
            check(backing.write((long) page * Bat.PAGE, buffer, 0, length));
        }
        pages.clear();
        check(backing.sync());
    }

    private void set(int index, int cluster) {
        bat.set(index, cluster);
        pages.add(Bat.page(index));
    }

    private void fillUp() throws BlockException {
        say("the last cluster, cut off at byte " + backing.size() + ", is made whole with zeros");
        seen.grow(seen.end() + 1);
        check(backing.resize(image.header().offset(seen.end())));
        lost = true;
    }

    /** First, while the file has its size: what is outside it must not come to be inside. */
    private void forget() {
        for (int i = bat.next(0); i < bat.entries(); i = bat.next(i + 1)) {
            if (i >= image.header().needed()) {
                set(i, Bat.NONE);
                say("cluster " + i + ", behind the end of the disk, is forgotten");
            } else if (bat.get(i) == Bat.BAD && may(Kind.OUTSIDE)) {
                say("cluster " + i + ", which was at byte " + image.header().meaning(bat.word(i))
                        + ", is zeros now");
                set(i, Bat.NONE);
                lost = true;
            }
        }
    }

    /** Finds out anew what is used, and gives each its own where two share. */
    private void shared(boolean copies) throws BlockException {
        for (int i = bat.next(0); i < bat.entries(); i = bat.next(i + 1)) {
            progress.at(4L * i, 4L * bat.entries());
            int cluster = bat.get(i);
            if (cluster != Bat.BAD && cluster < seen.end() && !seen.use(cluster) && copies) {
                copy(i, cluster);
            }
        }
    }

    private void copy(int index, int from) throws BlockException {
        Header header = image.header();
        int to = seen.end();
        if (to >= seen.capacity()) {
            check(Errno.EFBIG);
        }
        long bytes = header.clusterBytes();
        check(backing.resize(header.offset(to)));
        check(backing.reserve(header.offset(to), bytes));
        for (long at = 0; at < bytes; at += buffer.size()) {
            int piece = (int) Math.min(buffer.size(), bytes - at);
            check(backing.read(header.offset(from) + at, buffer, 0, piece));
            check(backing.write(header.offset(to) + at, buffer, 0, piece));
        }
        seen.grow(to + 1);
        seen.use(to);
        bat.end(to + 1);
        set(index, to);
        say("cluster " + index + ", which shared byte " + header.offset(from)
                + " with another, has a copy at byte " + header.offset(to));
    }

    private void holes() throws BlockException {
        Header header = image.header();
        int end = seen.usedEnd();
        for (int from = seen.stale(0); from != 0 && from < end;) {
            int until = Math.min(end, seen.notStale(from));
            if (Scan.stored(header, backing, from, until)) {
                check(backing.punch(header.offset(from), header.offset(until)
                        - header.offset(from)));
                say("the storage of " + (until - from) + " clusters at byte "
                        + header.offset(from) + " that nobody uses is given back");
            }
            from = seen.stale(until);
        }
    }

    /** Whether the extension stays, with its clusters: it does while it can be right. */
    private boolean extension(Findings found) {
        Extension extension = image.extension();
        if (extension == null) {
            return false;
        }
        if (found.count(Kind.EXTENSION) > 0 || found.count(Kind.STALE_EXTENSION) > 0 || lost) {
            say("the format extension is dropped");
            return false;
        }
        extension.clusters().forEach(seen::use);
        return true;
    }

    private void tail() throws BlockException {
        long end = image.header().offset(seen.usedEnd());
        if (end < backing.size()) {
            say((backing.size() - end) + " bytes at the end of the file are cut off");
            check(backing.resize(end));
        }
    }
}
