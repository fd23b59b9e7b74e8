package dev.sluice.zram;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.sluice.block.Errno;
import dev.sluice.zram.PageQueue.Request;
import dev.sluice.zram.ProposedQueue.Defect;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Deque;
import java.util.List;
import java.util.concurrent.ConcurrentLinkedDeque;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.atomic.AtomicReference;
import java.util.function.Function;
import org.awaitility.Awaitility;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

/**
 * What the page-parallel writes proposed in 2016 got wrong, each in a test of its own: ours passes,
 * the proposal's way of it fails, and the proposal without it passes.
 */
@Tag("unit")
@Timeout(60)
class BatchQueueTest {
    private static final int BATCH = 32;

    private final ExecutorService pool = Executors.newCachedThreadPool();
    private final Threads real = (caller, work) -> pool.execute(work);

    @AfterEach
    void end() throws InterruptedException {
        pool.shutdownNow();
        assertThat(pool.awaitTermination(20, TimeUnit.SECONDS)).isTrue();
    }

    /** Tells right from wrong for any queue made with threads for its writers. */
    private interface Scenario {
        void run(Function<Threads, PageQueue> queue) throws Exception;
    }

    private void judge(Scenario scenario, Defect defect) throws Exception {
        scenario.run(threads -> PageQueue.ours(threads, 2, false));
        scenario.run(threads -> new ProposedQueue(threads, 2));
        assertThatThrownBy(() -> scenario.run(t -> new ProposedQueue(t, 2, defect)))
                .as(defect.toString()).isInstanceOf(AssertionError.class);
    }

    private static void await(CountDownLatch latch) {
        try {
            assertThat(latch.await(20, TimeUnit.SECONDS)).isTrue();
        } catch (InterruptedException e) {
            throw new AssertionError(e);
        }
    }

    /** The first writer gets stuck in its work; what others there are run here, to their end. */
    private void runOthersWhileFirstIsStuck(Deque<Runnable> writers, CountDownLatch stuck) {
        pool.execute(writers.poll());
        await(stuck);
        while (!writers.isEmpty()) {
            writers.poll().run();
        }
    }

    @Test
    void aRequestEndsWhenItsLastPageIsDone() throws Exception {
        judge(made -> {
            Deque<Runnable> writers = new ArrayDeque<>();
            PageQueue queue = made.apply((caller, work) -> writers.add(work));
            CountDownLatch stuck = new CountDownLatch(1);
            CountDownLatch go = new CountDownLatch(1);
            AtomicInteger done = new AtomicInteger();
            AtomicReference<Integer> doneAtEnd = new AtomicReference<>();
            queue.submit(new Request(0, 2 * BATCH, true, page -> {
                if (page == BATCH - 1) {
                    stuck.countDown();
                    await(go);
                }
                done.incrementAndGet();
                return Errno.OK;
            }, outcome -> doneAtEnd.set(done.get())));
            runOthersWhileFirstIsStuck(writers, stuck);
            assertThat(done.get()).isLessThan(2 * BATCH);
            go.countDown();
            queue.close();
            assertThat(doneAtEnd.get()).isEqualTo(2 * BATCH);
        }, Defect.EARLY_END);
    }

    @Test
    void theFirstErrorIsKept() throws Exception {
        judge(made -> {
            for (int failing : new int[] {0, 5, BATCH, 3 * BATCH - 2}) {
                PageQueue queue = made.apply(real);
                AtomicReference<Errno> outcome = new AtomicReference<>();
                queue.submit(new Request(0, 3 * BATCH, true,
                        page -> page == failing ? Errno.ENOMEM : Errno.OK, outcome::set));
                queue.close();
                assertThat(outcome.get()).isEqualTo(Errno.ENOMEM);
            }
        }, Defect.LOST_ERRORS);
    }

    @Test
    void theCountOfWhatIsQueuedDoesNotDrift() throws Exception {
        judge(made -> {
            Deque<Runnable> later = new ArrayDeque<>();
            PageQueue queue = made.apply((caller, work) -> later.add(work));
            AtomicInteger ended = new AtomicInteger();
            for (int i = 1; i <= 50; i++) {
                queue.submit(new Request(10 * i, 3, true, page -> Errno.OK,
                        outcome -> ended.incrementAndGet()));
                assertThat(queue.queued()).isEqualTo(3);
                while (!later.isEmpty()) {
                    later.poll().run();
                }
                assertThat(queue.queued()).isZero();
                assertThat(ended.get()).isEqualTo(i);
            }
        }, Defect.COUNT_DRIFT);
    }

    @Test
    void twoWritesOfOnePageKeepTheirOrder() throws Exception {
        judge(made -> {
            Deque<Runnable> writers = new ConcurrentLinkedDeque<>();
            PageQueue queue = made.apply((caller, work) -> writers.add(work));
            int[] content = new int[BATCH]; // guarded by itself
            CountDownLatch stuck = new CountDownLatch(1);
            CountDownLatch go = new CountDownLatch(1);
            List<String> ends = new CopyOnWriteArrayList<>();
            for (int writer = 1; writer <= 2; writer++) {
                int mine = writer;
                queue.submit(new Request(0, BATCH, true, page -> {
                    if (mine == 1) {
                        stuck.countDown();
                        await(go);
                    }
                    synchronized (content) {
                        content[page] = mine;
                    }
                    return Errno.OK;
                }, outcome -> ends.add("writer " + mine)));
            }
            runOthersWhileFirstIsStuck(writers, stuck);
            go.countDown();
            Awaitility.await().atMost(20, TimeUnit.SECONDS).until(() -> {
                Runnable more = writers.poll();
                if (more != null) {
                    more.run();
                }
                return ends.size() == 2;
            });
            queue.close();
            assertThat(ends).containsExactly("writer 1", "writer 2");
            assertThat(content).containsOnly(2);
        }, Defect.NO_ORDER);
    }

