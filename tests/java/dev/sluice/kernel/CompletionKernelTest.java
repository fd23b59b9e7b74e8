package dev.sluice.kernel;

import static org.assertj.core.api.Assertions.assertThat;

import java.nio.file.Path;
import java.util.Map;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/**
 * A caller that starts writes and then, in the same thread, makes a call that waits for them, or
 * comes behind them, gets its answer: the deadlock that ended the kernel's caller completion.
 */
@Tag("kernel")
@Timeout(value = 240, threadMode = Timeout.ThreadMode.SEPARATE_THREAD)
final class CompletionKernelTest {
    private static final int WRITES = 64;
    private static final int BLOCK = 4096;

    @ParameterizedTest
    @CsvSource({
        "'completion=auto', off", "'completion=caller,depth=1', off",
        "'completion=worker,depth=1', off", "'completion=worker,depth=1,workers=1', off",
        "'completion=auto', on", "'completion=caller,depth=1', on",
        "'completion=worker,depth=1', on", "'completion=worker,inline=off,depth=1', on",
    })
    void fsyncAndFallocateWithWritesUnderWay(String options, String direct) throws Exception {
        try (Scratch file = new Scratch("completion", 16L << 20);
                Mounted m = Mounted.with(options, "disk - file " + file.path
                        + " direct=" + direct)) {
            overwrite(m.file("disk"));
            assertThat(m.stat("disk", "flush.ended")).isGreaterThanOrEqualTo(8);
            assertThat(m.stat("disk", "write.ended")).isEqualTo(8L * WRITES);
        }
    }

    private static void overwrite(Path file) {
        try (AsyncWriter caller = new AsyncWriter(file, WRITES)) {
            for (int round = 0; round < 8; round++) {
                for (int i = 0; i < WRITES; i++) {
                    caller.start((long) i * BLOCK, round);
                }
                assertThat(caller.sync()).isZero();
                assertThat(caller.punch(8L << 20, 4 << 20)).isZero();
                caller.finish();
            }
        }
    }

    @Test
    void everyCompletionByAWorkerKeepsTheData() throws Exception {
        try (Scratch file = new Scratch("completion", 64L << 20);
                Mounted m = Mounted.with("completion=worker", "disk - file " + file.path)) {
            Shell.fio(m.file("disk"), Map.of("rw", "randwrite", "bsrange", "4k-256k",
                    "verify", "crc32c", "size", "64m", "ioengine", "libaio", "iodepth", "32"))
                    .ok();
        }
    }
}
