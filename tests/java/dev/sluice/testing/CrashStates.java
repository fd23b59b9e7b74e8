package dev.sluice.testing;

import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Random;
import java.util.Set;

/**
 * What a file may be found to be after a power failure. Of the changes since the last sync any may
 * have reached the disk and any not, each whole, or torn between sectors; and the size of the file
 * is any that it had since, or one between two of them, whatever became of the bytes. All of them
 * in order, each change of the header alone, and all but it, are always among the states; of the
 * rest there is a seeded sample.
 *
 * <p>States are made on one file, by laying changes over what is durable, and taken back. A state
 * counts once, however it comes about. Not thread-safe.
 */
public final class CrashStates {
    /** Looks at a state. */
    @FunctionalInterface
    public interface Judge {
        /** It may change the file, which is taken back afterwards. Throws when it is bad. */
        void judge(MemoryFile file) throws Exception;
    }

    private static final byte LOST = 0;
    private static final byte WHOLE = 1;
    private static final byte TORN = 2;

    private final MemoryFile disk;
    private final Random random;
    private final long headerEnd;
    private final int samples;
    private final Judge judge;
    private final Set<Long> seen;
    private final Set<Long> judgedHere = new HashSet<>();
    private final List<FileOp> pending = new ArrayList<>();
    private final List<Long> sizes = new ArrayList<>();
    private long judged;
    private long headerWrites;
    private long headerLooks;
    private boolean fresh;

    /**
     * @param start what is durable at first; a copy is made
     * @param headerEnd changes of what is before it are all looked at, from each side
     * @param samples how many states of a moment are left to chance
     * @param seen the hashes of all states so far, added to
     */
    public CrashStates(MemoryFile start, Random random, long headerEnd, int samples,
            Set<Long> seen, Judge judge) {
        this.disk = start.copy();
        this.random = random;
        this.headerEnd = headerEnd;
        this.samples = samples;
        this.seen = seen;
        this.judge = judge;
        sizes.add(disk.size());
    }

    /** The file has been changed, or synced. */
    public void made(FileOp op) {
        judgedHere.clear();
        if (op.kind() == FileOp.Kind.SYNC) {
            disk.mark();
            pending.forEach(p -> p.on(disk));
            disk.commit();
            pending.clear();
            sizes.clear();
            sizes.add(disk.size());
        } else {
            pending.add(op);
            sizes.add(op.sizeAfter(sizes.get(sizes.size() - 1)));
            fresh = op.writesBelow(headerEnd);
            headerWrites += fresh ? 1 : 0;
        }
    }

    /** The oracle asks for more than before: states that were good may not be any longer. */
    public void stricter() {
        judgedHere.clear();
    }

    /** The power fails now: judges what may be on the disk. */
    public void crash() {
        int n = pending.size();
        byte[] all = filled(n, WHOLE);
        state(all, current());
        if (n > 0) {
            byte[] none = new byte[n];
            state(none, disk.size());
            if (fresh) {
                header(n - 1);
                headerLooks++;
                fresh = false;
            }
            state(all, disk.size());
            state(all, someSize());
            sides();
            for (int i = 0; i < samples; i++) {
                state(sample(), random.nextInt(3) == 0 ? someSize() : current());
            }
        }
    }

    /** One change of the header: alone, and torn at each sector, with the others and without. */
    private void header(int last) {
        int sectors = (int) (pending.get(last).length() / MemoryFile.SECTOR);
        for (byte others : new byte[] {LOST, WHOLE}) {
            byte[] modes = filled(pending.size(), others);
            modes[last] = WHOLE;
            state(modes, current());
            modes[last] = LOST;
            state(modes, current());
            modes[last] = TORN;
            for (int s = 1; s < sectors; s++) {
                int whole = s;
                state(modes, current(), sector -> sector < whole);
                state(modes, current(), sector -> sector >= whole);
            }
        }
    }

    /** The header's changes without the others, and the others without the header's. */
    private void sides() {
        byte[] header = new byte[pending.size()];
        byte[] data = new byte[pending.size()];
        byte[] bytes = new byte[pending.size()];
        for (int i = 0; i < pending.size(); i++) {
            boolean isHeader = pending.get(i).writesBelow(headerEnd);
            header[i] = isHeader ? WHOLE : LOST;
            data[i] = isHeader ? LOST : WHOLE;
            bytes[i] = pending.get(i).kind() == FileOp.Kind.WRITE ? WHOLE : LOST;
        }
        state(header, current());
        state(data, current());
        state(bytes, disk.size());
    }

    private byte[] sample() {
        int n = pending.size();
        byte[] modes;
        switch (random.nextInt(4)) {
            case 0 -> {
                modes = filled(n, WHOLE);
                modes[random.nextInt(n)] = random.nextBoolean() ? LOST : TORN;
            }
            case 1 -> {
                modes = new byte[n];
                modes[random.nextInt(n)] = random.nextBoolean() ? WHOLE : TORN;
            }
            default -> {
                modes = new byte[n];
                int percent = 10 + random.nextInt(81);
                int torn = random.nextBoolean() ? 10 : 0;
                for (int i = 0; i < n; i++) {
                    modes[i] = random.nextInt(100) >= percent ? LOST
                            : random.nextInt(100) < torn ? TORN : WHOLE;
                }
            }
        }
        return modes;
    }

