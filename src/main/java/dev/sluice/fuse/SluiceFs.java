package dev.sluice.fuse;

import dev.sluice.block.BlockException;
import dev.sluice.block.Device;
import dev.sluice.block.Errno;
import dev.sluice.control.ControlFiles;
import dev.sluice.sys.Libc;
import dev.sluice.table.DeviceSet;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.atomic.AtomicLong;
import java.util.concurrent.atomic.AtomicReference;
import jnr.ffi.Pointer;
import ru.serce.jnrfuse.FuseFillDir;
import ru.serce.jnrfuse.FuseStubFS;
import ru.serce.jnrfuse.struct.FileStat;
import ru.serce.jnrfuse.struct.FuseFileInfo;
import ru.serce.jnrfuse.struct.FuseOperations;
import ru.serce.jnrfuse.struct.Statvfs;
import ru.serce.jnrfuse.struct.Timespec;

/**
 * The file system as jnr-fuse sees it: names, attributes, open and close, control files. The data
 * of devices comes here only in the stock loop; the session answers it before libfuse does.
 *
 * <p>Nobody can change names and sizes through it: that is refused as on the file of a block
 * device.
 */
final class SluiceFs extends FuseStubFS {
    private static final String CONTROL = ".sluice";
    private static final int ACCESS_MODE = 3;

    private final DeviceSet devices;
    private final Loops loops;
    /** The sizes of devices that loop devices were told of. */
    private final AtomicReference<Map<String, Long>> known = new AtomicReference<>();
    private final ControlFiles control;
    private final Handles handles;
    private final StockData data;
    private final MountOptions options;
    private final long sinceSeconds;
    private final int uid;
    private final int gid;
    private final Map<Long, byte[]> reading = new ConcurrentHashMap<>();
    private final AtomicLong nextHandle = new AtomicLong(1);

    SluiceFs(DeviceSet devices, ControlFiles control, Handles handles, StockData data,
            MountOptions options, long sinceSeconds, Loops loops) {
        this.devices = devices;
        this.loops = loops;
        this.control = control;
        this.handles = handles;
        this.data = data;
        this.options = options;
        this.sinceSeconds = sinceSeconds;
        this.uid = Libc.LIBC.geteuid();
        this.gid = Libc.LIBC.getegid();
    }

    /** The table of upcalls, for a session of our own. */
    FuseOperations operations() {
        return fuseOperations;
    }

    @Override
    protected String getFSName() {
        return "sluice";
    }

    /** jnr-fuse would unmount when the process ends, beside {@link Mount} and too early. */
    @Override
    public void umount() {}

    @Override
    public int getattr(String path, FileStat stat) {
        stat.st_mtim.tv_sec.set(sinceSeconds);
        stat.st_ctim.tv_sec.set(sinceSeconds);
        stat.st_atim.tv_sec.set(sinceSeconds);
        stat.st_uid.set(uid);
        stat.st_gid.set(gid);
        boolean device = devices.visit(() -> deviceAttributes(path, stat));
        if (device) {
            return 0;
        }
        ControlFiles.Node node = path.equals("/") ? ControlFiles.Node.FOLDER : node(path);
        if (node == null) {
            return -Errno.ENOENT.number();
        }
        stat.st_mode.set(switch (node) {
            case FOLDER -> FileStat.S_IFDIR | 0555;
            case READABLE -> FileStat.S_IFREG | 0444;
            case ACTING -> FileStat.S_IFREG | 0600;
            case READABLE_ACTING -> FileStat.S_IFREG | 0644;
        });
        stat.st_nlink.set(node == ControlFiles.Node.FOLDER ? 2 : 1);
        return 0;
    }

    /** False when it is no device. */
    private boolean deviceAttributes(String path, FileStat stat) {
        Device device = handles.named(path.substring(1));
        if (device == null) {
            return false;
        }
        long size = device.limits().size();
        int mode = device.limits().readOnly() ? options.mode() & 0444 : options.mode();
        stat.st_mode.set(FileStat.S_IFREG | mode);
        stat.st_nlink.set(1);
        if (options.uid() >= 0) {
            stat.st_uid.set(options.uid());
        }
        if (options.gid() >= 0) {
            stat.st_gid.set(options.gid());
        }
        stat.st_size.set(size);
        stat.st_blocks.set((device.target().allocated(0, size) + 511) / 512);
        stat.st_blksize.set(Math.max(4096, device.limits().blockSize()));
        return true;
    }

    private ControlFiles.Node node(String path) {
        String inner = inner(path);
        return inner == null ? null : control.lookup(inner);
    }

    /** The path below the control folder; empty for the folder itself, null outside of it. */
    private static String inner(String path) {
        if (path.equals("/" + CONTROL)) {
            return "";
        }
        return path.startsWith("/" + CONTROL + "/") ? path.substring(CONTROL.length() + 2) : null;
    }

    @Override
    public int readdir(String path, Pointer buffer, FuseFillDir filler, long offset,
            FuseFileInfo info) {
        List<String> names = new ArrayList<>();
        if (path.equals("/")) {
            handles.shown().forEach(device -> names.add(device.name()));
            names.add(CONTROL);
        } else {
            try {
                names.addAll(control.list(inner(path)));
            } catch (BlockException e) {
                return -e.errno().number();
            }
        }
        filler.apply(buffer, ".", null, 0);
        filler.apply(buffer, "..", null, 0);
        for (String name : names) {
            filler.apply(buffer, name, null, 0);
        }
        return 0;
    }

