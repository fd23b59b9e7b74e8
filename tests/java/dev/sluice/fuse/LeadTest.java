package dev.sluice.fuse;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.Random;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

/** How early a thread is woken, on machines that are slow to wake. */
@Tag("unit")
@Timeout(120)
class LeadTest {
    private static final long MILLI = 1_000_000;

    /** Sleeps of so many nanoseconds on a machine that takes that long to wake; the lead then. */
    private static long learn(Lead lead, long sleep, long wakeNanos, int times) {
        for (int i = 0; i < times; i++) {
            lead.woke(sleep, wakeNanos > lead.of(sleep));
        }
        return lead.of(sleep);
    }

    @Test
    void itComesToWhatTheMachineNeeds() {
        Lead lead = new Lead(20_000);
        assertThat(lead.of(MILLI)).isEqualTo(20_000);
        assertThat(learn(lead, MILLI, 45_000, 200)).isBetween(43_000L, 47_000L);
        assertThat(learn(lead, MILLI, 30_000, 400)).isBetween(28_000L, 32_000L);
    }

    /** How many of a thousand sleeps end late, where to wake takes 30 to 70 us by chance. */
    private static int late(long sleep) {
        Random random = new Random(7);
        Lead lead = new Lead(20_000);
        int late = 0;
        for (int i = 0; i < 20_000; i++) {
            boolean isLate = 30_000 + random.nextInt(40_000) > lead.of(sleep);
            lead.woke(sleep, isLate);
            late += isLate ? 1 : 0;
        }
        return late / 20;
    }

    @Test
    void theLongerTheSleepTheRarerItEndsLate() {
        assertThat(late(30_000)).isBetween(310, 360);
        assertThat(late(200_000)).isBetween(180, 220);
        assertThat(late(MILLI)).isBetween(20, 45);
        assertThat(late(10 * MILLI)).isBetween(20, 45);
    }

    @Test
    void itStaysWithinItsBounds() {
        Lead lead = new Lead(20_000);
        assertThat(learn(lead, MILLI, 500_000, 500)).isEqualTo(Lead.MOST_NANOS);
        assertThat(learn(lead, MILLI, 0, 2000)).isEqualTo(20_000);
    }

    @Test
    void shortSleepsAndLongOnesAreToldApart() {
        Lead lead = new Lead(20_000);
        learn(lead, 10 * MILLI, 80_000, 500);
        assertThat(lead.of(10 * MILLI)).isGreaterThan(70_000);
        assertThat(lead.of(100_000)).isEqualTo(20_000);
        assertThat(lead.of(0)).isEqualTo(20_000);
        assertThat(lead.of(3600_000 * MILLI)).isEqualTo(20_000);
    }

    @Test
    void whoWantsNoneGetsNone() {
        Lead lead = new Lead(0);
        assertThat(learn(lead, MILLI, 50_000, 100)).isZero();
    }
}
