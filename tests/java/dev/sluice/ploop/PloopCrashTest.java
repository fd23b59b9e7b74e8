package dev.sluice.ploop;

import static org.assertj.core.api.Assertions.assertThat;

import dev.sluice.testing.Seeds;
import java.util.HashSet;
import java.util.Random;
import java.util.Set;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

/** The power fails in the midst of long jobs, in very many ways. */
@Tag("contract")
@Timeout(400)
class PloopCrashTest {
    private static final int STATES = 100_000;

    @Test
    void noPowerFailureLosesWhatWasFlushed() throws Exception {
        long seed = Seeds.seed("PloopCrashTest#failures");
        Set<Long> seen = new HashSet<>();
        long judged = 0;
        long writes = 0;
        long flushes = 0;
        long sessions = 0;
        long deaths = 0;
        long refused = 0;
        for (int i = 0; seen.size() < STATES; i++) {
            CrashJob.Plan plan = CrashJob.Plan.some(new Random(seed + i));
            try (CrashJob job = new CrashJob(seed + i, plan, CrashJob::ploop, seen, op -> op)) {
                if (i % 3 == 0) {
                    job.onBase();
                }
                job.run(8, 60);
                assertThat(job.headerLooks).as("each write of the table is looked at")
                        .isEqualTo(job.headerWrites).isPositive();
                judged += job.judged;
                writes += job.headerWrites;
                flushes += job.flushed();
                sessions += job.closes + job.crashes;
                deaths += job.deaths;
                refused += job.refused;
            } catch (AssertionError e) {
                throw new AssertionError("-Dseed=" + (seed + i) + ": " + e.getMessage(), e);
            }
        }
        System.out.println("PloopCrashTest: " + seen.size() + " distinct states, " + judged
                + " judged; " + writes + " writes of the table, each alone, torn and lost; "
                + flushes + " flushes, " + sessions + " sessions, " + deaths
                + " of them with a file that failed, " + refused + " times no room");
        assertThat(flushes).isPositive();
        assertThat(deaths).isPositive();
        assertThat(refused).isPositive();
    }
}
