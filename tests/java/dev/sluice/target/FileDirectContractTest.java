package dev.sluice.target;

import java.util.Map;

/** file, past the page cache. */
class FileDirectContractTest extends FileTargetContractTest {
    @Override
    Map<String, String> keys() {
        return Map.of("direct", "on");
    }
}
