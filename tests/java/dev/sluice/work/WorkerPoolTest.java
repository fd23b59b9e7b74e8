package dev.sluice.work;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.sluice.testing.VirtualClock;
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.Map;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;
import org.awaitility.Awaitility;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

/** Work is run once, by few threads, whatever it throws; nobody's slow work holds up another's. */
@Tag("unit")
@Timeout(120)
class WorkerPoolTest {
    private static final long MINUTE = TimeUnit.SECONDS.toNanos(60);

    private final List<String> log = Collections.synchronizedList(new ArrayList<>());
    private final VirtualClock clock = new VirtualClock();
    private final CountDownLatch hold = new CountDownLatch(1);
    private final AtomicInteger grants = new AtomicInteger(1000);
    private final WorkerPool pool = pool(100, 3);
    private final WorkQueue disk = pool.queue("disk");

    /** Callers 1 to 9 are of cgroup /1 to /9. */
    private WorkerPool pool(int most, int depth) {
        return new WorkerPool("test", most, depth, c -> "/" + (c == 0 ? "" : c), clock,
                (s, c) -> log.add(s), thread -> {
                    if (grants.getAndDecrement() <= 0) {
                        throw new OutOfMemoryError("unable to create native thread");
                    }
                    thread.start();
                });
    }

    @AfterEach
    void end() {
        hold.countDown();
        pool.close();
    }

    private static void await(CountDownLatch latch) {
        try {
            assertThat(latch.await(60, TimeUnit.SECONDS)).isTrue();
        } catch (InterruptedException e) {
            throw new AssertionError(e);
        }
    }

    private void block(WorkQueue queue, int caller, int times) {
        CountDownLatch blocked = new CountDownLatch(times);
        for (int i = 0; i < times; i++) {
            queue.run(caller, () -> {
                blocked.countDown();
                await(hold);
            });
        }
        await(blocked);
    }

    @SuppressWarnings("unchecked")
    private static Map<String, Object> worker(WorkerPool pool, String device, String cgroup) {
        for (Object each : (List<Object>) pool.status().get("worker")) {
            Map<String, Object> worker = (Map<String, Object>) each;
            if (worker.get("device").equals(device) && worker.get("cgroup").equals(cgroup)) {
                return worker;
            }
        }
        return Map.of();
    }

    private Map<String, Object> worker(String device, String cgroup) {
        return worker(pool, device, cgroup);
    }

    @Test
    void allIsRunOnceByAtMostSoMany() {
        AtomicInteger now = new AtomicInteger();
        AtomicInteger most = new AtomicInteger();
        AtomicInteger done = new AtomicInteger();
        for (int i = 0; i < 10_000; i++) {
            disk.run(1, () -> {
                most.accumulateAndGet(now.incrementAndGet(), Math::max);
                now.decrementAndGet();
                done.incrementAndGet();
            });
        }
        Awaitility.await().atMost(60, TimeUnit.SECONDS)
                .until(() -> done.get() == 10_000);
        assertThat(most.get()).isBetween(1, 3);
        Awaitility.await().atMost(60, TimeUnit.SECONDS)
                .until(() -> worker("disk", "/1").get("served").equals(10_000L));
        assertThat(worker("disk", "/1")).containsEntry("queued", 0);
    }

    @Test
    void aBlockedCgroupHoldsUpNoOtherNorAnotherDevice() {
        block(disk, 1, 3);
        CountDownLatch queued = new CountDownLatch(1);
        disk.run(1, queued::countDown);
        CountDownLatch others = new CountDownLatch(3);
        disk.run(2, others::countDown);
        disk.run(0, others::countDown);
        pool.queue("other").run(1, others::countDown);
        await(others);
        assertThat(queued.getCount()).as("behind the blocked ones").isEqualTo(1);
        assertThat(worker("disk", "/1")).containsEntry("queued", 1)
                .containsEntry("in_flight", 3);
        clock.advance(7_000_000);
        assertThat(worker("disk", "/1")).containsEntry("oldest_us", 7000L);
        hold.countDown();
        await(queued);
    }

    /** One worker for all, as a planted fault: the other cgroup waits. */
    @Test
    void withOneWorkerForAllTheOthersWouldWait() {
        WorkerPool one = pool(1, 1);
        block(one.queue("disk"), 1, 1);
        block(one.queue("disk"), 2, 1);
        CountDownLatch other = new CountDownLatch(1);
        one.queue("disk").run(3, other::countDown);
        assertThat(worker(one, "", "/")).containsEntry("queued", 1);
        assertThat(other.getCount()).isEqualTo(1);
        hold.countDown();
        await(other);
        one.close();
    }

    /** {@code workers=0}: the root worker does all, in order, whoever asks and of which device. */
    @Test
    void withoutWorkersTheRootWorkerDoesAll() {
        WorkerPool none = pool(0, 3);
        List<Integer> order = Collections.synchronizedList(new ArrayList<>());
        CountDownLatch all = new CountDownLatch(100);
        for (int i = 0; i < 100; i++) {
            int number = i;
            none.queue("disk" + i % 3).run(i % 5, () -> {
                order.add(number);
                all.countDown();
            });
        }
        await(all);
        assertThat(order).isSorted().hasSize(100);
        assertThat(none.status()).containsEntry("worker_threads", 1);
        none.close();
    }

