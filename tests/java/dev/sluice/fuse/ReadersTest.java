package dev.sluice.fuse;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.concurrent.CountDownLatch;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

/** Who is asked in, and who has to stay. */
@Tag("unit")
@Timeout(120)
class ReadersTest {
    private final ExecutorService threads = Executors.newCachedThreadPool();

    @AfterEach
    void end() throws InterruptedException {
        threads.shutdownNow();
        assertThat(threads.awaitTermination(60, TimeUnit.SECONDS)).isTrue();
    }

    @Test
    void oneIsAskedInAsOftenAsThereAreOthers() throws Exception {
        Readers readers = new Readers(1);
        readers.ask();
        readers.ask();
        assertThat(readers.enter()).isTrue();
        Future<Boolean> second = threads.submit(readers::enter);
        readers.leave();
        readers.ask();
        assertThat(second.get(60, TimeUnit.SECONDS)).isTrue();
    }

    @Test
    void theEndLetsAllGo() throws Exception {
        Readers readers = new Readers(3);
        CountDownLatch waiting = new CountDownLatch(2);
        Future<Boolean> a = threads.submit(() -> enter(readers, waiting));
        Future<Boolean> b = threads.submit(() -> enter(readers, waiting));
        assertThat(waiting.await(60, TimeUnit.SECONDS)).isTrue();
        readers.close();
        assertThat(a.get(60, TimeUnit.SECONDS)).isFalse();
        assertThat(b.get(60, TimeUnit.SECONDS)).isFalse();
        assertThat(readers.enter()).isFalse();
    }

    private static boolean enter(Readers readers, CountDownLatch waiting)
            throws InterruptedException {
        waiting.countDown();
        return readers.enter();
    }

    @Test
    void whoGoesAwayIsStoodInFor() throws Exception {
        Readers readers = new Readers(1);
        assertThat(readers.someAway()).isFalse();
        readers.away();
        assertThat(readers.someAway()).isTrue();
        assertThat(readers.enter()).isTrue();
        readers.back();
        assertThat(readers.someAway()).isFalse();
    }

    /** What stood in for a stuck one is no reader too many for ever. */
    @Test
    void spareOnesAreAskedInForThoseAwayOnly() throws Exception {
        Readers readers = new Readers(1);
        for (int i = 0; i < 3; i++) {
            assertThat(readers.away() || readers.more()).isTrue();
            assertThat(readers.enter()).isTrue();
        }
        for (int i = 0; i < 3; i++) {
            readers.back();
            assertThat(readers.someInside()).isTrue();
        }
        for (int i = 0; i < 3; i++) {
            assertThat(readers.leave()).isTrue();
        }
        assertThat(readers.someInside()).isFalse();
        readers.ask();
        readers.ask();
        assertThat(readers.enter()).isTrue();
        Future<Boolean> second = threads.submit(readers::enter);
        assertThat(readers.leave()).isTrue();
        assertThat(readers.someInside()).as("nobody but who was asked once").isFalse();
        assertThat(second.isDone()).isFalse();
        readers.close();
        assertThat(second.get(60, TimeUnit.SECONDS)).isFalse();
    }

    @Test
    void nobodyLeavesAsTheOtherGoesAway() throws Exception {
        Readers readers = new Readers(1);
        readers.ask();
        assertThat(readers.enter()).isTrue();
        assertThat(readers.someAway()).isFalse();
        readers.away();
        assertThat(readers.leave()).isFalse();
        readers.back();
        assertThat(readers.leave()).isTrue();
    }
}
