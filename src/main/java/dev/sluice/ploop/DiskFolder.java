package dev.sluice.ploop;

import dev.sluice.block.BlockException;
import dev.sluice.block.Device;
import dev.sluice.block.Errno;
import dev.sluice.storage.Backing;
import dev.sluice.storage.Drafts;
import dev.sluice.storage.FileBacking;
import dev.sluice.sys.Arena;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.DirectoryIteratorException;
import java.nio.file.DirectoryStream;
import java.nio.file.FileAlreadyExistsException;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;

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
            throw failed(path + " cannot be made", e);
        }
        try {
            Files.setPosixFilePermissions(file, Files.getPosixFilePermissions(Path.of(like)));
            DurableFile.sync(file.getParent());
            return FileBacking.open(path, direct, false, arena, log);
        } catch (BlockException e) {
            remove(path);
            throw e;
        } catch (IOException e) {
            remove(path);
            throw failed(path + " cannot be made", e);
        }
    }

    private static BlockException failed(String what, Exception cause) {
        return new BlockException(Errno.EIO, what + ": " + cause + "; the folder must be there, be"
                + " writable, and have room", cause);
    }

    @Override
    public void remove(String path) throws BlockException {
        try {
            Files.delete(Path.of(path));
            DurableFile.sync(Path.of(path).getParent());
        } catch (IOException e) {
            throw failed(path + " cannot be removed", e);
        }
    }

    @Override
    public String mark(String path) throws BlockException {
        try {
            Map<String, Object> all = Files.readAttributes(Path.of(path), "unix:dev,ino");
            return all.get("dev") + ":" + all.get("ino");
        } catch (NoSuchFileException e) {
            return null;
        } catch (IOException e) {
            throw failed(path + " cannot be looked at", e);
        }
    }

    /**
     * Files that are named as images of this disk are, and are none as far as is written down: what
     * they are for is not known here.
     */
    public List<String> strays() throws BlockException {
        List<String> found = new ArrayList<>();
        DiskDescriptor written = read();
        if (written == null) {
            return found;
        }
        String stem = Path.of(path(written.stem())).getFileName() + ".";
        Set<String> known = new HashSet<>(new Leftovers(this, arena).pending());
        written.images().forEach(image -> known.add(path(image.file())));
        try (DirectoryStream<Path> all = Files.newDirectoryStream(descriptor.getParent())) {
            for (Path file : all) {
                String name = file.getFileName().toString();
                if (name.startsWith(stem) && DiskDescriptor.isGuid(name.substring(stem.length()))
                        && !known.contains(file.toString())) {
                    found.add(file.toString());
                }
            }
        } catch (IOException | DirectoryIteratorException e) {
            throw failed(descriptor.getParent() + " cannot be listed", e);
        }
        return found;
    }

    private Path note() {
        return descriptor.resolveSibling("." + descriptor.getFileName() + ".files");
    }

    @Override
    public List<Doubt> doubts() throws BlockException {
        Path note = note();
        try {
            return Files.exists(note) ? Doubt.parse(note.toString(), Files.readString(note))
                    : List.of();
        } catch (IOException e) {
            throw failed(note + " cannot be read", e);
        }
    }

    @Override
    public void doubt(List<Doubt> files) throws BlockException {
        Path note = note();
        try {
            if (!files.isEmpty()) {
                DurableFile.write(note, Doubt.text(files).getBytes(StandardCharsets.UTF_8));
            } else if (Files.deleteIfExists(note)) {
                DurableFile.sync(note.getParent());
            }
        } catch (IOException e) {
            throw failed(note + " cannot be written", e);
        }
    }

    @Override
    public void sweep() {
        Drafts.sweep(descriptor.getParent(), log);
        try {
            DurableFile.sweep(descriptor);
            DurableFile.sweep(note());
        } catch (IOException e) {
            log.error("what a crash left beside " + descriptor + " cannot be taken away: " + e,
                    null);
        }
    }
}