    @Override
    public int open(String path, FuseFileInfo info) {
        String name = path.substring(1);
        Device device = handles.named(name);
        if (device != null) {
            boolean writes = (info.flags.get() & ACCESS_MODE) != 0;
            if (writes && device.limits().readOnly()) {
                return -Errno.EACCES.number();
            }
            long opened = handles.open(name);
            info.fh.set(opened);
            return opened == Handles.NONE ? -Errno.ENOENT.number() : 0;
        }
        long handle = nextHandle.getAndIncrement();
        ControlFiles.Node node = node(path);
        if ((info.flags.get() & ACCESS_MODE) != 1 && node != null && node.reads()) {
            try {
                // What is read through one open is of one moment.
                reading.put(handle, control.read(inner(path)));
            } catch (BlockException e) {
                return -e.errno().number();
            }
        }
        info.fh.set(handle);
        return 0;
    }

    @Override
    public int release(String path, FuseFileInfo info) {
        long handle = info.fh.get();
        if (Handles.isDevice(handle)) {
            handles.release(handle);
        } else {
            reading.remove(handle);
        }
        return 0;
    }

    @Override
    public int read(String path, Pointer buffer, long size, long offset, FuseFileInfo info) {
        Device device = handles.device(info.fh.get());
        if (device != null) {
            return data.read(device, buffer, size, offset);
        }
        byte[] content = reading.get(info.fh.get());
        if (content == null || offset >= content.length) {
            return 0;
        }
        int n = (int) Math.min(size, content.length - offset);
        buffer.put(0, content, (int) offset, n);
        return n;
    }

    @Override
    public int write(String path, Pointer buffer, long size, long offset, FuseFileInfo info) {
        Device device = handles.device(info.fh.get());
        if (device != null) {
            return data.write(device, buffer, size, offset, info.flags.get());
        }
        byte[] text = new byte[(int) size];
        buffer.get(0, text, 0, text.length);
        try {
            known.compareAndSet(null, sizes());
            control.write(inner(path), new String(text, StandardCharsets.UTF_8));
            Map<String, Long> now = sizes();
            // Also what an earlier write did not wait for.
            loops.grown(known.getAndSet(now), now);
            return (int) size;
        } catch (BlockException e) {
            return -e.errno().number();
        }
    }

    private Map<String, Long> sizes() {
        return devices.visit(() -> Loops.sizes(devices.devices()));
    }

    @Override
    public int fsync(String path, int dataOnly, FuseFileInfo info) {
        Device device = handles.device(info.fh.get());
        return device == null ? 0 : data.flush(device);
    }

    @Override
    public int fallocate(String path, int mode, long offset, long length, FuseFileInfo info) {
        Device device = handles.device(info.fh.get());
        return device == null
                ? -Errno.EOPNOTSUPP.number()
                : data.allocate(device, mode, offset, length);
    }

    /**
     * An open with O_TRUNC comes here as a truncate to nothing, and so does truncate(2) to
     * nothing. A block device's file ignores the former; a size is never changed.
     */
    @Override
    public int truncate(String path, long size) {
        return size == 0 ? 0 : -Errno.EINVAL.number();
    }

    @Override
    public int ftruncate(String path, long size, FuseFileInfo info) {
        boolean device = Handles.isDevice(info.fh.get());
        return device ? -Errno.EINVAL.number() : 0;
    }

    @Override
    public int utimens(String path, Timespec[] times) {
        return 0;
    }

    @Override
    public int statfs(String path, Statvfs stat) {
        long total = 0;
        List<Device> shown = handles.shown();
        for (Device device : shown) {
            total += device.limits().size();
        }
        stat.f_bsize.set(4096);
        stat.f_frsize.set(4096);
        stat.f_blocks.set(total / 4096);
        stat.f_bfree.set(0);
        stat.f_bavail.set(0);
        stat.f_files.set(shown.size());
        stat.f_namemax.set(255);
        return 0;
    }

    @Override
    public int chmod(String path, long mode) {
        return -Errno.EPERM.number();
    }

    @Override
    public int chown(String path, long owner, long group) {
        return -Errno.EPERM.number();
    }

    @Override
    public int create(String path, long mode, FuseFileInfo info) {
        return -Errno.EPERM.number();
    }

    @Override
    public int mknod(String path, long mode, long device) {
        return -Errno.EPERM.number();
    }

    @Override
    public int mkdir(String path, long mode) {
        return -Errno.EPERM.number();
    }

    @Override
    public int unlink(String path) {
        return -Errno.EPERM.number();
    }

    @Override
    public int rmdir(String path) {
        return -Errno.EPERM.number();
    }

    @Override
    public int rename(String from, String to) {
        return -Errno.EPERM.number();
    }

    @Override
    public int link(String from, String to) {
        return -Errno.EPERM.number();
    }

    @Override
    public int symlink(String from, String to) {
        return -Errno.EPERM.number();
    }
}
