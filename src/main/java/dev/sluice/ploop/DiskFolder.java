package dev.sluice.ploop;

import dev.sluice.block.BlockException;
import dev.sluice.block.Device;
import dev.sluice.block.Errno;
import dev.sluice.storage.Backing;
import dev.sluice.storage.FileBacking;
import dev.sluice.sys.Arena;
import java.io.IOException;
import java.nio.channels.FileChannel;
import java.nio.file.FileAlreadyExistsException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;

/** Files of the system, named by a DiskDescriptor.xml, or to be named by one. */
public final class DiskFolder implements Folder {
    private final Path descriptor;
    private final String word;
    private final boolean direct;
    private final Arena arena;
    private final Device.Log log;

    /**
     * @param descriptor that is there, or will be with the first snapshot
     * @param word the same as a table line has it
     * @param direct whether files are opened past the page cache
     */
    public DiskFolder(Path descriptor, String word, boolean direct, Arena arena, Device.Log log) {
        this.descriptor = descriptor.toAbsolutePath().normalize();
        this.word = word;
        this.direct = direct;
        this.arena = arena;
        this.log = log;
    }

    @Override
    public String word() {
        return word;
    }

    @Override
    public DiskDescriptor read() throws BlockException {
        return Files.exists(descriptor) ? DiskDescriptor.read(descriptor) : null;
    }

    @Override
    public void write(DiskDescriptor now) throws BlockException {
        now.write(descriptor);
    }

    @Override
    public void forget() throws BlockException {
        remove(descriptor.toString());
    }

    @Override
    public String path(String file) {
        return descriptor.resolveSibling(file).normalize().toString();
    }

    @Override
    public String file(String path) {
        Path of = Path.of(path).toAbsolutePath().normalize();
        return descriptor.getParent().equals(of.getParent()) ? of.getFileName().toString()
                : of.toString();
    }

    @Override
    public Backing open(String path, boolean readOnly) throws BlockException {
        return FileBacking.open(path, direct, readOnly, arena, log);
    }

    @Override
    public Backing create(String path, String like) throws BlockException {
        Path file = Path.of(path);
        try {
            Files.createFile(file);
        } catch (FileAlreadyExistsException e) {
            throw new BlockException(Errno.EEXIST, path + " exists; it was to be a new image", e);
        } catch (IOException e) {
            throw new BlockException(Errno.EIO, path + " cannot be made: " + e, e);
        }
        try {
            Files.setPosixFilePermissions(file, Files.getPosixFilePermissions(Path.of(like)));
            sync(file.getParent());
            return FileBacking.open(path, direct, false, arena, log);
        } catch (BlockException e) {
            remove(path);
            throw e;
        } catch (IOException e) {
            remove(path);
            throw new BlockException(Errno.EIO, path + " cannot be made: " + e, e);
        }
    }

    @Override
    public void remove(String path) throws BlockException {
        try {
            Files.delete(Path.of(path));
            sync(Path.of(path).getParent());
        } catch (IOException e) {
            throw new BlockException(Errno.EIO, path + " cannot be removed: " + e, e);
        }
    }

    private static void sync(Path folder) throws IOException {
        try (FileChannel channel = FileChannel.open(folder, StandardOpenOption.READ)) {
            channel.force(true);
        }
    }
}
