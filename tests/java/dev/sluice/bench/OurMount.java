package dev.sluice.bench;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;

/** A mount of ours in a daemon of its own. The working directory is the root of the project. */
record OurMount(Shell shell, Path dir) implements AutoCloseable {
    static final String SLUICE = "scripts/sluice";

    private static final int LIMIT = 60;

    /** Mounts the table as NAME.mount in the scratch folder; the options may be empty. */
    static OurMount of(Shell shell, String name, String options, String table)
            throws IOException, InterruptedException {
        Path file = Files.writeString(shell.scratch().resolve(name + ".table"), table);
        OurMount mount = new OurMount(shell,
                Files.createDirectories(shell.scratch().resolve(name + ".mount")));
        List<String> words = new ArrayList<>(List.of("mount"));
        if (!options.isEmpty()) {
            words.addAll(List.of("-o", options));
        }
        words.addAll(List.of(file.toString(), mount.dir.toString()));
        mount.sluice(words.toArray(String[]::new));
        return mount;
    }

    /** What the command said; the words are those behind {@code sluice}. */
    String sluice(String... words) throws IOException, InterruptedException {
        List<String> command = new ArrayList<>(List.of(SLUICE));
        command.addAll(List.of(words));
        return shell.run(LIMIT, command);
    }

    /** A device, or with {@code .sluice/} in front a control file. */
    Path file(String name) {
        return dir.resolve(name);
    }

    /** The daemon. */
    long pid() throws IOException {
        return Long.parseLong(Files.readString(file(".sluice/pid")).strip());
    }

    @Override
    public void close() throws IOException, InterruptedException {
        sluice("umount", dir.toString());
    }
}
