package dev.sluice.table;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

/** Who takes something out waits for those who may have seen it, and for nobody else. */
@Tag("unit")
@Timeout(60)
class VisitsTest {
    private final Visits visits = new Visits();

    @Test
    void whoIsThereIsWaitedForAndWhoComesLaterIsNot() throws Exception {
        int entered = visits.enter();
        CountDownLatch over = new CountDownLatch(1);
        Thread remover = new Thread(() -> {
            visits.await();
            over.countDown();
        });
        remover.start();
        assertThat(over.await(50, TimeUnit.MILLISECONDS)).isFalse();
        int late = visits.enter();
        visits.leave(entered);
        assertThat(over.await(20, TimeUnit.SECONDS)).isTrue();
        visits.leave(late);
        visits.await();
    }

    /** What is taken out is broken after the wait; nobody who found it may see it broken. */
    @Test
    void nobodySeesWhatWasTakenOutAfterwards() throws Exception {
        AtomicInteger[] there = {new AtomicInteger()};
        AtomicInteger wrong = new AtomicInteger();
        CountDownLatch end = new CountDownLatch(1);
        Thread[] visitors = new Thread[3];
        for (int i = 0; i < visitors.length; i++) {
            visitors[i] = new Thread(() -> {
                while (end.getCount() > 0) {
                    int entered = visits.enter();
                    AtomicInteger found;
                    synchronized (there) {
                        found = there[0];
                    }
                    Thread.onSpinWait();
                    wrong.addAndGet(found.get());
                    visits.leave(entered);
                }
            });
            visitors[i].start();
        }
        for (int i = 0; i < 300; i++) {
            AtomicInteger old;
            synchronized (there) {
                old = there[0];
                there[0] = new AtomicInteger();
            }
            visits.await();
            old.set(1);
        }
        end.countDown();
        for (Thread visitor : visitors) {
            visitor.join(20_000);
        }
        assertThat(wrong.get()).isZero();
    }
}
