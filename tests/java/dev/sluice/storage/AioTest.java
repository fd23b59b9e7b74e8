package dev.sluice.storage;

import static org.assertj.core.api.Assertions.assertThat;

import dev.sluice.block.Bio;
import dev.sluice.block.Memory;
import dev.sluice.block.Op;
import dev.sluice.sys.Arena;
import dev.sluice.sys.Libc;
import dev.sluice.sys.Native;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

@Tag("unit")
@Timeout(120)
final class AioTest {
    private static final long SOON = 30_000_000_000L;

    @TempDir
    private Path dir;
    private final Arena arena = new Arena();
    private final Memory memory = arena.map(Arena.PAGE);
    private final Aio aio = Aio.open(arena);
    /** The offsets of what was handed out, and how each ended. */
    private final List<Long> ended = new ArrayList<>();
    private final List<Long> results = new ArrayList<>();
    private boolean gathers;
    private int fd;

    @BeforeEach
    void open() throws IOException {
        assertThat(aio).as("the system grants asynchronous I/O").isNotNull();
        aio.gathers(() -> gathers);
        Path file = Files.write(dir.resolve("data"), new byte[1 << 16]);
        fd = Libc.LIBC.open(file.toString(), Native.O_RDWR, 0);
    }

    @AfterEach
    void close() {
        Libc.LIBC.close(fd);
        aio.close();
        arena.close();
    }

    private boolean submit(int file, long offset) {
        Bio bio = new Bio(b -> { });
        bio.set(Op.READ, offset, 512, false, memory, 0, 0);
        return aio.submit(bio, file, false, (b, result) -> {
            ended.add(b.offset());
            results.add(result);
        });
    }

    private void awaitEnded(int count) {
        long end = System.nanoTime() + SOON;
        while (ended.size() < count && System.nanoTime() < end) {
            aio.reap();
        }
        assertThat(ended).hasSize(count);
    }

    @Test
    void aSessionThreadThatComesLateFindsNothingAndNoHarm() {
        Aio other = Aio.open(arena);
        assertThat(other.reap()).isFalse();
        other.close();
        // The kernel has taken its ring away.
        assertThat(other.reap()).isFalse();
        assertThat(other.underWay()).isZero();
    }

    @Test
    void aFewAreHeldBackWhileTheDiskIsBusyAndStartedTogether() {
        gathers = true;
        for (int i = 0; i < Aio.BUSY; i++) {
            assertThat(submit(fd, i)).isTrue();
        }
        assertThat(submit(fd, 100)).isTrue();
        assertThat(submit(fd, 101)).isTrue();
        // What has ended counts as under way until it is handed out.
        awaitEnded(Aio.BUSY);
        assertThat(ended).doesNotContain(100L, 101L);
        assertThat(aio.underWay()).isEqualTo(2);
        // The disk is not busy any more: nobody waits for a third.
        assertThat(submit(fd, 102)).isTrue();
        awaitEnded(Aio.BUSY + 3);
        assertThat(aio.underWay()).isZero();
    }

    @Test
    void asManyAsTheKernelStartsTogetherWaitForNoMore() {
        gathers = true;
        for (int i = 0; i < Aio.BUSY + Aio.TOGETHER; i++) {
            assertThat(submit(fd, i)).isTrue();
        }
        awaitEnded(Aio.BUSY + Aio.TOGETHER);
    }

    @Test
    void whatIsHeldBackStartsWhenSomebodyPushes() {
        gathers = true;
        for (int i = 0; i <= Aio.BUSY; i++) {
            assertThat(submit(fd, i)).isTrue();
        }
        awaitEnded(Aio.BUSY);
        aio.reap();
        assertThat(ended).hasSize(Aio.BUSY);
        aio.push();
        awaitEnded(Aio.BUSY + 1);
    }

    @Test
    void nobodyWaitsWhereNothingIsGathered() {
        for (int i = 0; i < 2 * Aio.BUSY; i++) {
            assertThat(submit(fd, i)).isTrue();
        }
        awaitEnded(2 * Aio.BUSY);
    }

    @Test
    void whatTheKernelRefusesOfThoseHeldBackIsAWorkersToDo() {
        gathers = true;
        for (int i = 0; i < Aio.BUSY; i++) {
            assertThat(submit(fd, i)).isTrue();
        }
        submit(fd, 100);
        submit(-1, 101);
        submit(fd, 102);
        awaitEnded(Aio.BUSY + 3);
        for (long refused : new long[] {101, 102}) {
            assertThat(results.get(ended.indexOf(refused))).isEqualTo(-11);
        }
        assertThat(results.get(ended.indexOf(100L))).isNotEqualTo(-9);
        assertThat(aio.underWay()).isZero();
        assertThat(submit(-1, 0)).as("alone").isFalse();
    }
}
