package dev.sluice.cli;

import dev.sluice.block.BlockException;
import dev.sluice.block.Errno;
import dev.sluice.storage.Drafts;
import java.io.IOException;
import java.nio.channels.FileChannel;
import java.nio.file.FileAlreadyExistsException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;

/**
 * A file that is there as a whole or not at all: it is written under another name beside it, which
 * goes away if anything fails, or the process is ended.
 */
final class NewFile implements AutoCloseable {
    private final Path path;
    private final Path draft;
    private final boolean kept;

    /** Nothing of this name may exist; nothing does until {@link #publish}. */
    NewFile(Path path) throws BlockException {
        this.path = path.toAbsolutePath();
        this.kept = false;
        if (Files.exists(path)) {
            throw exists();
        }
        draft = Drafts.of(this.path);
        Drafts.sweep(this.path.getParent(), OpenFile::warn);
        try {
            Files.createFile(draft);
        } catch (IOException e) {
            throw failed("no file can be made in " + this.path.getParent(), e);
        }
        Runtime.getRuntime().addShutdownHook(new Thread(this::discard));
    }

    /** The same, written under a name that is given, and stays there when something fails. */
    NewFile(Path path, Path draft) throws BlockException {
        this.path = path.toAbsolutePath();
        this.draft = draft.toAbsolutePath();
        this.kept = true;
        if (Files.exists(path)) {
            throw exists();
        }
        if (!Files.exists(draft)) {
            try {
                Files.createFile(draft);
            } catch (IOException e) {
                throw failed("no file can be made in " + this.path.getParent(), e);
            }
        }
    }

    /** Whether a file has its name, and a crash left it the other one too. */
    static boolean isPublished(Path path, Path draft) throws BlockException {
        try {
            return path != null && Files.exists(path) && Files.exists(draft)
                    && Files.isSameFile(path, draft);
        } catch (IOException e) {
            throw new BlockException(Errno.EIO, path + " cannot be looked at (" + e
                    + "); make its folder readable", e);
        }
    }

    /** Takes the other name away, durably, and not before the file's own is. */
    static void remove(Path draft) throws BlockException {
        try {
            sync(draft.getParent());
            Files.deleteIfExists(draft);
            sync(draft.getParent());
        } catch (IOException e) {
            throw new BlockException(Errno.EIO, draft + " cannot be deleted (" + e
                    + "); delete it by hand", e);
        }
    }

    /** Takes a name back that a file was given before a crash, if it still has the other one. */
    static void withdraw(Path path, Path draft) throws BlockException {
        try {
            if (isPublished(path, draft)) {
                Files.delete(path);
            }
        } catch (IOException e) {
            throw new BlockException(Errno.EIO, path + " cannot be made anew (" + e
                    + "); make its folder writable, or name another file", e);
        }
    }

    /** Where it is to be written. */
    Path draft() {
        return draft;
    }

    private BlockException exists() {
        return new BlockException(Errno.EEXIST, path + " exists; name a file that does not");
    }

    private BlockException failed(String what, IOException e) {
        return new BlockException(Errno.EIO, path + " is not made: " + what + " (" + e.getMessage()
                + "); name a file in a folder that can be written to and has room", e);
    }

    /** What is done once a file has its name. */
    @FunctionalInterface
    interface Step {
        void run() throws BlockException;
    }

    /** Gives it its name, durably; what it holds is durable by now. A file that exists stays. */
    void publish() throws BlockException {
        publish(() -> { });
    }

    /** The same; after a crash the other name is still there if {@code then} was not done. */
    void publish(Step then) throws BlockException {
        try {
            // A link never replaces a file, whoever made it meanwhile.
            Files.createLink(path, draft);
        } catch (FileAlreadyExistsException e) {
            throw exists();
        } catch (IOException | UnsupportedOperationException e) {
            move();
        }
        sync();
        then.run();
        discard();
        sync();
    }

    private void sync() throws BlockException {
        try {
            sync(path.getParent());
        } catch (IOException e) {
            throw failed("its name cannot be made durable", e);
        }
    }

    /** Makes the names in a folder durable. */
    static void sync(Path folder) throws IOException {
        try (FileChannel names = FileChannel.open(folder, StandardOpenOption.READ)) {
            names.force(true);
        }
    }

    /** Where the file system has no links. */
    private void move() throws BlockException {
        try {
            Files.move(draft, path);
        } catch (FileAlreadyExistsException e) {
            throw exists();
        } catch (IOException e) {
            throw failed("it cannot be given its name", e);
        }
    }

    private void discard() {
        try {
            Files.deleteIfExists(draft);
        } catch (IOException e) {
            System.err.println("sluice: " + draft + " cannot be deleted (" + e.getMessage()
                    + "); delete it by hand");
        }
    }

    @Override
    public void close() {
        try {
            if (!kept || Files.exists(draft) && Files.size(draft) == 0) {
                discard();
            }
        } catch (IOException e) {
            System.err.println("sluice: " + draft + " cannot be looked at (" + e.getMessage()
                    + "); delete it by hand if it is there");
        }
    }
}
