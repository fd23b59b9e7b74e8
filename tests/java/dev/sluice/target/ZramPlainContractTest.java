package dev.sluice.target;

import java.util.Map;

/** zram: one thread a request. */
class ZramPlainContractTest extends ZramTargetContractTest {
    @Override
    Map<String, String> keys() {
        return Map.of("async", "off", "page", "8k", "writers", "3");
    }

    @Override
    int atom() {
        return 8 << 10;
    }
}
