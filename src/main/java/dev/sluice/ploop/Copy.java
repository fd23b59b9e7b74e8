package dev.sluice.ploop;

import dev.sluice.block.BlockException;
import dev.sluice.block.Errno;
import dev.sluice.block.Limits;
import dev.sluice.block.Memory;
import dev.sluice.storage.Backing;
import dev.sluice.sys.Arena;

/** Stores the contents of a disk in an empty file; what is zero takes no storage. */
public final class Copy {
    /** What a file leaves out, where it is zero. */
    private static final int PAGE = 4096;

    private final Contents from;
    private final String path;
    private final Backing to;
    private final Progress progress;
    private final Memory buffer;

    private Copy(Contents from, String path, Backing to, Arena arena, Progress progress) {
        this.from = from;
        this.path = path;
        this.to = to;
        this.progress = progress;
        this.buffer = arena.map(Limits.MAX_DATA);
    }

    private void check(Errno outcome) throws BlockException {
        if (outcome != Errno.OK) {
            throw BlockException.storage(outcome, path + " cannot be written");
        }
    }

    /** As the bytes of the disk. It is durable afterwards. */
    public static void toRaw(Contents from, String path, Backing to, Arena arena,
            Progress progress) throws BlockException {
        Copy copy = new Copy(from, path, to, arena, progress);
        try {
            copy.check(to.resize(from.size()));
            long at = from.seek(0, true);
            while (at < from.size()) {
                int length = copy.read(at, from.size());
                copy.writePages(at, length);
                at = from.seek(at + length, true);
            }
            copy.check(to.sync());
            progress.at(from.size(), from.size());
        } finally {
            arena.unmap(copy.buffer);
        }
    }

    /** Reads what there is of data up to a limit, and a buffer of it at most; the length. */
    private int read(long at, long limit) throws BlockException {
        progress.at(at, from.size());
        long until = Math.min(Math.min(from.seek(at, false), limit), at + buffer.size());
        int length = (int) (until - at);
        from.read(at, buffer, length);
        return length;
    }

    private boolean zero(int at, int length) {
        int i = at;
        for (; i + 8 <= at + length; i += 8) {
            if (buffer.bytes().getLong(i) != 0) {
                return false;
            }
        }
        for (; i < at + length; i++) {
            if (buffer.bytes().get(i) != 0) {
                return false;
            }
        }
        return true;
    }

    /** Writes the pages that are not zero, those that follow each other at once. */
    private void writePages(long at, int length) throws BlockException {
        int begin = -1;
        for (int page = 0; page < length; page += PAGE) {
            boolean zero = zero(page, Math.min(PAGE, length - page));
            if (!zero && begin < 0) {
                begin = page;
            } else if (zero && begin >= 0) {
                check(to.write(at + begin, buffer, begin, page - begin));
                begin = -1;
            }
        }
        if (begin >= 0) {
            check(to.write(at + begin, buffer, begin, length - begin));
        }
    }

    /**
     * As an image of a new header, whose disk may be larger. It is durable afterwards. A cluster
     * has all its storage: OpenVZ's tools refuse one with holes.
     */
    public static void toImage(Contents from, Header header, String path, Backing to, Arena arena,
            Progress progress) throws BlockException {
        Copy copy = new Copy(from, path, to, arena, progress);
        Bat bat = new Bat(header, arena, to.blockSize());
        try {
            copy.check(to.reserve(0, header.dataStart()));
            int next = header.firstCluster();
            long at = from.seek(0, true);
            while (at < from.size()) {
                int index = (int) (at / header.clusterBytes());
                int length = copy.read(at, (index + 1) * header.clusterBytes());
                if (!copy.zero(0, length)) {
                    if (bat.get(index) == Bat.NONE) {
                        bat.end(next + 1);
                        bat.set(index, next);
                        copy.check(to.reserve(header.offset(next), header.clusterBytes()));
                        next++;
                    }
                    long in = at - index * header.clusterBytes();
                    copy.check(to.write(header.offset(bat.get(index)) + in, copy.buffer, 0,
                            length));
                }
                at = from.seek(at + length, true);
            }
            bat.header(header.withEmpty(next == header.firstCluster()));
            for (int page = 0; page < bat.pages(); page++) {
                int length = bat.copyPage(page, copy.buffer, 0);
                copy.check(to.write((long) page * Bat.PAGE, copy.buffer, 0, length));
            }
            copy.check(to.sync());
            progress.at(from.size(), from.size());
        } finally {
            bat.close();
            arena.unmap(copy.buffer);
        }
    }
}
