package dev.sluice.cli;

import java.io.FileOutputStream;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;

/**
 * What the script that started the process is told: one line when requests are served or why not,
 * on the descriptor it named; and how it ended, in a file of the runtime folder.
 */
final class Ready {
    private final String descriptor;
    private final Path folder;
    private boolean told;

    /** Either may be null: then nobody waits there. */
    Ready(String descriptor, String folder) {
        this.descriptor = descriptor;
        this.folder = folder == null ? null : Path.of(folder);
    }

    void yes() {
        tell("ready");
    }

    void no(String sentence) {
        tell("error " + sentence.replace('\n', ' '));
    }

    private void tell(String line) {
        if (descriptor == null || told) {
            return;
        }
        told = true;
        try (FileOutputStream out = new FileOutputStream("/dev/fd/" + descriptor)) {
            out.write((line + "\n").getBytes(StandardCharsets.UTF_8));
        } catch (IOException e) {
            System.err.println("sluice: cannot tell descriptor " + descriptor + ": " + e);
        }
    }

    /** Leaves how it ended; null for well. */
    void result(String failure) {
        if (folder == null) {
            return;
        }
        try {
            Files.writeString(folder.resolve("result"), (failure == null ? "ok" : failure) + "\n");
        } catch (IOException e) {
            System.err.println("sluice: cannot write the result: " + e);
        }
    }
}
