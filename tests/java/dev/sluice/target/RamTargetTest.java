package dev.sluice.target;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.sun.management.ThreadMXBean;
import dev.sluice.block.Bio;
import dev.sluice.block.Device;
import dev.sluice.block.Errno;
import dev.sluice.block.Memory;
import dev.sluice.block.Op;
import java.lang.management.ManagementFactory;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.Random;
import java.util.concurrent.CompletionService;
import java.util.concurrent.CyclicBarrier;
import java.util.concurrent.ExecutorCompletionService;
import java.util.concurrent.Future;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

@Tag("unit")
@Timeout(240)
final class RamTargetTest {
    private static final long GIB = 1L << 30;
    private static final int MIB = 1 << 20;
    private static final int RACED = 128 << 10;

    private final TargetRig rig = new TargetRig();

    @AfterEach
    void close() throws Exception {
        rig.close();
    }

    @Test
    void anEmptyTebibyteCostsNothing() throws Exception {
        long before = rig.arena.mappedBytes();
        Device ram = rig.open("ram", 1L << 40);
        assertThat(rig.arena.mappedBytes() - before).isLessThan(4 << 20);
        assertThat(ram.target().allocated(0, 1L << 40)).isZero();
        assertThat(ram.target().seek(0, true)).isEqualTo(1L << 40);
        TargetRig.Io io = rig.new Io(ram);
        assertThat(io.read((1L << 40) - 4096, 4096)).containsOnly(0);
        assertThat(io.run(Op.DISCARD, 0, 1L << 40)).isEqualTo(Errno.OK);
        assertThat(io.run(Op.WRITE_ZEROES, 0, 1L << 40)).isEqualTo(Errno.OK);
        assertThat(rig.arena.mappedBytes() - before).isLessThan(4 << 20);
    }

    @Test
    void randomOperationsAgreeWithPlainBytes() throws Exception {
        randomOperations(rig.open("ram", (1 << 20) + 512 * 3), 0, (1 << 20) + 512 * 3, 1);
    }

    @Test
    void randomOperationsAcrossChunks() throws Exception {
        randomOperations(rig.open("ram", 3 * GIB), GIB - (300 << 10), 600 << 10, 1);
    }

    @Test
    void randomOperationsWithBlocks() throws Exception {
        Device ram = rig.open("ram", 1 << 20, "block=4k");
        assertThat(ram.limits().blockSize()).isEqualTo(4096);
        assertThat(ram.target().arguments()).isEqualTo("block=4k");
        randomOperations(ram, 0, 1 << 20, 1);
    }

    /** Whole pages written or discarded only: then allocated and seek are exact as well. */
    @Test
    void allocationIsExactByPages() throws Exception {
        randomOperations(rig.open("ram", 3 * GIB), GIB - (2 << 20), 4 << 20, 4096);
    }

    private void randomOperations(Device ram, long base, int span, int unit) {
        long seed = Long.getLong("seed", System.nanoTime());
        System.out.println("seed " + seed);
        Random random = new Random(seed);
        byte[] expected = new byte[span];
        boolean[] pages = new boolean[span / 4096 + 1];
        TargetRig.Io io = rig.new Io(ram, 24);
        for (int i = 0; i < 3000; i++) {
            int at = random.nextInt(span / unit) * unit;
            int most = Math.min(span - at, random.nextBoolean() ? 256 << 10 : 9000);
            int length = Math.max(unit, random.nextInt(most / unit + 1) * unit);
            switch (random.nextInt(6)) {
                case 0, 1 -> {
                    byte[] bytes = new byte[length];
                    random.nextBytes(bytes);
                    assertThat(io.write(base + at, bytes)).isEqualTo(Errno.OK);
                    System.arraycopy(bytes, 0, expected, at, length);
                    mark(pages, at, length, true);
                }
                case 2 -> {
                    assertThat(io.run(Op.DISCARD, base + at, length)).isEqualTo(Errno.OK);
                    Arrays.fill(expected, at, at + length, (byte) 0);
                    mark(pages, at, length, false);
                }
                case 3 -> {
                    assertThat(io.run(Op.WRITE_ZEROES, base + at, length)).isEqualTo(Errno.OK);
                    Arrays.fill(expected, at, at + length, (byte) 0);
                }
                default -> assertThat(io.read(base + at, length)).as("step %d", i)
                        .isEqualTo(Arrays.copyOfRange(expected, at, at + length));
            }
            if (unit == 4096) {
                checkAllocation(ram, base, pages, at, length, random.nextInt(4096));
            }
        }
        for (int at = 0; at < span; at += 4096) {
            int length = Math.min(4096, span - at);
            assertThat(io.read(base + at, length))
                    .isEqualTo(Arrays.copyOfRange(expected, at, at + length));
        }
    }

    private static void mark(boolean[] pages, int at, int length, boolean to) {
        Arrays.fill(pages, at / 4096, (at + length) / 4096, to);
    }

