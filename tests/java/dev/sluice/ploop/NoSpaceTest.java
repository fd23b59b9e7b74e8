package dev.sluice.ploop;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.sluice.block.Bio;
import dev.sluice.block.BlockException;
import dev.sluice.block.Errno;
import dev.sluice.block.Op;
import dev.sluice.testing.FileOp.Kind;
import dev.sluice.testing.TestBio;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

/** What happens when the file system is full. */
@Tag("unit")
@Timeout(60)
final class NoSpaceTest {
    private static final int CLUSTER = PloopRig.CLUSTER;

    /** The file cannot be longer than so many clusters of data. */
    private static void room(PloopRig rig, int clusters) {
        long most = rig.dataStart() + (long) clusters * CLUSTER;
        rig.fault = op -> op.kind() == Kind.RESERVE && op.offset() + op.length() > most
                ? Errno.ENOSPC : null;
    }

    @Test
    void itGrowsByLessBeforeItGivesUp() throws Exception {
        try (PloopRig rig = PloopRig.open(1000, "prealloc=64k")) {
            room(rig, 21);
            for (int i = 0; i < 21; i++) {
                rig.write(i, 1, 1);
            }
            assertThat(rig.text("state")).isEqualTo("running");
            assertThat(rig.status("ready")).isZero();
            TestBio none = rig.submit(Op.WRITE, 30L * CLUSTER, CLUSTER, 1, false);
            rig.settle();
            assertThat(none.ended()).isFalse();
            rig.ploop.drain();
            assertThat(none.outcome()).isEqualTo(Errno.ENOSPC);
        }
    }

    @Test
    void requestsWaitAndAreTriedAgainEveryTwentySeconds() throws Exception {
        try (PloopRig rig = PloopRig.open(1000, "prealloc=64k")) {
            room(rig, 0);
            TestBio first = rig.submit(Op.WRITE, 0, CLUSTER, 1, false);
            rig.settle();
            TestBio second = rig.submit(Op.WRITE, CLUSTER, CLUSTER, 2, false);
            rig.settle();
            assertThat(rig.text("state")).isEqualTo("no_space");
            assertThat(rig.text("event")).isEqualTo("ENOSPC");
            assertThat(rig.status("parked")).isEqualTo(2);
            assertThat(rig.status("enospc_events")).isEqualTo(1);
            rig.expect(0, CLUSTER, 0);
            rig.passMillis(19_999);
            assertThat(rig.status("retries")).isZero();
            rig.passMillis(1);
            assertThat(rig.status("retries")).isEqualTo(1);
            assertThat(rig.status("enospc_events")).as("it is still the same").isEqualTo(1);
            assertThat(rig.status("parked")).isEqualTo(2);
            rig.fault = op -> null;
            rig.passMillis(20_000);
            assertThat(first.outcome()).isEqualTo(Errno.OK);
            assertThat(second.outcome()).isEqualTo(Errno.OK);
            assertThat(rig.text("state")).isEqualTo("running");
            rig.expect(0, CLUSTER, 1);
            rig.expect(CLUSTER, CLUSTER, 2);
            assertThat(rig.log).hasSize(1);
            rig.passMillis(10_000);
            room(rig, 0);
            rig.submit(Op.WRITE, 500L * CLUSTER, (long) 200 * CLUSTER, 1, false);
            rig.settle();
            assertThat(rig.status("enospc_events")).isEqualTo(2);
        }
    }

    @Test
    void aMessageHasThemTriedAtOnce() throws Exception {
        try (PloopRig rig = PloopRig.open(1000)) {
            room(rig, 0);
            TestBio write = rig.submit(Op.WRITE, 0, CLUSTER, 1, false);
            rig.settle();
            rig.ploop.message(List.of("retry"));
            rig.settle();
            assertThat(write.ended()).isFalse();
            rig.fault = op -> null;
            rig.ploop.message(List.of("retry"));
            rig.settle();
            assertThat(write.outcome()).isEqualTo(Errno.OK);
            assertThatThrownBy(() -> rig.ploop.message(List.of("retry", "now")))
                    .isInstanceOf(BlockException.class).hasMessageContaining("retry");
        }
    }