    @Test
    void orderIsKeptWithinOneCgroup() {
        WorkerPool serial = pool(100, 1);
        List<Integer> order = Collections.synchronizedList(new ArrayList<>());
        CountDownLatch all = new CountDownLatch(1000);
        block(serial.queue("other"), 1, 1);
        for (int i = 0; i < 1000; i++) {
            int number = i;
            serial.queue("disk").run(1, () -> {
                order.add(number);
                all.countDown();
            });
        }
        await(all);
        assertThat(order).isSorted().hasSize(1000);
        hold.countDown();
        serial.close();
    }

    @Test
    void anIdleWorkerEndsAfterAMinuteAndTheNextRequestMakesAnother() {
        CountDownLatch ran = new CountDownLatch(2);
        disk.run(1, ran::countDown);
        disk.run(2, ran::countDown);
        await(ran);
        Awaitility.await().atMost(60, TimeUnit.SECONDS).until(() ->
                worker("disk", "/1").get("in_flight").equals(0)
                        && worker("disk", "/2").get("in_flight").equals(0));
        clock.advance(MINUTE - 1);
        pool.look();
        CountDownLatch again = new CountDownLatch(1);
        disk.run(2, again::countDown);
        await(again);
        assertThat(worker("disk", "/1")).containsEntry("threads", 1);
        Awaitility.await().atMost(60, TimeUnit.SECONDS).until(() ->
                worker("disk", "/2").get("in_flight").equals(0));
        clock.advance(1);
        Awaitility.await().atMost(60, TimeUnit.SECONDS).until(() -> {
            pool.look();
            return worker("disk", "/1").isEmpty();
        });
        assertThat(worker("disk", "/2")).as("used meanwhile").containsEntry("threads", 1);
        assertThat(worker("", "/")).as("the root worker").containsEntry("threads", 1);
        CountDownLatch later = new CountDownLatch(1);
        disk.run(1, later::countDown);
        await(later);
    }

    @Test
    void theThreadsOfAForgottenDeviceEndWhenTheyAreIdle() {
        block(disk, 1, 3);
        assertThat(pool.status().get("worker_threads")).isEqualTo(4);
        pool.forget("disk");
        pool.forget("none");
        CountDownLatch late = new CountDownLatch(1);
        disk.run(1, late::countDown);
        hold.countDown();
        await(late);
        Awaitility.await().atMost(60, TimeUnit.SECONDS)
                .until(() -> pool.status().get("worker_threads").equals(1));
        assertThat(pool.queue("disk")).isNotSameAs(disk);
        assertThat(log).isEmpty();
    }

    @Test
    void whatThrowsIsLoggedAndTheWorkerGoesOn() {
        disk.run(1, () -> {
            throw new IllegalStateException("planted");
        });
        CountDownLatch ran = new CountDownLatch(1);
        disk.run(1, ran::countDown);
        await(ran);
        Awaitility.await().atMost(60, TimeUnit.SECONDS)
                .until(() -> log.size() == 1);
        assertThat(log.get(0)).contains("planted");
    }

    @Test
    void whereNoThreadIsGrantedTheRootWorkerDoesItInOrder() {
        grants.set(1);
        block(disk, 1, 1);
        List<Integer> order = Collections.synchronizedList(new ArrayList<>());
        CountDownLatch ran = new CountDownLatch(3);
        for (int i = 0; i < 3; i++) {
            int number = i;
            disk.run(2, () -> {
                order.add(number);
                ran.countDown();
            });
        }
        await(ran);
        assertThat(order).containsExactly(0, 1, 2);
        assertThat(worker("disk", "/2")).isEmpty();
        disk.run(1, () -> order.add(3));
        assertThat(worker("disk", "/1")).as("has a thread, and keeps its own")
                .containsEntry("queued", 1);
        assertThat(log).isEmpty();
    }

    @Test
    void afterCloseNothingIsTakenAndTheThreadsEnd() {
        CountDownLatch ran = new CountDownLatch(1);
        disk.run(1, ran::countDown);
        await(ran);
        pool.close();
        assertThatThrownBy(() -> disk.run(1, () -> { }))
                .isInstanceOf(IllegalStateException.class);
        Awaitility.await().atMost(60, TimeUnit.SECONDS)
                .until(() -> pool.status().get("worker_threads").equals(0));
    }

    @Test
    void aWorkerKnowsThatItIsOne() {
        List<Boolean> answers = Collections.synchronizedList(new ArrayList<>());
        CountDownLatch ran = new CountDownLatch(1);
        disk.run(1, () -> {
            answers.add(pool.queue("other").inWorker());
            answers.add(pool(1, 1).queue("disk").inWorker());
            ran.countDown();
        });
        await(ran);
        assertThat(answers).containsExactly(true, false);
        assertThat(disk.inWorker()).isFalse();
    }
}
