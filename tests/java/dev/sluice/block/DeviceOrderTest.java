package dev.sluice.block;

import static org.assertj.core.api.Assertions.assertThat;

import dev.sluice.testing.FaultyTarget;
import dev.sluice.testing.FaultyTarget.Fault;
import dev.sluice.testing.MemoryTarget;
import dev.sluice.testing.ParkTarget;
import dev.sluice.testing.PassTarget;
import dev.sluice.testing.SimHost;
import dev.sluice.testing.TestBio;
import dev.sluice.work.SystemClock;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

/** What a device does one after the other: ends, flushes, drains. */
@Tag("unit")
@Timeout(120)
class DeviceOrderTest {
    private static final int BLOCK = 4096;

    private final SimHost host = new SimHost(1);

    private static MemoryTarget memory(boolean fua, boolean zeroes) {
        return new MemoryTarget(MemoryTarget.limits(1 << 20, BLOCK, fua, zeroes));
    }

    private static void letAllGo(ParkTarget park) {
        while (park.parked() > 0) {
            park.letGo();
        }
    }

    @Test
    void anOwnerIsToldBeforeThoseWhoWaitedAreStarted() {
        ParkTarget park = new ParkTarget(memory(true, true));
        Device device = host.device("d", park);
        List<String> order = new ArrayList<>();
        TestBio.submit(device, Op.DISCARD, 0, BLOCK, 0, false,
                () -> order.add("first ended, parked " + park.parked()));
        TestBio.submit(device, Op.WRITE, 0, 512, 2, false,
                () -> order.add("second ended, parked " + park.parked()));
        TestBio.submit(device, Op.WRITE, 512, 512, 3, false, () -> order.add("third ended"));
        letAllGo(park);
        assertThat(order).containsExactly("first ended, parked 0", "second ended, parked 0",
                "third ended");
    }

    @Test
    void theSubmitterIsToldBeforeThoseWhoWaitedForItAreStarted() {
        // The first bio ends within submit, while a second one waits for it.
        MemoryTarget memory = memory(true, true);
        List<String> order = new ArrayList<>();
        List<TestBio> second = new ArrayList<>();
        Device[] device = new Device[1];
        Target target = new Target() {
            @Override
            public Limits limits() {
                return memory.limits();
            }

            @Override
            public void submit(Bio bio) {
                order.add("target has " + bio);
                if (second.isEmpty()) {
                    second.add(null);
                    second.add(TestBio.submit(device[0], Op.WRITE, 0, 512, 2));
                }
                memory.submit(bio);
            }

            @Override
            public String arguments() {
                return "";
            }
        };
        device[0] = host.device("d", target);
        TestBio.submit(device[0], Op.DISCARD, 0, BLOCK, 0, false, () -> order.add("first ended"));
        assertThat(second.get(1).outcome()).isEqualTo(Errno.OK);
        assertThat(order).containsExactly("target has DISCARD of 4096 at 0", "first ended",
                "target has READ of 4096 at 0", "target has WRITE of 4096 at 0");
    }

    @Test
    void anOwnerIsToldBeforeScratchGoesToTheNext() {
        ParkTarget park = new ParkTarget(memory(true, true));
        Device device = host.device("d", park);
        List<Integer> parkedAtEnd = new ArrayList<>();
        int n = Scratch.PIECES + 1;
        for (int i = 0; i < n; i++) {
            TestBio.submit(device, Op.READ, (long) i * BLOCK, 512, 0, false,
                    () -> parkedAtEnd.add(park.parked()));
        }
        assertThat(park.parked()).isEqualTo(Scratch.PIECES);
        park.letGo();
        assertThat(parkedAtEnd).containsExactly(Scratch.PIECES - 1);
        assertThat(park.parked()).isEqualTo(Scratch.PIECES);
        letAllGo(park);
        assertThat(parkedAtEnd).hasSize(n);
        assertThat(device.scratch().allFree()).isTrue();
    }

