package dev.sluice.zram;

import static org.assertj.core.api.Assertions.assertThat;

import dev.sluice.block.Memory;
import dev.sluice.sys.Arena;
import dev.sluice.testing.Seeds;
import java.util.ArrayList;
import java.util.List;
import java.util.Random;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.concurrent.atomic.AtomicLong;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

/** When the memory of empty slots goes, and that nothing else goes with it. */
@Tag("unit")
@Timeout(60)
class SlotChunkTest {
    private static final int PAGE = SlotChunk.PAGE_SLOTS;
    private static final int STEPS = 200_000;
    private static final int MOST = 200_000_000;

    private final Arena arena = new Arena();
    private final Memory memory = arena.map(SlotChunk.BYTES);
    private final SlotChunk chunk = new SlotChunk(memory);

    @AfterEach
    void close() {
        arena.close();
    }

    private void store(int i, long value) {
        chunk.lock(i);
        chunk.value(i, value);
        chunk.unlock(i, SlotChunk.STORED | SlotChunk.SAME);
    }

    private void empty(int i) {
        chunk.lock(i);
        chunk.unlock(i, SlotChunk.EMPTY);
    }

    @Test
    void emptySlotsGo() {
        store(PAGE + 3, 7);
        empty(PAGE + 3);
        assertThat(memory.bytes().getLong(16 * (PAGE + 3))).isEqualTo(7);
        assertThat(chunk.forgetPage(2 * PAGE - 1)).isTrue();
        assertThat(memory.bytes().getLong(16 * (PAGE + 3))).isZero();
        store(PAGE + 3, 8);
        assertThat(chunk.value(PAGE + 3)).isEqualTo(8);
    }

    @Test
    void storedSlotsStay() {
        store(PAGE - 1, 7);
        store(2 * PAGE, 9);
        assertThat(chunk.forgetPage(0)).isFalse();
        assertThat(chunk.forgetPage(PAGE)).isTrue();
        assertThat(chunk.forgetPage(2 * PAGE + 5)).isFalse();
        assertThat(chunk.value(PAGE - 1)).isEqualTo(7);
        assertThat(chunk.value(2 * PAGE)).isEqualTo(9);
        assertThat(chunk.tryLock(0)).as("nothing stays locked").isTrue();
    }

    @Test
    void aSlotThatSomebodyIsAtStays() {
        chunk.lock(5);
        chunk.value(5, 7);
        assertThat(chunk.forgetPage(0)).isFalse();
        assertThat(chunk.value(5)).isEqualTo(7);
        assertThat(chunk.tryLock(4)).as("the others are free again").isTrue();
        assertThat(chunk.tryLock(5)).isFalse();
    }

    /** Each thread owns some slots of one page; a third lets the page go all the time. */
    @Test
    void nothingStoredIsLostWhileOthersLetGo() throws InterruptedException {
        long seed = Seeds.seed("SlotChunkTest");
        AtomicBoolean done = new AtomicBoolean();
        AtomicLong wrong = new AtomicLong();
        AtomicLong gone = new AtomicLong();
        List<Thread> owners = new ArrayList<>();
        for (int t = 0; t < 2; t++) {
            int first = t;
            owners.add(new Thread(() -> own(first, new Random(seed + first), wrong, gone)));
        }
        Thread forgetter = new Thread(() -> {
            while (!done.get()) {
                gone.addAndGet(chunk.forgetPage(0) ? 1 : 0);
            }
        });
        forgetter.start();
        owners.forEach(Thread::start);
        for (Thread owner : owners) {
            owner.join();
        }
        done.set(true);
        forgetter.join();
        assertThat(wrong.get()).isZero();
        assertThat(gone.get()).isPositive();
    }

    /** At least so many steps, and as many as it takes until the page has gone once. */
    private void own(int first, Random random, AtomicLong wrong, AtomicLong gone) {
        for (int step = 1; step <= STEPS || gone.get() == 0 && step < MOST; step++) {
            int i = first + 2 * random.nextInt(PAGE / 2);
            store(i, step);
            int flags = chunk.lock(i);
            boolean right = SlotChunk.isStored(flags) && chunk.value(i) == step;
            chunk.unlock(i, SlotChunk.EMPTY);
            wrong.addAndGet(right ? 0 : 1);
        }
    }
}
