package dev.sluice.zram;

import dev.sluice.block.BlockException;
import dev.sluice.block.Device;
import dev.sluice.block.Errno;
import dev.sluice.block.Memory;
import dev.sluice.storage.Backing;
import dev.sluice.storage.FileBacking;
import dev.sluice.sys.Arena;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.function.Supplier;

/**
 * A file or a block device, past the page cache where that is possible: what has left memory should
 * not come back as cache. Workers carry each read and write out.
 */
final class FileStore implements BackingStore {
    private final Backing backing;
    private final String path;
    private final Threads threads;
    private final Device.Log log;

    private FileStore(Backing backing, String path, Threads threads, Device.Log log) {
        this.backing = backing;
        this.path = path;
        this.threads = threads;
        this.log = log;
    }

    /** Opens and locks it. */
    static FileStore open(String text, int page, Arena arena, Threads threads, Device.Log log)
            throws BlockException {
        String path = absolute(text);
        Backing backing = backing(path, arena, log);
        if (backing.size() < page || backing.blockSize() > page) {
            backing.close();
            throw new BlockException(Errno.EINVAL, path + " has " + backing.size() + " bytes in"
                    + " blocks of " + backing.blockSize() + "; it must hold a page of " + page);
        }
        return new FileStore(backing, path, threads, log);
    }

    private static String absolute(String text) throws BlockException {
        try {
            Path path = Path.of(text).toAbsolutePath();
            if (Files.exists(path) && Files.getFileStore(path).type().equals("fuse.sluice")) {
                throw new BlockException(Errno.EINVAL, text + " is a device of a mount like this"
                        + " one; name it by backing= in the table");
            }
            return path.toString();
        } catch (BlockException e) {
            throw e;
        } catch (IOException | RuntimeException e) {
            throw new BlockException(Errno.EINVAL, text + " cannot be looked up: " + e
                    + "; name a regular file or a block device", e);
        }
    }

    private static Backing backing(String path, Arena arena, Device.Log log)
            throws BlockException {
        try {
            return FileBacking.open(path, true, false, arena, log);
        } catch (BlockException e) {
            if (e.errno() != Errno.EINVAL) {
                throw e;
            }
            // No direct I/O on that file system; anything else fails again.
            return FileBacking.open(path, false, false, arena, log);
        }
    }

    @Override
    public String name() {
        return path;
    }

    @Override
    public long size() {
        return backing.size();
    }

    @Override
    public void read(long offset, Memory to, int at, int length, int caller, Done done) {
        run(caller, () -> backing.read(offset, to, at, length), done);
    }

    @Override
    public void write(long offset, Memory from, int at, int length, Done done) {
        run(0, () -> backing.write(offset, from, at, length), done);
    }

    private void run(int caller, Supplier<Errno> work, Done done) {
        try {
            threads.run(caller, () -> tell(done, outcome(work)));
        } catch (RuntimeException | Error e) {
            log.error(path + ": nobody carries out what is asked of it: " + e, e);
            done.ended(Errno.EIO);
        }
    }

    private Errno outcome(Supplier<Errno> work) {
        try {
            return work.get();
        } catch (RuntimeException | Error e) {
            log.error(path + " failed: " + e, e);
            return Errno.EIO;
        }
    }

    /** In a worker nobody else answers for what escapes. */
    private void tell(Done done, Errno outcome) {
        try {
            done.ended(outcome);
        } catch (RuntimeException | Error e) {
            log.error(path + ": who asked for a page failed: " + e, e);
        }
    }

    @Override
    public void close() throws BlockException {
        backing.close();
    }
}
