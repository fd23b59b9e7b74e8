package dev.sluice.target;

import dev.sluice.block.Device;
import dev.sluice.block.Target;
import java.util.List;
import java.util.Map;

/** linear, as a window of a ram device of 4 KiB blocks. */
class LinearTargetContractTest extends TargetContract {
    @Override
    Target open(ContractRig rig) throws Exception {
        Target ram = rig.own(RamTarget.TYPE.open(new TargetArgs("r", 2 * SIZE, null, List.of(),
                Map.of("block", "4k")), rig.host));
        Device below = rig.device("r", ram);
        return LinearTarget.TYPE.open(new TargetArgs("d", SIZE, null, List.of(below),
                Map.of("offset", "1M")), rig.host);
    }

    @Override
    int atom() {
        return 1;
    }
}
