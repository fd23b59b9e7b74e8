package dev.sluice.target;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.sluice.block.Bio;
import dev.sluice.block.BlockException;
import dev.sluice.block.Device;
import dev.sluice.block.Errno;
import dev.sluice.block.Limits;
import dev.sluice.block.Op;
import dev.sluice.block.Target;
import dev.sluice.sys.Arena;
import dev.sluice.testing.FaultyTarget;
import dev.sluice.testing.MemoryTarget;
import dev.sluice.testing.Oracle;
import dev.sluice.testing.RandomBios;
import dev.sluice.testing.Seeds;
import dev.sluice.testing.SimHost;
import dev.sluice.testing.TestBio;
import dev.sluice.testing.TestQueues;
import dev.sluice.work.Completions;
import dev.sluice.work.Host;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Random;
import org.assertj.core.api.InstanceOfAssertFactories;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

/** delay in virtual time: what is given can be compared with what was asked to the nanosecond. */
@Tag("unit")
@Timeout(120)
final class DelayTargetTest {
    private static final long SIZE = 1 << 20;
    private static final long MS = 1_000_000;

    private final SimHost sim = new SimHost(1);
    private final Arena arena = new Arena();
    private final Host host = new Host(sim.clock, arena, TestQueues.of(sim::later),
            new Completions(false), (sentence, cause) -> sim.log.add(sentence), sim.timer);
    private final MemoryTarget memory = new MemoryTarget(Limits.memory(SIZE));
    private final Device disk = device("disk", memory);

    @AfterEach
    void nothingIsLeftOrLogged() {
        assertThat(sim.timer.size()).isZero();
        assertThat(sim.log).isEmpty();
        arena.close();
    }

    private Device device(String name, Target target, Device... lowers) {
        return new Device(name, "delay", target, List.of(lowers), sim.clock, SimHost::memory,
                (sentence, cause) -> sim.log.add(sentence));
    }

    private Device open(long size, List<Device> lowers, String... keys) throws BlockException {
        return device("slow", DelayTarget.TYPE.open(new TargetArgs("slow", size, null, lowers,
                TargetRig.map(keys)), host), lowers.toArray(Device[]::new));
    }

    private Device open(String... keys) throws BlockException {
        return open(-1, List.of(disk), keys);
    }

    private void pass(long nanos) {
        sim.clock.advance(nanos);
        while (sim.timer.expire(sim.clock.nanos()) > 0) {
            continue;
        }
    }

    private static Object status(Device d, String name) {
        return d.target().status().get(name);
    }

    private static TestBio read(Device d, long at) {
        return TestBio.submit(d, Op.READ, at, 512, 0);
    }

    private Bio asked(Device d, long nanos) {
        Bio bio = new Bio(b -> { });
        d.submit(bio.set(Op.READ, 0, 512, false, SimHost.memory(512), 0, 0).made(nanos));
        assertThat(bio.release()).isFalse();
        return bio;
    }

    /** A device below counts from when the one above hands on. */
    @Test
    void theDelayCountsFromWhenItWasAskedForWhereThatIsKnown() throws Exception {
        Device slow = open("read=5ms");
        Device above = device("above", DelayTarget.TYPE.open(new TargetArgs("above", -1, null,
                List.of(slow), TargetRig.map("read=3ms")), host), slow);
        pass(10 * MS);
        final Bio bio = asked(slow, sim.clock.nanos() - 2 * MS);
        asked(above, sim.clock.nanos() - 2 * MS);
        pass(MS - 1);
        assertThat(status(above, "held_read")).isEqualTo(1);
        pass(1);
        assertThat(status(above, "held_read")).isEqualTo(0);
        assertThat(status(slow, "held_read")).isEqualTo(2);
        pass(2 * MS - 1);
        assertThat(status(slow, "held_read")).isEqualTo(2);
        pass(1);
        assertThat(status(slow, "held_read")).isEqualTo(1);
        pass(3 * MS - 1);
        assertThat(status(slow, "held_read")).isEqualTo(1);
        pass(1);
        assertThat(status(slow, "held_read")).isEqualTo(0);
        assertThat((Map<?, ?>) slow.target().stats().get("delayed_read"))
                .extracting("over_max_us").isEqualTo(0.0);
        slow.submit(bio.set(Op.READ, 0, 512, false, SimHost.memory(512), 0, 0));
        pass(5 * MS - 1);
        assertThat(bio.release()).as("another request has a time of its own").isFalse();
        pass(1);
        assertThat(status(slow, "held_read")).isEqualTo(0);
    }

