package dev.sluice.target;

import dev.sluice.block.Device;
import dev.sluice.block.Target;
import java.util.List;
import java.util.Map;

/** flakey while it is up, as a window of a ram device of 4 KiB blocks. */
class FlakeyTargetContractTest extends TargetContract {
    /** Flakey over memory of its own, with these keys. */
    static Target over(ContractRig rig, Map<String, String> keys) throws Exception {
        Target ram = rig.own(RamTarget.TYPE.open(new TargetArgs("r", 2 * SIZE, null, List.of(),
                Map.of("block", "4k")), rig.host));
        Device below = rig.device("r", ram);
        return FlakeyTarget.TYPE.open(new TargetArgs("d", SIZE, null, List.of(below), keys),
                rig.host);
    }

    @Override
    Target open(ContractRig rig) throws Exception {
        return over(rig, Map.of("offset", "1M", "up", "1h", "down", "1s"));
    }

    @Override
    int atom() {
        return 1;
    }
}
