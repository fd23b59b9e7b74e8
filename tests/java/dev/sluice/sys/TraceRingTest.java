package dev.sluice.sys;

import static org.assertj.core.api.Assertions.assertThat;

import dev.sluice.block.Memory;
import dev.sluice.testing.Seeds;
import java.util.ArrayList;
import java.util.List;
import java.util.Random;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

/** Records of a tracepoint, written as the kernel does; offsets are written out here. */
@Tag("unit")
@Timeout(120)
class TraceRingTest {
    private static final int PAGE = 4096;
    private static final int RING = 2 * PAGE;

    private final Memory memory = Native.few(PAGE + RING);
    private final TraceRing ring = new TraceRing(memory, 16);
    private long head;

    private void integer(long at, int value) {
        for (int i = 0; i < 4; i++) {
            memory.bytes().put(PAGE + (int) ((at + i) % RING), (byte) (value >>> 8 * i));
        }
    }

    private void eight(long at, long value) {
        integer(at, (int) value);
        integer(at + 4, (int) (value >>> 32));
    }

    /** A record of any type and size, whose fields begin behind 20 bytes. */
    private void record(int type, int size, long nanos, long value) {
        integer(head, type);
        integer(head + 4, size << 16 | 2);
        eight(head + 8, nanos);
        integer(head + 16, size - 20);
        eight(head + 20 + 16, value);
        head += size;
    }

    private void publish() {
        memory.bytes().putLong(1024, head);
    }

    private List<List<Long>> read() {
        List<List<Long>> all = new ArrayList<>();
        ring.read((nanos, value) -> all.add(List.of(nanos, value)));
        assertThat(memory.bytes().getLong(1032)).as("how far it was read").isEqualTo(head);
        return all;
    }

    @Test
    void whatIsNotPublishedIsNotRead() {
        assertThat(read()).isEmpty();
        record(9, 56, 7, 8);
        ring.read((nanos, value) -> {
            throw new AssertionError("read what is not there yet");
        });
        publish();
        assertThat(read()).containsExactly(List.of(7L, 8L));
        assertThat(read()).isEmpty();
    }

    @Test
    void recordsOfOtherTypesArePassedOver() {
        record(9, 56, 1, 2);
        record(2, 40, 3, 4);
        record(9, 56, 5, 6);
        publish();
        assertThat(read()).containsExactly(List.of(1L, 2L), List.of(5L, 6L));
    }

    /** A record may begin at any eight bytes and go round the end, and so may its fields. */
    @Test
    void allRecordsAreReadAlsoRoundTheEnd() {
        Random random = new Random(Seeds.seed("TraceRingTest"));
        long n = 0;
        for (int i = 0; i < 5000; i++) {
            List<List<Long>> written = new ArrayList<>();
            for (int k = random.nextInt(100); k > 0; k--) {
                long nanos = random.nextLong();
                record(9, 56 + 8 * random.nextInt(3), nanos, ~nanos);
                written.add(List.of(nanos, ~nanos));
                n++;
            }
            publish();
            assertThat(read()).isEqualTo(written);
        }
        assertThat(n).isGreaterThan(200_000);
    }
}
