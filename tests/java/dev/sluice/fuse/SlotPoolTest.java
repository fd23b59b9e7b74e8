package dev.sluice.fuse;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.sluice.block.BlockException;
import dev.sluice.sys.Arena;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

/** Memory for requests is bounded by how many the kernel may send, not by who waits for it. */
@Tag("unit")
@Timeout(value = 120, threadMode = Timeout.ThreadMode.SEPARATE_THREAD)
final class SlotPoolTest {
    private static final int MIB = 1 << 20;

    private final Arena arena = new Arena();
    private final List<Integer> told = new ArrayList<>();

    @AfterEach
    void end() {
        arena.close();
    }

    private SlotPool pool(Background background) {
        return new SlotPool(arena, background, null, (sentence, cause) -> { });
    }

    /** Whatever came: for each request that may still be sent there is room for the largest. */
    @Test
    void smallRequestsLetMoreComeAndLargeOnesDoNot() {
        Background background = new Background(64 * MIB, 16384, told::add);
        SlotPool pool = pool(background);
        assertThat(background.told()).isEqualTo(64);
        List<Slot> held = new ArrayList<>();
        for (int i = 0; i < 2000; i++) {
            held.add(pool.take(4096));
            long room = 64L * MIB - pool.takenBytes();
            assertThat(background.told()).as("after %d small", i + 1)
                    .isGreaterThan(held.size())
                    .isLessThanOrEqualTo(held.size() + (int) (room / MIB) * 9 / 8);
        }
        held.forEach(pool::give);
        assertThat(background.told()).as("none held").isLessThanOrEqualTo(64 * 9 / 8);
        held.clear();
        for (int i = 0; i < 64; i++) {
            held.add(pool.take(MIB));
            assertThat(background.told()).isLessThanOrEqualTo(72);
        }
        // Callers that wait for each answer come all the same.
        for (int i = 0; i < 16; i++) {
            held.add(pool.take(MIB));
        }
        assertThat(pool.takenBytes()).isEqualTo(80L * MIB);
        assertThat(background.told()).as("and no more of the others").isLessThanOrEqualTo(80);
        held.forEach(pool::give);
        assertThat(pool.takenBytes()).isZero();
    }

    /** Callers that wait are not counted by the kernel: they must not be granted to the others. */
    @Test
    void whatTheKernelDoesNotCountDoesNotRaiseTheBound() {
        Background background = new Background(64 * MIB, 16384, told::add);
        SlotPool pool = pool(background);
        int waiting = 4;
        int held = 0;
        for (int i = 0; i < 1000; i++) {
            // The kernel sends as many as it was told, beside those that wait.
            while (held < background.told() + waiting) {
                pool.take(MIB);
                held++;
            }
        }
        assertThat(pool.takenBytes()).isLessThanOrEqualTo((72L + waiting) * MIB);
    }

    @Test
    void aKernelThatCannotBeToldIsToldOnce() {
        Background background = new Background(64 * MIB, 16384, n -> {
            told.add(n);
            return false;
        });
        SlotPool pool = pool(background);
        for (int i = 0; i < 500; i++) {
            pool.take(4096);
        }
        assertThat(told).hasSize(1);
        assertThat(background.fixed()).isTrue();
    }

    @Test
    void neverMoreThanTheOptionSays() {
        Background background = new Background(64 * MIB, 100, told::add);
        SlotPool pool = pool(background);
        for (int i = 0; i < 500; i++) {
            pool.take(4096);
        }
        assertThat(told).isNotEmpty().allMatch(n -> n <= 100);
    }

    @Test
    void thePayloadHasRoomForEverySessionThreadAndItsNextRequest() throws Exception {
        assertThat(MountOptions.parse("payload=16M,threads=8").payload()).isEqualTo(16 * MIB);
        assertThatThrownBy(() -> MountOptions.parse("payload=8M,threads=8"))
                .isInstanceOf(BlockException.class)
                .hasMessageContaining("threads=8").hasMessageContaining("16M or more");
    }
}