    private static void checkAllocation(Device ram, long base, boolean[] pages, int at,
            int length, int shift) {
        int from = at + shift;
        int until = Math.max(from, at + length - shift / 2);
        long sum = 0;
        for (int i = from; i < until; i++) {
            sum += pages[i / 4096] ? 1 : 0;
        }
        assertThat(ram.target().allocated(base + from, until - from)).isEqualTo(sum);
        for (boolean data : new boolean[] {true, false}) {
            int page = from / 4096;
            while (page < pages.length - 1 && pages[page] != data) {
                page++;
            }
            long found = ram.target().seek(base + from, data);
            if (page < pages.length - 1) {
                assertThat(found).isEqualTo(base + Math.max(from, page * 4096));
            } else {
                assertThat(found).isGreaterThanOrEqualTo(base + (pages.length - 1) * 4096L);
            }
        }
    }

    @Test
    void aReadIsAnsweredWithoutACopy() throws Exception {
        Device ram = rig.open("ram", 1 << 20);
        TargetRig.Io io = rig.new Io(ram);
        io.write(0, new byte[] {1, 2, 3});
        io.run(Op.READ, 0, 8192);
        assertThat(io.bio.answerMemory()).isNotSameAs(io.data);
        assertThat(io.bio.answerMemory().bytes().get(io.bio.answerAt() + 2)).isEqualTo((byte) 3);
        io.run(Op.READ, 4096, 4096);
        assertThat(io.bio.answerMemory()).isNotSameAs(io.data);
    }

    @Test
    void aRequestAllocatesNothing() throws Exception {
        Device ram = rig.open("ram", 2 * GIB);
        ThreadMXBean threads = (ThreadMXBean) ManagementFactory.getThreadMXBean();
        Memory data = rig.arena.map(MIB);
        Bio bio = new Bio(b -> {
            throw new AssertionError("ended within submit");
        });
        int rounds = 20_000;
        long allocated = 0;
        // The first turns compile the path; of the last one nothing is left to be said.
        for (int turn = 0; turn < 5; turn++) {
            long before = threads.getCurrentThreadAllocatedBytes();
            for (int i = 0; i < rounds; i++) {
                Op op = i % 8 == 0 ? Op.DISCARD : i % 8 == 1 ? Op.WRITE_ZEROES
                        : i % 2 == 0 ? Op.WRITE : Op.READ;
                long at = GIB - 40_960 + i % 20 * 4096 + i % 3;
                bio.set(op, at, 8192, false, op.hasData() ? data : null, 0, 0);
                ram.submit(bio);
                assertTrue(bio.release());
            }
            allocated = threads.getCurrentThreadAllocatedBytes() - before;
        }
        assertThat(allocated).isLessThan(rounds);
    }

    @Test
    void discardGivesMemoryBack() throws Exception {
        int bytes = 64 << 20;
        Device ram = rig.open("ram", bytes);
        TargetRig.Io io = rig.new Io(ram);
        byte[] full = new byte[1 << 20];
        Arrays.fill(full, (byte) 7);
        for (int at = 0; at < bytes; at += full.length) {
            io.write(at, full);
        }
        long resident = residentBytes();
        assertThat(ram.target().status()).containsEntry("pages", (long) bytes / 4096)
                .containsEntry("allocated_bytes", (long) bytes);
        io.run(Op.DISCARD, 100, bytes - 200);
        assertThat(resident - residentBytes()).isGreaterThan(bytes / 2);
        assertThat(ram.target().status()).containsEntry("pages", 2L);
        assertThat(io.read(0, 101)).endsWith(7, 0);
        io.run(Op.DISCARD, 0, bytes);
        assertThat(ram.target().status()).containsEntry("pages", 0L);
    }

    /** Reading and zeroing what was never written must not make it resident. */
    @Test
    void zeroesDoNotTakeMemory() throws Exception {
        Device ram = rig.open("ram", GIB);
        TargetRig.Io io = rig.new Io(ram);
        io.write(GIB / 2, new byte[] {1});
        long before = residentBytes();
        io.run(Op.WRITE_ZEROES, 1, GIB - 2);
        assertThat(residentBytes() - before).isLessThan(GIB / 4);
        assertThat(ram.target().allocated(0, GIB)).isEqualTo(4096);
        assertThat(io.read(GIB / 2, 1)).containsExactly(0);
    }

    private static long residentBytes() throws Exception {
        String statm = Files.readString(Path.of("/proc/self/statm"));
        return Long.parseLong(statm.split(" ")[1]) * 4096;
    }

    @Test
    void manyThreadsWriteAFreshChunk() throws Exception {
        for (int round = 0; round < 50; round++) {
            Device ram = rig.open("ram", GIB);
            together(4, id -> {
                TargetRig.Io io = rig.new Io(ram);
                byte[] bytes = new byte[4096];
                Arrays.fill(bytes, (byte) (id + 1));
                io.write(id * 4096L, bytes);
            });
            TargetRig.Io io = rig.new Io(ram);
            for (int id = 0; id < 4; id++) {
                assertThat(io.read(id * 4096L, 4096)).containsOnly(id + 1);
            }
            assertThat(ram.target().allocated(0, GIB)).isEqualTo(4 * 4096);
            rig.close(ram);
        }
    }

