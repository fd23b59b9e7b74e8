package dev.sluice.target;

import dev.sluice.block.Bio;
import dev.sluice.block.BlockException;
import dev.sluice.block.Device;
import dev.sluice.block.Errno;
import dev.sluice.block.Limits;
import dev.sluice.block.Op;
import dev.sluice.block.Target;
import dev.sluice.storage.Aio;
import dev.sluice.storage.Backing;
import dev.sluice.storage.FileBacking;
import dev.sluice.work.Completions;
import dev.sluice.work.Service;
import dev.sluice.work.WorkQueue;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

/** The bytes of a raw file or a block device, as the kernel's loop device shows them. */
final class FileTarget implements Target {
    static final TargetType TYPE = new Type();

    /** What a file's size must be a multiple of, whatever its block: a disk has sectors. */
    private static final int SECTOR = 512;

    /** A larger copy takes a session thread too long. */
    private static final int MOST_HERE = 128 << 10;

    private final Backing backing;
    private final WriteGate gate;
    private final FileAllocation allocation;
    private final Limits limits;
    private final WorkQueue queue;
    private final Device.Log log;
    /** Null where nothing is started: through the page cache. */
    private final Aio aio;
    private final String arguments;

    /** {@code direct}: reads and writes start without a thread, as far as they can. */
    private FileTarget(FileBacking backing, long size, boolean direct, String device,
            String arguments, Host host) {
        this.backing = backing;
        this.queue = host.queues().of(device);
        this.gate = new WriteGate(host.clock());
        this.log = host.log();
        this.aio = direct ? startAio(backing, device, host.completions()) : null;
        if (direct && aio == null) {
            log.error(device + ": the system grants no asynchronous I/O (see fs.aio-max-nr):"
                    + " a worker carries out each request", null);
        }
        this.allocation = new FileAllocation(backing, queue, host);
        // FUA is left to the device, as a write and a flush: of a write that was to be durable at
        // once the kernel does not tell which half failed, and only a failed flush is for good.
        this.limits = new Limits(size, backing.blockSize(), false, false, true,
                true, backing.readOnly());
        this.arguments = arguments;
    }

    private Aio startAio(FileBacking direct, String device, Completions completions) {
        Aio aio = direct.startAio(this::ended);
        if (aio != null && !completions.add(new Completions.Source(
                aio::reap, aio::underWay, aio.eventDescriptor()))) {
            aio.ownThread();
            Service.start(device + "-reaper", aio::reapAlways);
        }
        return aio;
    }

    @Override
    public Limits limits() {
        return limits;
    }

    @Override
    public void submit(Bio bio) {
        if (bio.op().hasData() && startOrEnd(bio)) {
            return;
        }
        if (queue.inWorker()) {
            end(bio, outcome(bio));
        } else {
            wait(bio);
        }
    }

    /** False where only somebody who may wait can carry it out. */
    private boolean startOrEnd(Bio bio) {
        if (aio != null) {
            return backing.start(bio);
        }
        boolean done = bio.op() == Op.READ
                ? backing.readNow(bio.offset(), bio.data(), bio.dataAt(), (int) bio.length())
                : backing.writeNow(bio.offset(), bio.data(), bio.dataAt(), (int) bio.length());
        if (done) {
            bio.complete();
        }
        return done || bio.op() == Op.WRITE && writeHere(bio);
    }

    /** Makes the write in this thread, where the page cache takes writes at once. */
    private boolean writeHere(Bio bio) {
        if (!backing.cachesWrites() || bio.length() > MOST_HERE || !queue.watched()
                || !gate.enter()) {
            return false;
        }
        Errno outcome;
        try {
            outcome = outcome(bio);
        } finally {
            gate.leave();
        }
        end(bio, outcome);
        return true;
    }

    /** A worker carries it out. */
    private void wait(Bio bio) {
        boolean write = bio.op() == Op.WRITE;
        if (write) {
            backing.writeWaits();
        }
        try {
            queue.run(bio.caller(), () -> carryOut(bio, write));
        } catch (RuntimeException | Error e) {
            if (write) {
                backing.writeEnded();
            }
            throw e;
        }
    }

    /** Outside of submit nobody else answers for what escapes. */
    private void carryOut(Bio bio, boolean write) {
        Errno outcome;
        try {
            outcome = outcome(bio);
        } catch (RuntimeException | Error e) {
            failed(bio, e);
            return;
        } finally {
            if (write) {
                backing.writeEnded();
            }
        }
        end(bio, outcome);
    }

    /** What was started has ended: bytes moved, or a negative errno. */
    private void ended(Bio bio, long result) {
        try {
            if (result == bio.length()) {
                bio.complete();
            } else if (result < 0 && result != -Errno.EAGAIN.number()
                    && result != -Errno.EINTR.number() && result != -Errno.EOPNOTSUPP.number()) {
                bio.fail(Errno.of((int) -result));
            } else {
                again(bio);
            }
        } catch (RuntimeException | Error e) {
            log.error("file " + arguments + ": the owner of a request failed: " + e, e);
        }
    }

    /** It would have waited, or stopped half way: once more, by who may wait. */
    private void again(Bio bio) {
        try {
            wait(bio);
        } catch (RuntimeException | Error e) {
            failed(bio, e);
        }
    }

    private void failed(Bio bio, Throwable e) {
        log.error("file " + arguments + " failed on " + bio + ": " + e, e);
        bio.fail(Errno.EIO);
    }

    /** The session threads may have left already, and what they would hand out with them. */
    @Override
    public void drain() {
        if (aio != null) {
            aio.reap();
        }
    }

    private Errno outcome(Bio bio) {
        long offset = bio.offset();
        return switch (bio.op()) {
            case READ -> backing.read(offset, bio.data(), bio.dataAt(), (int) bio.length());
            case WRITE -> backing.write(offset, bio.data(), bio.dataAt(), (int) bio.length());
            case FLUSH -> backing.sync();
            case DISCARD -> backing.punch(offset, bio.length());
            case WRITE_ZEROES -> backing.zero(offset, bio.length());
        };
    }

    private static void end(Bio bio, Errno outcome) {
        if (outcome == Errno.OK) {
            bio.complete();
        } else {
            bio.fail(outcome);
        }
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
