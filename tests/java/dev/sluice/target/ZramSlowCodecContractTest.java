package dev.sluice.target;

import java.util.Map;

/** zram: a codec so slow that each write is handed on. */
class ZramSlowCodecContractTest extends ZramTargetContractTest {
    @Override
    Map<String, String> keys() {
        return Map.of("codec", "lz4hc", "level", "10", "writers", "3");
    }

    @Override
    int atom() {
        return 4096;
    }
}
