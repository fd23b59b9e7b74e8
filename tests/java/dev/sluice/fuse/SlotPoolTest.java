package dev.sluice.fuse;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.sluice.block.BlockException;
import dev.sluice.sys.Arena;
import java.util.ArrayDeque;
import java.util.Deque;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

@Tag("unit")
@Timeout(value = 20, threadMode = Timeout.ThreadMode.SEPARATE_THREAD)
final class SlotPoolTest {
    private static final int MIB = 1 << 20;

    private final Arena arena = new Arena();

    @AfterEach
    void end() {
        arena.close();
    }

    @Test
    void whoWaitsHandsOutWhatHasEnded() {
        Deque<Slot> underWay = new ArrayDeque<>();
        SlotPool[] pool = new SlotPool[1];
        pool[0] = new SlotPool(arena, 2 * MIB, (sentence, cause) -> { }, () -> {
            if (!underWay.isEmpty()) {
                pool[0].give(underWay.poll());
            }
            return true;
        });
        underWay.add(pool[0].take(MIB));
        underWay.add(pool[0].take(MIB));
        // Nobody but this thread could end what is under way.
        assertThat(pool[0].take(MIB).room()).isEqualTo(MIB);
        assertThat(pool[0].takenBytes()).isEqualTo(2 * MIB);
    }

    @Test
    void thePayloadHasRoomForEverySessionThreadAndItsNextRequest() throws Exception {
        assertThat(MountOptions.parse("payload=16M,threads=8").payload()).isEqualTo(16 * MIB);
        assertThatThrownBy(() -> MountOptions.parse("payload=8M,threads=8"))
                .isInstanceOf(BlockException.class)
                .hasMessageContaining("threads=8").hasMessageContaining("16M or more");
    }
}
