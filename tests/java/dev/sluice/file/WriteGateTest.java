package dev.sluice.file;

import static org.assertj.core.api.Assertions.assertThat;

import dev.sluice.testing.VirtualClock;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

/** When a session thread writes itself, and when it leaves that to workers. */
@Tag("unit")
@Timeout(60)
class WriteGateTest {
    private final VirtualClock clock = new VirtualClock();
    private final WriteGate gate = new WriteGate(clock);

    /** How many of so many writes of a duration were made by the thread that had them. */
    private int made(int writes, long nanos) {
        int made = 0;
        for (int i = 0; i < writes; i++) {
            if (gate.enter()) {
                clock.advance(nanos);
                gate.leave();
                made++;
            }
        }
        return made;
    }

    @Test
    void quickWritesAreAllMadeAtOnce() {
        assertThat(made(100_000, 20_000)).isEqualTo(100_000);
    }

    @Test
    void oneThatLostItsCpuChangesNothing() {
        for (int i = 0; i < 100; i++) {
            assertThat(made(3, 3_000_000)).isEqualTo(3);
            assertThat(made(200, 5_000)).isEqualTo(200);
        }
    }

    @Test
    void slowOnesGoToWorkersAndAreTriedEverMoreRarely() {
        assertThat(made(100_000, 2_000_000)).as("about one in a hundred").isBetween(100, 1500);
        assertThat(made(WriteGate.MOST, 5_000)).as("the rest of the penalty").isPositive();
        assertThat(made(10_000, 5_000)).isEqualTo(10_000);
        assertThat(made(10, 20_000_000)).as("and closes for the least again").isEqualTo(1);
        assertThat(made(WriteGate.LEAST, 5_000)).isBetween(5, 10);
    }

    @Test
    void nobodyFollowsOneThatIsStuck() {
        assertThat(gate.enter()).isTrue();
        assertThat(gate.enter()).as("another at the same time").isTrue();
        gate.leave();
        clock.advance(WriteGate.STUCK_NANOS + 1);
        assertThat(gate.enter()).isFalse();
        gate.leave();
        assertThat(gate.enter()).isTrue();
    }
}
