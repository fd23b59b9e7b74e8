package dev.sluice.cli;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.concurrent.Callable;
import picocli.AutoComplete;
import picocli.CommandLine;
import picocli.CommandLine.Command;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Parameters;
import picocli.CommandLine.Spec;

/** Writes what is made from the definitions of the commands, for who installs the program. */
@Command(name = "pages", hidden = true, description = "Writes man page and completion.")
final class PagesCommand implements Callable<Integer> {
    @Spec
    private CommandSpec spec;

    @Parameters(paramLabel = "FOLDER", description = "where man and completion are put")
    private Path folder;

    @Override
    public Integer call() throws IOException {
        CommandLine program = spec.parent().commandLine();
        Files.writeString(Files.createDirectories(folder.resolve("man")).resolve("sluice.1"),
                ManPage.of(program.getCommandSpec()));
        Files.writeString(Files.createDirectories(folder.resolve("completion")).resolve("sluice"),
                // It is read into a shell, and never run by itself.
                AutoComplete.bash("sluice", program).replaceFirst("^#!.*\n", ""));
        return 0;
    }
}
