package dev.sluice.fuse;

import static org.assertj.core.api.Assertions.assertThat;

import dev.sluice.sys.Trace;
import dev.sluice.testing.VirtualClock;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

/** When requests came to the kernel, as far as it tells. */
@Tag("unit")
@Timeout(120)
class ArrivalsTest {
    private static final long MS = 1_000_000;
    /** What a request takes beside what is seen of it. */
    private static final long ROUND = 3;

    private final VirtualClock clock = new VirtualClock();
    private final Told told = new Told();
    private final Arrivals arrivals = new Arrivals(told, true, ROUND, clock);

    /** A kernel that tells what a test says. */
    private static final class Told implements Trace {
        private final List<long[]> records = new ArrayList<>();
        private final List<Boolean> turns = new ArrayList<>();
        private int reads;
        private boolean closed;

        @Override
        public void read(To to) {
            reads++;
            records.forEach(r -> to.take(r[0], r[1]));
            records.clear();
        }

        @Override
        public void turn(boolean on) {
            turns.add(on);
        }

        @Override
        public void close() {
            closed = true;
        }
    }

    private void comes(long unique) {
        told.records.add(new long[] {clock.nanos(), unique});
    }

    /** Requests, each so long after the one before, which are told or not. */
    private void requests(int count, long nanos) {
        for (int i = 0; i < count; i++) {
            clock.advance(nanos);
            arrivals.of(2L * i);
        }
    }

    @Test
    void eachCountsFromWhenItCame() {
        comes(2);
        clock.advance(5);
        comes(4);
        clock.advance(5);
        assertThat(arrivals.of(4)).isEqualTo(clock.nanos() - 5 - ROUND);
        assertThat(arrivals.of(2)).isEqualTo(clock.nanos() - 10 - ROUND);
        assertThat(told.reads).as("what was read once is kept").isEqualTo(1);
    }

    @Test
    void whatWasNotToldIsNotKnown() {
        comes(2);
        assertThat(arrivals.of(6)).isZero();
        assertThat(arrivals.of(2 + 2 * 256)).as("one with the place of another").isZero();
        assertThat(arrivals.of(2)).isEqualTo(clock.nanos() - ROUND);
        comes(2 + 2 * 256);
        assertThat(arrivals.of(2 + 2 * 256)).isEqualTo(clock.nanos() - ROUND);
        assertThat(arrivals.of(2)).as("one that was driven out").isZero();
    }

    @Test
    void atManyRequestsNothingIsToldUntilTheyAreFew() {
        requests(10_000, 1_000_000_000 / Arrivals.MANY + 10);
        assertThat(told.turns).isEmpty();
        requests(2048, 1_000_000_000 / Arrivals.MANY - 10);
        assertThat(told.turns).containsExactly(false);
        comes(77);
        assertThat(arrivals.of(77)).isZero();
        for (int i = 0; i < 100; i++) {
            requests(1000, 1_000_000_000 / Arrivals.FEW - 10);
            arrivals.rest(clock.nanos());
        }
        assertThat(told.turns).containsExactly(false);
        for (int i = 0; i < 2; i++) {
            requests(1000, 1_000_000_000 / Arrivals.FEW + 10);
            arrivals.rest(clock.nanos());
        }
        assertThat(told.turns).containsExactly(false, true);
        assertThat(arrivals.of(77)).isNotZero();
    }

    /** What is looked at too soon says nothing. */
    @Test
    void aBurstThatIsShortChangesNothing() {
        requests(900, 1000);
        arrivals.rest(clock.nanos());
        clock.advance(100 * MS);
        arrivals.rest(clock.nanos());
        assertThat(told.turns).isEmpty();
    }

    @Test
    void whereNobodyTellsNothingIsEverKnown() {
        Arrivals none = new Arrivals(null, true, 0, clock);
        assertThat(none.of(2)).isZero();
        none.rest(clock.nanos() + 100 * MS);
        none.close();
        assertThat(none.state()).isEqualTo("read, the kernel does not tell");
        assertThat(new Arrivals(null, false, 0, clock).state()).isEqualTo("read");
        assertThat(arrivals.state()).isEqualTo("kernel");
    }

    @Test
    void itEndsWithTheMount() {
        arrivals.close();
        assertThat(told.closed).isTrue();
    }
}
