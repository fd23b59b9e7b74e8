package dev.sluice.volumes;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.node.ObjectNode;
import dev.sluice.block.BlockException;
import dev.sluice.block.Device;
import dev.sluice.block.Errno;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.channels.FileChannel;
import java.nio.channels.FileLock;
import java.nio.channels.OverlappingFileLockException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.nio.file.StandardOpenOption;
import java.nio.file.attribute.PosixFilePermissions;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.stream.Stream;

/**
 * The plugin's own folder: {@code state/NAME.json} says what a volume is and who uses it,
 * {@code images} has the images, {@code mounts} the mount points of those in use. One process has
 * it at a time. A state is there as a whole or not at all, and durable when it has been saved.
 */
final class Folder implements AutoCloseable {
    private static final ObjectMapper JSON = new ObjectMapper();
    private static final String SUFFIX = ".json";
    private static final int MOST_BYTES = 4 << 20;

    final Path images;
    final Path mounts;
    /** For what programs say. */
    final Path said;
    private final Path state;
    private final FileChannel lock;

    private Folder(Path path, FileChannel lock) {
        this.images = path.resolve("images");
        this.mounts = path.resolve("mounts");
        this.said = path.resolve("said");
        this.state = path.resolve("state");
        this.lock = lock;
    }

    /** Makes what is missing of it, and takes it for this process. */
    static Folder open(Path path) throws BlockException {
        try {
            make(path.toAbsolutePath());
            FileChannel channel = FileChannel.open(path.resolve("lock"),
                    StandardOpenOption.CREATE, StandardOpenOption.WRITE);
            if (!lock(channel)) {
                channel.close();
                throw new BlockException(Errno.EBUSY, path + " is in use by another process; give"
                        + " each its own folder");
            }
            Folder folder = new Folder(path.toRealPath(), channel);
            for (Path part : List.of(folder.images, folder.mounts, folder.said, folder.state)) {
                Files.createDirectories(part);
            }
            for (Path left : list(folder.said)) {
                Files.delete(left);
            }
            return folder;
        } catch (IOException e) {
            throw new BlockException(Errno.EIO, "the folder " + path + " cannot be used ("
                    + e.getMessage() + "); name one that can be written to", e);
        }
    }

    /** What is in the images is for nobody but this user. */
    private static void make(Path path) throws IOException {
        if (!Files.exists(path)) {
            Files.createDirectories(path.getParent());
            Files.createDirectory(path, PosixFilePermissions.asFileAttribute(
                    PosixFilePermissions.fromString("rwx------")));
        }
    }

    /** The lock goes with the process, however it ends. */
    private static boolean lock(FileChannel channel) throws IOException {
        try {
            FileLock lock = channel.tryLock();
            return lock != null;
        } catch (OverlappingFileLockException e) {
            return false;
        }
    }

    private static List<Path> list(Path folder) throws IOException {
        try (Stream<Path> all = Files.list(folder)) {
            return all.sorted().toList();
        }
    }

    private Path file(String name) {
        return state.resolve(name + SUFFIX);
    }

    /** Whether there is a state of this name, readable or not. */
    boolean has(String name) {
        return Files.exists(file(name));
    }

    /** All states by name. One that cannot be read is logged and left as it is. */
    Map<String, JsonNode> load(Device.Log log) throws BlockException {
        Map<String, JsonNode> all = new LinkedHashMap<>();
        try {
            for (Path file : list(state)) {
                String name = file.getFileName().toString();
                if (name.startsWith(".")) {
                    // Of a save that did not come to its end.
                    Files.delete(file);
                } else if (name.endsWith(SUFFIX)) {
                    JsonNode read = read(file, log);
                    if (read != null) {
                        all.put(name.substring(0, name.length() - SUFFIX.length()), read);
                    }
                }
            }
        } catch (IOException e) {
            throw new BlockException(Errno.EIO, state + " cannot be read (" + e.getMessage()
                    + "); make it readable, and start again", e);
        }
        return all;
    }

    private static JsonNode read(Path file, Device.Log log) {
        try {
            JsonNode read = Files.size(file) > MOST_BYTES ? null : JSON.readTree(file.toFile());
            if (read != null && read.isObject()) {
                return read;
            }
            log.error(file + " is no volume's state; it is left as it is, delete it if it"
                    + " means nothing to you", null);
        } catch (IOException e) {
            log.error(file + " cannot be read (" + e.getMessage() + "); it is left as it is", e);
        }
        return null;
    }

    /** Puts a state in place of the one there was. */
    void save(String name, ObjectNode content) throws BlockException {
        Path draft = state.resolve("." + name);
        try {
            try (FileChannel out = FileChannel.open(draft, StandardOpenOption.CREATE,
                    StandardOpenOption.TRUNCATE_EXISTING, StandardOpenOption.WRITE)) {
                ByteBuffer bytes = ByteBuffer.wrap(JSON.writeValueAsBytes(content));
                while (bytes.hasRemaining()) {
                    out.write(bytes);
                }
                out.force(true);
            }
            Files.move(draft, file(name), StandardCopyOption.ATOMIC_MOVE);
            sync(state);
        } catch (IOException e) {
            throw new BlockException(Errno.EIO, "the state of " + name + " cannot be saved in "
                    + state + " (" + e.getMessage() + "); make room there, and ask again", e);
        }
    }

    /** Takes a state away, durably. */
    void delete(String name) throws BlockException {
        try {
            Files.deleteIfExists(file(name));
            sync(state);
        } catch (IOException e) {
            throw new BlockException(Errno.EIO, file(name) + " cannot be deleted ("
                    + e.getMessage() + "); make its folder writable, and ask again", e);
        }
    }

    /** Takes an image away. */
    void deleteImage(String file) throws BlockException {
        try {
            Files.deleteIfExists(images.resolve(file));
            sync(images);
        } catch (IOException e) {
            throw new BlockException(Errno.EIO, images.resolve(file) + " cannot be deleted ("
                    + e.getMessage() + "); make its folder writable, and ask again", e);
        }
    }

    /** Makes the names in a folder durable. */
    private static void sync(Path folder) throws IOException {
        try (FileChannel names = FileChannel.open(folder, StandardOpenOption.READ)) {
            names.force(true);
        }
    }

    /** The mount points in the folder, whether something is mounted there or not. */
    List<String> mountPoints() throws BlockException {
        try {
            List<String> names = new ArrayList<>();
            list(mounts).forEach(path -> names.add(path.getFileName().toString()));
            return names;
        } catch (IOException e) {
            throw new BlockException(Errno.EIO, mounts + " cannot be read (" + e.getMessage()
                    + "); make it readable, and start again", e);
        }
    }

    @Override
    public void close() throws BlockException {
        try {
            lock.close();
        } catch (IOException e) {
            throw new BlockException(Errno.EIO, "the lock cannot be given back ("
                    + e.getMessage() + "); it goes with the process", e);
        }
    }
}
