package dev.sluice.target;

import dev.sluice.block.Device;
import dev.sluice.block.Target;
import java.util.List;
import java.util.Map;

/** zram whose pages are recompressed and written back to another device as soon as can be. */
class ZramBackedContractTest extends ZramTargetContractTest {
    @Override
    Target open(ContractRig rig) throws Exception {
        Target ram = rig.own(RamTarget.TYPE.open(
                new TargetArgs("spill", SIZE / 2, null, List.of(), Map.of()), rig.host));
        Device spill = rig.device("spill", ram);
        return ZramTarget.TYPE.open(new TargetArgs("d", SIZE, null, List.of(spill), keys()),
                rig.host);
    }

    @Override
    Map<String, String> keys() {
        return Map.of("writers", "3", "recompress", "zstd:after=1s", "writeback", "after=1s",
                "backing", "spill");
    }
}
