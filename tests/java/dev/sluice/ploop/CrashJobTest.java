package dev.sluice.ploop;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.sluice.testing.Seeds;
import java.util.HashSet;
import java.util.Random;
import java.util.Set;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

/** The oracle of power failures, on a plain target that is right, and wrong in one place. */
@Tag("contract")
@Timeout(120)
class CrashJobTest {
    private static CrashJob job(long seed, PlainPloop.Fault fault, Set<Long> seen) {
        return new CrashJob(seed, CrashJob.Plan.some(new Random(seed)),
                (backing, host, plan) -> new PlainPloop(backing, host.queues().of("p"),
                        plan.prealloc(), fault), seen, op -> op).healthy();
    }

    @Test
    void aTargetThatKeepsTheInvariantsIsGood() throws Exception {
        long seed = Seeds.seed("CrashJobTest#good");
        Set<Long> seen = new HashSet<>();
        for (int i = 0; i < 10; i++) {
            try (CrashJob job = job(seed + i, PlainPloop.Fault.NONE, seen)) {
                job.run(6, 30);
                assertThat(job.headerLooks).isEqualTo(job.headerWrites).isPositive();
            }
        }
        assertThat(seen).hasSizeGreaterThan(1000);
    }

    @Test
    void theTargetIsGoodOnABaseToo() throws Exception {
        long seed = Seeds.seed("CrashJobTest#base");
        for (int i = 0; i < 10; i++) {
            CrashJob.Plan plan = CrashJob.Plan.some(new Random(seed + i));
            try (CrashJob job = new CrashJob(seed + i, plan, CrashJob::ploop, new HashSet<>(),
                    op -> op)) {
                job.onBase().run(6, 30);
            } catch (AssertionError e) {
                throw new AssertionError("-Dseed=" + (seed + i) + ": " + e.getMessage(), e);
            }
        }
    }

    @ParameterizedTest
    @EnumSource(mode = EnumSource.Mode.EXCLUDE, names = "NONE")
    void eachInvariantThatIsBrokenIsSeen(PlainPloop.Fault fault) {
        assertThatThrownBy(() -> {
            for (int i = 0; i < 40; i++) {
                try (CrashJob job = job(4711 + i, fault, new HashSet<>())) {
                    job.run(6, 30);
                }
            }
        }).isInstanceOf(AssertionError.class).hasMessageContaining("after the crash");
    }
}
