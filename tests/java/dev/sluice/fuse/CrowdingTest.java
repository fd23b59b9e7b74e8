package dev.sluice.fuse;

import static org.assertj.core.api.Assertions.assertThat;

import dev.sluice.testing.VirtualClock;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

/** When a session thread that is interrupted all the time goes to another CPU. */
@Tag("unit")
@Timeout(120)
class CrowdingTest {
    private static final long MS = 1_000_000;

    private final VirtualClock clock = new VirtualClock();
    private long interrupted;
    private int left;
    private final Crowding crowding = new Crowding(clock, () -> interrupted, () -> left++);

    /** A window of requests, of which so many are deep; how often the thread left its CPU. */
    private int window(int interruptions, int deep) {
        int before = left;
        for (int i = 0; i < Crowding.WINDOW; i++) {
            assertThat(left).as("within a window").isEqualTo(before);
            interrupted += i < interruptions ? 1 : 0;
            crowding.request(i < deep);
        }
        return left - before;
    }

    @Test
    void whoIsInterruptedOftenLeaves() {
        assertThat(window(Crowding.OFTEN - 1, Crowding.WINDOW)).isZero();
        assertThat(window(Crowding.OFTEN, Crowding.WINDOW)).isEqualTo(1);
        assertThat(window(0, Crowding.WINDOW)).isZero();
    }

    /** A caller that waits for each answer interrupts the one who gives it, and is to be near. */
    @Test
    void whereLittleIsUnderWayNobodyLeaves() {
        assertThat(window(Crowding.WINDOW, Crowding.WINDOW / 16)).isZero();
        assertThat(window(Crowding.WINDOW, Crowding.WINDOW / 16 + 1)).isEqualTo(1);
    }

    @Test
    void whereItIsNoBetterElsewhereItLeavesMoreAndMoreRarely() {
        long hour = clock.nanos() + 3600_000 * MS;
        while (clock.nanos() < hour) {
            window(Crowding.WINDOW, Crowding.WINDOW);
            clock.advance(10 * MS);
        }
        assertThat(left).isBetween(360, 375);
        window(0, Crowding.WINDOW);
        clock.advance(Crowding.LAST_NANOS);
        assertThat(window(Crowding.WINDOW, Crowding.WINDOW)).isEqualTo(1);
        clock.advance(Crowding.FIRST_NANOS);
        assertThat(window(Crowding.WINDOW, Crowding.WINDOW)).as("soon again").isEqualTo(1);
        assertThat(window(Crowding.WINDOW, Crowding.WINDOW)).as("not at once").isZero();
    }
}
