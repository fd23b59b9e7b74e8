package dev.sluice.target;

import dev.sluice.block.Target;
import java.util.List;
import java.util.Map;

/** zram as it is without parameters: lz4, pages of 4k, writers for what is large. */
class ZramTargetContractTest extends TargetContract {
    @Override
    Target open(ContractRig rig) throws Exception {
        return ZramTarget.TYPE.open(new TargetArgs("d", SIZE, null, List.of(), keys()), rig.host);
    }

    Map<String, String> keys() {
        return Map.of("writers", "3");
    }

    @Override
    int atom() {
        return 4096;
    }
}
