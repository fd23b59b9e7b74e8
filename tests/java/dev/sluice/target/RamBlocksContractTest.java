package dev.sluice.target;

import java.util.Map;

/** ram in blocks: the device above does read-modify-write. */
class RamBlocksContractTest extends RamTargetContractTest {
    @Override
    Map<String, String> keys() {
        return Map.of("block", "4k");
    }
}
