package dev.sluice.target;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.sluice.block.BlockException;
import dev.sluice.block.Device;
import dev.sluice.block.Errno;
import dev.sluice.block.Limits;
import dev.sluice.block.Op;
import dev.sluice.sys.Arena;
import dev.sluice.testing.MemoryTarget;
import dev.sluice.testing.SimHost;
import dev.sluice.testing.TestBio;
import dev.sluice.testing.TestQueues;
import dev.sluice.work.Completions;
import dev.sluice.work.Host;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

/** flakey in virtual time. */
@Tag("unit")
@Timeout(120)
final class FlakeyTargetTest {
    private static final long SECOND = 1_000_000_000;

    private final SimHost sim = new SimHost(1);
    private final Arena arena = new Arena();
    private final Host host = new Host(sim.clock, arena, TestQueues.of(sim::later),
            new Completions(false), (sentence, cause) -> sim.log.add(sentence), sim.timer);
    private final MemoryTarget memory = new MemoryTarget(Limits.memory(1 << 20));
    private final Device disk = sim.device("disk", memory);

    @AfterEach
    void nothingIsLogged() {
        assertThat(sim.log).isEmpty();
        arena.close();
    }

    private Device open(String... keys) throws BlockException {
        return sim.device("bad", FlakeyTarget.TYPE.open(new TargetArgs("bad", 512 << 10, null,
                List.of(disk), TargetRig.map(keys)), host), disk);
    }

    private static Errno ask(Device d, Op op) {
        TestBio bio = TestBio.submit(d, op, 0, op == Op.FLUSH ? 0 : 512, 9);
        assertThat(bio.ended()).isTrue();
        return bio.outcome();
    }

    private static Object stat(Device d, String name) {
        return d.target().stats().get(name);
    }

    @Test
    void itIsUpAndThenDownAndThenUpAgain() throws Exception {
        sim.clock.advance(123_456_789);
        Device bad = open("up=3s", "down=2s");
        for (int round = 0; round < 3; round++) {
            assertThat(ask(bad, Op.READ)).isEqualTo(Errno.OK);
            assertThat(bad.target().status()).containsEntry("state", "up")
                    .containsEntry("changes_in_ms", 3000L);
            sim.clock.advance(3 * SECOND - 1);
            assertThat(ask(bad, Op.WRITE)).isEqualTo(Errno.OK);
            sim.clock.advance(1);
            assertThat(ask(bad, Op.READ)).isEqualTo(Errno.EIO);
            assertThat(bad.target().status()).containsEntry("state", "down")
                    .containsEntry("changes_in_ms", 2000L);
            sim.clock.advance(2 * SECOND - 1);
            assertThat(ask(bad, Op.READ)).isEqualTo(Errno.EIO);
            sim.clock.advance(1);
        }
        assertThat(stat(bad, "failed_reads")).isEqualTo(6L);
        assertThat(stat(bad, "failed_writes")).isEqualTo(0L);
    }

    @Test
    void withoutMoreAllFailsWhileItIsDown() throws Exception {
        Device bad = open("down=1s");
        assertThat(bad.target().status()).containsEntry("changes_in_ms", "never");
        for (Op op : Op.values()) {
            assertThat(ask(bad, op)).as(op.name()).isEqualTo(Errno.EIO);
        }
        assertThat(sim.log).containsExactly("bad: a flush failed (input/output error); writes are"
                + " refused until the device is opened anew");
        sim.log.clear();
        assertThat(memory.taken()).isEmpty();
    }

    @Test
    void droppedWritesEndWellAndNothingIsWritten() throws Exception {
        Device bad = open("up=1s", "down=1s", "reads=pass", "writes=drop", "offset=512k");
        assertThat(ask(bad, Op.WRITE)).isEqualTo(Errno.OK);
        sim.clock.advance(SECOND);
        for (Op op : List.of(Op.WRITE, Op.DISCARD, Op.WRITE_ZEROES, Op.FLUSH)) {
            assertThat(ask(bad, op)).isEqualTo(Errno.OK);
        }
        TestBio read = TestBio.submit(bad, Op.READ, 0, 512, 0);
        assertThat(read.bytes()).containsOnly(9);
        assertThat(memory.taken()).containsExactly("WRITE of 512 at 524288",
                "READ of 512 at 524288");
        assertThat(stat(bad, "dropped_writes")).isEqualTo(4L);
    }

    @Test
    void failingWritesLeaveReadsAlone() throws Exception {
        Device bad = open("down=1s", "reads=pass");
        assertThat(ask(bad, Op.READ)).isEqualTo(Errno.OK);
        assertThat(ask(bad, Op.WRITE)).isEqualTo(Errno.EIO);
        assertThat(stat(bad, "failed_writes")).isEqualTo(1L);
        bad.target().set(Map.of("reads", "fail", "writes", "pass"));
        assertThat(ask(bad, Op.READ)).isEqualTo(Errno.EIO);
        assertThat(ask(bad, Op.WRITE)).isEqualTo(Errno.OK);
    }

    @Test
    void otherTimesBeginARoundAndOtherFatesDoNot() throws Exception {
        Device bad = open("up=2s", "down=2s");
        sim.clock.advance(SECOND);
        bad.target().set(Map.of("writes", "drop"));
        sim.clock.advance(SECOND);
        assertThat(ask(bad, Op.READ)).isEqualTo(Errno.EIO);
        bad.target().set(Map.of("up", "500ms"));
        assertThat(ask(bad, Op.READ)).isEqualTo(Errno.OK);
        sim.clock.advance(SECOND / 2);
        assertThat(ask(bad, Op.READ)).isEqualTo(Errno.EIO);
        assertThat(bad.target().arguments())
                .isEqualTo("disk up=500ms down=2s reads=fail writes=drop");
        assertThat(open("up=1s", "offset=4k").target().arguments())
                .isEqualTo("disk offset=4k up=1s down=0 reads=fail writes=fail");
    }

    @Test
    void badArgumentsAreSentencesAndChangeNothing() throws Exception {
        assertThatThrownBy(this::open).hasMessage(
                "up and down are both 0; give one of them a time, as in up=10s down=5s");
        assertThatThrownBy(() -> open("up=5")).hasMessageContaining("not a duration");
        assertThatThrownBy(() -> open("up=5s", "reads=drop"))
                .hasMessage("reads=drop must be one of pass, fail");
        assertThatThrownBy(() -> open("up=5s", "writes=lose"))
                .hasMessage("writes=lose must be one of pass, fail, drop");
        assertThatThrownBy(() -> open("up=4294967296s"))
                .hasMessage("up=4294967296s must be 4294967295s or less");
        Device bad = open("up=4294967295s", "down=4294967295s");
        String before = bad.target().arguments();
        assertThatThrownBy(() -> bad.target().set(Map.of("offset", "4k"))).hasMessage("offset"
                + " cannot change while the device is in use; up, down, reads and writes can");
        assertThatThrownBy(() -> bad.target().set(Map.of("up", "0", "down", "0")))
                .isInstanceOf(BlockException.class);
        assertThat(bad.target().arguments()).isEqualTo(before);
        assertThat(ask(bad, Op.READ)).isEqualTo(Errno.OK);
    }
}
