package dev.sluice.cli;

import dev.sluice.block.BlockException;
import dev.sluice.block.Errno;
import dev.sluice.ploop.Image;
import dev.sluice.storage.FileBacking;
import dev.sluice.sys.Arena;
import java.nio.file.Files;
import java.nio.file.Path;

/** A file that a command works on, with its memory; locked as long as it is open. */
final class OpenFile implements AutoCloseable {
    final String path;
    final Arena arena;
    final FileBacking file;
    private Image image;

    private OpenFile(String path, Arena arena, FileBacking file) {
        this.path = path;
        this.arena = arena;
        this.file = file;
    }

    /** Opens a file that exists. */
    static OpenFile open(Path path, boolean readOnly) throws BlockException {
        if (!Files.exists(path)) {
            throw new BlockException(Errno.ENOENT, path + " does not exist; name a file that"
                    + " does, or make one with: sluice image create");
        }
        Arena arena = new Arena();
        try {
            return new OpenFile(path.toString(), arena, FileBacking.open(path.toString(), false,
                    readOnly, arena, OpenFile::warn));
        } catch (BlockException | RuntimeException | Error e) {
            arena.close();
            throw e;
        }
    }

    static void warn(String sentence, Throwable cause) {
        System.err.println("sluice: " + sentence);
    }

    /** The image in it, looked at for the first time. */
    Image image() throws BlockException {
        if (image == null) {
            image = Image.examine(path, file, arena, OpenFile::warn);
        }
        return image;
    }

    /** The image, looked at again after it was changed. */
    Image again() throws BlockException {
        image.close();
        image = null;
        return image();
    }

    @Override
    public void close() throws BlockException {
        try {
            if (image != null) {
                image.close();
            }
            file.close();
        } finally {
            arena.close();
        }
    }
}
