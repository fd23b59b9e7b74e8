package dev.sluice.ploop;

import static org.assertj.core.api.Assertions.assertThat;

import dev.sluice.block.Bio;
import dev.sluice.block.Errno;
import dev.sluice.block.Op;
import dev.sluice.testing.FileOp;
import dev.sluice.testing.FileOp.Kind;
import dev.sluice.testing.Seeds;
import dev.sluice.testing.TestBio;
import java.util.List;
import java.util.Random;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

/** What becomes of clusters that are discarded. */
@Tag("unit")
@Timeout(60)
final class DiscardTest {
    private static final int CLUSTER = PloopRig.CLUSTER;

    @Test
    void aClusterIsPunchedAfterItsPageAndUsedAfterASync() throws Exception {
        try (PloopRig rig = PloopRig.open(100, "dirty-timeout=10s")) {
            rig.write(0, 10, 1);
            rig.ops.clear();
            TestBio discard = rig.submit(Op.DISCARD, 0, 3L * CLUSTER, 0, false);
            assertThat(discard.ended()).as("at once").isTrue();
            assertThat(rig.status("limbo")).isEqualTo(3);
            assertThat(rig.status("allocated")).isEqualTo(7);
            rig.expect(0, 3 * CLUSTER, 0);
            rig.settle();
            assertThat(rig.ops.stream().map(FileOp::kind))
                    .containsExactly(Kind.WRITE, Kind.PUNCH, Kind.SYNC);
            assertThat(rig.ops.get(0).writesBelow(rig.dataStart())).isTrue();
            assertThat(rig.ops.get(1).length()).as("neighbours together").isEqualTo(3 * CLUSTER);
            assertThat(rig.status("limbo")).isZero();
            assertThat(rig.status("punched")).isEqualTo(3);
            rig.write(50, 1, 5);
            assertThat(rig.ops.get(3).offset()).as("the lowest").isEqualTo(rig.dataStart());
        }
    }

    @Test
    void nobodyTakesAClusterThatIsStillRead() throws Exception {
        try (PloopRig rig = PloopRig.open(100, "prealloc=4k")) {
            rig.write(0, 2, 1);
            rig.held = true;
            Bio read = rig.submit(Op.READ, 0, CLUSTER, 0, 1L);
            rig.settle();
            rig.discard(0, 1);
            rig.passMillis(10_000);
            assertThat(rig.status("limbo")).isEqualTo(1);
            assertThat(rig.count(Kind.PUNCH)).isZero();
            for (int i = 10; i < 30; i++) {
                rig.write(i, 1, 9);
            }
            rig.discard(11, 1);
            rig.passMillis(10_000);
            assertThat(rig.status("limbo")).as("the next batch waits").isEqualTo(2);
            assertThat(rig.device.inFlight()).isEqualTo(1);
            rig.letGo();
            assertThat(rig.device.inFlight()).isZero();
            assertThat(read.answerMemory().bytes().get(read.answerAt())).isEqualTo((byte) 1);
            rig.settle();
            assertThat(rig.status("limbo")).isZero();
            assertThat(rig.count(Kind.PUNCH)).isEqualTo(2);
        }
    }

    /** It began after the discard: no batch waits for it. */
    @Test
    void laterRequestsHoldNothingUp() throws Exception {
        try (PloopRig rig = PloopRig.open(100)) {
            rig.write(0, 2, 1);
            TestBio discard = rig.submit(Op.DISCARD, 0, CLUSTER, 0, false);
            assertThat(discard.ended()).isTrue();
            rig.settle();
            rig.held = true;
            rig.submit(Op.READ, CLUSTER, CLUSTER, 0, 1L);
            rig.settle();
            assertThat(rig.status("limbo")).isZero();
            rig.letGo();
        }
    }

    @Test
    void everyByteAskedForIsZeroedAndNoOther() throws Exception {
        try (PloopRig rig = PloopRig.open(100)) {
            for (int from : new int[] {0, 1, 512, CLUSTER - 1, CLUSTER, CLUSTER + 7}) {
                for (int length : new int[] {1, 511, CLUSTER, 2 * CLUSTER, 3 * CLUSTER + 5}) {
                    rig.write(0, 6, 4);
                    assertThat(rig.run(Op.DISCARD, from, length)).isEqualTo(Errno.OK);
                    rig.expect(from, length, 0);
                    if (from > 0) {
                        rig.expect(0, from, 4);
                    }
                    rig.expect(from + length, 6 * CLUSTER - from - length, 4);
                }
            }
            assertThat(rig.closed().list()).isEmpty();
        }
    }

    @Test
    void holesStayHolesAndTheShortLastClusterIsWhole() throws Exception {
        try (PloopRig rig = new PloopRig()) {
            rig.file = new dev.sluice.testing.MemoryFile(0, 1);
            Image.create("a.hds", Header.create(2 * CLUSTER + 512, CLUSTER), rig.file, rig.arena);
            rig.reopen();
            assertThat(rig.run(Op.DISCARD, 0, rig.ploop.limits().size())).isEqualTo(Errno.OK);
            assertThat(rig.run(Op.WRITE_ZEROES, 5, CLUSTER)).isEqualTo(Errno.OK);
            assertThat(rig.ops).isEmpty();
            rig.submit(Op.WRITE, 2 * CLUSTER, 512, 3, false);
            rig.settle();
            assertThat(rig.status("allocated")).isEqualTo(1);
            assertThat(rig.run(Op.DISCARD, 2 * CLUSTER, 512)).isEqualTo(Errno.OK);
            assertThat(rig.status("allocated")).isZero();
        }
    }

