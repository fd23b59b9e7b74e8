package dev.sluice.ploop;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

/** The check of what holds under the lock finds each thing that does not. */
@Tag("unit")
@Timeout(60)
final class InvariantsTest {
    private void wrong(int index, int cluster, String found) throws Exception {
        try (PloopRig rig = PloopRig.open(100)) {
            rig.write(0, 4, 1);
            assertThat(rig.ploop.check()).isTrue();
            Bat bat = rig.ploop.bat();
            int before = bat.get(index);
            bat.set(index, cluster);
            assertThatThrownBy(rig.ploop::check).isInstanceOf(AssertionError.class)
                    .hasMessageContaining(found);
            bat.set(index, before);
            assertThat(rig.ploop.check()).isTrue();
        }
    }

    @Test
    void aClusterThatTwoWordsName() throws Exception {
        wrong(1, 1, "in the set");
    }

    @Test
    void aWordThatNamesAFreeCluster() throws Exception {
        wrong(7, 6, "names a free cluster");
    }

    @Test
    void aWordThatNamesNoCluster() throws Exception {
        wrong(7, 100_000, "names no cluster");
    }

    @Test
    void aClusterThatNobodyNames() throws Exception {
        wrong(2, Bat.NONE, "miscounted");
    }

    @Test
    void requestsThatEndedMoreOftenThanTheyBegan() {
        Epochs epochs = new Epochs();
        int counter = epochs.enter();
        long turn = epochs.ask();
        assertThat(epochs.passed(turn)).isFalse();
        assertThat(epochs.leave(counter)).isTrue();
        assertThat(epochs.passed(turn)).isTrue();
        assertThatThrownBy(() -> epochs.leave(counter)).isInstanceOf(AssertionError.class);
    }

    /** The second one waits for what began before it, also between the first and itself. */
    @Test
    void twoWaitForTurns() {
        Epochs epochs = new Epochs();
        int before = epochs.enter();
        long first = epochs.ask();
        int between = epochs.enter();
        long second = epochs.ask();
        int after = epochs.enter();
        assertThat(epochs.leave(after)).isFalse();
        assertThat(epochs.leave(before)).isTrue();
        assertThat(epochs.passed(first)).isTrue();
        assertThat(epochs.passed(second)).isFalse();
        int late = epochs.enter();
        assertThat(epochs.leave(between)).isTrue();
        assertThat(epochs.passed(second)).isTrue();
        assertThat(epochs.passed(first)).isTrue();
        assertThat(epochs.leave(late)).isFalse();
        assertThat(epochs.underWay()).isZero();
    }
}
