package dev.sluice.work;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.awaitility.Awaitility.await;

import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

/** Work is run once, by few threads, whatever it throws. */
@Tag("unit")
@Timeout(30)
class WorkerPoolTest {
    private final List<String> log = Collections.synchronizedList(new ArrayList<>());
    private final WorkerPool pool = new WorkerPool("test", 3, (s, c) -> log.add(s));

    @AfterEach
    void end() {
        pool.close();
    }

    @Test
    void allIsRunOnceByAtMostSoMany() {
        AtomicInteger now = new AtomicInteger();
        AtomicInteger most = new AtomicInteger();
        AtomicInteger done = new AtomicInteger();
        for (int i = 0; i < 10_000; i++) {
            pool.execute(() -> {
                most.accumulateAndGet(now.incrementAndGet(), Math::max);
                now.decrementAndGet();
                done.incrementAndGet();
            });
        }
        await().atMost(20, TimeUnit.SECONDS).until(() -> done.get() == 10_000);
        assertThat(most.get()).isBetween(1, 3);
        await().atMost(10, TimeUnit.SECONDS)
                .until(() -> pool.status().get("served").equals(10_000L));
        assertThat(pool.status()).containsEntry("queued", 0);
    }

    @Test
    void oneIdleWorkerServesWhatComesOneByOne() throws InterruptedException {
        for (int i = 0; i < 100; i++) {
            CountDownLatch ran = new CountDownLatch(1);
            pool.execute(ran::countDown);
            assertThat(ran.await(10, TimeUnit.SECONDS)).isTrue();
            await().atMost(10, TimeUnit.SECONDS)
                    .until(() -> pool.status().get("idle").equals(pool.status().get("threads")));
        }
        assertThat(pool.status()).containsEntry("threads", 1);
    }

    @Test
    void whatThrowsIsLoggedAndTheWorkerGoesOn() throws InterruptedException {
        pool.execute(() -> {
            throw new IllegalStateException("planted");
        });
        CountDownLatch ran = new CountDownLatch(1);
        pool.execute(ran::countDown);
        assertThat(ran.await(10, TimeUnit.SECONDS)).isTrue();
        await().atMost(10, TimeUnit.SECONDS).until(() -> log.size() == 1);
        assertThat(log.get(0)).contains("planted");
    }

    @Test
    void blockedWorkersLetWorkQueueAndItIsRunAfterwards() throws InterruptedException {
        CountDownLatch hold = new CountDownLatch(1);
        CountDownLatch blocked = new CountDownLatch(3);
        CountDownLatch ran = new CountDownLatch(5);
        for (int i = 0; i < 3; i++) {
            pool.execute(() -> {
                blocked.countDown();
                try {
                    hold.await();
                } catch (InterruptedException e) {
                    throw new AssertionError(e);
                }
            });
        }
        assertThat(blocked.await(10, TimeUnit.SECONDS)).isTrue();
        for (int i = 0; i < 5; i++) {
            pool.execute(ran::countDown);
        }
        assertThat(pool.status()).containsEntry("queued", 5).containsEntry("threads", 3);
        hold.countDown();
        assertThat(ran.await(10, TimeUnit.SECONDS)).isTrue();
    }

    @Test
    void afterCloseNothingIsTakenAndTheThreadsEnd() throws InterruptedException {
        CountDownLatch ran = new CountDownLatch(1);
        pool.execute(ran::countDown);
        assertThat(ran.await(10, TimeUnit.SECONDS)).isTrue();
        pool.close();
        assertThatThrownBy(() -> pool.execute(() -> { }))
                .isInstanceOf(IllegalStateException.class);
        await().atMost(10, TimeUnit.SECONDS)
                .until(() -> pool.status().get("threads").equals(0));
    }

    @Test
    void whereNoThreadIsGrantedTheOthersDoTheWork() throws InterruptedException {
        AtomicInteger grants = new AtomicInteger();
        WorkerPool poor = new WorkerPool("poor", 3, (s, c) -> log.add(s), thread -> {
            if (grants.getAndDecrement() <= 0) {
                throw new OutOfMemoryError("unable to create native thread");
            }
            thread.start();
        });
        assertThatThrownBy(() -> poor.execute(() -> log.add("nobody")))
                .isInstanceOf(OutOfMemoryError.class);
        assertThat(poor.status()).containsEntry("threads", 0).containsEntry("queued", 0);
        grants.set(1);
        CountDownLatch go = new CountDownLatch(1);
        CountDownLatch ran = new CountDownLatch(3);
        for (int i = 0; i < 3; i++) {
            poor.execute(() -> {
                try {
                    go.await();
                } catch (InterruptedException e) {
                    throw new AssertionError(e);
                }
                ran.countDown();
            });
        }
        assertThat(poor.status()).containsEntry("threads", 1).containsEntry("queued", 2);
        go.countDown();
        assertThat(ran.await(10, TimeUnit.SECONDS)).isTrue();
        assertThat(log).isEmpty();
        poor.close();
    }
}
