package dev.sluice.target;

import java.util.Map;

/** ploop with clusters smaller than most requests, that grows often. */
final class PloopSmallClustersContractTest extends PloopTargetContractTest {
    @Override
    int cluster() {
        return 4096;
    }

    @Override
    Map<String, String> keys() {
        return Map.of("prealloc", "64k", "dirty-timeout", "1ms");
    }
}
