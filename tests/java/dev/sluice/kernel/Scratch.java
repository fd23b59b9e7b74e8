package dev.sluice.kernel;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;

/** A sparse file below the build folder, on a real disk, that goes away with the test. */
final class Scratch implements AutoCloseable {
    final Path path;

    Scratch(String name, long bytes) {
        try {
            path = Files.createTempFile(Path.of("target").toAbsolutePath(), name, "");
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
        Shell.run("truncate", "-s", Long.toString(bytes), path.toString()).ok();
    }

    @Override
    public void close() {
        try {
            Files.delete(path);
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }
}
