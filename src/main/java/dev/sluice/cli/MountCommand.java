package dev.sluice.cli;

import dev.sluice.block.BlockException;
import dev.sluice.block.Errno;
import dev.sluice.fuse.MountOptions;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.concurrent.Callable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Option;
import picocli.CommandLine.Parameters;

/** Serves a table at a directory, in the foreground. */
@Command(name = "mount", description = "Shows every device of TABLE as a file in DIR.")
final class MountCommand implements Callable<Integer> {
    @Option(names = "-o", paramLabel = "OPTS", description = "comma-separated: "
            + MountOptions.KNOWN)
    private String options;

    @Parameters(index = "0", paramLabel = "TABLE", description = "one device a line")
    private Path table;

    @Parameters(index = "1", paramLabel = "DIR", description = "an existing directory")
    private Path dir;

    @Override
    public Integer call() throws InterruptedException {
        Ready ready = new Ready(System.getenv("SLUICE_READY_FD"),
                System.getProperty("sluice.runtime"));
        try {
            String failure = new Daemon(ready).run(table, directory(),
                    MountOptions.parse(options));
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
        throw new BlockException(Errno.ENOTDIR, dir + " is not a directory: mount on one");
    }
}