    @Test
    void whereNobodyIsToWaitTheyFail() throws Exception {
        try (PloopRig rig = PloopRig.open(1000, "enospc=fail")) {
            room(rig, 1);
            rig.write(0, 1, 1);
            assertThat(rig.run(Op.WRITE, CLUSTER, CLUSTER)).isEqualTo(Errno.ENOSPC);
            assertThat(rig.run(Op.WRITE, CLUSTER, CLUSTER)).isEqualTo(Errno.ENOSPC);
            assertThat(rig.text("state")).isEqualTo("running");
            rig.write(0, 1, 2);
            rig.fault = op -> null;
            rig.write(1, 1, 1);
        }
    }

    @Test
    void whoWaitsGivesUpWhenItIsSet() throws Exception {
        try (PloopRig rig = PloopRig.open(1000)) {
            room(rig, 0);
            TestBio write = rig.submit(Op.WRITE, 0, CLUSTER, 1, false);
            rig.settle();
            rig.ploop.set(Map.of("enospc", "fail"));
            rig.settle();
            assertThat(write.outcome()).isEqualTo(Errno.ENOSPC);
        }
    }

    @Test
    void aDeadCallersRequestEnds() throws Exception {
        try (PloopRig rig = PloopRig.open(1000)) {
            room(rig, 0);
            Bio mine = rig.submit(Op.WRITE, 0, CLUSTER, 1, 41L);
            Bio other = rig.submit(Op.WRITE, CLUSTER, CLUSTER, 1, 42L);
            rig.settle();
            assertThat(rig.ploop.heldFor(41)).isEqualTo(PloopRig.HELD);
            assertThat(rig.ploop.heldFor(43)).isEqualTo(-1);
            rig.ploop.interrupt(41);
            assertThat(mine.outcome()).isEqualTo(Errno.EINTR);
            assertThat(rig.status("parked")).isEqualTo(1);
            assertThat(rig.ploop.heldFor(41)).isEqualTo(-1);
            rig.fault = op -> null;
            rig.passMillis(20_000);
            assertThat(other.outcome()).isEqualTo(Errno.OK);
            rig.expect(0, CLUSTER, 0);
        }
    }

    @Test
    void dataThatDoesNotFitWaitsAsWell() throws Exception {
        try (PloopRig rig = PloopRig.open(1000)) {
            rig.write(0, 2, 1);
            rig.fault = op -> op.kind() == Kind.WRITE && !op.writesBelow(rig.dataStart())
                    ? Errno.ENOSPC : null;
            TestBio write = rig.submit(Op.WRITE, 0, 2 * CLUSTER, 2, false);
            rig.settle();
            assertThat(write.ended()).isFalse();
            assertThat(rig.text("event")).isEqualTo("ENOSPC");
            rig.fault = op -> null;
            rig.passMillis(20_000);
            assertThat(write.outcome()).isEqualTo(Errno.OK);
            rig.expect(0, 2 * CLUSTER, 2);
        }
    }

    @Test
    void aPageThatDoesNotFitStaysDirtyAndWhoFlushesWaits() throws Exception {
        try (PloopRig rig = PloopRig.open(1000)) {
            rig.write(0, 2, 1);
            rig.fault = op -> op.writesBelow(rig.dataStart()) ? Errno.ENOSPC : null;
            TestBio flush = rig.submit(Op.FLUSH, 0, 0, 0, false);
            rig.settle();
            assertThat(flush.ended()).isFalse();
            rig.passMillis(15_000);
            assertThat(rig.status("rounds")).as("not tried all the time").isLessThan(5);
            assertThat(rig.text("state")).isEqualTo("no_space");
            rig.discard(0, 1);
            rig.fault = op -> null;
            rig.passMillis(20_000);
            assertThat(flush.outcome()).isEqualTo(Errno.OK);
            assertThat(rig.status("limbo")).isZero();
            assertThat(rig.text("state")).isEqualTo("running");
        }
    }

    /** The table has no room in the file from now on, and who flushes is told. */
    private static void flushWithoutRoom(PloopRig rig) {
        rig.write(0, 2, 1);
        rig.fault = op -> op.writesBelow(rig.dataStart()) ? Errno.ENOSPC : null;
        assertThat(rig.run(Op.FLUSH, 0, 0)).isEqualTo(Errno.ENOSPC);
    }

    @Test
    void aPageThatDoesNotFitIsTriedAgainAlsoWhereNobodyWaits() throws Exception {
        try (PloopRig rig = PloopRig.open(1000, "enospc=fail")) {
            flushWithoutRoom(rig);
            rig.discard(0, 1);
            assertThat(rig.status("limbo")).isEqualTo(1);
            rig.fault = op -> null;
            rig.passMillis(21_000);
            assertThat(rig.status("dirty_pages")).isZero();
            assertThat(rig.status("limbo")).isZero();
        }
    }

