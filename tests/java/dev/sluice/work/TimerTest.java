package dev.sluice.work;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.sluice.testing.Seeds;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import java.util.Random;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

@Tag("unit")
@Timeout(120)
final class TimerTest {
    private final List<String> log = new ArrayList<>();
    private final List<Integer> expired = new ArrayList<>();
    private final Timer timer = new Timer((sentence, cause) -> log.add(sentence));

    private Timer.Entry entry(int name) {
        return new Timer.Entry() {
            @Override
            protected void expired() {
                expired.add(name);
            }
        };
    }

    @Test
    void nothingExpiresBeforeItIsDueAndEqualsKeepTheirOrder() {
        timer.add(entry(1), 30);
        timer.add(entry(2), 10);
        timer.add(entry(3), 30);
        timer.add(entry(4), 20);
        assertThat(timer.earliest()).isEqualTo(10);
        assertThat(timer.expire(9)).isZero();
        assertThat(timer.expire(29)).isEqualTo(2);
        assertThat(expired).containsExactly(2, 4);
        assertThat(timer.expire(30)).isEqualTo(2);
        assertThat(expired).containsExactly(2, 4, 1, 3);
        assertThat(timer.earliest()).isEqualTo(Timer.NEVER);
        assertThat(timer.size()).isZero();
    }

    /** As when a disk below a delay is frozen: it holds up nothing else that is due. */
    @Test
    void whoIsStuckInOneEntryHoldsUpNoOther() throws Exception {
        CountDownLatch stuck = new CountDownLatch(1);
        CountDownLatch free = new CountDownLatch(1);
        timer.add(new Timer.Entry() {
            @Override
            protected void expired() {
                stuck.countDown();
                try {
                    assertThat(free.await(60, TimeUnit.SECONDS)).isTrue();
                } catch (InterruptedException e) {
                    throw new AssertionError(e);
                }
            }
        }, 1);
        for (int i = 0; i < 10; i++) {
            timer.add(entry(i), 2);
        }
        Thread other = new Thread(() -> timer.expire(5));
        other.start();
        assertThat(stuck.await(60, TimeUnit.SECONDS)).isTrue();
        assertThat(timer.expire(5)).isEqualTo(10);
        assertThat(expired).hasSize(10);
        assertThat(timer.earliest()).isEqualTo(Timer.NEVER);
        free.countDown();
        other.join(60_000);
    }

    /** Random adding, removing and expiring beside a list that is sorted. */
    @Test
    void itAgreesWithASortedList() {
        Random random = new Random(Seeds.seed("TimerTest"));
        record Known(long due, int name, Timer.Entry entry) {}
        List<Known> known = new ArrayList<>();
        List<Integer> right = new ArrayList<>();
        long now = 0;
        for (int i = 0; i < 100_000; i++) {
            int what = random.nextInt(10);
            if (what < 6) {
                Known k = new Known(now + random.nextInt(1000), i, entry(i));
                timer.add(k.entry, k.due);
                known.add(k);
            } else if (what < 8 && !known.isEmpty()) {
                Known k = known.remove(random.nextInt(known.size()));
                assertThat(timer.remove(k.entry)).isTrue();
                assertThat(timer.remove(k.entry)).isFalse();
            } else {
                now += random.nextInt(100);
                long until = now;
                known.stream().filter(k -> k.due <= until)
                        .sorted(Comparator.comparingLong(Known::due)
                                .thenComparingInt(Known::name))
                        .forEach(k -> right.add(k.name));
                known.removeIf(k -> k.due <= until);
                while (timer.expire(now) > 0) {
                    continue;
                }
                assertThat(timer.earliest()).isEqualTo(known.stream().mapToLong(Known::due)
                        .min().orElse(Timer.NEVER));
            }
        }
        assertThat(expired).isEqualTo(right).hasSizeGreaterThan(10_000);
        assertThat(timer.size()).isEqualTo(known.size());
    }

    @Test
    void anEntryMayBeAddedAgainWhenItHasExpiredButNotBefore() {
        Timer.Entry one = entry(1);
        timer.add(one, 5);
        assertThatThrownBy(() -> timer.add(one, 6)).isInstanceOf(AssertionError.class);
        timer.expire(5);
        timer.add(one, 6);
        timer.expire(6);
        assertThat(expired).containsExactly(1, 1);
    }

    @Test
    void oneThatFailsIsLoggedAndKeepsNoneOfTheOthers() {
        timer.add(new Timer.Entry() {
            @Override
            protected void expired() {
                throw new IllegalStateException("planted");
            }
        }, 1);
        timer.add(entry(2), 2);
        assertThat(timer.expire(2)).isEqualTo(2);
        assertThat(expired).containsExactly(2);
        assertThat(log).singleElement().asString().contains("planted");
    }

    @Test
    void aSleeperIsWokenOnlyForWhatIsEarlierThanItKnows() {
        AtomicInteger woken = new AtomicInteger();
        timer.wakeBy(woken::incrementAndGet);
        assertThat(timer.sleeps(Timer.NEVER)).isTrue();
        timer.add(entry(1), 100);
        assertThat(woken.get()).isEqualTo(1);
        assertThat(timer.sleeps(Timer.NEVER)).as("with something due").isFalse();
        assertThat(timer.sleeps(100)).isTrue();
        timer.add(entry(2), 200);
        assertThat(woken.get()).isEqualTo(1);
        timer.add(entry(3), 50);
        assertThat(woken.get()).isEqualTo(2);
        timer.awake();
        timer.add(entry(4), 40);
        assertThat(woken.get()).as("nobody sleeps").isEqualTo(2);
        timer.leaves();
        assertThat(woken.get()).as("the one that was awake leaves").isEqualTo(3);
        timer.add(entry(5), 30);
        assertThat(woken.get()).isEqualTo(4);
    }

    @Test
    void theThreadHandsOutAllAndNothingEarly() throws Exception {
        Timer real = new Timer((sentence, cause) -> log.add(sentence));
        CountDownLatch left = new CountDownLatch(500);
        AtomicInteger early = new AtomicInteger();
        Random random = new Random(1);
        try (TimerThread thread = new TimerThread(System::nanoTime, 20_000, real)) {
            assertThat(thread).isNotNull();
            for (int i = 0; i < 500; i++) {
                long due = System.nanoTime() + random.nextInt(20_000_000);
                real.add(new Timer.Entry() {
                    @Override
                    protected void expired() {
                        if (System.nanoTime() < due) {
                            early.incrementAndGet();
                        }
                        left.countDown();
                    }
                }, due);
                if (i % 50 == 0) {
                    Thread.sleep(3);
                }
            }
            assertThat(left.await(60, TimeUnit.SECONDS)).isTrue();
        }
        assertThat(early.get()).isZero();
        assertThat(log).isEmpty();
    }

    /** What a target adds while it is opened is there before the thread. */
    @Test
    void aThreadSeesWhatWasAddedBeforeIt() throws InterruptedException {
        Timer early = new Timer((sentence, cause) -> { });
        CountDownLatch done = new CountDownLatch(1);
        early.add(new Timer.Entry() {
            @Override
            protected void expired() {
                done.countDown();
            }
        }, System.nanoTime());
        try (TimerThread thread = new TimerThread(System::nanoTime, 0, early)) {
            assertThat(done.await(60, TimeUnit.SECONDS)).isTrue();
        }
    }
}
