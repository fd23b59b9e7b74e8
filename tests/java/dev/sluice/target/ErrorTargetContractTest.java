package dev.sluice.target;

import dev.sluice.block.Errno;
import dev.sluice.block.Op;
import dev.sluice.block.Target;
import java.util.List;
import java.util.Map;

/** error fails what it is told to; the rest goes on as on zero. */
class ErrorTargetContractTest extends TargetContract {
    @Override
    Target open(ContractRig rig) throws Exception {
        return ErrorTarget.TYPE.open(new TargetArgs("d", SIZE, null, List.of(),
                Map.of("errno", "EREMOTEIO", "on", "writes")), rig.host);
    }

    @Override
    boolean keeps() {
        return false;
    }

    @Override
    Errno expected(Op op) {
        return op.changes() ? Errno.EREMOTEIO : Errno.OK;
    }
}