    /**
     * A large write and discards of all of it and of a few pages race, so that each takes its
     * time. When all have ended, each byte is this round's or zero, and bytes that are there are
     * counted: data without a bit would come back as old bytes later.
     */
    @Test
    void staleBytesNeverReappear() throws Exception {
        Device ram = rig.open("ram", 4 * MIB);
        CyclicBarrier barrier = new CyclicBarrier(3);
        together(3, id -> {
            TargetRig.Io io = rig.new Io(ram);
            byte[] bytes = new byte[RACED - 4096];
            byte[] full = new byte[MIB];
            for (int round = 1; round <= 1000; round++) {
                byte mark = (byte) (1 + round % 100);
                Arrays.fill(bytes, mark);
                if (id == 1) {
                    io.write(MIB, full);
                }
                barrier.await(60, TimeUnit.SECONDS);
                if (id == 0) {
                    io.write(2048, bytes);
                } else if (id == 1) {
                    io.run(Op.DISCARD, 0, 2 * MIB);
                } else {
                    Op op = round % 4 == 0 ? Op.WRITE_ZEROES : Op.DISCARD;
                    io.run(op, RACED / 2 + 1024, 3 * 4096);
                }
                barrier.await(60, TimeUnit.SECONDS);
                if (id == 0) {
                    io.write(RACED, new byte[] {1});
                    checkRound(ram, io, mark);
                }
            }
        });
    }

    /** The page behind has its bit, so a read together with it shows what memory holds. */
    private static void checkRound(Device ram, TargetRig.Io io, byte mark) {
        byte[] held = io.read(0, RACED + 1);
        for (int page = 0; page < RACED / 4096; page++) {
            boolean data = false;
            byte[] shown = io.read(page * 4096, 4096);
            for (int i = 0; i < 4096; i++) {
                byte there = held[page * 4096 + i];
                if (there != 0 && there != mark || shown[i] != there) {
                    throw new AssertionError("page " + page + " shows " + shown[i] + " at " + i
                            + " and holds " + there + ", written was " + mark);
                }
                data |= there != 0;
            }
            if (data) {
                assertThat(ram.target().allocated(page * 4096, 4096)).isEqualTo(4096);
            }
        }
    }

    /** Once a reader has seen a discard, a small write beside must not show old bytes again. */
    @Test
    void oldBytesDoNotFlashUpDuringADiscard() throws Exception {
        Device ram = rig.open("ram", 4 * MIB);
        byte[] old = new byte[MIB];
        Arrays.fill(old, (byte) 9);
        long last = 4 * MIB - 4096;
        CyclicBarrier barrier = new CyclicBarrier(2);
        together(2, id -> {
            TargetRig.Io io = rig.new Io(ram);
            for (int round = 0; round < 300; round++) {
                for (int i = 0; id == 0 && i < 4; i++) {
                    io.write(i * MIB, old);
                }
                barrier.await(60, TimeUnit.SECONDS);
                if (id == 0) {
                    io.run(Op.DISCARD, 0, 4 * MIB);
                } else {
                    byte seen;
                    do {
                        seen = io.read(last + 100, 1)[0];
                    } while (seen != 0);
                    io.write(last, new byte[] {1});
                    assertThat(io.read(last + 100, 1)).as("old bytes").containsExactly(0);
                }
                barrier.await(60, TimeUnit.SECONDS);
            }
        });
    }

    @FunctionalInterface
    interface Body {
        void run(int id) throws Exception;
    }

    private void together(int threads, Body body) throws Exception {
        CompletionService<Void> all = new ExecutorCompletionService<>(rig.pool);
        for (int i = 0; i < threads; i++) {
            int id = i;
            all.submit(() -> {
                body.run(id);
                return null;
            });
        }
        for (int i = 0; i < threads; i++) {
            Future<Void> next = all.poll(200, TimeUnit.SECONDS);
            assertThat(next).as("threads end").isNotNull();
            next.get();
        }
    }

    @Test
    void badArgumentsAreSentences() {
        assertThatThrownBy(() -> rig.open("ram", 1 << 20, "block=3k"))
                .hasMessage("block=3k must be a power of two from 512 to 64k");
        assertThatThrownBy(() -> rig.open("ram", 5120, "block=4k"))
                .hasMessage("size 5k must be a multiple of block=4k");
        assertThatThrownBy(() -> rig.open("ram", 1L << 50))
                .hasMessageContaining("at most 64T");
    }

    @Test
    void closeGivesEverythingBack() throws Exception {
        long before = rig.arena.mappedBytes();
        Device ram = rig.open("ram", 2 * GIB);
        rig.new Io(ram).write(GIB - 2, new byte[4]);
        rig.close(ram);
        // Only the caller's own buffer is left.
        assertThat(rig.arena.mappedBytes() - before).isEqualTo(1 << 20);
    }
}
