package dev.sluice.block;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.sluice.testing.MemoryTarget;
import dev.sluice.testing.ParkTarget;
import dev.sluice.testing.Seeds;
import dev.sluice.testing.SimHost;
import dev.sluice.testing.TestBio;
import java.util.ArrayDeque;
import java.util.Deque;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Random;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

/** The times that a device sums up, from which rates, queues and utilisation are computed. */
@Tag("unit")
@Timeout(120)
class DeviceTimesTest {
    private static final int SIZE = 1 << 20;
    private static final Op[] OPS = {Op.READ, Op.WRITE, Op.FLUSH, Op.DISCARD};

    private final SimHost host = new SimHost(1);
    private final ParkTarget park =
            new ParkTarget(new MemoryTarget(MemoryTarget.limits(SIZE, 512, true, true)));
    private final Device device = host.device("d", park);

    /** The same sums, from what was done and when. */
    private static final class Model {
        private record Arrival(Op op, long at) {}

        private final Deque<Arrival> inFlight = new ArrayDeque<>();
        private final Map<Op, Long> took = new HashMap<>();
        private final Map<Op, Long> ended = new HashMap<>();
        private long busy;
        private long weighted;

        void passes(long nanos) {
            busy += inFlight.isEmpty() ? 0 : nanos;
            weighted += nanos * inFlight.size();
        }

        void arrives(Op op, long now) {
            inFlight.add(new Arrival(op, now));
        }

        void oldestEnds(long now) {
            Arrival one = inFlight.remove();
            took.merge(one.op, now - one.at, Long::sum);
            ended.merge(one.op, 1L, Long::sum);
        }

        void check(Map<String, Object> stats, long now) {
            assertThat(stats).containsEntry("at_ns", now).containsEntry("busy_ns", busy)
                    .containsEntry("weighted_ns", weighted)
                    .containsEntry("in_flight", inFlight.size());
            for (Op op : OPS) {
                Map<?, ?> one = (Map<?, ?>) stats.get(op.name().toLowerCase(Locale.ROOT));
                assertThat(one.get("time_ns")).isEqualTo(took.getOrDefault(op, 0L));
                assertThat(one.get("ended")).isEqualTo(ended.getOrDefault(op, 0L));
            }
        }
    }

    @Test
    void timesAreThoseOfTheRequestsInFlight() {
        Random random = new Random(Seeds.seed("DeviceTimesTest"));
        Model model = new Model();
        for (int i = 0; i < 20_000; i++) {
            if (random.nextInt(3) == 0) {
                long nanos = random.nextInt(1_000_000);
                host.clock.advance(nanos);
                model.passes(nanos);
            }
            if (random.nextInt(100) < (model.inFlight.size() > 20 ? 20 : 50)) {
                Op op = OPS[random.nextInt(OPS.length)];
                TestBio.submit(device, op, 0, op == Op.FLUSH ? 0 : 512, 0);
                model.arrives(op, host.clock.nanos());
            } else if (park.letGo()) {
                model.oldestEnds(host.clock.nanos());
            }
            if (i % 100 == 0) {
                model.check(device.stats(), host.clock.nanos());
            }
        }
        assertThat(model.weighted).isGreaterThan(2 * model.busy);
        wrongSumsAreFound(model, device.stats());
        park.drain();
    }

    private void wrongSumsAreFound(Model model, Map<String, Object> stats) {
        long now = host.clock.nanos();
        model.check(stats, now);
        for (String key : List.of("at_ns", "busy_ns", "weighted_ns")) {
            Map<String, Object> wrong = new LinkedHashMap<>(stats);
            wrong.computeIfPresent(key, (k, v) -> (long) v - 1);
            assertThatThrownBy(() -> model.check(wrong, now)).as(key)
                    .isInstanceOf(AssertionError.class);
        }
        for (String key : List.of("time_ns", "ended")) {
            Map<String, Object> wrong = new LinkedHashMap<>(stats);
            Map<Object, Object> read = new LinkedHashMap<>((Map<?, ?>) stats.get("read"));
            read.computeIfPresent(key, (k, v) -> (long) v + 1);
            wrong.put("read", read);
            assertThatThrownBy(() -> model.check(wrong, now)).as(key)
                    .isInstanceOf(AssertionError.class);
        }
    }

    /** Threads take the time before they take the lock. */
    @Test
    void aTimeThatComesLateTakesNothingBack() {
        InFlight list = new InFlight(100);
        Bio first = new Bio(b -> { });
        Bio second = new Bio(b -> { });
        list.add(first, 110);
        list.add(second, 105);
        assertThat(list.snapshot(120)).containsEntry("busy_ns", 10L)
                .containsEntry("weighted_ns", 20L);
        list.remove(first, 119);
        list.remove(second, 121);
        assertThat(list.snapshot(200)).containsEntry("busy_ns", 11L)
                .containsEntry("weighted_ns", 21L).containsEntry("at_ns", 200L);
    }

    @Test
    void latenciesAreCountedByStepsThatTheReaderChooses() {
        long[] took = {500, 5_000, 5_000, 70_000, 2_000_000, 4_000_000_000L};
        for (long nanos : took) {
            TestBio.submit(device, Op.READ, 0, 512, 0);
            host.clock.advance(nanos);
            park.letGo();
        }
        Map<?, ?> read = (Map<?, ?>) device.stats(1_000, 10_000, 100_000, 1_000_000_000L)
                .get("read");
        assertThat((long[]) read.get("latencies")).containsExactly(1, 2, 1, 1, 1);
        assertThat(read.get("time_ns")).isEqualTo(4_002_080_500L);
        Map<?, ?> write = (Map<?, ?>) device.stats(1_000).get("write");
        assertThat((long[]) write.get("latencies")).containsExactly(0, 0);
        assertThat(((Map<?, ?>) device.stats().get("read")).get("latencies")).isNull();
    }
}
