package dev.sluice.fuse;

import static org.assertj.core.api.Assertions.assertThat;

import dev.sluice.block.Bio;
import dev.sluice.block.Completion;
import dev.sluice.block.Errno;
import dev.sluice.block.Op;
import dev.sluice.work.WorkerPool;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

/** A reply is sent once, by the right thread, also when there are no workers any more. */
@Tag("unit")
@Timeout(120)
class CompletionWorkerTest {
    private final List<String> log = new ArrayList<>();
    private final WorkerPool pool = new WorkerPool("test", 2, 2, c -> "/", System::nanoTime,
            (s, c) -> log.add(s));

    @AfterEach
    void end() {
        pool.close();
    }

    private CompletionWorker of(Completion.Mode mode) {
        return new CompletionWorker(mode, pool.queue("c"), (s, c) -> log.add(s));
    }

    private static Bio ended(Errno outcome, int owed) {
        Bio bio = new Bio(b -> { }).set(Op.FLUSH, 0, 0, false, null, 0, 0);
        bio.owe(owed);
        bio.fail(outcome);
        bio.release();
        return bio;
    }

    @Test
    void theRulesDecideInThisThreadAndAWorkerMayDoAll() throws Exception {
        CompletionWorker auto = of(Completion.Mode.AUTO);
        assertThat(auto.here(ended(Errno.OK, 0))).isTrue();
        assertThat(auto.here(ended(Errno.EIO, 0))).isFalse();
        assertThat(auto.here(ended(Errno.OK, Completion.ALLOCATED))).isFalse();
        assertThat(of(Completion.Mode.CALLER).here(ended(Errno.EIO, 0))).isTrue();
        assertThat(of(Completion.Mode.WORKER).here(ended(Errno.OK, 0))).isFalse();
        CompletableFuture<Boolean> inWorker = new CompletableFuture<>();
        pool.queue("disk").run(0, () -> inWorker.complete(auto.here(ended(Errno.EIO, 0))));
        assertThat(inWorker.get(60, TimeUnit.SECONDS)).isTrue();
    }

    @Test
    void aWorkerRunsItAndThisThreadWhereThereIsNone() throws Exception {
        CompletableFuture<Thread> by = new CompletableFuture<>();
        of(Completion.Mode.WORKER).run(0, () -> by.complete(Thread.currentThread()));
        assertThat(by.get(60, TimeUnit.SECONDS)).isNotSameAs(Thread.currentThread());
        pool.close();
        CompletableFuture<Thread> alone = new CompletableFuture<>();
        of(Completion.Mode.WORKER).run(0, () -> alone.complete(Thread.currentThread()));
        assertThat(alone.getNow(null)).isSameAs(Thread.currentThread());
        assertThat(log).hasSize(1);
    }
}
