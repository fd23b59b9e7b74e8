package dev.sluice.storage;

import static org.assertj.core.api.Assertions.assertThat;

import com.kenai.jffi.LastError;
import dev.sluice.block.Errno;
import dev.sluice.block.Memory;
import dev.sluice.sys.Arena;
import dev.sluice.sys.Libc;
import dev.sluice.sys.Native;
import java.lang.reflect.Proxy;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Deque;
import java.util.List;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

/** What is tried without waiting, by every answer of a kernel: a scripted C library, no file. */
@Tag("unit")
@Timeout(60)
class NowaitTest {
    private final Arena arena = new Arena();
    private final Memory data = arena.map(256 << 10);
    private final List<String> calls = new ArrayList<>();
    /** Bytes moved, or a negative errno. */
    private final Deque<Long> answers = new ArrayDeque<>();
    private final Libc libc = (Libc) Proxy.newProxyInstance(getClass().getClassLoader(),
            new Class<?>[] {Libc.class}, (self, method, args) -> {
                assertThat(args[4]).as("the flags").isEqualTo(Native.RWF_NOWAIT);
                calls.add(method.getName() + " at " + args[3]);
                long answer = answers.remove();
                if (answer < 0) {
                    LastError.getInstance().set((int) -answer);
                    return -1L;
                }
                return answer;
            });

    @AfterEach
    void end() {
        assertThat(answers).isEmpty();
        arena.close();
    }

    private void answer(long... those) {
        for (long one : those) {
            answers.add(one);
        }
    }

    private static long no(Errno errno) {
        return -errno.number();
    }

    private Nowait open(long probe) {
        answer(probe);
        Nowait nowait = new Nowait(libc, 3, true);
        calls.clear();
        return nowait;
    }

    private boolean read(Nowait nowait, int length) {
        return nowait.read(4096, data, 0, length);
    }

    private boolean write(Nowait nowait, int length) {
        return nowait.write(4096, data, 0, length);
    }

    @Test
    void whatIsCachedIsReadAndTheRestIsForAWorker() {
        Nowait nowait = open(no(Errno.EAGAIN));
        answer(4096, no(Errno.EAGAIN), 100, 0, no(Errno.EINTR), 4096);
        assertThat(read(nowait, 4096)).isTrue();
        assertThat(read(nowait, 4096)).as("EAGAIN").isFalse();
        assertThat(read(nowait, 4096)).as("a part").isFalse();
        assertThat(read(nowait, 4096)).as("cut off").isFalse();
        assertThat(read(nowait, 4096)).as("EINTR").isFalse();
        assertThat(read(nowait, 4096)).isTrue();
        assertThat(read(nowait, Nowait.MOST + 1)).as("too large, not asked").isFalse();
        assertThat(calls).hasSize(6).containsOnly("preadv2 at 4096");
    }

    @Test
    void whoCannotIsNotAskedAgain() {
        Nowait never = open(no(Errno.EOPNOTSUPP));
        assertThat(read(never, 4096)).isFalse();
        assertThat(calls).isEmpty();
        assertThat(never.cachesWrites()).as("not a file system of this machine's").isFalse();

        Nowait reads = open(1);
        assertThat(reads.cachesWrites()).as("writes may be asked for yet").isFalse();
        answer(no(Errno.EOPNOTSUPP));
        assertThat(write(reads, 4096)).isFalse();
        assertThat(write(reads, 4096)).isFalse();
        assertThat(calls).containsExactly("pwritev2 at 4096");
        assertThat(reads.cachesWrites()).isTrue();
        assertThat(reads.triesReads()).isTrue();
    }

    /** A sparse file: what has to wait must not be tried twice each time. */
    @Test
    void noWriteIsTriedWhileOneWaits() {
        Nowait nowait = open(1);
        answer(no(Errno.EAGAIN), 4096);
        assertThat(write(nowait, 4096)).isFalse();
        nowait.writeWaits();
        nowait.writeWaits();
        nowait.writeEnded();
        assertThat(write(nowait, 4096)).as("one still waits").isFalse();
        nowait.writeEnded();
        assertThat(write(nowait, 4096)).isTrue();
        assertThat(calls).hasSize(2);
    }
}
