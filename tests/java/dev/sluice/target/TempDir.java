package dev.sluice.target;

import java.io.IOException;
import java.io.RandomAccessFile;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Comparator;
import java.util.List;
import java.util.stream.Stream;

/** A folder of a test's own, on the disk of the build, gone with the test. */
final class TempDir implements AutoCloseable {
    final Path path;

    TempDir() {
        try {
            path = Files.createTempDirectory(Path.of("target").toAbsolutePath(), "test");
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    /** A new sparse file. */
    String file(String name, long size) throws IOException {
        Path file = path.resolve(name);
        try (RandomAccessFile f = new RandomAccessFile(file.toFile(), "rw")) {
            f.setLength(size);
        }
        return file.toString();
    }

    @Override
    public void close() throws IOException {
        List<Path> all;
        try (Stream<Path> found = Files.walk(path)) {
            all = found.sorted(Comparator.reverseOrder()).toList();
        }
        for (Path one : all) {
            Files.delete(one);
        }
    }
}
