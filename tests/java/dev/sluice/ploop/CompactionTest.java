package dev.sluice.ploop;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.sluice.block.Bio;
import dev.sluice.block.Errno;
import dev.sluice.block.Op;
import dev.sluice.testing.FileOp;
import dev.sluice.testing.FileOp.Kind;
import dev.sluice.testing.Seeds;
import dev.sluice.testing.TestBio;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Random;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

/** The file becomes as short as it can be, while the disk is in use. */
@Tag("unit")
@Timeout(60)
final class CompactionTest {
    private static final int CLUSTER = PloopRig.CLUSTER;

    private static void compact(PloopRig rig) throws Exception {
        rig.ploop.message(List.of("compact"));
    }

    /** Clusters 0 to 9, of which 3 to 6 are free by now. */
    private static PloopRig gappy(String... keys) throws Exception {
        PloopRig rig = PloopRig.open(100, keys);
        for (int i = 0; i < 10; i++) {
            rig.write(i, 1, 10 + i);
        }
        rig.discard(3, 4);
        rig.settle();
        return rig;
    }

    private static void expect(PloopRig rig) {
        for (int i = 0; i < 10; i++) {
            rig.expect((long) i * CLUSTER, CLUSTER, i >= 3 && i < 7 ? 0 : 10 + i);
        }
    }

    private static int done(PloopRig rig, String how) {
        assertThat(rig.text("last_work")).startsWith("compact: " + how);
        assertThat(rig.text("work")).isEmpty();
        return (int) ((rig.file.size() - rig.dataStart()) / CLUSTER);
    }

    @Test
    void theLastClustersMoveIntoTheFirstHoles() throws Exception {
        try (PloopRig rig = gappy()) {
            compact(rig);
            assertThat(rig.text("work")).isEqualTo("compact");
            rig.settle();
            assertThat(done(rig, "done, the file had")).isEqualTo(6);
            assertThat(rig.status("moved")).isEqualTo(3);
            expect(rig);
            assertThat(rig.closed().list()).isEmpty();
            rig.reopen();
            expect(rig);
        }
    }

    /** Copies are durable before words name them, words before the old clusters go. */
    @Test
    void copySyncPageSyncCut() throws Exception {
        try (PloopRig rig = gappy("dirty-timeout=10s")) {
            rig.settle();
            assertThat(rig.run(Op.FLUSH, 0, 0)).isEqualTo(Errno.OK);
            rig.ops.clear();
            compact(rig);
            rig.settle();
            assertThat(rig.ops.stream().map(FileOp::kind)).containsExactly(Kind.WRITE, Kind.WRITE,
                    Kind.WRITE, Kind.SYNC, Kind.WRITE, Kind.SYNC, Kind.PUNCH, Kind.SYNC,
                    Kind.RESIZE);
            assertThat(rig.pages()).hasSize(1);
            assertThat(rig.ops.get(4).writesBelow(rig.dataStart())).isTrue();
        }
    }

    /** Closed after so many steps; of each cluster that went, the new word was durable before. */
    @Test
    void closingMeanwhileLetsNothingGoBeforeItsWordIsDurable() throws Exception {
        int punches = 0;
        boolean more = true;
        for (int steps = 0; more; steps++) {
            try (PloopRig rig = gappy("dirty-timeout=10s")) {
                rig.settle();
                assertThat(rig.run(Op.FLUSH, 0, 0)).isEqualTo(Errno.OK);
                rig.ops.clear();
                compact(rig);
                for (int i = 0; i < steps && more; i++) {
                    more = rig.step();
                }
                rig.closed();
                boolean durable = true;
                for (FileOp op : rig.ops) {
                    durable = op.kind() == Kind.SYNC || durable
                            && !(op.kind() == Kind.WRITE && op.writesBelow(rig.dataStart()));
                    punches += op.kind() == Kind.PUNCH ? 1 : 0;
                    assertThat(durable || op.kind() != Kind.PUNCH).as("after " + steps).isTrue();
                }
                rig.reopen();
                expect(rig);
            }
        }
        assertThat(punches).isPositive();
    }

