package dev.sluice.target;

import java.util.Map;

/** zram: the largest pages. */
class ZramLargePagesContractTest extends ZramTargetContractTest {
    @Override
    Map<String, String> keys() {
        return Map.of("page", "64k", "writers", "2");
    }

    @Override
    int atom() {
        return 64 << 10;
    }
}
