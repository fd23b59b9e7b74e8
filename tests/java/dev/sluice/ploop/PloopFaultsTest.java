package dev.sluice.ploop;

import static org.assertj.core.api.Assertions.assertThat;

import dev.sluice.block.Op;
import java.util.HashSet;
import java.util.Random;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

/** The oracle of power failures sees each rule of the format that the target is made to break. */
@Tag("unit")
@Timeout(120)
class PloopFaultsTest {
    private static final int JOBS = 60;

    @ParameterizedTest
    @EnumSource
    void eachRuleThatIsBrokenIsSeen(Faults fault) throws Exception {
        int planted = 0;
        for (int seed = 0; seed < JOBS; seed++) {
            CrashJob.Plan plan = fault.plan(CrashJob.Plan.some(new Random(seed)));
            long data = CrashImage.create(plan.version(), plan.cluster(), plan.clusters(), 0, 1,
                    false, new Random(0)).size();
            Faults.Liar liar = new Faults.Liar(fault, plan, data);
            try (CrashJob job = new CrashJob(seed, plan, CrashJob::ploop, new HashSet<>(), liar)) {
                liar.in(job);
                only(fault, job.healthy());
                job.run(6, 40);
                planted += job.planted;
            } catch (AssertionError e) {
                assertThat(e).hasMessageContaining("after the crash");
                assertThat(e.getMessage()).containsPattern(fault.complaint);
                return;
            }
        }
        throw new AssertionError(planted + " times planted, never seen");
    }

    /** So that no other rule is broken by the way. */
    private static void only(Faults fault, CrashJob job) {
        switch (fault) {
            case NO_SYNC_AFTER_GROWTH, NO_SYNC_BEFORE_REUSE, NO_SYNC_BEFORE_UNMARK,
                    NO_PAGE_BEFORE_REUSE, NO_SYNC_AFTER_MARK ->
                job.without(Op.FLUSH).withoutFua();
            case NO_SYNC_AFTER_COPY -> job.onBase().without(Op.FLUSH).withoutFua();
            case NO_ZEROS_BEFORE_REUSE -> job.without(Op.WRITE_ZEROES);
            case NO_PAGES_IN_FLUSH, NO_SYNC_IN_FLUSH -> job.withoutFua();
            case NO_PAGES_IN_FUA, NO_SYNC_IN_FUA -> job.without(Op.FLUSH);
            default -> { }
        }
    }
}
