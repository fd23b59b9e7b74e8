package dev.sluice.volumes;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.Map;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

/** One after the other in a lane, beside each other in two, and never too much. */
@Tag("unit")
@Timeout(60)
class LanesTest {
    private final List<String> done = Collections.synchronizedList(new ArrayList<>());
    private final Lanes lanes = new Lanes("test", 2, 3, (s, e) -> done.add(s));
    private final CountDownLatch gate = new CountDownLatch(1);

    private boolean waiting(String lane) {
        CountDownLatch begun = new CountDownLatch(1);
        boolean taken = lanes.run(lane, () -> {
            begun.countDown();
            try {
                gate.await(30, TimeUnit.SECONDS);
            } catch (InterruptedException e) {
                throw new IllegalStateException(e);
            }
            done.add(lane);
        });
        try {
            return taken && begun.await(20, TimeUnit.SECONDS);
        } catch (InterruptedException e) {
            throw new IllegalStateException(e);
        }
    }

    @Test
    void orderAndBounds() throws Exception {
        assertThat(waiting("a")).isTrue();
        assertThat(waiting("b")).isTrue();
        assertThat(lanes.busy()).isEqualTo(2);
        assertThat(lanes.run("c", () -> done.add("c"))).as("a third lane").isFalse();
        for (int i = 0; i < 3; i++) {
            int n = i;
            assertThat(lanes.run("a", () -> done.add("a" + n))).isTrue();
        }
        assertThat(lanes.run("a", () -> done.add("more"))).isFalse();
        assertThat(lanes.await(100)).isFalse();
        gate.countDown();
        assertThat(lanes.await(20_000)).isTrue();
        assertThat(done).hasSize(5).containsSubsequence("a", "a0", "a1", "a2").contains("b");
        assertThat(lanes.run("c", () -> done.add("c"))).isTrue();
        assertThat(lanes.await(20_000)).isTrue();
    }

    @Test
    void whatFailsIsToldAndTheLaneGoesOn() throws Exception {
        assertThat(waiting("a")).isTrue();
        lanes.run("a", () -> {
            throw new IllegalStateException("no");
        });
        lanes.run("a", () -> done.add("after"));
        gate.countDown();
        assertThat(lanes.await(20_000)).isTrue();
        assertThat(done).hasSize(3).element(1).asString().contains("work for a failed", "no");
        assertThat(done).element(2).isEqualTo("after");
    }

    /** A system without room for one more thread; it is an error of the machine's, not ours. */
    @Test
    void aLaneThatCannotBeginIsNoLane() throws Exception {
        List<Runnable> begun = new ArrayList<>();
        Lanes poor = new Lanes("test", 2, 3, (s, e) -> done.add(s), (name, loop) -> {
            if (begun.isEmpty()) {
                begun.add(loop);
                throw new Error("no thread");
            }
            loop.run();
        });
        assertThat(poor.run("a", () -> done.add("never"))).isFalse();
        assertThat(poor.busy()).isZero();
        assertThat(done).singleElement().asString().contains("work for a", "no thread");
        assertThat(poor.run("a", () -> done.add("a"))).isTrue();
        assertThat(done).hasSize(2).contains("a");
        begun.clear();
        poor.close(Map.of("z", () -> done.add("never")));
        assertThat(poor.await(100)).isTrue();
    }

    @Test
    void whoInsistsGetsALaneWhenOneIsFree() throws Exception {
        assertThat(waiting("a")).isTrue();
        assertThat(waiting("b")).isTrue();
        Thread waits = new Thread(() -> {
            lanes.insist("c", () -> done.add("c"));
            done.add("taken");
        });
        waits.start();
        for (int i = 0; i < 5000 && waits.getState() != Thread.State.TIMED_WAITING; i++) {
            Thread.sleep(1);
        }
        assertThat(done).isEmpty();
        gate.countDown();
        waits.join(20_000);
        assertThat(lanes.await(20_000)).isTrue();
        assertThat(done).contains("c", "taken");
        lanes.close(Map.of());
        lanes.insist("d", () -> done.add("d"));
        assertThat(done).doesNotContain("d");
    }

    @Test
    void theEndDropsWhatWaitsAndDoesTheLast() throws Exception {
        assertThat(waiting("a")).isTrue();
        lanes.run("a", () -> done.add("dropped"));
        lanes.close(Map.of("a", () -> done.add("last a"), "z", () -> done.add("last z")));
        assertThat(lanes.run("b", () -> done.add("late"))).isFalse();
        gate.countDown();
        assertThat(lanes.await(20_000)).isTrue();
        assertThat(done).containsExactlyInAnyOrder("a", "last a", "last z")
                .containsSubsequence("a", "last a");
    }
}
