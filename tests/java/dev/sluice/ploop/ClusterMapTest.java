package dev.sluice.ploop;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.sluice.sys.Arena;
import dev.sluice.testing.Seeds;
import java.util.Random;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

/** The map against an array that says the same. */
@Tag("unit")
@Timeout(60)
final class ClusterMapTest {
    private static final int FIRST = 3;
    private static final int CAPACITY = 700;

    private enum State {
        STALE, READY, USED
    }

    private final State[] model = new State[CAPACITY];
    private int end = 130;

    private int find(int from, State... states) {
        for (int c = Math.max(FIRST, from); c < end; c++) {
            for (State state : states) {
                if (model[c] == state) {
                    return c;
                }
            }
        }
        return 0;
    }

    @Test
    void itDoesWhatAnArrayDoes() {
        Random random = new Random(Seeds.seed("ClusterMapTest"));
        java.util.Arrays.fill(model, State.STALE);
        try (Arena arena = new Arena()) {
            ClusterMap map = new ClusterMap(arena, FIRST, end, CAPACITY);
            for (int step = 0; step < 20_000; step++) {
                int at = FIRST + random.nextInt(end - FIRST);
                step(map, random, at);
                assertThat(map.used(at)).isEqualTo(model[at] == State.USED);
                assertThat(map.ready(at)).isEqualTo(model[at] == State.READY);
                assertThat(map.stale(at)).isEqualTo(find(at, State.STALE));
                int busy = find(at, State.READY, State.USED);
                assertThat(map.notStale(at)).isEqualTo(busy == 0 ? end : busy);
            }
            int last = end - 1;
            while (last >= FIRST && model[last] != State.USED) {
                last--;
            }
            assertThat(map.usedEnd()).isEqualTo(last + 1);
            int[] counts = new int[3];
            for (int c = FIRST; c < end; c++) {
                counts[model[c].ordinal()]++;
            }
            assertThat(new int[] {map.staleCount(), map.readyCount(), map.usedCount()})
                    .isEqualTo(counts);
        }
    }

    private void step(ClusterMap map, Random random, int at) {
        switch (random.nextInt(5)) {
            case 0 -> {
                int taken = map.take();
                assertThat(taken).isEqualTo(find(0, State.READY));
                if (taken != 0) {
                    model[taken] = State.USED;
                }
            }
            case 1 -> {
                if (model[at] == State.STALE) {
                    map.ready(at, at + 1);
                    model[at] = State.READY;
                }
            }
            case 2 -> {
                if (model[at] != State.READY) {
                    assertThat(map.use(at)).isEqualTo(model[at] == State.STALE);
                    model[at] = State.USED;
                }
            }
            case 3 -> {
                if (model[at] == State.USED) {
                    boolean ready = random.nextBoolean();
                    map.free(at, ready);
                    model[at] = ready ? State.READY : State.STALE;
                }
            }
            default -> {
                if (end < CAPACITY && random.nextInt(20) == 0) {
                    map.grow(++end);
                }
            }
        }
    }

    @Test
    void wrongStepsAreFound() {
        try (Arena arena = new Arena()) {
            ClusterMap map = new ClusterMap(arena, FIRST, 10, 20);
            assertThat(map.usedEnd()).isEqualTo(FIRST);
            assertThatThrownBy(() -> map.use(FIRST - 1)).isInstanceOf(AssertionError.class);
            assertThatThrownBy(() -> map.use(10)).isInstanceOf(AssertionError.class);
            assertThatThrownBy(() -> map.free(5, true)).isInstanceOf(AssertionError.class);
            map.ready(5, 6);
            assertThatThrownBy(() -> map.ready(5, 6)).isInstanceOf(AssertionError.class);
            assertThatThrownBy(() -> map.use(5)).isInstanceOf(AssertionError.class);
            assertThatThrownBy(() -> map.grow(21)).isInstanceOf(AssertionError.class);
        }
    }
}
