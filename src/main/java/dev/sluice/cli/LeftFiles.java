package dev.sluice.cli;

import dev.sluice.block.BlockException;
import dev.sluice.ploop.DiskFolder;
import dev.sluice.ploop.Leftovers;
import dev.sluice.sys.Arena;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;

/**
 * Files beside a disk that are no part of it.
 *
 * @param pending left by a crash: they go when the disk is opened for writing
 * @param unknown named as its images are; nobody knows what for
 */
record LeftFiles(List<String> pending, List<String> unknown) {
    /** Those beside a DiskDescriptor.xml. */
    static LeftFiles of(String descriptor) throws BlockException {
        try (Arena arena = new Arena()) {
            DiskFolder folder = new DiskFolder(Path.of(descriptor), descriptor, false, arena,
                    OpenFile::warn);
            return new LeftFiles(new Leftovers(folder, arena).pending(), folder.strays());
        }
    }

    /** Adds what is said of them. */
    void put(Map<String, Object> all) {
        all.put("left-over", pending);
        all.put("unknown-files", unknown);
    }

    /** The same for who reads it, a line each. */
    List<String> lines() {
        List<String> lines = new ArrayList<>();
        pending.forEach(file -> lines.add("left over: " + file + "; a crash left it, and it goes"
                + " when the disk is opened for writing"));
        unknown.forEach(file -> lines.add("unknown: " + file + "; the descriptor does not name it."
                + " If nothing else stands on it, remove it"));
        return lines;
    }
}
