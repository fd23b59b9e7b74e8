package dev.sluice.target;

import java.util.Map;

/** zram: zstd, pages of 16k. */
class ZramZstdPagesContractTest extends ZramTargetContractTest {
    @Override
    Map<String, String> keys() {
        return Map.of("codec", "zstd", "page", "16k", "writers", "2");
    }

    @Override
    int atom() {
        return 16 << 10;
    }
}
