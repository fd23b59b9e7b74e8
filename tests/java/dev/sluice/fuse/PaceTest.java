package dev.sluice.fuse;

import static org.assertj.core.api.Assertions.assertThat;

import dev.sluice.sys.Arena;
import dev.sluice.testing.VirtualClock;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** When a session thread finds that it and its caller merely take turns, slowly. */
@Tag("unit")
@Timeout(120)
class PaceTest {
    private static final int WINDOW = 64;

    private final VirtualClock clock = new VirtualClock();
    private long switches;
    private int looks;
    private final Pace pace = new Pace(clock, () -> {
        looks++;
        return switches;
    });

    /** Requests, each so long after the one before; how many of them ended a slow window. */
    private int requests(int count, long nanos, boolean sleeps, boolean others) {
        int slow = 0;
        for (int i = 0; i < count; i++) {
            clock.advance(nanos);
            switches += sleeps ? 1 : 0;
            slow += pace.isSlow(others, false) ? 1 : 0;
        }
        return slow;
    }

    @Test
    void slowTurnsAreSeenOnceAWindow() {
        assertThat(requests(WINDOW - 1, 25_000, true, false)).isZero();
        assertThat(requests(1, 25_000, true, false)).isEqualTo(1);
        assertThat(requests(10 * WINDOW, 25_000, true, false)).isEqualTo(10);
        assertThat(looks).as("looks at the thread, two a window").isEqualTo(22);
    }

    @Test
    void turnsOnOneCpuAreFast() {
        assertThat(requests(10 * WINDOW, 12_000, true, false)).isZero();
    }

    /** It is slow, but not because it sleeps between requests. */
    @Test
    void whoHardlySleepsDoesNotTakeTurns() {
        assertThat(requests(10 * WINDOW, 100_000, false, false)).isZero();
    }

    @ParameterizedTest
    @CsvSource({"48, 18_286, 1", "47, 18_286, 0", "48, 18_285, 0"})
    void theBoundsAreWhatTheyAre(int slept, String nanos, int slow) {
        long each = Long.parseLong(nanos.replace("_", ""));
        requests(1, each, false, false);
        assertThat(requests(slept, each, true, false)
                + requests(WINDOW - 1 - slept, each, false, false)).isEqualTo(slow);
    }

    /** Beside another it sleeps for want of requests: to ask more in would make that worse. */
    @Test
    void besideOthersNothingIsLookedFor() {
        assertThat(requests(10 * WINDOW, 25_000, true, true)).isZero();
        assertThat(looks).isZero();
        // Nor does a window that others were in tell anything.
        for (int i = 0; i < 20; i++) {
            assertThat(requests(WINDOW - 1, 25_000, true, false)
                    + requests(1, 25_000, true, true)).isZero();
        }
    }

    @Test
    void whoIsKeptAwakeLooksForNothing() {
        for (int i = 0; i < 10 * WINDOW; i++) {
            clock.advance(25_000);
            switches++;
            assertThat(pace.isSlow(false, true)).isFalse();
        }
        assertThat(looks).isZero();
    }

    @Test
    void aThreadThatSleepsGivesItsCpuUp() throws Exception {
        try (Arena arena = new Arena()) {
            Pace own = Pace.ofThread(clock, arena);
            int slow = 0;
            for (int i = 0; i < WINDOW; i++) {
                Thread.sleep(1);
                clock.advance(1_000_000);
                slow += own.isSlow(false, false) ? 1 : 0;
            }
            assertThat(slow).isEqualTo(1);
        }
    }
}
