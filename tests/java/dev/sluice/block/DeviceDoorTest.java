package dev.sluice.block;

import static org.assertj.core.api.Assertions.assertThat;

import dev.sluice.testing.AsyncTarget;
import dev.sluice.testing.MemoryTarget;
import dev.sluice.testing.PassTarget;
import dev.sluice.testing.SimHost;
import dev.sluice.testing.TestBio;
import java.util.Map;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

/** What a device lets in, and what it tells about it. */
@Tag("unit")
@Timeout(120)
class DeviceDoorTest {
    private static final int SIZE = 1 << 20;

    private final SimHost host = new SimHost(1);
    private final MemoryTarget memory =
            new MemoryTarget(MemoryTarget.limits(SIZE, 512, true, true));
    private final Device device = host.device("d", memory);

    private Errno ask(Op op, long offset, long length) {
        Memory data = op.hasData() ? SimHost.memory(4096) : null;
        return ask(op, offset, length, data);
    }

    private Errno ask(Op op, long offset, long length, Memory data) {
        return TestBio.submit(device, op, offset, length, false, data, () -> { }).outcome();
    }

    @Test
    void rangesOutsideAreRefusedAndReachNoTarget() {
        for (Op op : new Op[] {Op.READ, Op.WRITE, Op.DISCARD, Op.WRITE_ZEROES}) {
            assertThat(ask(op, SIZE, 512)).isEqualTo(Errno.EINVAL);
            assertThat(ask(op, SIZE - 512, 513)).isEqualTo(Errno.EINVAL);
            assertThat(ask(op, -1, 512)).isEqualTo(Errno.EINVAL);
            assertThat(ask(op, -512, 1024)).isEqualTo(Errno.EINVAL);
            assertThat(ask(op, 0, 0)).isEqualTo(Errno.EINVAL);
            assertThat(ask(op, 0, -512)).isEqualTo(Errno.EINVAL);
            assertThat(ask(op, Long.MAX_VALUE, 512)).isEqualTo(Errno.EINVAL);
            assertThat(ask(op, 512, Long.MAX_VALUE)).isEqualTo(Errno.EINVAL);
        }
        assertThat(memory.taken()).isEmpty();
        for (Op op : new Op[] {Op.READ, Op.WRITE, Op.DISCARD, Op.WRITE_ZEROES}) {
            assertThat(ask(op, SIZE - 512, 512)).isEqualTo(Errno.OK);
        }
        assertThat(memory.taken()).hasSize(4);
    }

    @Test
    void dataThatDoesNotFitIsRefused() {
        assertThat(ask(Op.READ, 0, 512, null)).isEqualTo(Errno.EINVAL);
        assertThat(ask(Op.WRITE, 0, 1024, SimHost.memory(1023))).isEqualTo(Errno.EINVAL);
        Memory large = SimHost.memory(Limits.MAX_DATA + 512);
        assertThat(ask(Op.READ, 0, Limits.MAX_DATA + 512, large)).isEqualTo(Errno.EINVAL);
        assertThat(ask(Op.READ, 0, Limits.MAX_DATA, large)).isEqualTo(Errno.OK);
        Bio at = new Bio(b -> { });
        device.submit(at.set(Op.READ, 0, 512, false, SimHost.memory(1024), 513, 0));
        assertThat(at.release()).isTrue();
        assertThat(at.outcome()).isEqualTo(Errno.EINVAL);
    }

    @Test
    void aFlushHasNoLength() {
        assertThat(ask(Op.FLUSH, 0, 0)).isEqualTo(Errno.OK);
        assertThat(ask(Op.FLUSH, 0, 512)).isEqualTo(Errno.EINVAL);
    }

    @Test
    void readOnlyRefusesChangesAndNothingElse() {
        Limits l = new Limits(SIZE, 512, false, true, true, false, true);
        Device readOnly = host.device("r", new MemoryTarget(l));
        for (Op op : Op.values()) {
            long length = op == Op.FLUSH ? 0 : 512;
            assertThat(TestBio.submit(readOnly, op, 0, length, 1).outcome())
                    .isEqualTo(op.changes() ? Errno.EROFS : Errno.OK);
        }
    }

    @Test
    void refusedBiosAreCountedAndLeaveNothingInFlight() {
        ask(Op.WRITE, SIZE, 512);
        ask(Op.WRITE, 0, 512);
        assertThat(device.inFlight()).isZero();
        assertThat(device.ended(Op.WRITE)).isEqualTo(2);
        assertThat(device.stats().get("write").toString())
                .contains("ended=2").contains("failed=1").contains("bytes=512");
    }

