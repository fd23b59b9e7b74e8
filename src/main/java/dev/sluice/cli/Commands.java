package dev.sluice.cli;

import picocli.CommandLine;
import picocli.CommandLine.Command;

/** The commands that need a process of their own; the rest is files and {@code scripts/sluice}. */
@Command(name = "sluice", mixinStandardHelpOptions = true,
        subcommands = {MountCommand.class, TargetsCommand.class})
public final class Commands {
    /** Runs one command line; the exit code. */
    public static int run(String[] args) {
        CommandLine line = new CommandLine(new Commands());
        if (args.length == 0) {
            line.usage(System.err);
            return 2;
        }
        return line.execute(args);
    }
}
