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
        epochs.turn();
        assertThat(epochs.turned()).isFalse();
        assertThat(epochs.leave(counter)).isTrue();
        assertThat(epochs.turned()).isTrue();
        assertThatThrownBy(() -> epochs.leave(counter)).isInstanceOf(AssertionError.class);
    }

    @Test
    void aTurnThatComesTooEarly() {
        Epochs epochs = new Epochs();
        epochs.enter();
        epochs.turn();
        assertThatThrownBy(epochs::turn).isInstanceOf(AssertionError.class)
                .hasMessageContaining("are left");
    }
}
