package dev.sluice.target;

import dev.sluice.block.Bio;
import dev.sluice.block.BlockException;
import dev.sluice.block.Errno;
import dev.sluice.block.Limits;
import dev.sluice.block.Target;
import dev.sluice.block.Units;
import dev.sluice.file.FileIo;
import dev.sluice.storage.Backing;
import dev.sluice.storage.FileBacking;
import dev.sluice.work.Host;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

/** The bytes of a raw file or a block device, as the kernel's loop device shows them. */
final class FileTarget implements Target {
    static final TargetType TYPE = new Type();

    /** What a file's size must be a multiple of, whatever its block: a disk has sectors. */
    private static final int SECTOR = 512;

    private final Backing backing;
    private final FileIo io;
    private final FileAllocation allocation;
    private final Limits limits;
    private final String arguments;

    private FileTarget(FileBacking backing, long size, boolean direct, String device,
            String arguments, Host host) {
        this.backing = backing;
        this.io = new FileIo(backing, direct, device, "file " + arguments, host);
        this.allocation = new FileAllocation(backing, host.queues().of(device), host);
        // FUA is left to the device, as a write and a flush: of a write that was to be durable at
        // once the kernel does not tell which half failed, and only a failed flush is for good.
        this.limits = new Limits(size, backing.blockSize(), false, false, true,
                true, backing.readOnly());
        this.arguments = arguments;
    }

    @Override
    public Limits limits() {
        return limits;
    }

    @Override
    public void submit(Bio bio) {
        io.submit(bio);
    }

    @Override
    public void drain() {
        io.drain();
    }

    @Override
    public void reopen() {
        backing.forgive();
    }

    /** A file tells only the sum: of a part of it, this is the most it may be. */
    @Override
    public long allocated(long offset, long length) {
        return Math.min(length, allocation.get());
    }

    @Override
    public long seek(long offset, boolean data) {
        return Math.min(limits.size(), backing.seek(offset, data));
    }

    @Override
    public Map<String, Object> status() {
        Map<String, Object> all = new LinkedHashMap<>();
        all.put("allocated_bytes", allocation.get());
        all.put("block", limits.blockSize());
        all.put("read_only", limits.readOnly());
        all.put("at_once", backing.nowait());
        return all;
    }

    @Override
    public String arguments() {
        return arguments;
    }

    @Override
    public void close() throws BlockException {
        allocation.close();
    }

    private static final class Type implements TargetType {
        @Override
        public String name() {
            return "file";
        }

        @Override
        public String summary() {
            return "a raw file or a block device";
        }

        @Override
        public int lowers() {
            return 0;
        }

        @Override
        public boolean takesPath() {
            return true;
        }

        @Override
        public List<Parameter> parameters() {
            return List.of(
                    new Parameter("direct", "on|off", "off",
                            "past the page cache, in blocks of the file system's choice"),
                    new Parameter("readonly", "on|off", "off",
                            "refuses every change, and shares the file with other readers"));
        }

        @Override
        public Target open(TargetArgs args, Host host) throws BlockException {
            boolean direct = args.flag("direct", false);
            boolean readOnly = args.flag("readonly", false);
            FileBacking backing = FileBacking.open(args.path(), direct, readOnly, host.arena(),
                    host.log());
            try {
                long size = args.size() < 0 ? backing.size() : args.size();
                checkSize(args.path(), size, backing);
                String arguments = Words.quote(args.path()) + (direct ? " direct=on" : "")
                        + (readOnly ? " readonly=on" : "");
                return new FileTarget(backing, size, direct, args.device(), arguments, host);
            } catch (BlockException | RuntimeException | Error e) {
                backing.close();
                throw e;
            }
        }

        private static void checkSize(String path, long size, Backing backing)
                throws BlockException {
            int unit = Math.max(SECTOR, backing.blockSize());
            if (backing.size() == 0) {
                throw new BlockException(Errno.EINVAL, path + " is empty; give it a size with:"
                        + " truncate -s 1G " + path);
            }
            if (size > backing.size()) {
                throw new BlockException(Errno.EINVAL, path + " has " + Units.size(backing.size())
                        + ", less than the size " + Units.size(size) + "; write - for all of it,"
                        + " or a size that it has");
            }
            if (size % unit != 0) {
                boolean followed = size == backing.size();
                throw new BlockException(Errno.EINVAL, (followed ? path + " has " + size
                        + " bytes, which is" : "size " + Units.size(size) + " is")
                        + " not a multiple of " + unit + (unit == SECTOR ? ""
                        : ", the block of direct I/O on " + path) + "; "
                        + Units.size(size / unit * unit) + " or "
                        + Units.size(size / unit * unit + unit) + " would be");
            }
        }
    }
}
