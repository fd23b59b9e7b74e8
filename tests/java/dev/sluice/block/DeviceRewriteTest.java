package dev.sluice.block;

import static org.assertj.core.api.Assertions.assertThat;

import dev.sluice.testing.AsyncTarget;
import dev.sluice.testing.FaultyTarget;
import dev.sluice.testing.FaultyTarget.Fault;
import dev.sluice.testing.MemoryTarget;
import dev.sluice.testing.Oracle;
import dev.sluice.testing.ParkTarget;
import dev.sluice.testing.PassTarget;
import dev.sluice.testing.RandomBios;
import dev.sluice.testing.RandomBios.Door;
import dev.sluice.testing.Seeds;
import dev.sluice.testing.SimHost;
import dev.sluice.testing.TestBio;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.concurrent.Executors;
import java.util.concurrent.ScheduledExecutorService;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

/** Bios that cover blocks in part, and what is emulated by writing. */
@Tag("unit")
@Timeout(120)
class DeviceRewriteTest {
    private static final int BLOCK = 4096;
    private static final int SIZE = 64 * BLOCK;

    private final SimHost host = new SimHost(1);

    private static MemoryTarget memory(boolean zeroes) {
        return new MemoryTarget(MemoryTarget.limits(SIZE, BLOCK, true, zeroes));
    }

    /** Every kind of range: in one block, head, tail, middle, across, aligned. */
    @Test
    void everyRangeReadsAndChangesExactlyItsBytes() {
        int[] marks = {0, 1, 511, 512, 4095, 4096, 4097, 8191, 8192, 12000, 12288, 16384};
        for (boolean zeroes : new boolean[] {true, false}) {
            MemoryTarget memory = memory(zeroes);
            Device device = host.device("d", memory);
            byte[] expected = new byte[SIZE];
            int fill = 1;
            for (int from : marks) {
                for (int until : marks) {
                    for (Op op : new Op[] {Op.WRITE, Op.DISCARD, Op.WRITE, Op.WRITE_ZEROES}) {
                        if (from < until) {
                            fill = fill % 120 + 1;
                            TestBio bio = TestBio.submit(device, op, from, until - from, fill);
                            assertThat(bio.outcome()).isEqualTo(Errno.OK);
                            Arrays.fill(expected, from, until,
                                    op == Op.WRITE ? (byte) fill : 0);
                            assertThat(Arrays.equals(memory.bytes(), expected))
                                    .as(bio.bio().toString()).isTrue();
                            assertThat(TestBio.submit(device, Op.READ, from, until - from, 0)
                                    .bytes()).isEqualTo(Arrays.copyOfRange(expected, from, until));
                        }
                    }
                }
            }
            assertThat(device.scratch().allFree()).isTrue();
        }
    }

    @Test
    void aFailureInAnyStepFailsTheBioAndGivesScratchBack() {
        for (Op step : new Op[] {Op.READ, Op.WRITE}) {
            for (long block : new long[] {0, BLOCK, 2 * BLOCK}) {
                Device device = host.device("d", new FaultyTarget(memory(true))
                        .when(Fault.REFUSED, b -> b.op() == step && b.offset() == block));
                boolean hit = step == Op.WRITE || block != BLOCK;
                TestBio bio = TestBio.submit(device, Op.WRITE, 512, 2 * BLOCK, 1);
                assertThat(bio.outcome()).isEqualTo(hit ? Errno.EIO : Errno.OK);
                assertThat(device.scratch().allFree()).isTrue();
                assertThat(device.inFlight()).isZero();
            }
        }
    }

    @Test
    void changesOfOneBlockWaitAndOthersDoNot() {
        ParkTarget park = new ParkTarget(memory(true));
        Device device = host.device("d", park);
        TestBio.submit(device, Op.WRITE, 0, 512, 1);
        assertThat(park.parked()).isEqualTo(1);
        List<TestBio> waiting = List.of(
                TestBio.submit(device, Op.WRITE, 512, 512, 2),
                TestBio.submit(device, Op.WRITE, 0, BLOCK, 3),
                TestBio.submit(device, Op.DISCARD, 0, 8 * BLOCK, 4),
                TestBio.submit(device, Op.WRITE_ZEROES, 2 * BLOCK + 1, 1, 5));
        assertThat(park.parked()).isEqualTo(1);
        TestBio.submit(device, Op.READ, 0, BLOCK, 0);
        TestBio.submit(device, Op.WRITE, 9 * BLOCK, BLOCK, 6);
        TestBio.submit(device, Op.WRITE, 10 * BLOCK, 512, 7);
        TestBio.submit(device, Op.FLUSH, 0, 0, 0);
        assertThat(park.parked()).isEqualTo(5);
        while (park.parked() > 0) {
            park.letGo();
        }
        assertThat(waiting).allMatch(TestBio::ended);
    }

    @Test
    void tenThousandRewritesOfOneBlockDoNotOverflowTheStack() {
        boolean[] parking = {true};
        Target first = new AsyncTarget(memory(true), task -> {
            if (parking[0]) {
                host.later(task);
            } else {
                task.run();
            }
        });
        Device device = host.device("d", first);
        List<TestBio> all = new ArrayList<>();
        for (int i = 0; i < 10_000; i++) {
            all.add(TestBio.submit(device, Op.WRITE, i % 8 * 512, 512, i));
        }
        parking[0] = false;
        host.run();
        assertThat(all).allMatch(b -> b.ended() && b.outcome() == Errno.OK);
        assertThat(host.log).isEmpty();
    }

