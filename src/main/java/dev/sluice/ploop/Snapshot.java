package dev.sluice.ploop;

import dev.sluice.block.BlockException;
import dev.sluice.block.Errno;
import dev.sluice.storage.Backing;
import dev.sluice.sys.Arena;

/**
 * Puts a new, empty image on the one that is written, while that is in use. All that takes long is
 * done before or after: requests go to the new image from an instant on, at which nothing is waited
 * for but clusters that are coming up.
 *
 * <p>The new image is durable, and marked as in use, before it is written down; it is written down,
 * durably, before anything goes to it. So after a crash there is the snapshot or none, and what was
 * flushed is in the one image or the other. The old top may be found marked as in use then.
 *
 * <table>
 * <caption>Phases</caption>
 * <tr><th>phase</th><th>what is done</th></tr>
 * <tr><td>prepare</td><td>the new image is made and opened, its first clusters are made ready, and
 *     it is written down</td></tr>
 * <tr><td>hold</td><td>no cluster begins to come up; when none is on its way, the new image takes
 *     the requests. Until then all can be undone</td></tr>
 * <tr><td>rest</td><td>what is under way in the old one ends, all of it is made durable, and its
 *     mark is taken away. Flushes and FUA wait for it, and nothing else does</td></tr>
 * </table>
 */
final class Snapshot implements LongWork.Job {
    private static final int LOOK_AT_ONCE = 1 << 16;

    private enum Phase { PREPARE, HOLD, REST, DONE }

    private final Ploop ploop;
    private final Snapshots snapshots;
    private final Snapshots.State before;
    private final String guid;
    private final Runnable again;
    private volatile Phase phase = Phase.PREPARE;
    private Top old;
    private Top next;
    private String path;
    private Backing backing;
    private boolean writing;

    /**
     * @param guid null for a new one
     * @param again has {@link #step} called
     */
    Snapshot(Ploop ploop, Snapshots snapshots, String guid, Runnable again) throws BlockException {
        this.ploop = ploop;
        this.snapshots = snapshots;
        this.before = snapshots.state();
        this.guid = guid == null ? DiskDescriptor.newGuid() : DiskDescriptor.guid(guid);
        this.again = again;
    }

    @Override
    public String name() {
        return "snapshot " + guid;
    }

    @Override
    public LongWork.Step step() throws BlockException {
        if (phase == Phase.PREPARE) {
            prepare();
            phase = Phase.HOLD;
        }
        if (phase == Phase.HOLD && !flip()) {
            return LongWork.Step.WAIT;
        }
        if (!old.rest(again)) {
            return LongWork.Step.WAIT;
        }
        next.rested();
        old.common.backing.seal();
        phase = Phase.DONE;
        if (old.common.failed()) {
            throw new BlockException(Errno.EIO, "what lies below the snapshot could not be made"
                    + " durable: " + old.common.failure());
        }
        return LongWork.Step.DONE;
    }

    private void prepare() throws BlockException {
        old = ploop.top();
        Common common = old.common;
        if (old.noSpace.isFull()) {
            throw new BlockException(Errno.ENOSPC, "there is no room for a snapshot: the file"
                    + " system of " + common.options.path() + " is full; make room, send the"
                    + " message retry, and then ask again");
        }
        DiskDescriptor now = snapshots.of(common);
        String file = now.newFile();
        now = now.snapshot(guid, file);
        if (now.chain(now.top()).size() > Chain.MOST) {
            throw new BlockException(Errno.EINVAL, "the chain has " + Chain.MOST + " files, and"
                    + " there can be no more; merge some first");
        }
        path = snapshots.folder().path(file);
        snapshots.leftovers().making(path);
        backing = snapshots.folder().create(path, common.options.path());
        next = open(common);
        next.growth.prepare();
        follow();
        // What is dirty here is waited for by whoever flushes next: less of it while none has to.
        old.common.sync();
        writing = true;
        snapshots.write(now);
        old.common.sync();
        if (old.common.failed()) {
            throw new BlockException(Errno.EIO, "what is to lie below the snapshot could not be"
                    + " made durable: " + old.common.failure() + "; there is no snapshot");
        }
    }

    private Top open(Common common) throws BlockException {
        Arena arena = common.host.arena();
        Header header = Header.create(common.header.diskBytes(), common.header.clusterBytes());
        Image.create(path, header, backing, arena);
        Image image = Image.open(path, backing, arena, common.host.log());
        try {
            if (backing.blockSize() > old.limits().blockSize()) {
                throw new BlockException(Errno.EINVAL, path + " takes direct I/O in units of "
                        + backing.blockSize() + " bytes, more than the disk's "
                        + old.limits().blockSize() + "; mount it with direct=off");
            }
            Below below = common.below.under(new Lower(common.options.path(), common.backing,
                    false), common.header, old.io);
            return ploop.top(new Common(common, common.options.at(path), image, backing, below),
                    old.io.beside(backing, path));
        } catch (BlockException | RuntimeException | Error e) {
            image.close();
            throw e;
        }
    }

    /** Lets what lies below the new image learn what the old one has, now and from now on. */
    private void follow() {
        Common common = old.common;
        Below below = next.common.below;
        synchronized (common.lock) {
            common.heir = below;
        }
        for (int at = 0; at < common.disk; at += LOOK_AT_ONCE) {
            synchronized (common.lock) {
                for (int i = at; i < Math.min(common.disk, at + LOOK_AT_ONCE); i++) {
                    int place = common.bat.get(i);
                    if (place != Bat.NONE) {
                        below.put(i, place);
                    }
                }
            }
        }
    }

    /** False where clusters are coming up yet. */
    private boolean flip() {
        synchronized (old.common.lock) {
            old.common.holding = true;
            if (!old.copies.idle()) {
                return false;
            }
            ploop.top(next);
        }
        phase = Phase.REST;
        old.common.backing.handAio(backing);
        old.noSpace.restart();
        return true;
    }

    @Override
    public long done() {
        return phase.ordinal();
    }

    @Override
    public long total() {
        return Phase.DONE.ordinal();
    }

    @Override
    public String state() {
        return switch (phase) {
            case PREPARE -> "makes the new file";
            case HOLD -> "waits until no cluster is coming up";
            default -> old.noSpace.parkedCount() == 0 ? "has what is below come to rest"
                    : "waits for room for the table of what is below, tried every 20 seconds";
        };
    }

    @Override
    public boolean stops() {
        return phase == Phase.PREPARE || phase == Phase.HOLD;
    }

    @Override
    public void ended(boolean well) {
        if (old != null && stops()) {
            undo();
        } else if (old != null) {
            if (old.common.failed()) {
                next.common.fail("what lies below " + path + " could not be made durable",
                        Errno.EIO);
            }
            snapshots.settle();
        }
    }

    /** Nothing was made of it. */
    private void undo() {
        synchronized (old.common.lock) {
            old.common.holding = false;
            old.common.heir = null;
            if (next != null) {
                next.common.onlyBelow = next.common.below.count();
            }
        }
        old.noSpace.restart();
        try {
            // What is written down may name the new image even though writing it failed.
            boolean named = writing && !snapshots.restored(before);
            if (next != null) {
                next.end();
                next.close();
            }
            if (backing != null) {
                backing.close();
            }
            if (path != null && !named) {
                snapshots.leftovers().remove(path);
            }
        } catch (BlockException e) {
            old.common.host.log().error("a snapshot that was not made leaves something behind: "
                    + e.getMessage(), e);
        }
    }
}
