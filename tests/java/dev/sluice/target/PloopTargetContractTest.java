package dev.sluice.target;

import static org.assertj.core.api.Assertions.assertThat;

import dev.sluice.block.Target;
import dev.sluice.ploop.Header;
import dev.sluice.ploop.Image;
import dev.sluice.storage.FileBacking;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.io.TempDir;

/**
 * ploop, through the page cache. The image lies in the build's folder: the system's temporary one
 * may be memory, which has no direct I/O. Bios in flight of the same bytes may mix.
 */
class PloopTargetContractTest extends TargetContract {
    /** In Maven's folder. */
    @TempDir(factory = BuildFolder.class)
    Path folder;

    @Override
    Target open(ContractRig rig) throws Exception {
        Path file = Files.createTempFile(folder, "disk", ".hds");
        FileBacking empty = FileBacking.open(file.toString(), false, false, rig.arena,
                rig.host.log());
        Image.create(file.toString(), Header.create(SIZE, cluster()), empty, rig.arena);
        empty.close();
        assertThat(rig.log).isEmpty();
        return PloopTarget.TYPE.open(new TargetArgs("d", -1, file.toString(), List.of(), keys()),
                rig.host);
    }

    int cluster() {
        return 1 << 20;
    }

    Map<String, String> keys() {
        return Map.of();
    }

    @Override
    int atom() {
        return 1;
    }
}