    /** A clock that goes on with each look at it, as it does for who waits by looking. */
    @Test
    void whatIsHandedOutShortlyBeforeItsTimeWaitsTheRest() throws Exception {
        Host looked = new Host(() -> {
            sim.clock.advance(100);
            return sim.clock.nanos();
        }, arena, TestQueues.of(sim::later), new Completions(false),
                (sentence, cause) -> sim.log.add(sentence), sim.timer);
        Device slow = device("slow", DelayTarget.TYPE.open(new TargetArgs("slow", -1, null,
                List.of(disk), TargetRig.map("read=1ms")), looked), disk);
        long due = sim.clock.nanos() + MS;
        long[] at = new long[1];
        TestBio early = TestBio.submit(slow, Op.READ, 0, 512, 0, false,
                () -> at[0] = sim.clock.nanos());
        sim.clock.advance(MS - 1500);
        assertThat(sim.timer.expire(due)).isEqualTo(1);
        assertThat(early.ended()).isTrue();
        assertThat(at[0]).isBetween(due, due + 200);
        assertThat((Map<?, ?>) slow.target().stats().get("delayed_read"))
                .extracting("count", "over_max_us").containsExactly(1L, 0.0);
    }

    @Test
    void eachKindWaitsForItsOwnTimeAndNotLess() throws Exception {
        Device slow = open("read=5ms", "write=20ms", "flush=50ms");
        TestBio read = read(slow, 0);
        TestBio write = TestBio.submit(slow, Op.WRITE, 0, 512, 1);
        TestBio discard = TestBio.submit(slow, Op.DISCARD, 0, 512, 1);
        TestBio zeroes = TestBio.submit(slow, Op.WRITE_ZEROES, 0, 512, 1);
        TestBio fua = TestBio.submit(slow, Op.WRITE, 512, 512, 1, true, () -> { });
        TestBio flush = TestBio.submit(slow, Op.FLUSH, 0, 0, 0);
        assertThat(status(slow, "held_read")).isEqualTo(1);
        assertThat(status(slow, "held_write")).isEqualTo(4);
        assertThat(status(slow, "held_flush")).isEqualTo(1);
        pass(5 * MS - 1);
        assertThat(read.ended()).isFalse();
        pass(1);
        assertThat(read.ended()).isTrue();
        pass(15 * MS - 1);
        assertThat(List.of(write, discard, zeroes, fua)).noneMatch(TestBio::ended);
        pass(1);
        assertThat(List.of(write, discard, zeroes, fua)).allMatch(TestBio::ended);
        pass(30 * MS - 1);
        assertThat(flush.ended()).isFalse();
        pass(1);
        assertThat(flush.outcome()).isEqualTo(Errno.OK);
        assertThat(status(slow, "held_flush")).isEqualTo(0);
        assertThat(memory.taken()).containsExactly("READ of 512 at 0", "WRITE of 512 at 0",
                "DISCARD of 512 at 0", "WRITE_ZEROES of 512 at 0", "WRITE+FUA of 512 at 512",
                "FLUSH of 0 at 0");
    }