    @Test
    void zeroingALargeRangeDoesNotNest() {
        long size = 1L << 33;
        for (boolean async : new boolean[] {false, true}) {
            AtomicInteger written = new AtomicInteger();
            CountTarget count = new CountTarget(size, written);
            Target target = async ? new AsyncTarget(count, host::later) : count;
            Device device = host.device("d", target);
            TestBio bio = TestBio.submit(device, Op.DISCARD, 100, size - 200, 0);
            host.run();
            assertThat(bio.ended()).isTrue();
            assertThat(bio.outcome()).isEqualTo(Errno.OK);
            assertThat(written.get()).isEqualTo((int) (size / Limits.MAX_BLOCK) + 2);
        }
    }

    /** Only counts. */
    private record CountTarget(long size, AtomicInteger written) implements Target {
        @Override
        public Limits limits() {
            return MemoryTarget.limits(size, BLOCK, true, false);
        }

        @Override
        public void submit(Bio bio) {
            if (bio.op() == Op.WRITE) {
                written.incrementAndGet();
            }
            bio.complete();
        }

        @Override
        public String arguments() {
            return "";
        }
    }

    @Test
    void aFailedStepOfZeroingEndsItThere() {
        MemoryTarget memory = memory(false);
        Device device = host.device("d", new FaultyTarget(memory)
                .when(Fault.REFUSED, b -> b.offset() == Limits.MAX_BLOCK));
        TestBio bio = TestBio.submit(device, Op.WRITE_ZEROES, 0, SIZE, 0);
        assertThat(bio.outcome()).isEqualTo(Errno.EIO);
        assertThat(memory.taken()).containsExactly("WRITE of 65536 at 0");
    }

    @Test
    void layersInheritAndOneRewriteHappensBelow() {
        MemoryTarget memory = memory(false);
        Device bottom = host.device("b", memory);
        Device middle = host.device("m", new PassTarget(bottom), bottom);
        Device top = host.device("t", new PassTarget(middle), middle);
        TestBio bio = TestBio.submit(top, Op.WRITE, 512, 512, 1, true, () -> { });
        assertThat(bio.outcome()).isEqualTo(Errno.OK);
        assertThat(memory.taken()).containsExactly("READ of 4096 at 0", "WRITE+FUA of 4096 at 0");
        assertThat(bottom.stats()).containsEntry("rewrites", 1L);
        assertThat(middle.stats()).containsEntry("rewrites", 0L);
        assertThat(top.stats()).containsEntry("rewrites", 0L);
        assertThat(top.ended(Op.WRITE) + middle.ended(Op.WRITE) + bottom.ended(Op.WRITE))
                .isEqualTo(3);
    }

    /** Thousands of small worlds, each with its own order of things. */
    @Test
    void rewritesExcludeChangesInEveryOrder() {
        long first = Seeds.seed("rewritesExcludeChangesInEveryOrder");
        for (long seed = first; seed < first + 2000; seed++) {
            SimHost world = new SimHost(seed);
            boolean ownFua = seed % 2 == 0;
            MemoryTarget memory = new MemoryTarget(
                    MemoryTarget.limits(16 * BLOCK, BLOCK, ownFua, seed % 4 < 2));
            Device bottom = world.device("b", new AsyncTarget(memory, world::later));
            Device middle = world.device("m", new PassTarget(bottom), bottom);
            Device top = world.device("t",
                    new PassTarget(middle, 2 * BLOCK, 8 * BLOCK, 1536), middle);
            Oracle oracle = new Oracle(16 * BLOCK, 256, 256, false);
            RandomBios bios = new RandomBios(seed, oracle, SimHost::memory,
                    List.of(new Door(bottom, 0), new Door(top, 2 * BLOCK)))
                    .maxBytes(8 * BLOCK).in(world);
            bios.run(40);
            bios.sweep(new Door(bottom, 0));
            assertThat(oracle.complaints()).as("seed " + seed).isEmpty();
            assertThat(bios.failed()).isZero();
            assertThat(bottom.scratch().allFree()).isTrue();
        }
    }

    @Test
    void writersOf512BytesThroughAFileAndTwoLayersAgree() throws Exception {
        long seed = Seeds.seed("writersOf512BytesThroughAFileAndTwoLayersAgree");
        ScheduledExecutorService threads = Executors.newScheduledThreadPool(2);
        try {
            MemoryTarget memory = memory(true);
            Device bottom = host.device("b", new AsyncTarget(memory, task -> threads.schedule(
                    task, task.hashCode() & 63, TimeUnit.MICROSECONDS)));
            Device middle = host.device("m", new PassTarget(bottom), bottom);
            Device top = host.device("t", new PassTarget(middle), middle);
            Oracle oracle = new Oracle(SIZE, 512, 512, false);
            RandomBios bios = new RandomBios(seed, oracle, SimHost::memory,
                    List.of(new Door(bottom, 0), new Door(top, 0))).maxBytes(512);
            bios.run(20_000, 4);
            bios.sweep(new Door(top, 0));
            assertThat(oracle.complaints()).as("seed " + seed).isEmpty();
            assertThat(bios.failed()).isZero();
            assertThat((long) bottom.stats().get("rewrites")).isGreaterThan(1000);
            assertThat(bottom.inFlight() + middle.inFlight() + top.inFlight()).isZero();
        } finally {
            threads.shutdownNow();
        }
        assertThat(host.log).isEmpty();
    }
}
