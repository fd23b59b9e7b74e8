package dev.sluice.target;

import java.util.Map;

/** ploop, past the page cache. */
final class PloopDirectContractTest extends PloopTargetContractTest {
    @Override
    int cluster() {
        return 64 << 10;
    }

    @Override
    Map<String, String> keys() {
        return Map.of("direct", "on");
    }
}
