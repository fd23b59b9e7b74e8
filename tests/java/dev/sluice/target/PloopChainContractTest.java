package dev.sluice.target;

import static org.assertj.core.api.Assertions.assertThat;

import dev.sluice.block.Device;
import dev.sluice.block.Errno;
import dev.sluice.block.Memory;
import dev.sluice.block.Op;
import dev.sluice.block.Target;
import dev.sluice.ploop.Header;
import dev.sluice.ploop.Image;
import dev.sluice.storage.FileBacking;
import dev.sluice.testing.TestBio;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.io.TempDir;

/** ploop on a raw base and an image, which have clusters of zeros for all of the disk. */
class PloopChainContractTest extends TargetContract {
    private static final int CLUSTER = 64 << 10;

    /** In Maven's folder. */
    @TempDir(factory = BuildFolder.class)
    Path folder;

    @Override
    Target open(ContractRig rig) throws Exception {
        Path base = Files.createTempFile(folder, "base", ".raw");
        Files.write(base, new byte[(int) SIZE / 2 + CLUSTER / 2]);
        Path middle = image(rig);
        Target below = PloopTarget.TYPE.open(new TargetArgs("b", -1, middle.toString(), List.of(),
                keys()), rig.host);
        Device device = rig.device("b", below);
        Memory data = rig.arena.map(CLUSTER);
        data.bytes().put(0, (byte) 1);
        for (int at = 0; at < SIZE; at += 2 * CLUSTER) {
            change(device, Op.WRITE, at, data);
            change(device, Op.WRITE_ZEROES, at, null);
        }
        rig.arena.unmap(data);
        below.close();
        String list = "raw@" + base + "," + middle + "," + image(rig);
        Map<String, String> all = new HashMap<>(keys());
        all.put("image", list);
        Target target = PloopTarget.TYPE.open(new TargetArgs("d", -1, null, List.of(), all),
                rig.host);
        assertThat((int) target.status().get("only_below")).isGreaterThan(40);
        return target;
    }

    private static void change(Device device, Op op, long at, Memory data) {
        assertThat(TestBio.submit(device, op, at, CLUSTER, false, data, () -> { }).outcome())
                .isEqualTo(Errno.OK);
    }

    private Path image(ContractRig rig) throws Exception {
        Path file = Files.createTempFile(folder, "disk", ".hds");
        FileBacking empty = FileBacking.open(file.toString(), false, false, rig.arena,
                rig.host.log());
        Image.create(file.toString(), Header.create(SIZE, CLUSTER), empty, rig.arena);
        empty.close();
        return file;
    }

    Map<String, String> keys() {
        return Map.of("prealloc", "1M");
    }

    @Override
    int atom() {
        return 1;
    }
}
