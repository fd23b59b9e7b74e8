package dev.sluice.target;

import dev.sluice.block.Target;
import java.util.List;
import java.util.Map;

/** ram, of any range of bytes. Bios in flight of the same bytes may mix. */
class RamTargetContractTest extends TargetContract {
    @Override
    Target open(ContractRig rig) throws Exception {
        return RamTarget.TYPE.open(new TargetArgs("d", SIZE, null, List.of(), keys()), rig.host);
    }

    Map<String, String> keys() {
        return Map.of();
    }

    @Override
    int atom() {
        return 1;
    }
}
