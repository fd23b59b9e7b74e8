package dev.sluice.cli;

import dev.sluice.block.BlockException;
import dev.sluice.block.Errno;
import dev.sluice.fuse.MountOptions;
import dev.sluice.table.DmTable;
import dev.sluice.table.Table;
import dev.sluice.target.TargetType;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
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

    @Option(names = "-f", description = "stays in the foreground and logs to the terminal")
    private boolean foreground;

    @Option(names = "--dm", description = "TABLE holds lines as dmsetup has them; - is standard"
            + " input")
    private boolean dm;

    @Option(names = "--name", paramLabel = "NAME", description = "with --dm: the device's name,"
            + " where the lines give none; otherwise it is that of the file")
    private String name;

    @Parameters(index = "0", paramLabel = "TABLE", description = "one device a line")
    private Path table;

    @Parameters(index = "1", paramLabel = "DIR", description = "an existing directory")
    private Path dir;

    @Override
    public Integer call() throws InterruptedException {
        Ready ready = new Ready(System.getenv("SLUICE_READY_FD"),
                System.getProperty("sluice.runtime"));
        try {
            String failure = new Daemon(ready).run(this::read, directory(),
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

    private Table read(List<TargetType> types) throws BlockException {
        if (name != null && !dm) {
            throw new BlockException(Errno.EINVAL, "--name goes with --dm; a table names its"
                    + " devices itself");
        }
        return dm ? DmTable.read(table, name, types) : Table.read(table, types);
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
