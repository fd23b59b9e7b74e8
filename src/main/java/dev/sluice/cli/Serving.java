package dev.sluice.cli;

import dev.sluice.block.BlockException;
import dev.sluice.block.Errno;
import dev.sluice.fuse.MountOptions;
import dev.sluice.table.Table;
import dev.sluice.target.TargetType;
import dev.sluice.volumes.Plugin;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import picocli.CommandLine.Option;
import picocli.CommandLine.Parameters;

/** What commands that serve a table at a directory have in common. */
final class Serving {
    @Option(names = "-o", paramLabel = "OPTS",
            description = "mount options, comma-separated; the manual has a list")
    private String options;

    @Option(names = "-f", description = "stays in the foreground and logs to the terminal")
    private boolean foreground;

    @Parameters(index = "0", paramLabel = "TABLE", description = "one device a line")
    private Path table;

    @Parameters(index = "1", paramLabel = "DIR", description = "an existing directory")
    private Path dir;

    /** How the table is read. */
    @FunctionalInterface
    interface Reader {
        /** The table in a file, of these types. */
        Table read(Path table, List<TargetType> types) throws BlockException;
    }

    /** Serves until the end, in the foreground; the exit code. Volumes may be null. */
    int run(Reader reader, Plugin.Place volumes) throws InterruptedException {
        Ready ready = new Ready(System.getenv("SLUICE_READY_FD"),
                System.getProperty("sluice.runtime"));
        try {
            String failure = new Daemon(ready).run(types -> reader.read(table, types), directory(),
                    MountOptions.parse(options), volumes);
            return failure == null ? 0 : 1;
        } catch (BlockException e) {
            System.err.println("sluice: " + e.getMessage());
            ready.no(e.getMessage());
            return 1;
        } catch (RuntimeException | Error e) {
            ready.no("an error of sluice's own: " + e);
            throw e;
        }
    }

    private Path directory() throws BlockException {
        try {
            Path real = dir.toRealPath();
            if (Files.isDirectory(real)) {
                return real;
            }
        } catch (IOException e) {
            throw new BlockException(Errno.ENOENT, dir + " cannot be mounted on: it does not exist"
                    + " or cannot be reached; create the directory first", e);
        }
        throw new BlockException(Errno.ENOTDIR, dir + " is not a directory; name one");
    }
}
