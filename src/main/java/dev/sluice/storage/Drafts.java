package dev.sluice.storage;

import dev.sluice.block.BlockException;
import dev.sluice.block.Device;
import dev.sluice.sys.Arena;
import java.io.IOException;
import java.nio.file.DirectoryIteratorException;
import java.nio.file.DirectoryStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.List;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/**
 * Files that are written under another name until they are whole. Nobody else knows such a name, so
 * one whose process is gone is of no use to anybody.
 */
public final class Drafts {
    private static final Pattern NAME = Pattern.compile("\\..+\\.sluice-(\\d{1,18})");

    /** Clocks of files and of processes differ by so much. */
    private static final Duration SLACK = Duration.ofSeconds(1);

    private Drafts() {}

    /** Where a file is written before it gets its name. */
    public static Path of(Path file) {
        return file.resolveSibling("." + file.getFileName() + ".sluice-"
                + ProcessHandle.current().pid());
    }

    /**
     * Takes those away that a process left which was killed: it is not there any more, and nobody
     * has the file locked, as one in another container would have.
     *
     * @return what was taken away
     */
    public static List<Path> sweep(Path folder, Device.Log log) {
        List<Path> gone = new ArrayList<>();
        if (!Files.isDirectory(folder)) {
            // Who wants to make a file there says so.
            return gone;
        }
        try (DirectoryStream<Path> all = Files.newDirectoryStream(folder, ".*.sluice-*")) {
            for (Path path : all) {
                Matcher m = NAME.matcher(path.getFileName().toString());
                if (m.matches() && !lives(Long.parseLong(m.group(1)), path) && free(path)) {
                    Files.deleteIfExists(path);
                    gone.add(path);
                }
            }
        } catch (IOException | DirectoryIteratorException e) {
            log.error("what killed commands left in " + folder + " cannot be taken away: " + e,
                    null);
        }
        return gone;
    }

    /** Whether the process is there, and not a later one of the same number. */
    private static boolean lives(long pid, Path draft) throws IOException {
        Instant written = Files.getLastModifiedTime(draft).toInstant();
        return ProcessHandle.of(pid).map(p -> p.info().startInstant().map(start ->
                start.isBefore(written.plus(SLACK))).orElse(true)).orElse(false);
    }

    private static boolean free(Path path) {
        if (!Files.isRegularFile(path)) {
            return false;
        }
        try (Arena arena = new Arena()) {
            FileBacking.open(path.toString(), false, false, arena, (sentence, cause) -> { })
                    .close();
            return true;
        } catch (BlockException e) {
            return false;
        }
    }
}