    @Test
    void whatIsMissingFollowsTheOneBefore() throws Exception {
        assertThat(open("read=5ms").target().status()).containsEntry("write", "5ms")
                .containsEntry("flush", "5ms");
        assertThat(open("read=5ms", "write=7ms").target().status()).containsEntry("flush", "7ms");
        assertThat(open("write=7ms", "percent=50", "flush-percent=2.5").target().status())
                .containsEntry("read", "0 of 50%").containsEntry("write", "7ms of 50%")
                .containsEntry("flush", "7ms of 2.5%");
    }

    @Test
    void noDelayMeansInlineAndNothingIsCounted() throws Exception {
        Device slow = open("write=5ms");
        assertThat(read(slow, 0).ended()).isTrue();
        assertThat(sim.timer.size()).isZero();
        assertThat(slow.target().stats().get("delayed_read"))
                .asInstanceOf(InstanceOfAssertFactories.MAP)
                .containsEntry("count", 0L);
    }

    /** The documented oddity of the original: what waits is overtaken, by reads of it too. */
    @Test
    void aReadOvertakesTheWriteBeforeIt() throws Exception {
        Device slow = open("read=0", "write=100ms");
        TestBio write = TestBio.submit(slow, Op.WRITE, 0, 512, 9);
        assertThat(read(slow, 0).bytes()[0]).isZero();
        pass(100 * MS);
        assertThat(write.outcome()).isEqualTo(Errno.OK);
        assertThat(read(slow, 0).bytes()[0]).isEqualTo((byte) 9);
    }

    @Test
    void suspendLetsAllGoAndResumeHoldsAgain() throws Exception {
        Device slow = open("read=1h");
        List<TestBio> held = new ArrayList<>();
        for (int i = 0; i < 5000; i++) {
            held.add(read(slow, i % 1000 * 512));
        }
        slow.target().message(List.of("suspend"));
        assertThat(held).allMatch(b -> b.outcome() == Errno.OK);
        assertThat(slow.target().status()).containsEntry("suspended", true)
                .containsEntry("held_read", 0).containsEntry("released", 5000L);
        assertThat(sim.timer.size()).isZero();
        assertThat(read(slow, 0).ended()).isTrue();
        slow.target().message(List.of("resume"));
        TestBio again = read(slow, 0);
        assertThat(again.ended()).isFalse();
        assertThat(slow.drain(1000)).isTrue();
        assertThat(again.outcome()).isEqualTo(Errno.OK);
        assertThatThrownBy(() -> slow.target().message(List.of("stop")))
                .hasMessageContaining("suspend and resume");
    }

    /** What is held keeps its time; what comes later has the new one, and may overtake. */
    @Test
    void setChangesWhatComesLaterAndLosesNothing() throws Exception {
        Device slow = open("read=1s");
        Random random = new Random(Seeds.seed("DelayTargetTest"));
        List<TestBio> all = new ArrayList<>();
        List<Long> due = new ArrayList<>();
        long last = 0;
        for (int i = 0; i < 5000; i++) {
            if (i % 50 == 0) {
                long millis = 1 + random.nextInt(2000);
                slow.target().set(Map.of("read", millis + "ms"));
                last = millis * MS;
            }
            all.add(read(slow, 0));
            due.add(sim.clock.nanos() + last);
            sim.clock.advance(1000);
        }
        while (sim.timer.size() > 0) {
            pass(Math.max(0, sim.timer.earliest() - sim.clock.nanos() - 1));
            check(all, due);
            pass(1);
            check(all, due);
        }
        assertThat(all).allMatch(b -> b.outcome() == Errno.OK);
        assertThat(slow.inFlight()).isZero();
    }

    private void check(List<TestBio> all, List<Long> due) {
        for (int i = 0; i < all.size(); i += 97) {
            assertThat(all.get(i).ended()).isEqualTo(due.get(i) <= sim.clock.nanos());
        }
    }

