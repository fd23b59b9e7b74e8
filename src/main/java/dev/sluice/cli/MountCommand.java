package dev.sluice.cli;

import dev.sluice.block.BlockException;
import dev.sluice.block.Errno;
import dev.sluice.table.DmTable;
import dev.sluice.table.Table;
import dev.sluice.target.TargetType;
import java.nio.file.Path;
import java.util.List;
import java.util.concurrent.Callable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Option;

/** Serves a table at a directory, in the foreground. */
@Command(name = "mount", description = "Shows every device of TABLE as a file in DIR.")
final class MountCommand implements Callable<Integer> {
    @Mixin
    private Serving serving;

    @Option(names = "--dm", description = "TABLE holds lines as dmsetup has them; - is standard"
            + " input")
    private boolean dm;

    @Option(names = "--name", paramLabel = "NAME", description = "with --dm: the device's name,"
            + " where the lines give none; otherwise it is that of the file")
    private String name;

    @Override
    public Integer call() throws InterruptedException {
        return serving.run(this::read, null);
    }

    private Table read(Path table, List<TargetType> types) throws BlockException {
        if (name != null && !dm) {
            throw new BlockException(Errno.EINVAL, "--name goes with --dm; a table names its"
                    + " devices itself");
        }
        return dm ? DmTable.read(table, name, types) : Table.read(table, types, false);
    }
}
