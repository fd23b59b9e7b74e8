package dev.sluice.sys;

import static org.assertj.core.api.Assertions.assertThat;

import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

/** A thread that goes to another CPU, on this machine's own. */
@Tag("unit")
@Timeout(120)
class LeaveCpuTest {
    private static final int TIMES = 50;

    private static List<String> allowed() throws Exception {
        return Files.readAllLines(Path.of("/proc/thread-self/status")).stream()
                .filter(l -> l.startsWith("Cpus_allowed")).toList();
    }

    @Test
    void itGoesToAnotherAndMayRunOnAllAsBefore() throws Exception {
        List<String> before = allowed();
        boolean several = before.get(1).matches(".*[-,].*");
        int moved = 0;
        for (int i = 0; i < TIMES; i++) {
            int from = Native.cpu();
            assertThat(from).isNotNegative();
            assertThat(Native.leaveCpu()).isEqualTo(several);
            moved += Native.cpu() == from ? 0 : 1;
        }
        // The system moves threads too, between two calls.
        assertThat(moved).isBetween(several ? TIMES / 2 : 0, several ? TIMES : 0);
        assertThat(allowed()).hasSize(2).isEqualTo(before);
    }
}
