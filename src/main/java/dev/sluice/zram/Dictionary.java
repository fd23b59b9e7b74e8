package dev.sluice.zram;

import dev.sluice.block.BlockException;
import dev.sluice.block.Errno;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;

/** Files that say what pages are expected to look like. */
public final class Dictionary {
    private static final int MOST = 1 << 20;

    private Dictionary() {}

    /** The same file, wherever the program runs; null for null. */
    public static String absolute(String file) {
        return file == null ? null : Path.of(file).toAbsolutePath().toString();
    }

    /** The bytes of a file, 1 to 1 MiB. */
    public static byte[] read(String file) throws BlockException {
        try {
            Path path = Path.of(file);
            if (Files.size(path) == 0 || Files.size(path) > MOST) {
                throw new BlockException(Errno.EINVAL, "dict=" + file
                        + " must be a file of 1 byte to 1M");
            }
            return Files.readAllBytes(path);
        } catch (BlockException e) {
            throw e;
        } catch (IOException | RuntimeException e) {
            throw new BlockException(Errno.EINVAL, "dict=" + file + " cannot be read: " + e
                    + "; name a readable file", e);
        }
    }
}
