package dev.sluice.cli;

import dev.sluice.block.BlockException;
import dev.sluice.block.Clock;
import dev.sluice.block.Errno;
import dev.sluice.ploop.Chain;
import dev.sluice.ploop.DiskFolder;
import dev.sluice.ploop.Folder;
import dev.sluice.ploop.Options;
import dev.sluice.ploop.Ploop;
import dev.sluice.ploop.Progress;
import dev.sluice.sys.Arena;
import dev.sluice.work.Cgroups;
import dev.sluice.work.Completions;
import dev.sluice.work.Host;
import dev.sluice.work.SystemClock;
import dev.sluice.work.Timer;
import dev.sluice.work.TimerThread;
import dev.sluice.work.WorkerPool;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;

/**
 * A disk that no device shows, opened as a device would open it, so that what is done to it is done
 * in the same way, with the same locks, and may be interrupted as well.
 */
final class RestingDisk implements AutoCloseable {
    private static final String NAME = "image";
    private static final long LOOK_MILLIS = 20;

    private final Arena arena = new Arena();
    private final Timer timer = new Timer(OpenFile::warn);
    private final Clock clock = new SystemClock();
    private final WorkerPool workers = new WorkerPool(NAME, 2, 1, caller -> Cgroups.ROOT, clock,
            OpenFile::warn);
    private final TimerThread thread = new TimerThread(clock, 0, timer);
    private Ploop disk;

    private RestingDisk() {}

    /** Opens an image, or what a DiskDescriptor.xml says. */
    static RestingDisk open(String path) throws BlockException {
        if (!Files.exists(Path.of(path))) {
            throw new BlockException(Errno.ENOENT, path + " does not exist; name the image or the"
                    + " DiskDescriptor.xml of a disk, or its file on a mount");
        }
        RestingDisk resting = new RestingDisk();
        return resting.opened(Chain.disk(path), resting.folder(path));
    }

    /** Opens files, the last of which is written, that stand in some descriptor. */
    static RestingDisk open(Chain chain, String path, Described folder) throws BlockException {
        RestingDisk resting = new RestingDisk();
        return resting.opened(chain, folder.of(resting.folder(path)));
    }

    /** What is taken for the folder of a disk. */
    @FunctionalInterface
    interface Described {
        Folder of(Folder real);
    }

    private Folder folder(String path) {
        String descriptor = Chain.descriptor(path);
        return new DiskFolder(Path.of(descriptor), descriptor, false, arena, OpenFile::warn);
    }

    private RestingDisk opened(Chain chain, Folder folder) throws BlockException {
        try {
            Host host = new Host(clock, arena, workers::queue, new Completions(false),
                    OpenFile::warn, timer);
            disk = Ploop.open(chain, folder, false, Options.of(chain.top()), host, NAME);
            return this;
        } catch (BlockException | RuntimeException | Error e) {
            end();
            throw e;
        }
    }

    /** Bytes of the disk. */
    long size() {
        return disk.limits().size();
    }

    /** A value of its status. */
    Object fact(String name) {
        return disk.status().get(name);
    }

    /** Has it do what a message asks for, to the end. */
    void message(Progress progress, String... words) throws BlockException {
        whole(() -> disk.message(List.of(words)), progress);
    }

    /** Changes a parameter, and waits for what that has done. */
    void set(Progress progress, String key, String value) throws BlockException {
        whole(() -> disk.set(Map.of(key, value)), progress);
    }

    private interface Asking {
        void run() throws BlockException;
    }

    private void whole(Asking what, Progress progress) throws BlockException {
        try {
            what.run();
        } catch (BlockException e) {
            if (e.errno() != Errno.EINPROGRESS) {
                throw e;
            }
        }
        finish(progress);
    }

    private void finish(Progress progress) throws BlockException {
        Map<String, Object> now = disk.status();
        while (!now.get("work").equals("")) {
            // Its unit is clusters.
            progress.at(number(now, "work_done") * number(now, "cluster"),
                    Math.max(1, number(now, "work_total")) * number(now, "cluster"));
            try {
                Thread.sleep(LOOK_MILLIS);
            } catch (InterruptedException e) {
                Thread.currentThread().interrupt();
                throw new BlockException(Errno.EINTR, "interrupted; start it again", e);
            }
            now = disk.status();
        }
        String ended = (String) now.get("last_work");
        if (!ended.isEmpty() && !ended.matches("[^:]*: done.*")) {
            throw new BlockException(Errno.EIO, ended);
        }
    }

    private static long number(Map<String, Object> of, String name) {
        return ((Number) of.get(name)).longValue();
    }

    private void end() {
        thread.close();
        workers.close();
        arena.close();
    }

    @Override
    public void close() throws BlockException {
        try {
            disk.close();
        } finally {
            end();
        }
    }
}
