package dev.sluice.cli;

import dev.sluice.block.BlockException;
import dev.sluice.block.Errno;
import dev.sluice.ploop.Chain;
import dev.sluice.ploop.DiskDescriptor;
import dev.sluice.ploop.DiskFolder;
import dev.sluice.ploop.Doubt;
import dev.sluice.ploop.Folder;
import dev.sluice.ploop.Leftovers;
import dev.sluice.ploop.Progress;
import dev.sluice.storage.Backing;
import dev.sluice.storage.FileBacking;
import dev.sluice.sys.Arena;
import java.nio.file.Path;
import java.util.List;

/**
 * Takes a snapshot away. One that nothing stands on goes with its file; of one that another stands
 * on, what that needs of it is brought up to it first. Nothing is changed of a disk in use.
 */
final class SnapshotRemoval {
    private final String path;
    private final DiskDescriptor before;
    private final String guid;

    SnapshotRemoval(String path, String guid) throws BlockException {
        this.path = path;
        this.guid = DiskDescriptor.guid(guid);
        if (!Chain.described(path)) {
            throw new BlockException(Errno.EINVAL, path + " is no DiskDescriptor.xml; name that"
                    + " of the disk, which knows its snapshots");
        }
        before = DiskDescriptor.read(Path.of(path));
        before.shot(this.guid);
    }

    /** Does it, and says how. */
    String run(Progress progress) throws BlockException {
        if (guid.equals(before.top())) {
            throw new BlockException(Errno.EBUSY, guid + " is what is written, and no snapshot;"
                    + " sluice image list " + path + " shows those");
        }
        if (before.on(guid).isEmpty()) {
            drop();
            return "removed with its file";
        }
        String child = before.onlyChild(guid).guid();
        if (child.equals(before.top())) {
            try (RestingDisk disk = RestingDisk.open(path)) {
                disk.message(progress, "merge");
            }
        } else {
            try (Arena arena = new Arena(); Backing top = top(arena);
                    RestingDisk disk = RestingDisk.open(Chain.of(path, child), path,
                            real -> new Branch(real, child, before.top()))) {
                disk.message(progress, "merge");
            }
        }
        return "merged into " + child;
    }

    /** Keeps the disk from being opened meanwhile. */
    private Backing top(Arena arena) throws BlockException {
        return FileBacking.open(Chain.of(path, null).top(), false, false, arena, OpenFile::warn);
    }

    private void drop() throws BlockException {
        try (Arena arena = new Arena(); Backing top = top(arena)) {
            Folder folder = new DiskFolder(Path.of(path), path, false, arena, OpenFile::warn);
            Leftovers leftovers = new Leftovers(folder, arena);
            String file = folder.path(before.image(guid).file());
            leftovers.leaving(file);
            folder.write(before.without(guid));
            leftovers.remove(file);
        }
    }

    /** A descriptor as if its disk ended with another of its states. */
    private record Branch(Folder real, String end, String top) implements Folder {
        private static DiskDescriptor topped(DiskDescriptor of, String guid) {
            return new DiskDescriptor(of.root(), of.sectors(), of.clusterSectors(),
                    of.cylinders(), of.heads(), of.trackSectors(), of.images(), guid, of.shots());
        }

        @Override
        public String word() {
            return real.word();
        }

        @Override
        public DiskDescriptor read() throws BlockException {
            return topped(real.read(), end);
        }

        @Override
        public void write(DiskDescriptor descriptor) throws BlockException {
            real.write(topped(descriptor, top));
        }

        @Override
        public void forget() throws BlockException {
            real.forget();
        }

        @Override
        public String path(String file) {
            return real.path(file);
        }

        @Override
        public String file(String of) {
            return real.file(of);
        }

        @Override
        public Backing open(String of, boolean readOnly) throws BlockException {
            return real.open(of, readOnly);
        }

        @Override
        public Backing create(String of, String like) throws BlockException {
            return real.create(of, like);
        }

        @Override
        public void remove(String of) throws BlockException {
            real.remove(of);
        }

        @Override
        public String mark(String of) throws BlockException {
            return real.mark(of);
        }

        @Override
        public List<Doubt> doubts() throws BlockException {
            return real.doubts();
        }

        @Override
        public void doubt(List<Doubt> files) throws BlockException {
            real.doubt(files);
        }

        @Override
        public void sweep() {
            real.sweep();
        }
    }
}