    @Test
    void fuaIsWriteThenFlushThenEnd() {
        MemoryTarget memory = memory(false, true);
        ParkTarget park = new ParkTarget(memory);
        Device device = host.device("d", park);
        TestBio bio = TestBio.submit(device, Op.WRITE, 0, BLOCK, 7, true, () -> { });
        assertThat(park.letGo()).isTrue();
        assertThat(bio.ended()).isFalse();
        assertThat(park.letGo()).isTrue();
        assertThat(bio.outcome()).isEqualTo(Errno.OK);
        assertThat(park.letGo()).isFalse();
        assertThat(memory.taken()).containsExactly("WRITE of 4096 at 0", "FLUSH of 0 at 0");
        memory.crash();
        assertThat(memory.bytes()[0]).isEqualTo((byte) 7);
        assertThat(device.fuaWrites()).isEqualTo(1);
    }

    @Test
    void fuaOfPartsOfBlocksFlushesOnceAfterAll() {
        MemoryTarget memory = memory(false, false);
        Device device = host.device("d", memory);
        for (Op op : new Op[] {Op.WRITE, Op.DISCARD, Op.WRITE_ZEROES}) {
            memory.forget();
            TestBio bio = TestBio.submit(device, op, 512, 2 * BLOCK, 7, true, () -> { });
            assertThat(bio.outcome()).isEqualTo(Errno.OK);
            assertThat(memory.taken()).endsWith("FLUSH of 0 at 0").hasSize(6);
            assertThat(memory.taken().subList(0, 5)).noneMatch(t -> t.contains("FLUSH"));
        }
    }

    @Test
    void nativeFuaReachesTheTargetOnEveryWrite() {
        MemoryTarget memory = memory(true, false);
        Device device = host.device("d", memory);
        TestBio bio = TestBio.submit(device, Op.WRITE, 512, 2 * BLOCK, 7, true, () -> { });
        assertThat(bio.outcome()).isEqualTo(Errno.OK);
        TestBio.submit(device, Op.WRITE_ZEROES, 0, 8 * BLOCK, 7, true, () -> { });
        assertThat(memory.taken()).filteredOn(t -> t.startsWith("WRITE")).hasSize(4)
                .allMatch(t -> t.startsWith("WRITE+FUA"));
        assertThat(memory.taken()).noneMatch(t -> t.startsWith("FLUSH"));
    }

    @Test
    void aFailedWriteIsNotFlushed() {
        MemoryTarget memory = memory(false, true);
        Device device = host.device("d", new FaultyTarget(memory)
                .when(Fault.REFUSED, b -> b.op() == Op.WRITE));
        TestBio bio = TestBio.submit(device, Op.WRITE, 0, BLOCK, 7, true, () -> { });
        assertThat(bio.outcome()).isEqualTo(Errno.EIO);
        assertThat(memory.taken()).isEmpty();
        assertThat(device.failed()).isFalse();
    }

    @Test
    void aFailedFlushIsStickyUntilOpenedAnew() {
        boolean[] fails = {true};
        for (boolean byFua : new boolean[] {true, false}) {
            host.log.clear();
            fails[0] = true;
            Device device = host.device("d", new FaultyTarget(memory(false, true))
                    .when(Fault.REFUSED, b -> b.op() == Op.FLUSH && fails[0]));
            TestBio bio = byFua ? TestBio.submit(device, Op.WRITE, 0, BLOCK, 7, true, () -> { })
                    : TestBio.submit(device, Op.FLUSH, 0, 0, 0);
            assertThat(bio.outcome()).isEqualTo(Errno.EIO);
            fails[0] = false;
            for (Op op : Op.values()) {
                long length = op == Op.FLUSH ? 0 : BLOCK;
                assertThat(TestBio.submit(device, op, 0, length, 1).outcome())
                        .isEqualTo(op == Op.READ ? Errno.OK : Errno.EIO);
            }
            assertThat(device.failed()).isTrue();
            assertThat(host.log).singleElement().asString().contains("a flush failed");
            device.reopen(d -> false);
            assertThat(TestBio.submit(device, Op.FLUSH, 0, 0, 0).outcome()).isEqualTo(Errno.OK);
        }
    }

