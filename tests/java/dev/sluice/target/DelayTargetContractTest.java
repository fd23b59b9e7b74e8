package dev.sluice.target;

import dev.sluice.block.Device;
import dev.sluice.block.Target;
import java.util.List;
import java.util.Map;

/** delay with delays by chance, some of them none, over a ram device of 4 KiB blocks. */
class DelayTargetContractTest extends TargetContract {
    @Override
    Target open(ContractRig rig) throws Exception {
        Target ram = rig.own(RamTarget.TYPE.open(new TargetArgs("r", 2 * SIZE, null, List.of(),
                Map.of("block", "4k")), rig.host));
        Device below = rig.device("r", ram);
        return DelayTarget.TYPE.open(new TargetArgs("d", SIZE, null, List.of(below),
                Map.of("offset", "1M", "read", "uniform(0,40us)", "write", "exp(20us)",
                        "flush", "50us", "percent", "50")), rig.host);
    }

    @Override
    int atom() {
        return 1;
    }
}