    @Test
    void statisticsCountBytesRewritesFuaAndTime() {
        Device slow = host.device("s", new AsyncTarget(memory, host::later));
        TestBio.submit(slow, Op.WRITE, 100, 1000, 1, true, () -> { });
        TestBio.submit(slow, Op.READ, 4096, 1024, 0);
        assertThat(slow.stats()).containsEntry("in_flight", 2).containsEntry("oldest_us", 0L);
        host.clock.advance(5_000_000);
        assertThat(slow.stats()).containsEntry("oldest_us", 5_000L);
        host.run();
        Map<String, Object> stats = slow.stats();
        assertThat(stats).containsEntry("in_flight", 0).containsEntry("oldest_us", 0L)
                .containsEntry("fua_writes", 1L).containsEntry("rewrites", 1L);
        assertThat(stats.get("write").toString()).contains("bytes=1000");
        assertThat((Double) ((Map<?, ?>) stats.get("read")).get("max_us")).isBetween(5000., 6000.);
        assertThat((Double) ((Map<?, ?>) stats.get("discard")).get("max_us")).isZero();
    }

    @Test
    void theOldestAgeIsThatOfTheOldestStillInFlight() {
        Device slow = host.device("s", new AsyncTarget(memory, host::later));
        TestBio.submit(slow, Op.READ, 0, 512, 0);
        host.clock.advance(1_000_000);
        TestBio.submit(slow, Op.READ, 0, 512, 0);
        host.clock.advance(1_000_000);
        assertThat(slow.stats()).containsEntry("oldest_us", 2_000L);
        host.run();
        assertThat(slow.inFlight()).isZero();
    }

    @Test
    void anAnswerPassesThroughLayersUncopiedAndIntoPartsByCopy() {
        Memory stable = SimHost.memory(8192);
        for (int i = 0; i < 8192; i++) {
            stable.bytes().put(i, (byte) (i / 512));
        }
        Device bottom = host.device("b", new AnswerTarget(stable));
        Device whole = host.device("w", new PassTarget(bottom), bottom);
        Device above = host.device("a", new PassTarget(whole), whole);
        TestBio bio = TestBio.submit(above, Op.READ, 1024, 2048, 0);
        assertThat(bio.outcome()).isEqualTo(Errno.OK);
        assertThat(bio.bio().answerMemory()).isSameAs(stable);
        assertThat(bio.bio().answerAt()).isEqualTo(1024);

        Device split = host.device("p", new PassTarget(bottom, 0, 8192, 512), bottom);
        TestBio parts = TestBio.submit(split, Op.READ, 1024, 2048, 0);
        assertThat(parts.bytes()).isEqualTo(bio.bytes());
        assertThat(parts.bio().answerMemory()).isSameAs(parts.bio().data());

        TestBio partly = TestBio.submit(whole, Op.READ, 1000, 1000, 0);
        byte[] bytes = partly.bytes();
        for (int i = 0; i < 1000; i++) {
            assertThat(bytes[i]).isEqualTo((byte) ((1000 + i) / 512));
        }
    }

    /** Answers reads from its own memory. */
    private record AnswerTarget(Memory stable) implements Target {
        @Override
        public Limits limits() {
            return MemoryTarget.limits(stable.size(), 512, true, true);
        }

        @Override
        public void submit(Bio bio) {
            bio.answer(stable, (int) bio.offset());
            bio.complete();
        }

        @Override
        public String arguments() {
            return "";
        }
    }

    @Test
    void whoLeavesTakesFlushesOnlyAndThenNothing() throws Exception {
        assertThat(ask(Op.WRITE, 0, 512)).isEqualTo(Errno.OK);
        device.leave();
        for (Op op : new Op[] {Op.READ, Op.WRITE, Op.DISCARD, Op.WRITE_ZEROES}) {
            assertThat(ask(op, 0, 512)).isEqualTo(Errno.EIO);
            assertThat(ask(op, 1, 512)).as("a rewrite").isEqualTo(Errno.EIO);
        }
        assertThat(ask(Op.FLUSH, 0, 0)).isEqualTo(Errno.OK);
        assertThat(device.shut(0)).isTrue();
        assertThat(ask(Op.FLUSH, 0, 0)).isEqualTo(Errno.EIO);
        assertThat(ask(Op.WRITE, 0, 512)).isEqualTo(Errno.EIO);
        assertThat(memory.taken()).containsExactly("WRITE of 512 at 0", "FLUSH of 0 at 0");
        assertThat(device.inFlight()).isZero();
    }
}
