package dev.sluice.target;

import dev.sluice.block.Device;
import dev.sluice.block.Target;
import java.util.List;
import java.util.Map;

/** concat of three devices, with and without blocks of their own. */
class ConcatTargetContractTest extends TargetContract {
    @Override
    Target open(ContractRig rig) throws Exception {
        Device first = ram(rig, "a", SIZE / 2 - 4096, "4k");
        Device second = ram(rig, "b", 4096, "512");
        Device third = ram(rig, "c", SIZE / 2, "4k");
        return ConcatTarget.TYPE.open(new TargetArgs("d", SIZE, null,
                List.of(first, second, third), Map.of()), rig.host);
    }

    private static Device ram(ContractRig rig, String name, long size, String block)
            throws Exception {
        return rig.device(name, rig.own(RamTarget.TYPE.open(new TargetArgs(name, size, null,
                List.of(), Map.of("block", block)), rig.host)));
    }

    @Override
    int atom() {
        return 1;
    }
}