    @Test
    void aFlushThatEndsAfterAnotherFailedHasFailedToo() {
        // The kernel tells one fsync of a failed writeback; the next one knows nothing of it.
        boolean[] fails = {true};
        ParkTarget park = new ParkTarget(new FaultyTarget(memory(false, true))
                .when(Fault.REFUSED, b -> b.op() == Op.FLUSH && fails[0]));
        Device device = host.device("d", park);
        TestBio fua = TestBio.submit(device, Op.WRITE, 0, BLOCK, 7, true, () -> { });
        TestBio first = TestBio.submit(device, Op.FLUSH, 0, 0, 0);
        park.letGo();
        TestBio flush = TestBio.submit(device, Op.FLUSH, 0, 0, 0);
        assertThat(park.parked()).isEqualTo(3);
        park.letGo();
        fails[0] = false;
        letAllGo(park);
        assertThat(first.outcome()).isEqualTo(Errno.EIO);
        assertThat(fua.outcome()).isEqualTo(Errno.EIO);
        assertThat(flush.outcome()).isEqualTo(Errno.EIO);
        device.reopen(d -> false);
        assertThat(device.failed()).isFalse();
    }

    @Test
    void drainHastensWhatComesOfWhatItHastened() throws Exception {
        MemoryTarget memory = memory(false, true);
        ParkTarget park = new ParkTarget(memory);
        Device device = new Device("d", "test", park, List.of(), new SystemClock(),
                SimHost::memory, (s, e) -> host.log.add(s));
        TestBio bio = TestBio.submit(device, Op.WRITE, 0, 512, 7, true, () -> { });
        assertThat(device.drain(30_000)).isTrue();
        assertThat(bio.outcome()).isEqualTo(Errno.OK);
        assertThat(memory.taken()).containsExactly("READ of 4096 at 0", "WRITE of 4096 at 0",
                "FLUSH of 0 at 0");
    }

    @Test
    void drainGivesUpInTime() throws Exception {
        Device device = new Device("d", "test", new dev.sluice.testing.AsyncTarget(
                memory(true, true), host::later), List.of(), new SystemClock(), SimHost::memory,
                (s, e) -> host.log.add(s));
        assertThat(device.drain(0)).isTrue();
        TestBio bio = TestBio.submit(device, Op.WRITE, 0, BLOCK, 7);
        assertThat(device.drain(30)).isFalse();
        assertThat(device.inFlight()).isEqualTo(1);
        host.run();
        assertThat(device.drain(0)).isTrue();
        assertThat(bio.outcome()).isEqualTo(Errno.OK);
    }

    @Test
    void aDrainReachesWhatIsHeldBackBelow() throws Exception {
        ParkTarget park = new ParkTarget(memory(true, true));
        Device below = host.device("below", park);
        Device top = new Device("top", "pass", new PassTarget(below), List.of(below),
                new SystemClock(), SimHost::memory, (sentence, cause) -> { });
        TestBio bio = TestBio.submit(top, Op.WRITE, 0, BLOCK, 1);
        assertThat(bio.ended()).isFalse();
        assertThat(top.drain(2000)).isTrue();
        assertThat(bio.outcome()).isEqualTo(Errno.OK);
    }

    @Test
    void aDeviceThatWasShutRefusesAllAndStaysInOrder() throws Exception {
        Device device = host.device("d", new ParkTarget(memory(true, true)));
        TestBio first = TestBio.submit(device, Op.WRITE, 0, 512, 1);
        assertThat(device.shut(0)).isFalse();
        letAllGo((ParkTarget) device.target());
        assertThat(first.outcome()).isEqualTo(Errno.OK);
        assertThat(device.shut(0)).isTrue();
        assertThat(TestBio.submit(device, Op.WRITE, 0, 512, 1).outcome()).isEqualTo(Errno.EIO);
        assertThat(TestBio.submit(device, Op.READ, 0, 512, 1).outcome()).isEqualTo(Errno.EIO);
        assertThat(device.inFlight()).isZero();
    }
}
