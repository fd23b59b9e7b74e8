package dev.sluice.zram;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.stream.Stream;
import net.jpountz.lz4.LZ4Factory;

/** The native library of lz4-java. */
final class Lz4Library {
    private Lz4Library() {}

    /**
     * Loads it. It is unpacked to a file that is removed when the virtual machine ends well; a
     * daemon may be killed, so the file goes as soon as it is mapped.
     */
    static LZ4Factory load() {
        LZ4Factory factory = LZ4Factory.nativeInstance();
        try (Stream<String> maps = Files.lines(Path.of("/proc/self/maps"))) {
            maps.filter(line -> line.contains("/liblz4-java-") && line.endsWith(".so"))
                    .map(line -> Path.of(line.substring(line.indexOf('/'))))
                    .distinct().forEach(Lz4Library::delete);
        } catch (IOException e) {
            throw new IllegalStateException("no list of what is mapped", e);
        }
        return factory;
    }

    private static void delete(Path file) {
        try {
            Files.deleteIfExists(file);
        } catch (IOException e) {
            throw new IllegalStateException(file + " cannot be removed", e);
        }
    }
}
