package dev.sluice.work;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.atomic.AtomicInteger;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

/** Who hands out what has ended. */
@Tag("unit")
@Timeout(120)
class CompletionsTest {
    @Test
    void aSourceSeesToItselfWhereNobodyPolls() {
        Completions none = new Completions(false);
        assertThat(none.add(new Completions.Source(() -> true, () -> 1, () -> { }, 7)))
                .isFalse();
        assertThat(none.reap()).isFalse();
        assertThat(none.fix()).isEmpty();
    }

    @Test
    void everySourceIsAskedEachTime() {
        Completions all = new Completions(true);
        AtomicInteger first = new AtomicInteger(2);
        AtomicInteger second = new AtomicInteger(1);
        assertThat(all.add(source(first, 3))).isTrue();
        assertThat(all.add(source(second, 4))).isTrue();
        assertThat(all.fix()).containsExactly(3, 4);
        assertThat(all.add(source(first, 5))).as("nobody waits for its event").isFalse();
        assertThat(all.underWay()).isEqualTo(3);
        assertThat(all.reap()).isTrue();
        assertThat(all.underWay()).isEqualTo(1);
        assertThat(all.reap()).isTrue();
        assertThat(all.underWay()).isZero();
        assertThat(all.reap()).isFalse();
    }

    @Test
    void onlyWhoSaysSoGathersAndAllThatIsHeldBackIsStarted() throws InterruptedException {
        Completions all = new Completions(true);
        AtomicInteger started = new AtomicInteger();
        for (int i = 0; i < 2; i++) {
            all.add(new Completions.Source(() -> false, () -> 0, started::incrementAndGet, i));
        }
        assertThat(all.gathers()).isFalse();
        all.gather(true);
        assertThat(all.gathers()).isTrue();
        List<Boolean> other = new ArrayList<>();
        Thread thread = new Thread(() -> other.add(all.gathers()));
        thread.start();
        thread.join(60_000);
        assertThat(other).as("another thread").containsExactly(false);
        all.gather(false);
        assertThat(all.gathers()).isFalse();
        all.push();
        assertThat(started).hasValue(2);
    }

    private static Completions.Source source(AtomicInteger left, int event) {
        return new Completions.Source(() -> left.getAndUpdate(n -> Math.max(0, n - 1)) > 0,
                left::get, () -> { }, event);
    }
}