    @Test
    void nothingToDoIsDone() throws Exception {
        try (PloopRig rig = PloopRig.open(100)) {
            compact(rig);
            rig.settle();
            assertThat(done(rig, "done")).isZero();
            rig.write(4, 3, 9);
            compact(rig);
            rig.settle();
            assertThat(done(rig, "done")).isEqualTo(3);
            compact(rig);
            rig.settle();
            assertThat(rig.status("moved")).isZero();
        }
    }

    /** After a cut it does not take at once what it gave back. */
    @Test
    void theFileGrowsLittleByLittleAfterwards() throws Exception {
        try (PloopRig rig = gappy("prealloc=4M")) {
            compact(rig);
            rig.settle();
            assertThat(done(rig, "done")).isEqualTo(6);
            rig.write(50, 1, 1);
            rig.settle();
            assertThat(done(rig, "done")).isLessThan(10);
            rig.write(60, 30, 1);
            rig.expect(60 * CLUSTER, 30 * CLUSTER, 1);
        }
    }

    @Test
    void zerosGetNoCluster() throws Exception {
        try (PloopRig rig = gappy()) {
            // One whose storage went piece by piece, and one that was written with zeros.
            rig.file.punch(rig.dataStart(), CLUSTER);
            rig.submit(Op.WRITE, 9 * CLUSTER, CLUSTER, 0, false);
            rig.settle();
            assertThat(rig.status("allocated")).isEqualTo(6);
            compact(rig);
            rig.settle();
            assertThat(rig.status("allocated")).isEqualTo(4);
            assertThat(done(rig, "done")).isEqualTo(4);
            rig.expect(0, CLUSTER, 0);
            rig.expect(CLUSTER, CLUSTER, 11);
            rig.expect(9 * CLUSTER, CLUSTER, 0);
            rig.expect(8 * CLUSTER, CLUSTER, 18);
        }
    }

    /** Zeros of the top of a chain hide what is below: they stay. */
    @Test
    void zerosThatHideSomethingStay() throws Exception {
        try (PloopRig rig = PloopRig.open(10)) {
            rig.write(0, 4, 7);
            rig.over(10 * CLUSTER);
            rig.write(6, 1, 3);
            rig.run(Op.WRITE_ZEROES, 0, 2 * CLUSTER);
            rig.discard(6, 1);
            rig.write(7, 1, 4);
            rig.settle();
            compact(rig);
            rig.settle();
            rig.expect(0, 2 * CLUSTER, 0);
            rig.expect(2 * CLUSTER, 2 * CLUSTER, 7);
            rig.expect(7 * CLUSTER, CLUSTER, 4);
            assertThat(done(rig, "done")).isEqualTo(3);
        }
    }

    @Test
    void whatIsChangedMeanwhileIsCopiedAgainAndItsWriterWaits() throws Exception {
        try (PloopRig rig = gappy("background=50")) {
            int[] writes = {0};
            TestBio[] late = new TestBio[1];
            rig.fault = op -> {
                if (op.kind() == Kind.WRITE && op.length() == CLUSTER && writes[0]++ == 0) {
                    // While it is copied for the first time.
                    rig.submit(Op.WRITE, 9 * CLUSTER + 100, 100, 77, false);
                }
                if (op.kind() == Kind.SYNC && writes[0] > 3 && late[0] == null) {
                    late[0] = rig.submit(Op.WRITE, 9 * CLUSTER + 200, 100, 78, false);
                    assertThat(rig.ploop.check()).isTrue();
                }
                return null;
            };
            compact(rig);
            rig.passMillis(100);
            assertThat(late[0]).isNotNull();
            assertThat(late[0].outcome()).isEqualTo(Errno.OK);
            assertThat(done(rig, "done")).isEqualTo(6);
            assertThat(rig.status("moved")).isEqualTo(3);
            rig.expect(9 * CLUSTER, 100, 19);
            rig.expect(9 * CLUSTER + 100, 100, 77);
            rig.expect(9 * CLUSTER + 200, 100, 78);
            rig.expect(9 * CLUSTER + 300, CLUSTER - 300, 19);
        }
    }

