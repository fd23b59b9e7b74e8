package dev.sluice.zram;

import static org.assertj.core.api.Assertions.assertThat;

import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

/** How many writers start, beside the arithmetic of the 2016 proposal. */
@Tag("unit")
@Timeout(60)
class WakeRuleTest {
    private static final int MANY = 1000;

    /** Running, queued, batch; what the proposal starts; what is right. */
    private static final int[][] TABLE = {
        {0, 0, 32, 0, 0},
        {0, 1, 32, 1, 1},
        // A whole number of batches: the proposal wakes one writer that finds nothing.
        {0, 32, 32, 2, 1},
        {0, 64, 32, 3, 2},
        {1, 32, 32, 0, 0},
        {1, 33, 32, 1, 1},
        {2, 200, 32, 5, 5},
        {2, 64, 32, 0, 0},
        {3, 1, 32, 0, 0},
    };

    @Test
    void eachBatchHasOneWriter() {
        for (int[] row : TABLE) {
            assertThat(WakeRule.starts(row[0], row[1], row[2], MANY))
                    .as("%d running, %d queued", row[0], row[1]).isEqualTo(row[4]);
        }
    }

    @Test
    void theProposalsArithmeticIsToldApart() {
        int differ = 0;
        for (int[] row : TABLE) {
            assertThat(ProposedQueue.starts(row[0], row[1], row[2])).isEqualTo(row[3]);
            differ += row[3] == row[4] ? 0 : 1;
        }
        assertThat(differ).isEqualTo(2);
    }

    @Test
    void whatIsQueuedNeverLacksAWriterAndNoWriterLacksABatch() {
        for (int batch : new int[] {1, 7, 32}) {
            for (int most = 1; most < 6; most++) {
                for (int running = 0; running <= most; running++) {
                    for (int queued = 0; queued < 5 * batch; queued++) {
                        int starts = WakeRule.starts(running, queued, batch, most);
                        int all = running + starts;
                        assertThat(starts).isNotNegative();
                        assertThat(starts == 0 || all <= most).isTrue();
                        assertThat(all == most || all * batch >= queued).isTrue();
                        assertThat(starts == 0 || (all - 1) * batch < queued).isTrue();
                    }
                }
            }
        }
    }
}
