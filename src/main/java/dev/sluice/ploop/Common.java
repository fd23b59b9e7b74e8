package dev.sluice.ploop;

import dev.sluice.block.Errno;
import dev.sluice.storage.Backing;
import dev.sluice.work.Host;
import dev.sluice.work.WorkQueue;

/**
 * What the parts of an open image share: the image, the lock of all they know of it, and whether it
 * has failed. The lock is held to look things up and to note them, never while anything is read or
 * written.
 */
final class Common {
    /** The same for images that follow each other as the top. */
    final Object lock;
    final Options options;
    final Image image;
    volatile Header header; // changed under lock, as is what follows from it
    final Bat bat; // guarded by lock
    final ClusterMap clusters; // guarded by lock
    final Backing backing;
    final Host host;
    final WorkQueue queue;
    final Epochs epochs = new Epochs(); // guarded by lock
    /** Clusters of the disk. */
    volatile int disk;
    /** What lies below the image. */
    volatile Below below; // changed under lock
    /** Those of them that have a cluster of the file. */
    int mapped; // guarded by lock
    /** Those that only a level below has. */
    int onlyBelow; // guarded by lock
    /** Whether another image stands on this one, where all goes on. */
    boolean sealed; // guarded by lock
    /** Whether no cluster begins to come up, as another image is about to stand on this one. */
    boolean holding; // guarded by lock
    /** Whether requests are under way that change what is below. */
    boolean unsettled; // guarded by lock
    /** What learns which clusters the image has; or null. */
    Below heir; // guarded by lock
    /** Told when a thing is over that the next image waits for. */
    Runnable still = () -> { };
    volatile Tuning tuning;

    /** Clusters that came up as copies and have a word, and how many of them are durable. */
    private long copied; // guarded by lock
    private long durable; // guarded by lock
    private volatile String failure;
    private Runnable failed = () -> { };
    private volatile long syncs;

    Common(Options options, Image image, Backing backing, Below below, Host host,
            String device) {
        this(new Object(), options, image, backing, below, host, host.queues().of(device));
    }

    /** Of an image that is to stand on another one, whose lock it has. */
    Common(Common other, Options options, Image image, Backing backing, Below below) {
        this(other.lock, options, image, backing, below, other.host, other.queue);
        tuning = other.tuning;
    }

    private Common(Object lock, Options options, Image image, Backing backing, Below below,
            Host host, WorkQueue queue) {
        this.lock = lock;
        this.options = options;
        this.image = image;
        this.header = image.header();
        this.bat = image.bat();
        this.clusters = image.clusters();
        this.backing = backing;
        this.below = below;
        this.host = host;
        this.queue = queue;
        this.disk = header.needed();
        this.mapped = (int) image.findings().allocated();
        this.tuning = options.tuning();
        this.onlyBelow = below.count();
        for (int i = bat.next(0); below.count() > 0 && i < disk; i = bat.next(i + 1)) {
            onlyBelow -= below.has(i) ? 1 : 0;
        }
    }

    /** From now on a cluster of the disk, which had none, has one of the file. */
    void name(int index, int place) {
        assert Thread.holdsLock(lock);
        bat.set(index, place);
        mapped++;
        onlyBelow -= below.has(index) ? 1 : 0;
        if (heir != null) {
            heir.put(index, place);
        }
    }

    /** A cluster is named, in the same hold of the lock, whose data may not be durable. */
    void copied() {
        assert Thread.holdsLock(lock);
        copied++;
    }

    /** Whether a word names data that may not be durable: then a page waits for a sync. */
    boolean copiesAhead() {
        assert Thread.holdsLock(lock);
        return durable < copied;
    }

    /** From now on a cluster of the disk has none of the file, nor anything below. */
    void forget(int index) {
        assert Thread.holdsLock(lock);
        bat.set(index, Bat.NONE);
        mapped--;
        if (heir != null) {
            heir.remove(index);
        }
    }

    /** Whether the image itself has a cluster. */
    boolean own(int index) {
        return bat.get(index) != Bat.NONE;
    }

    /** Whether a cluster has data anywhere. */
    boolean has(int index) {
        return bat.get(index) != Bat.NONE || below.has(index);
    }

    long now() {
        return host.clock().nanos();
    }

    /** Null, or why nothing can be changed any more. */
    String failure() {
        return failure;
    }

    boolean failed() {
        return failure != null;
    }

    /** From now on nothing is changed: what the file has is what will be found. */
    void fail(String what, Errno outcome) {
        String sentence = what + ": " + outcome.text() + "; reads go on, changes are refused, and"
                + " what was flushed is kept. Unmount, see to the storage, then look at it with:"
                + " sluice image check " + options.path();
        synchronized (this) {
            if (failure != null) {
                return;
            }
            failure = sentence;
        }
        host.log().error(options.path() + ": " + sentence, null);
        failed.run();
    }

    /** Who is told when it fails. Before the first request. */
    void whenFailed(Runnable to) {
        failed = to;
    }

    /** Makes durable what was written; what fails is for good. */
    Errno sync() {
        if (failed()) {
            return Errno.EIO;
        }
        long before;
        synchronized (lock) {
            before = copied;
        }
        Errno outcome = backing.sync();
        if (outcome != Errno.OK) {
            fail("a sync failed", outcome);
        } else {
            synchronized (this) {
                syncs++;
            }
            synchronized (lock) {
                durable = Math.max(durable, before);
            }
        }
        return outcome;
    }

    /** How often what was written was made durable. */
    long syncs() {
        return syncs;
    }

    /** Whether the file system, or what somebody may have of it, is full. */
    static boolean full(Errno outcome) {
        return outcome == Errno.ENOSPC || outcome == Errno.EDQUOT;
    }
}
