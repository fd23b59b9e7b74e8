package dev.sluice.target;

import dev.sluice.block.Target;
import java.io.RandomAccessFile;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.io.TempDir;

/**
 * file, through the page cache. The file lies in the build's folder: the system's temporary one
 * may be memory, which has no direct I/O. Bios in flight of the same bytes may mix.
 */
class FileTargetContractTest extends TargetContract {
    /** In Maven's folder. */
    @TempDir(factory = BuildFolder.class)
    Path folder;

    @Override
    Target open(ContractRig rig) throws Exception {
        Path file = Files.createTempFile(folder, "disk", ".img");
        try (RandomAccessFile f = new RandomAccessFile(file.toFile(), "rw")) {
            f.setLength(SIZE);
        }
        return FileTarget.TYPE.open(new TargetArgs("d", -1, file.toString(), List.of(), keys()),
                rig.host);
    }

    Map<String, String> keys() {
        return Map.of();
    }

    @Override
    int atom() {
        return 1;
    }
}
