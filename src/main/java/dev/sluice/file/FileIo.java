package dev.sluice.file;

import dev.sluice.block.Bio;
import dev.sluice.block.Device;
import dev.sluice.block.Errno;
import dev.sluice.block.Op;
import dev.sluice.storage.Aio;
import dev.sluice.storage.Backing;
import dev.sluice.work.Completions;
import dev.sluice.work.Host;
import dev.sluice.work.Service;
import dev.sluice.work.WorkQueue;

/**
 * Carries bios out on a backing: at once where that needs no waiting, started where the kernel does
 * direct I/O by itself, else by a worker of the device and the caller's cgroup. A FLUSH is a sync.
 * From any thread.
 */
public final class FileIo {
    /** A larger copy takes a session thread too long. */
    private static final int MOST_HERE = 128 << 10;

    private final Backing backing;
    private final WriteGate gate;
    private final WorkQueue queue;
    private final Device.Log log;
    private final String what;
    /** Null where nothing is started: through the page cache. */
    private final Aio aio;

    /**
     * For a backing that stays its owner's.
     *
     * @param direct whether it is past the page cache: reads and writes start without a thread, as
     *     far as they can
     * @param device the device whose workers do what blocks
     * @param what names the whole in what is logged
     */
    public FileIo(Backing backing, boolean direct, String device, String what, Host host) {
        this.backing = backing;
        this.queue = host.queues().of(device);
        this.gate = new WriteGate(host.clock());
        this.log = host.log();
        this.what = what;
        this.aio = direct ? startAio(device, host.completions()) : null;
        if (direct && aio == null) {
            log.error(device + ": the system grants no asynchronous I/O (see fs.aio-max-nr):"
                    + " a worker carries out each request", null);
        }
    }

    private FileIo(FileIo other, Backing backing, String what) {
        this.backing = backing;
        this.queue = other.queue;
        this.gate = other.gate;
        this.log = other.log;
        this.what = what;
        this.aio = other.aio;
        if (aio != null) {
            backing.shareAio(aio, this::ended);
        }
    }

    /**
     * For another file of the same device, opened the same way: both go through one asynchronous
     * I/O, which goes when this one's file is closed.
     */
    public FileIo beside(Backing other, String name) {
        return new FileIo(this, other, name);
    }

    private Aio startAio(String device, Completions completions) {
        Aio started = backing.startAio(this::ended);
        if (started == null) {
            return null;
        }
        if (completions.add(new Completions.Source(started::reap, started::underWay,
                started::push, started.eventDescriptor()))) {
            started.gathers(completions::gathers);
        } else {
            started.ownThread();
            Service.start(device + "-reaper", started::reapAlways);
        }
        return started;
    }

    /** Takes a bio that is in range and aligned, and ends it exactly once. */
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
            log.error(what + ": the owner of a request failed: " + e, e);
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
        log.error(what + " failed on " + bio + ": " + e, e);
        bio.fail(Errno.EIO);
    }

    /** Hands out what has ended: the session threads that would may have left already. */
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
}
