package dev.sluice.target;

import dev.sluice.block.Target;
import java.util.Map;

/** flakey that is down for ever and drops writes: they end well, and nothing is there. */
class FlakeyDropsContractTest extends TargetContract {
    @Override
    Target open(ContractRig rig) throws Exception {
        return FlakeyTargetContractTest.over(rig,
                Map.of("down", "1s", "reads", "pass", "writes", "drop"));
    }

    @Override
    boolean keeps() {
        return false;
    }
}
