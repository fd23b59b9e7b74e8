package dev.sluice.target;

import java.nio.file.Files;
import java.nio.file.Path;
import org.junit.jupiter.api.extension.AnnotatedElementContext;
import org.junit.jupiter.api.extension.ExtensionContext;
import org.junit.jupiter.api.io.TempDirFactory;

/** Makes folders for tests where the build has its own, on a disk. */
final class BuildFolder implements TempDirFactory {
    @Override
    public Path createTempDirectory(AnnotatedElementContext element, ExtensionContext test)
            throws Exception {
        Path build = Files.createDirectories(Path.of("target", "tmp").toAbsolutePath());
        return Files.createTempDirectory(build, "test");
    }
}
