package dev.sluice.target;

import java.util.Map;

/** ploop with clusters that are no power of two, and a page written for each that is taken. */
final class PloopOddClustersContractTest extends PloopTargetContractTest {
    @Override
    int cluster() {
        return (63 * 512);
    }

    @Override
    Map<String, String> keys() {
        return Map.of("dirty-timeout", "0");
    }
}
