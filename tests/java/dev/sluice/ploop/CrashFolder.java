package dev.sluice.ploop;

import dev.sluice.block.BlockException;
import dev.sluice.block.Errno;
import dev.sluice.storage.Backing;
import dev.sluice.testing.CrashStates;
import dev.sluice.testing.FileOp;
import dev.sluice.testing.MemoryFile;
import dev.sluice.testing.RecordingBacking;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Random;
import java.util.function.BiFunction;
import java.util.zip.CRC32C;

/**
 * The files of a disk, each with what a power failure may leave of it, and the descriptor, which is
 * replaced as a whole. Not thread-safe.
 */
final class CrashFolder implements Folder {
    /** What the folder holds at a moment. */
    record State(Map<String, MemoryFile> files, DiskDescriptor descriptor, List<Doubt> doubts) {
        /** A copy that can be changed. */
        State copy() {
            Map<String, MemoryFile> copies = new LinkedHashMap<>();
            files.forEach((path, file) -> copies.put(path, file.copy()));
            return new State(copies, descriptor, doubts);
        }

        /** The same for the same bytes, whatever the files are called. */
        long sum() {
            long all = 0;
            for (MemoryFile file : files.values()) {
                CRC32C sum = new CRC32C();
                sum.update(file.bytes(), 0, (int) file.size());
                all = all * 0x9E3779B97F4A7C15L + (sum.getValue() << 32 | file.size());
            }
            return all * 31 + (descriptor == null ? 0 : descriptor.images().size()) * 7L
                    + doubts.size();
        }

        /** All files of the disk. */
        List<String> named(String first) {
            return descriptor == null ? List.of(first) : descriptor.images().stream()
                    .map(DiskDescriptor.Image::file).toList();
        }

        /** The files of a state of the disk, bottom first. */
        Chain chain(String guid, String first) throws BlockException {
            if (descriptor == null) {
                return new Chain(List.of(new Chain.Part(first, false)));
            }
            return new Chain(descriptor.chain(guid).stream()
                    .map(image -> new Chain.Part(image.file(), image.plain())).toList());
        }
    }

    /** What is never durable, though it was said to be. */
    enum Lie { NONE, DESCRIPTOR, NOTE }

    private record Entry(MemoryFile file, CrashStates states) {}

    private final Map<String, Entry> files = new LinkedHashMap<>();
    private final Random random;
    private final Runnable moment;
    private final Runnable other;
    /** What is carried out in place of what was asked for; null for nothing. */
    private final BiFunction<String, FileOp, FileOp> fault;
    private DiskDescriptor descriptor;
    private List<Doubt> doubts;
    private Lie lie = Lie.NONE;
    private DiskDescriptor descriptorBefore;
    private List<Doubt> doubtsBefore;
    int planted;

    /**
     * @param moment told before each change
     * @param other has other things happen meanwhile
     */
    CrashFolder(State state, Random random, Runnable moment, Runnable other,
            BiFunction<String, FileOp, FileOp> fault) {
        this.random = random;
        this.moment = moment;
        this.other = other;
        this.fault = fault;
        this.descriptor = state.descriptor;
        this.doubts = state.doubts;
        state.copy().files.forEach(this::add);
    }

    private void add(String path, MemoryFile file) {
        files.put(path, new Entry(file, new CrashStates(file, random, 0, 0, new HashSet<>(),
                judged -> { })));
    }

    CrashFolder lies(Lie how) {
        lie = how;
        descriptorBefore = descriptor;
        doubtsBefore = doubts;
        return this;
    }

    private State kept(Map<String, MemoryFile> all) {
        return new State(all, lie == Lie.DESCRIPTOR ? descriptorBefore : descriptor,
                lie == Lie.NOTE ? doubtsBefore : doubts);
    }

    /** As it is now: as who reads it finds it. */
    State now() {
        Map<String, MemoryFile> all = new LinkedHashMap<>();
        files.forEach((path, entry) -> all.put(path, entry.file.copy()));
        return new State(all, descriptor, doubts);
    }

    /** What a power failure surely leaves. */
    State durable() {
        Map<String, MemoryFile> all = new LinkedHashMap<>();
        files.forEach((path, entry) -> all.put(path, entry.states.durable()));
        return kept(all);
    }

    /** What it may leave: of each file all, what is durable, or something between. */
    State some() {
        Map<String, MemoryFile> all = new LinkedHashMap<>();
        files.forEach((path, entry) -> all.put(path, switch (random.nextInt(4)) {
            case 0 -> entry.file.copy();
            case 1 -> entry.states.durable();
            default -> entry.states.some();
        }));
        return kept(all);
    }

    @Override
    public String word() {
        return "disk.xml";
    }

    @Override
    public DiskDescriptor read() {
        return descriptor;
    }

    @Override
    public void write(DiskDescriptor now) {
        moment.run();
        other.run();
        descriptorBefore = descriptor;
        descriptor = now;
        moment.run();
        other.run();
    }

    @Override
    public void forget() {
        write(null);
    }

    @Override
    public String path(String file) {
        return file;
    }

    @Override
    public String file(String path) {
        return path;
    }

    @Override
    public Backing open(String path, boolean readOnly) throws BlockException {
        Entry entry = files.get(path);
        if (entry == null) {
            throw new BlockException(Errno.ENOENT, path + " does not exist");
        }
        Backing backing = new RecordingBacking(entry.file, new Watch(path, entry));
        return readOnly ? new SealedBacking(backing) : backing;
    }

    @Override
    public Backing create(String path, String like) throws BlockException {
        moment.run();
        add(path, new MemoryFile(0, files.get(like).file.blockSize()));
        other.run();
        return open(path, false);
    }

    @Override
    public void remove(String path) {
        moment.run();
        if (files.remove(path) == null) {
            throw new AssertionError(path + " does not exist");
        }
        other.run();
    }

    @Override
    public String mark(String path) {
        return files.containsKey(path) ? path : null;
    }

    @Override
    public List<Doubt> doubts() {
        return doubts;
    }

    @Override
    public void doubt(List<Doubt> noted) {
        moment.run();
        other.run();
        doubtsBefore = doubts;
        doubts = List.copyOf(noted);
        moment.run();
        other.run();
    }

    @Override
    public void sweep() {}

    private final class Watch implements RecordingBacking.Watcher {
        private final String path;
        private final Entry entry;

        Watch(String path, Entry entry) {
            this.path = path;
            this.entry = entry;
        }

        @Override
        public Errno before(FileOp op) {
            other.run();
            moment.run();
            FileOp made = fault.apply(path, op);
            if (made == op) {
                return null;
            }
            planted++;
            if (made != null) {
                made.on(entry.file);
                entry.states.made(made);
            }
            return Errno.OK;
        }

        @Override
        public void after(FileOp op) {
            entry.states.made(op);
            other.run();
        }

        @Override
        public void read() {
            other.run();
        }
    }

    /** The names of all files. */
    List<String> names() {
        return new ArrayList<>(files.keySet());
    }
}