    private static byte[] filled(int n, byte mode) {
        byte[] modes = new byte[n];
        java.util.Arrays.fill(modes, mode);
        return modes;
    }

    private long current() {
        return sizes.get(sizes.size() - 1);
    }

    /** One that the file had, or was on the way to. */
    private long someSize() {
        int i = random.nextInt(sizes.size());
        long size = sizes.get(i);
        if (i > 0 && random.nextInt(4) == 0) {
            long before = sizes.get(i - 1);
            long unit = Math.max(MemoryFile.SECTOR, disk.blockSize());
            long between = (Math.abs(size - before) / unit);
            size = Math.min(size, before) + (between == 0 ? 0
                    : random.nextInt((int) between + 1) * unit);
        }
        return size;
    }

    private interface Tear {
        boolean keeps(int sector);
    }

    private Tear someTear(FileOp op) {
        int sectors = (int) Math.max(1, op.length() / MemoryFile.SECTOR);
        int at = random.nextInt(sectors) + 1;
        long mask = random.nextLong();
        return switch (random.nextInt(3)) {
            case 0 -> sector -> sector < at;
            case 1 -> sector -> sector >= at;
            default -> sector -> (mask >>> (sector & 63) & 1) == 0;
        };
    }

    private void state(byte[] modes, long size) {
        state(modes, size, null);
    }

    private void state(byte[] modes, long size, Tear tear) {
        disk.mark();
        try {
            for (int i = 0; i < modes.length; i++) {
                FileOp op = pending.get(i);
                if (modes[i] != LOST && op.changesBytes()) {
                    lay(op, modes[i] == WHOLE ? sector -> true
                            : tear == null ? someTear(op) : tear);
                }
            }
            disk.cut(size);
            long hash = disk.hash();
            seen.add(hash);
            if (judgedHere.add(hash)) {
                judged++;
                judge.judge(disk);
            }
        } catch (Exception | AssertionError e) {
            throw new AssertionError(describe(modes, size) + ": " + e.getMessage(), e);
        } finally {
            disk.rollback();
        }
    }

    /** Lays the kept sectors of a change over the disk; sizes are seen to separately. */
    private void lay(FileOp op, Tear tear) {
        long from = op.offset();
        long until = from + op.length();
        if (op.kind() == FileOp.Kind.RESIZE) {
            from = op.length();
            until = disk.bytes().length;
        }
        long at = from;
        while (at < until) {
            long end = at;
            while (end < until && tear.keeps(sector(end, from))) {
                end = next(end, until);
            }
            if (end > at && op.kind() == FileOp.Kind.WRITE) {
                disk.put(at, op.data(), (int) (at - from), (int) (end - at));
            } else if (end > at) {
                disk.clear(at, end);
            }
            at = end < until ? next(end, until) : until;
        }
    }

    private static int sector(long at, long from) {
        return (int) (at / MemoryFile.SECTOR - from / MemoryFile.SECTOR);
    }

    private static long next(long at, long until) {
        return Math.min(until, (at / MemoryFile.SECTOR + 1) * MemoryFile.SECTOR);
    }

    private String describe(byte[] modes, long size) {
        StringBuilder text = new StringBuilder("of a file of " + sizes.get(0) + " bytes, "
                + size + " after the crash, with");
        int from = Math.max(0, modes.length - 40);
        text.append(from == 0 ? "" : " (" + from + " more)");
        for (int i = from; i < modes.length; i++) {
            text.append(modes[i] == WHOLE ? " [" : modes[i] == TORN ? " [torn " : " [lost ")
                    .append(pending.get(i)).append(']');
        }
        return text.toString();
    }

    /** A state of this moment, as a new file: to go on with. */
    public MemoryFile some() {
        disk.mark();
        try {
            byte[] modes = pending.isEmpty() ? new byte[0] : sample();
            for (int i = 0; i < modes.length; i++) {
                if (modes[i] != LOST && pending.get(i).changesBytes()) {
                    lay(pending.get(i), modes[i] == WHOLE ? s -> true : someTear(pending.get(i)));
                }
            }
            disk.cut(someSize());
            return disk.copy();
        } finally {
            disk.rollback();
        }
    }

    /** What is durable at this moment, and nothing else, as a new file. */
    public MemoryFile durable() {
        return disk.copy();
    }

    /** How many states were judged, those again of which more was asked meanwhile. */
    public long judged() {
        return judged;
    }

    /** How many writes of the header were made. */
    public long headerWrites() {
        return headerWrites;
    }

    /** How many of them were looked at from each side, torn and lost. */
    public long headerLooks() {
        return headerLooks;
    }
}
