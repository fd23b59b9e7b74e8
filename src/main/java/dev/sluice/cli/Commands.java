package dev.sluice.cli;

import dev.sluice.block.BlockException;
import picocli.CommandLine;
import picocli.CommandLine.Command;

/** The commands that need a process of their own; the rest is files and {@code scripts/sluice}. */
@Command(name = "sluice", mixinStandardHelpOptions = true,
        subcommands = {MountCommand.class, TargetsCommand.class, ImageCommand.class,
            TopCommand.class})
public final class Commands {
    /** Runs one command line; the exit code. */
    public static int run(String[] args) {
        CommandLine line = new CommandLine(new Commands());
        if (args.length == 0) {
            line.usage(System.err);
            return 2;
        }
        line.setCaseInsensitiveEnumValuesAllowed(true);
        line.setExecutionExceptionHandler((e, command, parsed) -> {
            if (e instanceof BlockException) {
                System.err.println("sluice: " + e.getMessage());
                return 1;
            }
            throw e;
        });
        return line.execute(args);
    }
}
