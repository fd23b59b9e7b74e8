package dev.sluice.ploop;

import dev.sluice.block.BlockException;
import dev.sluice.block.Device;
import dev.sluice.block.Errno;
import dev.sluice.work.Host;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Set;

/** What is known of the states of a disk: as it is written down, or, before that, as it is. */
final class Snapshots {
    private final Folder folder;
    private final Device.Log log;
    private final String path;
    private final Leftovers leftovers;
    private final List<String> notes = new ArrayList<>();
    private volatile DiskDescriptor written;
    private volatile String word;

    /**
     * @param folder where the files are; null where there are to be no snapshots
     * @param path of the image that is written
     * @param word what a table line says of it
     */
    Snapshots(Folder folder, String path, String word, Host host) throws BlockException {
        this.folder = folder;
        this.log = host.log();
        this.leftovers = folder == null ? null : new Leftovers(folder, host.arena());
        this.path = path;
        this.word = word;
        this.written = folder == null ? null : folder.read();
    }

    /** Where the files are. */
    Folder folder() throws BlockException {
        if (folder == null) {
            throw new BlockException(Errno.EOPNOTSUPP, path + " was opened without the place where"
                    + " its files are; open it by a path");
        }
        return folder;
    }

    /** Keeps account of files that come and go. */
    Leftovers leftovers() throws BlockException {
        folder();
        return leftovers;
    }

    /**
     * Takes away what a crash left beside the files of the disk, which are locked for writing by
     * now. Before all else.
     */
    void tidy(Chain chain) {
        try {
            notes.addAll(leftovers.clear(chain));
            folder.sweep();
        } catch (BlockException e) {
            notes.add("what a crash left may still be there: " + e.getMessage());
        }
        notes.forEach(note -> log.error(path + ": " + note, null));
    }

    /** A change of the files is over, however it ended. */
    void settle() {
        try {
            leftovers.settle();
        } catch (BlockException e) {
            log.error("files of " + path + " stay noted as in doubt until it is opened again: "
                    + e.getMessage(), e);
        }
    }

    /** What is written down; where nothing is yet, what would be. */
    DiskDescriptor of(Common common) throws BlockException {
        DiskDescriptor known = written;
        if (known != null) {
            return known;
        }
        List<DiskDescriptor.Image> images = new ArrayList<>();
        for (Lower lower : common.below.lowers()) {
            images.add(new DiskDescriptor.Image("", lower.raw(), folder().file(lower.path())));
        }
        images.add(new DiskDescriptor.Image("", false, folder().file(common.options.path())));
        return DiskDescriptor.of(common.header, images);
    }

    /**
     * The files below the top that make up a snapshot. By what they are: one that is merged goes,
     * and what it had is in the top then.
     */
    Set<Lower> base(String snapshot, Common common) throws BlockException {
        DiskDescriptor now = of(common);
        List<String> chain = now.chain(now.top()).stream().map(DiskDescriptor.Image::guid).toList();
        int level = chain.indexOf(DiskDescriptor.guid(snapshot));
        if (level < 0 || level == chain.size() - 1) {
            throw new BlockException(Errno.ENOENT, "what changed since " + snapshot + " is not"
                    + " known: the disk stands on " + (chain.size() == 1 ? "nothing; take all of it"
                    : String.join(", ", chain.subList(0, chain.size() - 1))
                    + "; name one of these, or take all of it"));
        }
        List<Lower> lowers = common.below.lowers();
        if (level >= lowers.size()) {
            throw new BlockException(Errno.EBUSY, "the snapshot " + snapshot + " is being made; try"
                    + " again when it is done");
        }
        return Set.copyOf(lowers.subList(0, level + 1));
    }

    /** Writes down what is from now on. */
    void write(DiskDescriptor now) throws BlockException {
        folder().write(now);
        written = now;
        word = folder.word();
    }

    /** Whether what is written down has an image of that path as the one that is written. */
    boolean names(String image) {
        DiskDescriptor known = written;
        return known != null && known.images().stream().anyMatch(one ->
                one.guid().equals(known.top()) && folder.path(one.file()).equals(image));
    }

    /** What is written to is not the state any more that it was received as. */
    void begin() throws BlockException {
        if (names(path) && !written.equals(written.written())) {
            write(written.written());
        }
    }

    /** The disk has another size now than is written down, or may have since a crash. */
    void resized(Common common) {
        DiskDescriptor known = written;
        try {
            if (known != null && known.sectors() != common.header.sectors()) {
                write(known.sized(common.header.sectors()));
            }
        } catch (BlockException e) {
            common.host.log().error("the new size of the disk is in " + path + " only: "
                    + e.getMessage(), e);
        }
    }

    /**
     * Has written down what was before, after all: what {@link #state} was then. False where that
     * cannot be: the files stay that are named now.
     */
    boolean restored(State before) {
        written = before.written;
        word = before.word;
        try {
            if (Objects.equals(folder().read(), before.written)) {
                return true;
            }
            if (before.written == null) {
                folder().forget();
            } else {
                folder().write(before.written);
            }
            return true;
        } catch (BlockException e) {
            log.error("what is written down of " + path + " may name an image that is not used; it"
                    + " is left, and so are its files: " + e.getMessage(), e);
            return false;
        }
    }

    /** What is written down, or null, and how a table line names it. */
    record State(DiskDescriptor written, String word) {}

    State state() {
        return new State(written, word);
    }

    /** What a table line says to open the disk as it is now. */
    String word() {
        return word;
    }

    /** Puts the states of the disk, and the files that it is made of, bottom first. */
    void status(Map<String, Object> all, Common common) {
        List<String> said = new ArrayList<>(notes);
        said.addAll(common.image.notes());
        all.put("notes", said);
        all.put("descriptor", written == null ? "" : word);
        List<String> files = new ArrayList<>();
        common.below.lowers().forEach(lower -> files.add(lower.path()));
        files.add(common.options.path());
        all.put("files", files);
        DiskDescriptor known = written;
        List<Map<String, Object>> list = new ArrayList<>();
        if (known != null) {
            for (DiskDescriptor.Shot shot : known.shots()) {
                if (!shot.guid().equals(known.top())) {
                    Map<String, Object> one = new LinkedHashMap<>();
                    one.put("guid", shot.guid());
                    one.put("parent", shot.parent().equals(DiskDescriptor.NOTHING) ? ""
                            : shot.parent());
                    one.put("current", known.shots().contains(new DiskDescriptor.Shot(known.top(),
                            shot.guid(), null)));
                    list.add(one);
                }
            }
        }
        all.put("snapshots", list);
    }
}
