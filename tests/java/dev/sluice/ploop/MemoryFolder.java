package dev.sluice.ploop;

import dev.sluice.block.BlockException;
import dev.sluice.block.Errno;
import dev.sluice.storage.Backing;
import dev.sluice.testing.MemoryFile;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import java.util.function.BiFunction;

/** Files in memory, and what is written down of them. */
final class MemoryFolder implements Folder {
    /** What is done to the folder itself, and can fail; WRITTEN fails when it is there. */
    enum Act { WRITE, WRITTEN, FORGET, CREATE, REMOVE, NOTE }

    /** Looks at what is about to be done; throws to have it fail. */
    interface Watcher {
        void before(Act act, String path) throws BlockException;
    }

    final Map<String, MemoryFile> files = new TreeMap<>();
    DiskDescriptor written;
    List<Doubt> doubts = List.of();
    Watcher watcher = (act, path) -> { };
    private final int blockSize;
    private final BiFunction<String, MemoryFile, Backing> opener;

    /** {@code opener} makes what a file is written through. */
    MemoryFolder(int blockSize, BiFunction<String, MemoryFile, Backing> opener) {
        this.blockSize = blockSize;
        this.opener = opener;
    }

    @Override
    public String word() {
        return "disk.xml";
    }

    @Override
    public DiskDescriptor read() {
        return written;
    }

    @Override
    public void write(DiskDescriptor descriptor) throws BlockException {
        watcher.before(Act.WRITE, "");
        written = descriptor;
        watcher.before(Act.WRITTEN, "");
    }

    @Override
    public void forget() throws BlockException {
        watcher.before(Act.FORGET, "");
        written = null;
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
        MemoryFile file = files.get(path);
        if (file == null) {
            throw new BlockException(Errno.ENOENT, path + " does not exist");
        }
        return readOnly ? new SealedBacking(file) : opener.apply(path, file);
    }

    @Override
    public Backing create(String path, String like) throws BlockException {
        if (!files.containsKey(like)) {
            throw new AssertionError(like + " does not exist");
        }
        watcher.before(Act.CREATE, path);
        files.put(path, new MemoryFile(0, blockSize));
        return open(path, false);
    }

    @Override
    public void remove(String path) throws BlockException {
        watcher.before(Act.REMOVE, path);
        if (files.remove(path) == null) {
            throw new AssertionError(path + " does not exist");
        }
    }

    @Override
    public String mark(String path) {
        MemoryFile file = files.get(path);
        return file == null ? null : Integer.toHexString(System.identityHashCode(file));
    }

    @Override
    public List<Doubt> doubts() {
        return doubts;
    }

    @Override
    public void doubt(List<Doubt> noted) throws BlockException {
        watcher.before(Act.NOTE, "");
        doubts = List.copyOf(noted);
    }

    @Override
    public void sweep() {}

    /** The files of the disk as it is written down. */
    Chain chain(String first) throws BlockException {
        if (written == null) {
            return new Chain(List.of(new Chain.Part(first, false)));
        }
        return new Chain(written.chain(written.top()).stream()
                .map(image -> new Chain.Part(image.file(), image.plain())).toList());
    }
}
