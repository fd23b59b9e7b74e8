package dev.sluice.ploop;

import dev.sluice.block.BlockException;
import dev.sluice.block.Errno;
import dev.sluice.storage.Backing;
import dev.sluice.sys.Arena;
import java.util.ArrayList;
import java.util.List;

/**
 * Shows another snapshot: a new, empty image on it takes the place of the top, which goes with all
 * that was written since its snapshot. The disk's content is another one from an instant on, so
 * nobody may have it open, nor anything be under way. The new image is made and the files below it
 * are opened before; requests that come while it is written down wait for that.
 */
final class Switch implements LongWork.Job {
    private final Ploop ploop;
    private final Snapshots snapshots;
    private final String guid;
    private final Runnable again;
    private Top old;
    private Top next;
    private String path;
    private Backing backing;
    private final List<Lower> lowers = new ArrayList<>();
    private Snapshots.State before;
    private boolean done;

    /** {@code again} has {@link #step} called. */
    Switch(Ploop ploop, Snapshots snapshots, String guid, Runnable again) throws BlockException {
        this.ploop = ploop;
        this.snapshots = snapshots;
        this.guid = DiskDescriptor.guid(guid);
        this.again = again;
    }

    @Override
    public String name() {
        return "switch " + guid;
    }

    @Override
    public LongWork.Step step() throws BlockException {
        if (!done) {
            show();
        }
        return old.stop(again) ? LongWork.Step.DONE : LongWork.Step.WAIT;
    }

    private void show() throws BlockException {
        old = ploop.top();
        DiskDescriptor was = snapshots.of(old.common);
        String file = was.newFile();
        DiskDescriptor now = was.switched(guid, file);
        path = snapshots.folder().path(file);
        snapshots.leftovers().making(path);
        backing = snapshots.folder().create(path, old.common.options.path());
        open(now);
        ploop.hold();
        try {
            snapshots.leftovers().leaving(old.common.options.path());
            before = snapshots.state();
            snapshots.write(now);
            ploop.replace(next);
            done = true;
        } finally {
            ploop.go();
        }
    }

    private void open(DiskDescriptor now) throws BlockException {
        Common common = old.common;
        Arena arena = common.host.arena();
        Header header = Header.create(common.header.diskBytes(), common.header.clusterBytes());
        Image.create(path, header, backing, arena);
        for (DiskDescriptor.Image image : now.chain(guid)) {
            String name = snapshots.folder().path(image.file());
            lowers.add(new Lower(name, snapshots.folder().open(name, true), image.plain()));
        }
        Below below = Below.of(lowers, path, header, arena, common.host.log());
        try {
            if (Math.max(backing.blockSize(), below.block()) != old.limits().blockSize()) {
                throw new BlockException(Errno.EINVAL, "the files of " + guid + " take direct I/O"
                        + " in other units than the disk's " + old.limits().blockSize()
                        + "; mount it with direct=off");
            }
            Image image = Image.open(path, backing, arena, common.host.log());
            below.start(old.io.beside(backing, path));
            next = ploop.top(new Common(common, common.options.at(path), image, backing, below),
                    old.io.beside(backing, path));
        } catch (BlockException | RuntimeException | Error e) {
            below.release();
            throw e;
        }
    }

    @Override
    public long done() {
        return 0;
    }

    @Override
    public long total() {
        return 1;
    }

    @Override
    public boolean stops() {
        return false;
    }

    /** Gives the one back that is not shown, with its files. */
    @Override
    public void ended(boolean well) {
        if (old == null) {
            return;
        }
        // What is written down may name the new image even though writing it failed.
        boolean known = done || before == null || snapshots.restored(before);
        if (!known) {
            // What is written to the old one would be lost if the disk is the new one.
            old.common.fail("which disk it is is not known, as it cannot be written down",
                    Errno.EIO);
        }
        try {
            Top gone = done ? old : next;
            if (gone != null) {
                gone.end();
                gone.close();
            }
            Below.closeAll(done ? old.common.below.lowers() : lowers);
            Backing file = done ? old.common.backing : backing;
            if (file != null) {
                file.close();
            }
            if (known && path != null) {
                snapshots.leftovers().remove(done ? old.common.options.path() : path);
            }
        } catch (BlockException e) {
            old.common.host.log().error("a switch leaves something behind: " + e.getMessage(), e);
        }
    }
}
