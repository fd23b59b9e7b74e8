package dev.sluice.fuse;

import dev.sluice.block.Device;
import dev.sluice.block.Units;
import dev.sluice.sys.Libc;
import dev.sluice.sys.Native;
import dev.sluice.work.WorkQueue;
import java.io.IOException;
import java.nio.file.DirectoryStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;

/**
 * Has loop devices grow with the file that they stand on: the kernel does not look by itself. By a
 * worker, since the kernel asks this mount for the size of the file.
 */
final class Loops {
    private static final Path BLOCKS = Path.of("/sys/block");
    private static final long MOST_MILLIS = 2000;

    private final Path dir;
    private final WorkQueue queue;
    private final Device.Log log;

    /** For the mount at a real path. */
    Loops(Path dir, WorkQueue queue, Device.Log log) {
        this.dir = dir;
        this.queue = queue;
        this.log = log;
    }

    /** The sizes of devices by their names. */
    static Map<String, Long> sizes(List<Device> devices) {
        Map<String, Long> sizes = new HashMap<>();
        devices.forEach(device -> sizes.put(device.name(), device.limits().size()));
        return sizes;
    }

    /** Tells the loop devices of all that have another size by now; waits a while for it. */
    void grown(Map<String, Long> before, Map<String, Long> after) {
        List<Path> files = after.entrySet().stream()
                .filter(now -> !now.getValue().equals(before.get(now.getKey())))
                .map(now -> dir.resolve(now.getKey())).toList();
        if (files.isEmpty()) {
            return;
        }
        CountDownLatch told = new CountDownLatch(1);
        queue.run(0, () -> {
            try {
                tell(files);
            } finally {
                told.countDown();
            }
        });
        try {
            // The only thread that reads may be this one: then it goes on afterwards.
            told.await(MOST_MILLIS, TimeUnit.MILLISECONDS);
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
        }
    }

    private void tell(List<Path> files) {
        try (DirectoryStream<Path> loops = Files.newDirectoryStream(BLOCKS, "loop*")) {
            for (Path loop : loops) {
                Path file = backing(loop);
                if (file != null && files.contains(file)) {
                    tell("/dev/" + loop.getFileName(), file);
                }
            }
        } catch (IOException e) {
            log.error("loop devices are not told that their file has grown: " + e, e);
        }
    }

    /** Null where it has none, also when that is taken away right now. */
    private static Path backing(Path loop) {
        try {
            String file = Files.readString(loop.resolve("loop/backing_file"));
            return Path.of(file.endsWith("\n") ? file.substring(0, file.length() - 1) : file);
        } catch (IOException | RuntimeException e) {
            return null;
        }
    }

    private void tell(String loop, Path file) {
        try {
            // The kernel knows the new size only after it was asked for.
            long size = Files.size(file);
            int fd = Libc.LIBC.open(loop, Native.O_RDONLY | Native.O_CLOEXEC, 0);
            boolean well = fd >= 0 && Libc.LIBC.ioctl(fd, Native.LOOP_SET_CAPACITY, 0) == 0;
            String why = well ? "" : Native.error().text();
            if (fd >= 0) {
                Libc.LIBC.close(fd);
            }
            if (!well) {
                log.error(loop + " does not grow to " + Units.size(size) + " with " + file + " ("
                        + why + "); losetup -c " + loop + " makes it", null);
            }
        } catch (IOException e) {
            log.error(loop + " does not grow with " + file + ": " + e, e);
        }
    }
}
