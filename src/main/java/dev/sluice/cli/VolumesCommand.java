package dev.sluice.cli;

import dev.sluice.table.Table;
import dev.sluice.volumes.Plugin;
import java.nio.file.Path;
import java.util.concurrent.Callable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Option;

/** Serves a table at a directory, and volumes for containers beside it, in the foreground. */
@Command(name = "volumes", description = {"Shows every device of TABLE as a file in DIR, and makes"
        + " volumes for docker and podman there.", "TABLE may be empty."})
final class VolumesCommand implements Callable<Integer> {
    @Mixin
    private Serving serving;

    @Option(names = "--socket", paramLabel = "PATH", description = "where the plugin is asked;"
            + " without it standard input must be a socket, as systemd hands it over")
    private Path socket;

    @Option(names = "--folder", paramLabel = "PATH", defaultValue = "/var/lib/sluice/volumes",
            description = "where states, images and mount points are (${DEFAULT-VALUE})")
    private Path folder;

    @Override
    public Integer call() throws InterruptedException {
        return serving.run((table, types) -> Table.read(table, types, true),
                new Plugin.Place(folder, socket == null ? null : socket.toAbsolutePath()));
    }
}
