package dev.sluice.cli;

import dev.sluice.block.BlockException;
import picocli.CommandLine;
import picocli.CommandLine.Command;

/** The commands. Those that need no process of their own are done by {@code scripts/sluice}. */
@Command(name = "sluice", mixinStandardHelpOptions = true,
        description = "Virtual block files: each device of a table is a file.",
        subcommands = {MountCommand.class, ScriptCommands.Umount.class, ScriptCommands.Status.class,
            ScriptCommands.Set.class, ScriptCommands.Message.class, TopCommand.class,
            ReportCommand.class, ScriptCommands.Attach.class, ScriptCommands.Detach.class,
            TargetsCommand.class, ImageCommand.class, VolumesCommand.class,
            ScriptCommands.Help.class, PagesCommand.class})
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