    @Test
    void zeroingKeepsTheClusters() throws Exception {
        try (PloopRig rig = PloopRig.open(100)) {
            rig.write(0, 4, 1);
            assertThat(rig.run(Op.WRITE_ZEROES, 100, 3 * CLUSTER)).isEqualTo(Errno.OK);
            rig.expect(100, 3 * CLUSTER, 0);
            rig.expect(0, 100, 1);
            assertThat(rig.status("allocated")).isEqualTo(4);
            assertThat(rig.count(Kind.ZERO)).as("neighbours together").isEqualTo(1);
        }
    }

    @Test
    void fuaMakesTheDiscardDurable() throws Exception {
        try (PloopRig rig = PloopRig.open(100, "dirty-timeout=10s")) {
            rig.write(0, 4, 1);
            assertThat(rig.run(Op.FLUSH, 0, 0)).isEqualTo(Errno.OK);
            rig.ops.clear();
            TestBio discard = rig.submit(Op.DISCARD, 100, 2L * CLUSTER, 0, true);
            rig.settle();
            assertThat(discard.outcome()).isEqualTo(Errno.OK);
            List<Kind> kinds = rig.ops.stream().map(FileOp::kind).toList();
            assertThat(kinds).contains(Kind.PUNCH, Kind.WRITE, Kind.SYNC);
            assertThat(kinds.indexOf(Kind.WRITE)).isLessThan(kinds.lastIndexOf(Kind.SYNC));
        }
    }

    @Test
    void discardedAndRewrittenIsTheNewData() throws Exception {
        try (PloopRig rig = PloopRig.open(100)) {
            rig.write(0, 4, 1);
            TestBio discard = rig.submit(Op.DISCARD, 0, 4L * CLUSTER, 0, false);
            TestBio write = rig.submit(Op.WRITE, CLUSTER, CLUSTER, 8, false);
            rig.settle();
            assertThat(discard.outcome()).isEqualTo(Errno.OK);
            assertThat(write.outcome()).isEqualTo(Errno.OK);
            rig.expect(CLUSTER, CLUSTER, 8);
            rig.expect(0, CLUSTER, 0);
            rig.ploop.check();
        }
    }

    @Test
    void whatCannotBePunchedIsNotUsedUnseen() throws Exception {
        try (PloopRig rig = PloopRig.open(100, "prealloc=4k")) {
            rig.write(0, 4, 1);
            rig.fault = op -> op.kind() == Kind.PUNCH ? Errno.EIO : null;
            rig.discard(0, 4);
            rig.settle();
            assertThat(rig.log).anyMatch(l -> l.contains("keeps its storage"));
            assertThat(rig.status("stale")).isEqualTo(4);
            rig.submit(Op.WRITE, 10 * CLUSTER, 512, 3, false);
            rig.settle();
            rig.submit(Op.WRITE, 11 * CLUSTER, 512, 3, false);
            rig.settle();
            rig.expect(10 * CLUSTER + 512, CLUSTER - 512, 0);
            rig.expect(11 * CLUSTER + 512, CLUSTER - 512, 0);
        }
    }

    /** What is free in a file that is opened holds old data until it is zeroed. */
    @Test
    void holesOfTheFileAreZeroedBeforeTheyAreUsed() throws Exception {
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
            rig.submit(Op.WRITE, 50 * CLUSTER, 512, 3, false);
            rig.settle();
            assertThat(rig.ops.stream().map(FileOp::kind))
                    .containsSubsequence(Kind.ZERO, Kind.SYNC, Kind.WRITE);
            rig.expect(50 * CLUSTER + 512, CLUSTER - 512, 0);
            assertThat(rig.count(Kind.RESERVE)).isZero();
        }
    }

    @Test
    void theFileShrinksAtTheEnd() throws Exception {
        try (PloopRig rig = PloopRig.open(100)) {
            rig.write(0, 10, 1);
            rig.discard(3, 7);
            Findings found = rig.closed();
            assertThat(found.list()).isEmpty();
            assertThat(rig.file.size()).isEqualTo(rig.dataStart() + 3 * CLUSTER);
            rig.reopen();
            rig.expect(0, 3 * CLUSTER, 1);
            rig.expect(3 * CLUSTER, 7 * CLUSTER, 0);
        }
    }

    @Test
    void anyRowOfChangesKeepsTheInvariants() throws Exception {
        long seed = Seeds.seed("DiscardTest");
        Random random = new Random(seed);
        byte[] model = new byte[64];
        try (PloopRig rig = PloopRig.open(64, "prealloc=16k", "dirty-timeout=1ms")) {
            for (int i = 0; i < 20_000; i++) {
                int from = random.nextInt(64);
                int count = 1 + random.nextInt(Math.min(8, 64 - from));
                int fill = 1 + random.nextInt(100);
                boolean discard = random.nextInt(3) == 0;
                rig.submit(discard ? Op.DISCARD : Op.WRITE, (long) from * CLUSTER,
                        (long) count * CLUSTER, fill, random.nextInt(50) == 0);
                if (random.nextBoolean()) {
                    rig.settle();
                } else if (random.nextInt(10) == 0) {
                    rig.passMillis(random.nextInt(5));
                }
                rig.settle();
                java.util.Arrays.fill(model, from, from + count, (byte) (discard ? 0 : fill));
                if (i % 50 == 0) {
                    rig.ploop.check();
                    int at = random.nextInt(64);
                    rig.expect((long) at * CLUSTER, CLUSTER, model[at]);
                }
            }
            assertThat(rig.closed().list()).as("seed " + seed).isEmpty();
            assertThat(rig.log).isEmpty();
        }
    }
}
