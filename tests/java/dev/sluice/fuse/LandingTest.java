package dev.sluice.fuse;

import static org.assertj.core.api.Assertions.assertThat;

import dev.sluice.block.Completion;
import dev.sluice.block.Memory;
import dev.sluice.sys.Arena;
import dev.sluice.sys.Libc;
import dev.sluice.work.WorkerPool;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

/** Messages of all sizes through a pipe, which stands for /dev/fuse. */
@Tag("unit")
@Timeout(120)
class LandingTest {
    private static final int LARGE = 1 << 20;

    private final Arena arena = new Arena();
    private final Memory out = arena.map(1 << 20);
    private final WorkerPool workers = new WorkerPool("test", 1, 1, c -> "/",
            System::nanoTime, (s, c) -> { });
    private final SlotPool slots = new SlotPool(arena, new Background(64 << 20, 64, n -> true),
            new CompletionWorker(Completion.Mode.AUTO, workers.queue("c"), (s, c) -> { }),
            (s, c) -> { });
    private final Landing landing = new Landing(slots);
    private Channel channel;
    private int writeEnd;
    private int readEnd;

    @BeforeEach
    void open() {
        assertThat(Libc.LIBC.pipe2(out.address(), 0)).isZero();
        readEnd = out.bytes().getInt(0);
        writeEnd = out.bytes().getInt(4);
        channel = new Channel(readEnd);
    }

    @AfterEach
    void close() {
        landing.close();
        assertThat(slots.takenBytes()).as("all slots are back").isZero();
        Libc.LIBC.close(readEnd);
        Libc.LIBC.close(writeEnd);
        workers.close();
        arena.close();
    }

    /** A WRITE's message with so much data; every byte of it is another than its neighbours. */
    private Slot lands(int data, int seed) {
        int length = 80 + data;
        for (int i = 0; i < length; i++) {
            out.bytes().put(i, (byte) (seed + i + (i >> 8)));
        }
        landing.ready();
        assertThat(Libc.LIBC.write(writeEnd, out.address(), length)).isEqualTo(length);
        assertThat(landing.read(channel)).isEqualTo(length);
        Slot slot = landing.landed(length);
        for (int i = 0; i < length; i++) {
            assertThat(slot.bytes().get(Slot.DATA - 80 + i)).as("byte %d of %d", i, length)
                    .isEqualTo((byte) (seed + i + (i >> 8)));
        }
        return slot;
    }

    private void hasData(Slot slot, int data, int seed) {
        for (int i = 0; i < data; i++) {
            int at = 80 + i;
            assertThat(slot.bytes().get(Slot.DATA + i)).as("byte %d", i)
                    .isEqualTo((byte) (seed + at + (at >> 8)));
        }
    }

    @Test
    void theFirstIsCopiedOutAndWhatFollowsStaysWhereItCame() {
        Slot first = lands(4096, 1);
        assertThat(first.room()).isEqualTo(LARGE);
        Slot own = landing.own(4096, true);
        assertThat(own).isNotSameAs(first);
        hasData(own, 4096, 1);
        for (int i = 2; i < 5; i++) {
            Slot next = lands(4096, i);
            assertThat(next.room()).isEqualTo(4096);
            assertThat(landing.own(4096, true)).isSameAs(next);
            hasData(next, 4096, i);
            slots.give(next);
        }
        slots.give(own);
    }

    @Test
    void whatDoesNotFitAheadIsWholeInTheLargeSlot() {
        slots.give(smallOne());
        Slot whole = lands(60_000, 7);
        assertThat(whole.room()).isEqualTo(LARGE);
        hasData(whole, 60_000, 7);
        assertThat(landing.settle()).isSameAs(whole);
        assertThat(landing.part()).isSameAs(whole);
        // Another is taken for the next.
        assertThat(lands(100, 9)).isNotSameAs(whole);
        slots.give(whole);
    }

    private Slot smallOne() {
        lands(4096, 3);
        return landing.own(4096, true);
    }

    @Test
    void aByteMoreThanFitsAheadComesWholeToo() {
        slots.give(smallOne());
        Slot whole = lands(4097, 8);
        assertThat(whole.room()).isEqualTo(LARGE);
        Slot own = landing.own(4097, true);
        hasData(own, 4097, 8);
        slots.give(own);
        // The next one has room for as much.
        Slot next = lands(16_384, 9);
        assertThat(next.room()).isEqualTo(16_384);
    }

    @Test
    void aReadOfMoreThanThereIsRoomForGetsAnotherSlot() {
        slots.give(smallOne());
        Slot message = lands(0, 5);
        message.request(channel, Wire.READ, 17, 4711, null);
        Slot own = landing.own(65_536, false);
        assertThat(own).isNotSameAs(message);
        assertThat(own.room()).isEqualTo(65_536);
        assertThat(own.caller()).as("the request goes along").isEqualTo(4711);
        slots.give(own);
        // What was ahead still is.
        assertThat(lands(16, 6)).isSameAs(message);
    }

    @Test
    void settledTheMessageAndTheRequestAreInTheLargeSlotAndStayThere() {
        slots.give(smallOne());
        Slot ahead = lands(512, 11);
        ahead.request(channel, Wire.WRITE, 17, 4711, null);
        Slot whole = landing.settle();
        assertThat(whole.room()).isEqualTo(LARGE);
        hasData(whole, 512, 11);
        assertThat(whole.caller()).isEqualTo(4711);
        assertThat(lands(512, 12)).isSameAs(whole);
        Slot parted = landing.part();
        landing.back(parted);
        assertThat(lands(512, 13)).isSameAs(whole);
    }
}
