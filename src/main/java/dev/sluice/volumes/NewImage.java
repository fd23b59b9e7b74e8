package dev.sluice.volumes;

import dev.sluice.block.BlockException;
import dev.sluice.block.Device;
import dev.sluice.block.Errno;
import dev.sluice.ploop.Header;
import dev.sluice.ploop.Image;
import dev.sluice.storage.FileBacking;
import dev.sluice.sys.Arena;
import java.io.IOException;
import java.nio.file.FileAlreadyExistsException;
import java.nio.file.Files;
import java.nio.file.Path;

/** Makes the image of a volume. */
final class NewImage {
    private static final long CLUSTER = 1 << 20;

    private NewImage() {}

    /** An empty image; there is no file of this name yet. */
    static void make(Path path, long size, Device.Log log) throws BlockException {
        Header header = Header.create(size, CLUSTER);
        try {
            Files.createFile(path);
        } catch (FileAlreadyExistsException e) {
            throw new BlockException(Errno.EEXIST, path + " is there already, and of no volume;"
                    + " image=" + path.getFileName() + " makes a volume of it", e);
        } catch (IOException e) {
            throw new BlockException(Errno.EIO, path + " cannot be made (" + e.getMessage()
                    + "); make its folder writable, with room for the image", e);
        }
        try (Arena arena = new Arena();
                FileBacking file = FileBacking.open(path.toString(), false, false, arena, log)) {
            Image.create(path.toString(), header, file, arena);
        }
    }
}
