package dev.sluice.ploop;

import dev.sluice.block.BlockException;
import dev.sluice.block.Errno;
import dev.sluice.block.Limits;
import dev.sluice.block.Memory;
import dev.sluice.storage.Backing;
import dev.sluice.sys.Arena;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Set;

/**
 * Has no file stay behind that a crash left half made or half removed. Before a file is made, and
 * before a descriptor is written that does not name one any more, its name is noted, durably. Who
 * opens the disk for writing next removes what is noted and not named, and nothing else.
 *
 * <table>
 * <caption>What a crash may leave of a file that is noted</caption>
 * <tr><th>noted</th><th>the descriptor</th><th>what it is</th></tr>
 * <tr><td>made</td><td>names it</td><td>part of the disk: stays</td></tr>
 * <tr><td>made</td><td>does not</td><td>empty, as nothing is written to it before it is named: is
 *     removed, if it is empty</td></tr>
 * <tr><td>goes</td><td>names it</td><td>part of the disk: stays</td></tr>
 * <tr><td>goes</td><td>does not</td><td>merged or given up, which was durable before the descriptor
 *     was written: is removed, if it is the same file still</td></tr>
 * </table>
 *
 * <p>What somebody has open stays as well, and so does what is in another folder, where others may
 * know it: both are said. One call at a time.
 */
public final class Leftovers {
    private final Folder folder;
    private final Arena arena;

    /** Of a disk's folder. */
    public Leftovers(Folder folder, Arena arena) {
        this.folder = folder;
        this.arena = arena;
    }

    /** A file is about to be made. */
    void making(String path) throws BlockException {
        note(new Doubt(true, folder.file(path), ""));
    }

    /** A descriptor is about to be written that does not name a file any more. */
    public void leaving(String path) throws BlockException {
        String mark = folder.mark(path);
        note(new Doubt(false, folder.file(path), mark == null ? "" : mark));
    }

    private void note(Doubt doubt) throws BlockException {
        List<Doubt> all = new ArrayList<>(folder.doubts());
        if (!all.contains(doubt)) {
            all.add(doubt);
            folder.doubt(all);
        }
    }

    /** Takes a file away that a descriptor named, or was to; one that it names now stays. */
    public void remove(String path) throws BlockException {
        if (folder.mark(path) != null && !named(List.of()).has(path)) {
            folder.remove(path);
        }
        settle();
    }

    /** What was begun has been done or undone, as far as it is known. */
    public void settle() throws BlockException {
        List<Doubt> all = folder.doubts();
        Named named = named(List.of());
        List<Doubt> left = new ArrayList<>();
        for (Doubt doubt : all) {
            String path = folder.path(doubt.file());
            if (folder.mark(path) != null && !named.has(path)) {
                left.add(doubt);
            }
        }
        if (!left.equals(all)) {
            folder.doubt(left);
        }
    }

    /**
     * Removes what was left. Who calls has the disk locked for writing, so nobody is at work on it.
     *
     * @param chain the files of the disk, which stay whatever is written down
     * @return what was removed and what was not, a sentence each
     */
    List<String> clear(Chain chain) throws BlockException {
        List<Doubt> all = new ArrayList<>(folder.doubts());
        List<String> said = new ArrayList<>();
        if (all.isEmpty()) {
            return said;
        }
        Named named = named(chain.files().stream().map(Chain.Part::path).toList());
        // Of a file that is noted as both the later note tells more.
        all.sort((one, other) -> Boolean.compare(one.made(), other.made()));
        for (Doubt doubt : all) {
            String path = folder.path(doubt.file());
            if (folder.mark(path) == null || named.has(path)) {
                continue;
            }
            String why = kept(doubt, path);
            if (why == null) {
                folder.remove(path);
                said.add(path + ", which " + (doubt.made() ? "was not used yet"
                        : "was no part of the disk any more")
                        + " when a crash came, is removed");
            } else {
                said.add(path + " was left by a crash and is no part of the disk; it stays, as "
                        + why + ". If nothing else stands on it, remove it");
            }
        }
        settle();
        return said;
    }

    /** Why a file that is not named stays; null where nobody can need it. */
    private String kept(Doubt doubt, String path) throws BlockException {
        if (doubt.file().indexOf('/') >= 0) {
            return "it is in another folder";
        }
        if (!doubt.made() && !doubt.mark().equals(folder.mark(path))) {
            return "it is another file than it was";
        }
        try (Backing file = folder.open(path, false)) {
            return doubt.made() && !blank(file) ? "it is not empty" : null;
        } catch (BlockException e) {
            return e.errno() == Errno.EBUSY ? "it is in use" : "it cannot be opened ("
                    + e.getMessage() + ")";
        }
    }

    /** Whether there is nothing but the fields of a header. */
    private boolean blank(Backing file) throws BlockException {
        Memory memory = arena.map(Limits.MAX_DATA);
        try {
            long at = 0;
            while (at < file.size()) {
                long data = file.seek(at, true) / Bat.PAGE * Bat.PAGE;
                at = Math.max(at, data);
                int length = (int) Math.min(memory.size(), file.size() - at);
                Errno outcome = length == 0 ? Errno.OK : file.read(at, memory, 0, length);
                if (outcome != Errno.OK) {
                    throw BlockException.storage(outcome, "it cannot be read");
                }
                for (int i = at == 0 ? Header.BYTES : 0; i < length; i++) {
                    if (memory.bytes().get(i) != 0) {
                        return false;
                    }
                }
                at += length;
            }
            return true;
        } finally {
            arena.unmap(memory);
        }
    }

    /** Files that are part of the disk, by their names and by what they are. */
    private record Named(Folder folder, Set<String> paths, Set<String> marks) {
        boolean has(String path) throws BlockException {
            String mark = folder.mark(path);
            return paths.contains(path) || mark != null && marks.contains(mark);
        }
    }

    private Named named(List<String> more) throws BlockException {
        Set<String> paths = new HashSet<>(more);
        DiskDescriptor written = folder.read();
        if (written != null) {
            written.images().forEach(image -> paths.add(folder.path(image.file())));
        }
        Set<String> marks = new HashSet<>();
        for (String path : paths) {
            String mark = folder.mark(path);
            if (mark != null) {
                marks.add(mark);
            }
        }
        return new Named(folder, paths, marks);
    }

    /** What the next opening for writing removes, if it can: the paths. */
    public List<String> pending() throws BlockException {
        List<String> paths = new ArrayList<>();
        Named named = named(List.of());
        for (Doubt doubt : folder.doubts()) {
            String path = folder.path(doubt.file());
            if (folder.mark(path) != null && !named.has(path) && !paths.contains(path)) {
                paths.add(path);
            }
        }
        return paths;
    }
}
