package dev.sluice.target;

import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;

import dev.sluice.block.Bio;
import dev.sluice.block.Errno;
import dev.sluice.block.Memory;
import dev.sluice.storage.Backing;
import dev.sluice.work.Host;
import dev.sluice.work.WorkQueue;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

@Tag("unit")
@Timeout(90)
final class FileAllocationTest {
    private final TargetRig rig = new TargetRig();
    private final Hanging backing = new Hanging();

    @AfterEach
    void close() throws Exception {
        backing.answers.countDown();
        rig.close();
    }

    private WorkQueue queue() {
        return rig.host.queues().of("dev");
    }

    /** Answers how often it was asked, and hangs while told so. */
    private static final class Hanging implements Backing {
        final AtomicInteger asked = new AtomicInteger();
        final CountDownLatch answers = new CountDownLatch(1);
        volatile boolean hangs;
        volatile boolean closed;

        @Override
        public Errno resize(long bytes) {
            return Errno.EOPNOTSUPP;
        }

        @Override
        public Errno reserve(long offset, long length) {
            return Errno.EOPNOTSUPP;
        }

        @Override
        public long allocated() {
            long answer = 512L * asked.incrementAndGet();
            if (hangs) {
                try {
                    assertThat(answers.await(20, TimeUnit.SECONDS)).isTrue();
                } catch (InterruptedException e) {
                    throw new AssertionError(e);
                }
            }
            return answer;
        }

        @Override
        public void close() {
            closed = true;
        }

        @Override
        public long size() {
            return 1 << 20;
        }

        @Override
        public int blockSize() {
            return 1;
        }

        @Override
        public boolean readOnly() {
            return false;
        }

        @Override
        public long seek(long offset, boolean data) {
            throw new AssertionError("not asked");
        }

        @Override
        public Errno read(long offset, Memory memory, int at, int length) {
            throw new AssertionError("not asked");
        }

        @Override
        public Errno write(long offset, Memory memory, int at, int length) {
            throw new AssertionError("not asked");
        }

        @Override
        public void forgive() {}

        @Override
        public boolean start(Bio bio) {
            return false;
        }

        @Override
        public Errno sync() {
            throw new AssertionError("not asked");
        }

        @Override
        public Errno punch(long offset, long length) {
            throw new AssertionError("not asked");
        }

        @Override
        public Errno zero(long offset, long length) {
            throw new AssertionError("not asked");
        }
    }

    @Test
    void asksEachTime() throws Exception {
        // Where no time passes patience does not end, however late the worker is.
        Host host = new Host(() -> 0, rig.arena, rig.host.queues(), rig.host.completions(),
                rig.host.log(), rig.host.timer());
        FileAllocation allocation = new FileAllocation(backing, queue(), host);
        assertThat(allocation.get()).isEqualTo(1024);
        assertThat(allocation.get()).isEqualTo(1536);
        allocation.close();
        assertThat(backing.closed).isTrue();
        assertThat(allocation.get()).isEqualTo(1536);
    }

    @Test
    void aBackingThatHangsHoldsNobody() throws Exception {
        FileAllocation allocation = new FileAllocation(backing, queue(), rig.host);
        backing.hangs = true;
        for (int i = 0; i < 1000; i++) {
            // A thousand times the patience would exceed the time limit of the whole test.
            assertThat(allocation.get()).isEqualTo(512);
        }
        assertThat(backing.asked).hasValue(2);
        backing.hangs = false;
        backing.answers.countDown();
        await().atMost(30, TimeUnit.SECONDS).until(() -> allocation.get() > 1024);
    }

    @Test
    void closesAHangingBackingWhenItAnswers() throws Exception {
        FileAllocation allocation = new FileAllocation(backing, queue(), rig.host);
        backing.hangs = true;
        allocation.get();
        allocation.close();
        assertThat(backing.closed).isFalse();
        backing.answers.countDown();
        await().atMost(30, TimeUnit.SECONDS).until(() -> backing.closed);
    }
}