    @Test
    void whatIsQueuedIsBoundedAndNobodyWaits() throws Exception {
        judge(made -> {
            Deque<Runnable> later = new ArrayDeque<>();
            PageQueue queue = made.apply((caller, work) -> later.add(work));
            AtomicInteger ended = new AtomicInteger();
            int all = 3 * BatchQueue.MOST_READY / BATCH;
            for (int i = 0; i < all; i++) {
                queue.submit(new Request((long) i * BATCH, BATCH, true, page -> Errno.OK,
                        outcome -> ended.incrementAndGet()));
                assertThat(queue.queued()).isLessThanOrEqualTo(BatchQueue.MOST_READY);
            }
            while (!later.isEmpty()) {
                later.poll().run();
            }
            assertThat(ended.get()).isEqualTo(all);
        }, Defect.UNBOUNDED);
    }

    @Test
    void closingDrains() throws Exception {
        judge(made -> {
            CountDownLatch closing = new CountDownLatch(1);
            PageQueue queue = made.apply((caller, work) -> pool.execute(() -> {
                await(closing);
                work.run();
            }));
            AtomicInteger ended = new AtomicInteger();
            for (int i = 0; i < 10; i++) {
                queue.submit(new Request(i * 100L, 50, true, page -> Errno.OK,
                        outcome -> ended.incrementAndGet()));
            }
            Thread closer = new Thread(() -> {
                try {
                    queue.close();
                } catch (InterruptedException e) {
                    throw new AssertionError(e);
                }
            });
            closer.start();
            Awaitility.await().atMost(20, TimeUnit.SECONDS)
                    .until(() -> closer.getState() == Thread.State.TIMED_WAITING);
            closing.countDown();
            closer.join(20_000);
            assertThat(closer.isAlive()).isFalse();
            assertThat(ended.get()).isEqualTo(10);
        }, Defect.NO_DRAIN);
    }

    @Test
    void aWholeNumberOfBatchesWakesNobodyTooMany() throws Exception {
        judge(made -> {
            for (int batches = 1; batches <= 2; batches++) {
                Deque<Runnable> later = new ArrayDeque<>();
                PageQueue queue = made.apply((caller, work) -> later.add(work));
                queue.submit(new Request(0, batches * BATCH, true, page -> Errno.OK,
                        outcome -> { }));
                assertThat(later).hasSize(batches);
                later.forEach(Runnable::run);
                assertThat(queue.queued()).isZero();
            }
        }, Defect.OVERSHOOT);
    }

    @Test
    void aRequestIsLeftWholeWhereThatIsAskedFor() throws Exception {
        AtomicInteger started = new AtomicInteger();
        PageQueue queue = PageQueue.ours((caller, work) -> {
            started.incrementAndGet();
            pool.execute(work);
        }, 4, true);
        List<Long> threads = new ArrayList<>(); // guarded by itself
        queue.submit(new Request(0, 20 * BATCH, true, page -> {
            synchronized (threads) {
                threads.add(Thread.currentThread().getId());
            }
            return Errno.OK;
        }, outcome -> { }));
        queue.close();
        assertThat(started.get()).isOne();
        assertThat(threads).hasSize(20 * BATCH);
        assertThat(threads.stream().distinct()).hasSize(1);
    }

    @Test
    void readsDoNotWaitForChanges() throws Exception {
        Deque<Runnable> later = new ArrayDeque<>();
        PageQueue queue = PageQueue.ours((caller, work) -> later.add(work), 2, false);
        queue.submit(new Request(0, BATCH, true, page -> Errno.OK, outcome -> { }));
        queue.submit(new Request(0, BATCH, false, page -> Errno.OK, outcome -> { }));
        assertThat(queue.queued()).isEqualTo(2 * BATCH);
        queue.submit(new Request(0, BATCH, true, page -> Errno.OK, outcome -> { }));
        assertThat(queue.queued()).isEqualTo(2 * BATCH);
        later.forEach(Runnable::run);
        queue.close();
    }

    @Test
    void withoutAThreadTheSubmitterDoesIt() throws Exception {
        PageQueue queue = PageQueue.ours((caller, work) -> {
            throw new IllegalStateException("the pool is closed");
        }, 2, false);
        AtomicReference<Errno> outcome = new AtomicReference<>();
        queue.submit(new Request(0, 3 * BATCH, true, page -> Errno.OK, outcome::set));
        assertThat(outcome.get()).isEqualTo(Errno.OK);
        queue.close();
    }

    @Test
    void oneSubmitterHasSeveralWriters() throws Exception {
        CountDownLatch both = new CountDownLatch(2);
        PageQueue queue = PageQueue.ours(real, 2, false);
        queue.submit(new Request(0, 2 * BATCH, true, page -> {
            if (page % BATCH == 0) {
                both.countDown();
                // Ends only when the other batch has begun as well.
                await(both);
            }
            return Errno.OK;
        }, outcome -> { }));
        queue.close();
    }
}
