package dev.sluice.target;

import dev.sluice.block.Bio;
import dev.sluice.block.BlockException;
import dev.sluice.block.Errno;
import dev.sluice.block.Limits;
import dev.sluice.block.Op;
import dev.sluice.block.Target;
import dev.sluice.work.Host;
import dev.sluice.work.Timer;
import dev.sluice.work.WorkQueue;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

/**
 * Holds operations back for a while before it passes them on, as dm-delay does: reads, writes and
 * flushes for a time of their own each, and to a device of their own where that is asked for.
 *
 * <p>A bio that is held back takes no thread: one small entry in the mount's timer, which hands it
 * out. Held bios are in a list in order of arrival; whoever unlinks one, the timer, a release or
 * an interrupt, hands it out or ends it, and the others find it gone.
 */
final class DelayTarget implements Target {
    static final TargetType TYPE = new DelayType();

    private static final int PAGE = 4096;
    private static final int MOST_SPARE = 4096;

    private final Host host;
    private final WorkQueue queue;
    /** Whether it ends where the first of the devices below ends. */
    private final boolean follows;
    private volatile Limits limits;
    private final DelayClass read;
    private final DelayClass write;
    private final DelayClass flush;

    private final Object lock = new Object();
    private Held oldest; // guarded by lock
    private Held newest; // guarded by lock
    private Held spare; // guarded by lock
    private int spares; // guarded by lock
    private long released; // guarded by lock
    private long interrupted; // guarded by lock
    private volatile boolean suspended; // written under lock
    private volatile DelaySettings settings; // written under this

    DelayTarget(Host host, WorkQueue queue, Limits limits, boolean follows,
            List<DelayClass> classes, DelaySettings settings) {
        this.host = host;
        this.queue = queue;
        this.limits = limits;
        this.follows = follows;
        this.read = classes.get(0);
        this.write = classes.get(1);
        this.flush = classes.get(2);
        host.timer().useExactly();
        apply(settings);
        classes().forEach(c -> c.seed(settings.seed()));
    }

    /** A bio that is held back; linked, or taken by somebody. */
    private final class Held extends Timer.Entry {
        private Bio bio;
        private DelayClass kind;
        private long nanos;
        private boolean linked; // guarded by lock, as are the links
        private Held before;
        private Held after;

        @Override
        protected void expired() {
            Bio mine = bio;
            DelayClass to = kind;
            long asked = nanos;
            synchronized (lock) {
                if (!linked) {
                    return;
                }
                unlink(this);
                keep(this);
            }
            // It may have been called a little early, to have done the above by then.
            to.count(asked, Math.max(asked, host.clock().nanos() - mine.arrivedNanos()));
            waitUntil(mine.arrivedNanos() + asked);
            handOut(mine, to);
        }
    }

    private void waitUntil(long due) {
        while (host.clock().nanos() < due) {
            Thread.onSpinWait();
        }
    }

    private List<DelayClass> classes() {
        return List.of(read, write, flush);
    }

    @Override
    public Limits limits() {
        Limits now = limits;
        if (follows) {
            long room = Math.min(read.room(), Math.min(write.room(), flush.room()))
                    & -now.blockSize();
            if (room != now.size()) {
                now = now.withSize(room);
                limits = now;
            }
        }
        return now;
    }

    @Override
    public void submit(Bio bio) {
        DelayClass kind = bio.op() == Op.READ ? read : bio.op() == Op.FLUSH ? flush : write;
        long nanos = suspended ? 0 : kind.next();
        if (nanos == 0 || !hold(bio, kind, nanos)) {
            pass(bio, kind);
        }
    }

    /** False when it is not to be held back any more. */
    private boolean hold(Bio bio, DelayClass kind, long nanos) {
        synchronized (lock) {
            if (suspended) {
                return false;
            }
            Held held = spare == null ? new Held() : spare;
            if (spare != null) {
                spare = held.after;
                spares--;
            }
            held.bio = bio;
            held.kind = kind;
            held.nanos = nanos;
            held.linked = true;
            held.before = newest;
            held.after = null;
            if (newest == null) {
                oldest = held;
            } else {
                newest.after = held;
            }
            newest = held;
            kind.held++;
            // Here, so that who finds it in the list finds it in the timer too.
            host.timer().add(held, bio.arrivedNanos() + nanos);
            return true;
        }
    }

    private void unlink(Held held) {
        assert Thread.holdsLock(lock);
        held.linked = false;
        held.kind.held--;
        if (held.before == null) {
            oldest = held.after;
        } else {
            held.before.after = held.after;
        }
        if (held.after == null) {
            newest = held.before;
        } else {
            held.after.before = held.before;
        }
    }