    @Test
    void setRefusesWhatIsFixedAndChangesNothingThen() throws Exception {
        Device slow = open("read=5ms", "offset=4k");
        assertThat(slow.target().arguments()).isEqualTo("disk offset=4k read=5ms");
        slow.target().set(Map.of("write", "const(2s)", "percent", "10"));
        assertThat(slow.target().arguments())
                .isEqualTo("disk offset=4k read=5ms write=2s percent=10");
        for (String key : new String[] {"offset", "write-device", "flush-offset", "colour"}) {
            assertThatThrownBy(() -> slow.target().set(Map.of("read", "1ms", key, "8k")))
                    .hasMessageContaining(key);
        }
        assertThatThrownBy(() -> slow.target().set(Map.of("write", "1ms", "read", "5x")))
                .hasMessageContaining("5x");
        assertThat(status(slow, "read")).isEqualTo("5ms of 10%");
        assertThat(status(slow, "write")).isEqualTo("2s of 10%");
    }

    @Test
    void eachKindMayGoToAPlaceOfItsOwn() throws Exception {
        MemoryTarget log = new MemoryTarget(MemoryTarget.limits(SIZE, 4096, true, true));
        MemoryTarget third = new MemoryTarget(Limits.memory(SIZE));
        Device logDevice = device("log", log);
        Device thirdDevice = device("third", third);
        Device slow = open(64 << 10, List.of(disk, logDevice, thirdDevice), "offset=8k",
                "write-device=log", "write-offset=16k", "flush-device=third", "read=1ms");
        assertThat(slow.limits().blockSize()).isEqualTo(4096);
        TestBio.submit(slow, Op.WRITE, 4096, 4096, 7);
        TestBio.submit(slow, Op.READ, 512, 512, 7);
        TestBio.submit(slow, Op.FLUSH, 0, 0, 0);
        pass(MS);
        assertThat(log.taken()).containsExactly("WRITE of 4096 at 20480");
        assertThat(memory.taken()).containsExactly("READ of 512 at 8704");
        assertThat(third.taken()).containsExactly("FLUSH of 0 at 0");
        assertThat(slow.inFlight()).isZero();
        Device same = open("offset=8k", "write=1ms", "flush-offset=4k");
        TestBio.submit(same, Op.WRITE, 0, 512, 7);
        pass(MS);
        assertThat(memory.taken()).contains("WRITE of 512 at 8192");
    }

    @Test
    void aLargeOneOverMemoryIsAWorkersNotTheTimers() throws Exception {
        Device slow = open("write=1ms");
        TestBio large = TestBio.submit(slow, Op.WRITE, 0, 4097, 1);
        TestBio page = TestBio.submit(slow, Op.WRITE, 0, 4096, 1);
        pass(MS);
        assertThat(page.ended()).isTrue();
        assertThat(large.ended()).isFalse();
        sim.run();
        assertThat(large.outcome()).isEqualTo(Errno.OK);
    }

    @Test
    void anInterruptEndsTheBiosOfOneRequestOnly() throws Exception {
        Device slow = open("read=1h");
        List<Bio> ended = new ArrayList<>();
        List<Bio> all = new ArrayList<>();
        for (int i = 1; i <= 3; i++) {
            Bio bio = new Bio(ended::add);
            bio.set(Op.READ, 0, 512, false, SimHost.memory(512), 0, 100 + i).request(i);
            slow.submit(bio);
            assertThat(bio.release()).isFalse();
            all.add(bio);
        }
        assertThat(slow.target().heldFor(2)).isEqualTo(102);
        assertThat(slow.target().heldFor(4)).isEqualTo(-1);
        slow.target().interrupt(2);
        assertThat(ended).containsExactly(all.get(1));
        assertThat(all.get(1).outcome()).isEqualTo(Errno.EINTR);
        assertThat(slow.target().heldFor(2)).isEqualTo(-1);
        assertThat(memory.taken()).isEmpty();
        assertThat(slow.target().status()).containsEntry("interrupted", 1L)
                .containsEntry("held_read", 2);
        assertThat(slow.drain(1000)).isTrue();
        assertThat(ended).hasSize(3);
        assertThat(all.get(0).outcome()).isEqualTo(Errno.OK);
    }

