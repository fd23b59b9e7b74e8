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
    final Object lock = new Object();
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
    final Below below;
    /** Those of them that have a cluster of the file. */
    int mapped; // guarded by lock
    /** Those that only a level below has. */
    int onlyBelow; // guarded by lock
    volatile Tuning tuning;

    private volatile String failure;
    private Runnable failed = () -> { };
    private volatile long syncs;

    Common(Options options, Image image, Backing backing, Below below, Host host,
            String device) {
        this.options = options;
        this.image = image;
        this.header = image.header();
        this.bat = image.bat();
        this.clusters = image.clusters();
        this.backing = backing;
        this.below = below;
        this.host = host;
        this.queue = host.queues().of(device);
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
        Errno outcome = backing.sync();
        if (outcome != Errno.OK) {
            fail("a sync failed", outcome);
        } else {
            synchronized (this) {
                syncs++;
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