    /** Whoever flushed was told, and nothing of what he wrote is lost. */
    @Test
    void aFlushThatFindsNoRoomIsNotForGood() throws Exception {
        try (PloopRig rig = PloopRig.open(1000, "enospc=fail")) {
            flushWithoutRoom(rig);
            assertThat(rig.device.failed()).isFalse();
            rig.write(1, 1, 2);
            assertThat(rig.run(Op.FLUSH, 0, 0)).isEqualTo(Errno.ENOSPC);
            rig.fault = op -> null;
            assertThat(rig.run(Op.FLUSH, 0, 0)).isEqualTo(Errno.OK);
            rig.expect(0, CLUSTER, 1);
            rig.expect(CLUSTER, CLUSTER, 2);
        }
    }

    /** What the file system did not tell before, a sync tells once. */
    @Test
    void aSyncThatFindsNoRoomIsForGood() throws Exception {
        try (PloopRig rig = PloopRig.open(1000, "enospc=fail")) {
            rig.write(0, 2, 1);
            rig.fault = op -> op.kind() == Kind.SYNC ? Errno.ENOSPC : null;
            assertThat(rig.run(Op.FLUSH, 0, 0)).isEqualTo(Errno.ENOSPC);
            rig.fault = op -> null;
            assertThat(rig.device.failed()).isTrue();
            assertThat(rig.run(Op.WRITE, 0, CLUSTER)).isEqualTo(Errno.EIO);
            assertThat(rig.run(Op.FLUSH, 0, 0)).isEqualTo(Errno.EIO);
            Ploop ploop = rig.ploop;
            rig.ploop = null;
            assertThatThrownBy(ploop::close).hasMessageContaining("stays marked as in use");
        }
    }

    @Test
    void atTheEndNobodyWaits() throws Exception {
        try (PloopRig rig = PloopRig.open(1000)) {
            room(rig, 1);
            rig.write(0, 1, 1);
            TestBio write = rig.submit(Op.WRITE, CLUSTER, CLUSTER, 1, false);
            rig.settle();
            assertThat(rig.device.drain(1000)).isTrue();
            assertThat(write.outcome()).isEqualTo(Errno.ENOSPC);
            assertThat(rig.closed().list()).isEmpty();
        }
    }

    @Test
    void whatComesBackByADiscardIsRoomToo() throws Exception {
        try (PloopRig rig = PloopRig.open(1000, "prealloc=4k")) {
            room(rig, 4);
            rig.write(0, 4, 1);
            TestBio write = rig.submit(Op.WRITE, 10L * CLUSTER, CLUSTER, 2, false);
            rig.settle();
            assertThat(write.ended()).isFalse();
            rig.discard(2, 1);
            rig.settle();
            assertThat(write.outcome()).isEqualTo(Errno.OK);
            assertThat(rig.text("state")).isEqualTo("running");
            rig.expect(10L * CLUSTER, CLUSTER, 2);
        }
    }

    @Test
    void aFileThatCannotGrowForAnotherReasonFailsWrites() throws Exception {
        try (PloopRig rig = PloopRig.open(1000)) {
            rig.fault = op -> op.kind() == Kind.RESERVE ? Errno.EIO : null;
            assertThat(rig.run(Op.WRITE, 0, CLUSTER)).isEqualTo(Errno.EIO);
            rig.fault = op -> null;
            rig.write(0, 1, 1);
        }
    }

    @Test
    void whatAFailedReservationLeftIsCutOff() throws Exception {
        try (PloopRig rig = PloopRig.open(1000)) {
            rig.fault = op -> {
                if (op.kind() == Kind.RESERVE) {
                    rig.file.resize(op.offset() + 1000);
                    return Errno.ENOSPC;
                }
                return null;
            };
            TestBio write = rig.submit(Op.WRITE, 0, CLUSTER, 1, false);
            rig.settle();
            assertThat(rig.file.size()).isEqualTo(rig.dataStart());
            rig.fault = op -> null;
            rig.ploop.message(List.of("retry"));
            rig.settle();
            assertThat(write.outcome()).isEqualTo(Errno.OK);
        }
    }
}