    /** A write that began before and is slow may change the cluster at any time. */
    @Test
    void nothingIsCopiedWhileAnEarlierWriteIsUnderWay() throws Exception {
        try (PloopRig rig = gappy()) {
            rig.held = true;
            Bio write = rig.submit(Op.WRITE, 9 * CLUSTER, CLUSTER, 99, 1L);
            rig.settle();
            compact(rig);
            rig.passMillis(1000);
            assertThat(rig.text("work")).isEqualTo("compact");
            assertThat(rig.status("moved")).isZero();
            rig.letGo();
            assertThat(write.outcome()).isEqualTo(Errno.OK);
            assertThat(done(rig, "done")).isEqualTo(6);
            rig.expect(9 * CLUSTER, CLUSTER, 99);
        }
    }

    @Test
    void aReaderOfTheOldClusterKeepsIt() throws Exception {
        try (PloopRig rig = gappy()) {
            Bio[] read = new Bio[1];
            rig.fault = op -> {
                if (op.kind() == Kind.WRITE && op.length() == CLUSTER && read[0] == null) {
                    rig.held = true;
                    read[0] = rig.submit(Op.READ, 9 * CLUSTER, CLUSTER, 0, 1L);
                }
                return null;
            };
            compact(rig);
            rig.passMillis(1000);
            assertThat(rig.text("work")).isEqualTo("compact");
            assertThat(rig.status("moved")).isEqualTo(3);
            assertThat(rig.status("limbo")).isEqualTo(3);
            rig.letGo();
            assertThat(read[0].answerMemory().bytes().get(read[0].answerAt())).isEqualTo((byte) 19);
            assertThat(done(rig, "done")).isEqualTo(6);
        }
    }

    @Test
    void whatIsDiscardedMeanwhileStaysDiscarded() throws Exception {
        try (PloopRig rig = gappy()) {
            boolean[] done = {false};
            rig.fault = op -> {
                if (op.kind() == Kind.WRITE && op.length() == CLUSTER && !done[0]) {
                    done[0] = true;
                    rig.submit(Op.DISCARD, 8 * CLUSTER, 2 * CLUSTER, 0, false);
                    rig.submit(Op.WRITE, 8 * CLUSTER, CLUSTER, 55, false);
                    rig.ploop.check();
                }
                return null;
            };
            compact(rig);
            rig.settle();
            rig.expect(9 * CLUSTER, CLUSTER, 0);
            rig.expect(8 * CLUSTER, CLUSTER, 55);
            rig.expect(7 * CLUSTER, CLUSTER, 17);
            assertThat(done(rig, "done")).isEqualTo(5);
        }
    }

    @Test
    void cancelledOrClosedHalfWayAllIsWhereItWas() throws Exception {
        for (boolean close : new boolean[] {false, true}) {
            try (PloopRig rig = gappy()) {
                rig.held = true;
                rig.submit(Op.READ, 9 * CLUSTER, CLUSTER, 0, 1L);
                rig.settle();
                compact(rig);
                rig.settle();
                assertThat(rig.text("work")).isEqualTo("compact");
                assertThatThrownBy(() -> compact(rig)).hasMessageContaining("is at work");
                if (close) {
                    rig.letGo();
                    assertThat(rig.closed().list()).isEmpty();
                    rig.reopen();
                } else {
                    rig.ploop.message(List.of("cancel"));
                    rig.settle();
                    assertThat(rig.status("moved")).isZero();
                    rig.letGo();
                    done(rig, "cancelled");
                }
                expect(rig);
            }
        }
    }

    @Test
    void aClusterThatCannotBeReadOrWrittenEndsIt() throws Exception {
        for (Errno errno : List.of(Errno.EIO, Errno.ENOSPC)) {
            try (PloopRig rig = gappy()) {
                rig.fault = op -> op.kind() == Kind.WRITE && op.length() == CLUSTER
                        && !op.writesBelow(rig.dataStart()) ? errno : null;
                compact(rig);
                rig.settle();
                done(rig, "failed: a cluster could not be written: " + errno.text());
                rig.fault = op -> null;
                expect(rig);
                compact(rig);
                rig.settle();
                assertThat(done(rig, "done")).isEqualTo(6);
                expect(rig);
            }
        }
    }

