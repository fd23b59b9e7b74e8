package dev.sluice.ploop;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.channels.FileChannel;
import java.nio.file.DirectoryStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.nio.file.StandardOpenOption;
import java.nio.file.attribute.PosixFilePermissions;
import java.util.regex.Pattern;

/** Small files that are replaced as a whole, and folders whose names are durable. */
final class DurableFile {
    private static final String DRAFT = ".new";

    private DurableFile() {}

    /** Another file is made beside it, is durable, and then takes its name. */
    static void write(Path to, byte[] content) throws IOException {
        Path file = Files.exists(to) ? to.toRealPath() : to.toAbsolutePath();
        Path folder = file.getParent();
        Path next = Files.createTempFile(folder, "." + file.getFileName(), DRAFT);
        try {
            Files.setPosixFilePermissions(next, Files.exists(file)
                    ? Files.getPosixFilePermissions(file)
                    : PosixFilePermissions.fromString("rw-r--r--"));
            ByteBuffer bytes = ByteBuffer.wrap(content);
            try (FileChannel channel = FileChannel.open(next, StandardOpenOption.WRITE)) {
                while (bytes.hasRemaining()) {
                    channel.write(bytes);
                }
                channel.force(true);
            }
            Files.move(next, file, StandardCopyOption.ATOMIC_MOVE,
                    StandardCopyOption.REPLACE_EXISTING);
        } finally {
            Files.deleteIfExists(next);
        }
        sync(folder);
    }

    /** Makes the names in a folder durable. */
    static void sync(Path folder) throws IOException {
        try (FileChannel channel = FileChannel.open(folder, StandardOpenOption.READ)) {
            channel.force(true);
        }
    }

    /** Takes away what a crash left of {@link #write}, which nobody is in now. */
    static void sweep(Path to) throws IOException {
        Path file = Files.exists(to) ? to.toRealPath() : to.toAbsolutePath();
        Pattern draft = Pattern.compile(Pattern.quote("." + file.getFileName()) + "\\d+"
                + Pattern.quote(DRAFT));
        try (DirectoryStream<Path> all = Files.newDirectoryStream(file.getParent(),
                path -> draft.matcher(path.getFileName().toString()).matches())) {
            for (Path path : all) {
                Files.deleteIfExists(path);
            }
        }
    }
}