    /** Only what the timer is done with is used again. */
    private void keep(Held held) {
        assert Thread.holdsLock(lock);
        held.bio = null;
        held.kind = null;
        held.before = null;
        held.after = null;
        if (spares < MOST_SPARE) {
            held.after = spare;
            spare = held;
            spares++;
        }
    }

    /** Goes on with a bio in a thread that has others to go on with: large work is a worker's. */
    private void handOut(Bio bio, DelayClass kind) {
        Limits below = kind.lower.limits();
        if (below.inline() && bio.length() > PAGE) {
            try {
                queue.run(bio.caller(), () -> pass(bio, kind));
                return;
            } catch (RuntimeException | Error e) {
                host.log().error("no worker for a delayed request, the timer does it: " + e, e);
            }
        }
        pass(bio, kind);
    }

    private void pass(Bio bio, DelayClass kind) {
        try {
            kind.lower.submit(bio.part(0, bio.length(),
                    bio.op() == Op.FLUSH ? 0 : kind.start + bio.offset()));
        } catch (RuntimeException | Error e) {
            host.log().error(kind.lower.name() + " did not take " + bio + ": " + e, e);
            bio.fail(Errno.EIO);
            return;
        }
        bio.complete();
    }

    /** Hands out all that is held back, in order of arrival. */
    private void release() {
        Held next;
        synchronized (lock) {
            next = oldest;
            for (Held h = oldest; h != null; h = h.after) {
                h.linked = false;
                h.kind.held--;
                released++;
            }
            oldest = null;
            newest = null;
        }
        while (next != null) {
            Held held = next;
            next = held.after;
            host.timer().remove(held);
            handOut(held.bio, held.kind);
        }
    }

    @Override
    public void drain() {
        release();
    }

    @Override
    public int heldFor(long request) {
        synchronized (lock) {
            for (Held h = oldest; h != null; h = h.after) {
                if (h.bio.request() == request) {
                    return h.bio.caller();
                }
            }
        }
        return -1;
    }

    @Override
    public void interrupt(long request) {
        List<Held> taken = new ArrayList<>();
        synchronized (lock) {
            for (Held h = oldest; h != null; h = h.after) {
                if (h.bio.request() == request) {
                    unlink(h);
                    interrupted++;
                    taken.add(h);
                }
            }
        }
        for (Held held : taken) {
            host.timer().remove(held);
            held.bio.fail(Errno.EINTR);
        }
    }

    @Override
    public long allocated(long offset, long length) {
        return read.lower.target().allocated(read.start + offset, length);
    }

    @Override
    public long seek(long offset, boolean data) {
        return Math.min(limits().size(),
                read.lower.target().seek(read.start + offset, data) - read.start);
    }

    @Override
    public Map<String, Object> status() {
        Map<String, Object> all = new LinkedHashMap<>();
        DelaySettings now = settings;
        all.put("read", now.describe("read"));
        all.put("write", now.describe("write"));
        all.put("flush", now.describe("flush"));
        synchronized (lock) {
            all.put("suspended", suspended);
            all.put("held_read", read.held);
            all.put("held_write", write.held);
            all.put("held_flush", flush.held);
            all.put("released", released);
            all.put("interrupted", interrupted);
        }
        return all;
    }

    @Override
    public int heldBack() {
        synchronized (lock) {
            return read.held + write.held + flush.held;
        }
    }

    @Override
    public Map<String, Object> stats() {
        Map<String, Object> all = new LinkedHashMap<>();
        classes().forEach(c -> all.put("delayed_" + c.name, c.stats()));
        return all;
    }

    @Override
    public String arguments() {
        return Words.quote(read.lower.name()) + settings.text();
    }

    @Override
    public synchronized void set(Map<String, String> changes) throws BlockException {
        DelaySettings next = settings.with(changes);
        apply(next);
        if (changes.containsKey("seed")) {
            classes().forEach(c -> c.seed(next.seed()));
        }
    }

    private void apply(DelaySettings next) {
        settings = next;
        classes().forEach(c -> c.rule(next.rule(c.name)));
    }

    @Override
    public void message(List<String> words) throws BlockException {
        if (words.equals(List.of("suspend"))) {
            synchronized (lock) {
                suspended = true;
            }
            release();
        } else if (words.equals(List.of("resume"))) {
            synchronized (lock) {
                suspended = false;
            }
        } else {
            throw new BlockException(Errno.EINVAL, "the message " + String.join(" ", words)
                    + " is unknown; delay takes suspend and resume");
        }
    }
}
