package dev.sluice.target;

import dev.sluice.block.Target;
import java.util.List;
import java.util.Map;

/** zero keeps the contract, but for what is written. */
class ZeroTargetContractTest extends TargetContract {
    @Override
    Target open(ContractRig rig) throws Exception {
        return ZeroTarget.TYPE.open(new TargetArgs("d", SIZE, null, List.of(), Map.of()),
                rig.host);
    }

    @Override
    boolean keeps() {
        return false;
    }
}