    @Test
    void aFailedSyncEndsItWithTheDevice() throws Exception {
        try (PloopRig rig = gappy()) {
            boolean[] copied = {false};
            rig.fault = op -> {
                copied[0] |= op.kind() == Kind.WRITE && op.length() == CLUSTER;
                return op.kind() == Kind.SYNC && copied[0] ? Errno.EIO : null;
            };
            rig.settle();
            compact(rig);
            rig.settle();
            done(rig, "failed");
            assertThat(rig.text("state")).isEqualTo("failed");
            expect(rig);
            assertThatThrownBy(() -> compact(rig)).hasMessageContaining("not possible");
            assertThatThrownBy(rig.ploop::close).hasMessageContaining("stays marked");
            rig.ploop = null;
        }
    }

    /** Old data in free clusters of a file that is opened is not what is read afterwards. */
    @Test
    void freeClustersWithOldDataAreTakenToo() throws Exception {
        try (PloopRig rig = PloopRig.open(100)) {
            rig.write(0, 10, 1);
            rig.closed();
            rig.reopen("prealloc=4k");
            rig.fault = op -> op.kind() == Kind.PUNCH ? Errno.EIO : null;
            rig.discard(2, 3);
            rig.closed();
            rig.fault = op -> null;
            rig.reopen("prealloc=4k");
            assertThat(rig.status("stale")).isEqualTo(3);
            rig.write(9, 1, 0);
            rig.submit(Op.WRITE, 9 * CLUSTER + 5, 10, 6, false);
            rig.settle();
            compact(rig);
            rig.settle();
            assertThat(done(rig, "done")).isEqualTo(7);
            rig.expect(9 * CLUSTER, 5, 0);
            rig.expect(9 * CLUSTER + 5, 10, 6);
            rig.expect(9 * CLUSTER + 15, CLUSTER - 15, 0);
        }
    }

    @Test
    void anyRowOfChangesMeanwhileIsKept() throws Exception {
        long seed = Seeds.seed("CompactionTest");
        Random random = new Random(seed);
        for (int round = 0; round < 30; round++) {
            byte[] model = new byte[96];
            try (PloopRig rig = PloopRig.open(96, "prealloc=16k", "dirty-timeout=1ms",
                    "background=" + (1 + random.nextInt(100)))) {
                List<TestBio> changes = new ArrayList<>();
                rig.fault = op -> {
                    if (random.nextInt(8) == 0) {
                        change(rig, random, model, changes);
                    }
                    return null;
                };
                for (int i = 0; i < 300; i++) {
                    change(rig, random, model, changes);
                    if (random.nextInt(20) == 0 && rig.text("work").isEmpty()) {
                        compact(rig);
                    }
                    if (random.nextInt(60) == 0 && !rig.text("work").isEmpty()) {
                        rig.ploop.message(List.of("cancel"));
                    }
                    if (random.nextBoolean()) {
                        rig.settle();
                    } else {
                        rig.passMillis(random.nextInt(5));
                    }
                    rig.ploop.check();
                }
                rig.fault = op -> null;
                rig.passMillis(10_000);
                assertThat(rig.text("work")).isEmpty();
                compact(rig);
                rig.passMillis(10_000);
                for (int i = 0; i < 96; i++) {
                    rig.expect((long) i * CLUSTER, CLUSTER, model[i]);
                }
                assertThat(done(rig, "done")).isEqualTo((int) rig.status("allocated"));
                assertThat(rig.closed().list()).as("seed " + seed).isEmpty();
                assertThat(rig.log).isEmpty();
            }
        }
    }

    /** A change of what no other is at. */
    private static void change(PloopRig rig, Random random, byte[] model,
            List<TestBio> changes) {
        int from = random.nextInt(96);
        int count = 1 + random.nextInt(Math.min(6, 96 - from));
        long start = (long) from * CLUSTER;
        long end = start + (long) count * CLUSTER;
        changes.removeIf(TestBio::ended);
        if (changes.stream().anyMatch(
                other -> other.bio().offset() < end && start < other.bio().until())) {
            return;
        }
        boolean discard = random.nextInt(3) == 0;
        byte fill = discard ? 0 : (byte) (1 + random.nextInt(100));
        Arrays.fill(model, from, from + count, fill);
        changes.add(rig.submit(discard ? Op.DISCARD : Op.WRITE, start, end - start, fill,
                random.nextInt(50) == 0));
    }
}