    @Test
    void statsTellWhatWasAskedAndGiven() throws Exception {
        Device slow = open("read=10ms");
        for (int i = 0; i < 100; i++) {
            read(slow, 0);
            pass(i < 90 ? 10 * MS : 12 * MS);
        }
        Map<?, ?> stats = (Map<?, ?>) slow.target().stats().get("delayed_read");
        assertThat(stats.get("count")).isEqualTo(100L);
        assertThat((double) stats.get("asked_p50_us")).isBetween(9_900.0, 10_100.0);
        assertThat((double) stats.get("given_p99_us")).isBetween(11_900.0, 12_100.0);
        assertThat((double) stats.get("over_p50_us")).isLessThan(1);
        assertThat((double) stats.get("over_max_us")).isBetween(1_990.0, 2_020.0);
    }

    @Test
    void failuresPassThroughAndLimitsAreThoseBelow() throws Exception {
        FaultyTarget faulty = new FaultyTarget(memory);
        Device bad = device("bad", faulty);
        Device slow = open(-1, List.of(bad), "read=1ms");
        faulty.when(FaultyTarget.Fault.REFUSED, b -> true);
        TestBio bio = read(slow, 0);
        pass(MS);
        assertThat(bio.outcome()).isNotEqualTo(Errno.OK);
        assertThat(slow.limits().inherited()).isTrue();
        assertThat(slow.limits().endsLater()).isTrue();
    }

    @Test
    void badArgumentsAreSentences() throws Exception {
        wrong(-1, "offset=1M must be less than disk's size, 1M", "offset=1M");
        wrong(2 * SIZE, "size 2M does not fit: it must be at most 1M, what disk has");
        wrong(SIZE, "size 1M does not fit: it must be at most 1020k, what disk has from"
                + " write-offset=4k on",
                "write-offset=4k");
        wrong(-1, "percent=101 must be a plain number from 0 to 100", "percent=101");
        wrong(-1, "seed=-1 must be a whole number", "seed=-1");
        wrong(-1, "read 5x is not a duration", "read=5x");
        wrong(-1, "write -1 is not a duration", "write=-1");
        wrong(-1, "flush  is not a duration", "flush=");
        wrong(-1, "read 4294967296 is not a duration", "read=4294967296");
        wrong(-1, "at most 1h", "read=2h");
        Device blocks = device("blocks", new MemoryTarget(
                MemoryTarget.limits(SIZE, 4096, true, true)));
        assertThatThrownBy(() -> open(-1, List.of(disk, blocks), "write-device=blocks",
                "write-offset=512"))
                .hasMessage("write-offset=512 must be a multiple of blocks's block size, 4k");
    }

    private void wrong(long size, String sentence, String... keys) {
        assertThatThrownBy(() -> open(size, List.of(disk), keys)).hasMessageContaining(sentence);
    }

    @Test
    void manyRandomBiosInVirtualTimeAgreeWithTheOracle() throws Exception {
        Device slow = open("read=uniform(0,3ms)", "write=exp(1ms)", "flush=2ms", "percent=80");
        long seed = Seeds.seed("DelayTargetTest#many");
        Oracle oracle = new Oracle(SIZE, 512, 512, false);
        RandomBios bios = new RandomBios(seed, oracle, SimHost::memory,
                List.of(new RandomBios.Door(slow, 0))).maxBytes(16 << 10).in(sim);
        bios.run(20_000);
        bios.sweep(new RandomBios.Door(slow, 0));
        assertThat(oracle.complaints()).as("seed " + seed).isEmpty();
        assertThat(oracle.judged()).isGreaterThan(1000);
        assertThat(slow.inFlight()).isZero();
    }
}
