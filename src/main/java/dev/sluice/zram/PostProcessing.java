package dev.sluice.zram;

import dev.sluice.block.BlockException;
import dev.sluice.block.Errno;
import java.util.List;
import java.util.Map;
import java.util.concurrent.Semaphore;
import java.util.concurrent.TimeUnit;

/**
 * What is done to pages that are stored: marked as idle, recompressed, written back, one thing at a
 * time. The words are those of the kernel's attributes.
 */
final class PostProcessing {
    private static final long WAIT_SECONDS = 10;
    private static final Map<String, Integer> TYPES = Map.of("idle", SlotChunk.IDLE,
            "huge", SlotChunk.HUGE, "huge_idle", SlotChunk.HUGE | SlotChunk.IDLE,
            "incompressible", SlotChunk.INCOMPRESSIBLE);

    private final Zram zram;
    private final Algorithms algorithms;
    private final Writeback writeback;
    private final Semaphore turn = new Semaphore(1);

    PostProcessing(Zram zram, Algorithms algorithms, Writeback writeback) {
        this.zram = zram;
        this.algorithms = algorithms;
        this.writeback = writeback;
    }

    /** What is done with a disk. */
    private interface Work {
        void on(Disk disk) throws BlockException;
    }

    /** Takes its turn and keeps the disk from being reset. */
    private void run(String attribute, Work work) throws BlockException {
        try {
            if (!turn.tryAcquire(WAIT_SECONDS, TimeUnit.SECONDS)) {
                throw new BlockException(Errno.EAGAIN, attribute + " has to wait: pages are being"
                        + " recompressed or written back by policy; try again");
            }
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            throw new BlockException(Errno.EINTR, attribute + " was interrupted; do it again", e);
        }
        try {
            Disk disk = zram.enter();
            try {
                if (disk == null) {
                    throw new BlockException(Errno.EINVAL, attribute + " needs a device that"
                            + " is set up; write its size to disksize");
                }
                work.on(disk);
            } finally {
                zram.leave();
            }
        } finally {
            turn.release();
        }
    }

    /** A turn for somebody else, if it is free; {@link #give} ends it. */
    boolean take() {
        return turn.tryAcquire();
    }

    void give() {
        turn.release();
    }

    void idle(String text) throws BlockException {
        long age = text.equals("all") ? -1
                : Words.number("idle is all or an age; ", text.strip(), 0, Integer.MAX_VALUE);
        run("idle", disk -> disk.idle(age, zram.second()));
    }

    void recompress(String text) throws BlockException {
        Words words = Words.of("recompress", text,
                List.of("type", "threshold", "max_pages", "algo", "priority"));
        run("recompress", disk -> new Recompression(disk, plan(disk, words)).run());
    }

    private Recompression.Plan plan(Disk disk, Words words) throws BlockException {
        String type = words.value("type", null);
        int wanted = type == null ? 0 : type(words, type);
        if (wanted == SlotChunk.INCOMPRESSIBLE) {
            throw words.wrong("must have type=idle, huge or huge_idle, not " + type);
        }
        long threshold = words.number("threshold", 0, 0, Integer.MAX_VALUE);
        if (threshold >= disk.hugeSize()) {
            throw words.wrong("threshold=" + threshold + " must be below " + disk.hugeSize()
                    + ", from which on pages are stored as they came");
        }
        long most = words.number("max_pages", Long.MAX_VALUE, 0, Long.MAX_VALUE);
        int first = 1;
        int last = disk.streams().highest();
        String name = words.value("algo", null);
        if (name != null || words.value("priority", null) != null) {
            first = name == null ? (int) words.number("priority", 1, 1, Algorithms.MOST - 1)
                    : secondary(disk, name);
            last = first;
        }
        if (first < 1 || last < 1 || disk.streams().codec(last) == null) {
            throw words.wrong("finds no such algorithm; recomp_algorithm and the table's"
                    + " recompress= choose up to " + (Algorithms.MOST - 1));
        }
        return new Recompression.Plan(wanted, (int) threshold, first, last, most);
    }

    private static int secondary(Disk disk, String name) {
        for (int p = 1; p < Algorithms.MOST; p++) {
            Codec codec = disk.streams().codec(p);
            if (codec != null && codec.name().equals(name)) {
                return p;
            }
        }
        return -1;
    }

    private static int type(Words words, String name) throws BlockException {
        Integer type = TYPES.get(name);
        if (type == null) {
            throw words.wrong("knows no type " + name + "; there are idle, huge, huge_idle, and to"
                    + " write back incompressible");
        }
        return type;
    }

    void writeback(String text) throws BlockException {
        run("writeback", disk -> {
            if (disk.blocks() == null) {
                throw new BlockException(Errno.ENODEV, "writeback needs a backing device; name it"
                        + " by backing= or backing-file= in the table, or by backing_dev before"
                        + " disksize");
            }
            Words words = Words.split("writeback", text);
            if (words.all().isEmpty()) {
                throw words.wrong("must be type=…, page_index=N or page_indexes=A-B");
            }
            for (Words.Word word : words.all()) {
                if (one(disk, words, word)) {
                    return;
                }
            }
        });
    }

    /** A word's pages; true for a type, which ends the words. */
    private boolean one(Disk disk, Words words, Words.Word word) throws BlockException {
        if (word.value() == null || word.key().equals("type")) {
            int wanted = type(words, word.value() == null ? word.key() : word.value());
            away(disk, f -> (f & wanted) == wanted, 0, disk.slots().slots());
            return true;
        }
        String[] ends = word.value().split("-", -1);
        boolean range = word.key().equals("page_indexes");
        if (!range && !word.key().equals("page_index") || ends.length != (range ? 2 : 1)) {
            throw words.wrong("must be type=…, page_index=N or page_indexes=A-B, not "
                    + word.key() + "=" + word.value());
        }
        long first = index(ends[0]);
        long last = index(ends[ends.length - 1]);
        if (first > last || last >= disk.slots().slots()) {
            throw new BlockException(Errno.ERANGE, "writeback's pages must be from 0 to "
                    + (disk.slots().slots() - 1) + ", not " + word.value());
        }
        away(disk, f -> true, first, last + 1);
        return false;
    }

    private static long index(String text) throws BlockException {
        return Words.number("writeback page ", text, 0, Long.MAX_VALUE);
    }

    private void away(Disk disk, Candidates.Filter filter, long first, long until)
            throws BlockException {
        Writeback.Run run = writeback(disk);
        Errno failure = Errno.OK;
        try {
            run.all(new Candidates(disk, filter, first, until));
        } finally {
            failure = run.close();
        }
        if (failure != Errno.OK) {
            throw new BlockException(failure, "the backing device failed for some pages ("
                    + failure.text() + "); they are still in memory");
        }
    }

    Writeback.Run writeback(Disk disk) {
        return writeback.new Run(disk, zram.backing(), zram.compressedWriteback());
    }
}
