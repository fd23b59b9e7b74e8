package dev.sluice.ploop;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.sluice.block.Bio;
import dev.sluice.block.BlockException;
import dev.sluice.block.Errno;
import dev.sluice.block.Op;
import dev.sluice.testing.FileOp;
import dev.sluice.testing.FileOp.Kind;
import dev.sluice.testing.MemoryFile;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

/** The disk becomes larger while it is in use. */
@Tag("unit")
@Timeout(60)
final class GrowTest {
    private static final int CLUSTER = PloopRig.CLUSTER;
    /** Words in the first page, and in each other. */
    private static final int FIRST = 1008;
    private static final int PAGE = 1024;

    private static void grow(PloopRig rig, long clusters) throws Exception {
        rig.ploop.grow(clusters * CLUSTER);
        rig.settle();
        rig.passMillis(1000);
        assertThat(rig.text("last_work")).isEqualTo("grow: done");
        assertThat(rig.ploop.limits().size()).isEqualTo(clusters * CLUSTER);
        assertThat(rig.status("clusters")).isEqualTo(clusters);
        assertThat(rig.ploop.check()).isTrue();
    }

    private static void write(PloopRig rig, int... clusters) {
        for (int i : clusters) {
            rig.write(i, 1, 1 + i % 100);
        }
    }

    private static void expect(PloopRig rig, int... clusters) {
        for (int i : clusters) {
            rig.expect((long) i * CLUSTER, CLUSTER, 1 + i % 100);
        }
    }

    @Test
    void insideThePageNothingMoves() throws Exception {
        try (PloopRig rig = PloopRig.open(10)) {
            write(rig, 0, 3, 9);
            rig.ops.clear();
            grow(rig, 500);
            assertThat(rig.ops.stream().filter(op -> !op.writesBelow(rig.dataStart()))
                    .map(FileOp::kind)).containsOnly(Kind.SYNC);
            expect(rig, 0, 3, 9);
            rig.expect(10 * CLUSTER, 250 * CLUSTER, 0);
            write(rig, 10, 400, 499);
            expect(rig, 0, 3, 9, 10, 400, 499);
            assertThat(rig.closed().list()).isEmpty();
            rig.reopen();
            assertThat(rig.ploop.limits().size()).isEqualTo(500 * CLUSTER);
            expect(rig, 0, 3, 9, 10, 400, 499);
        }
    }

    /** Nobody does what is queued until the caller has lost his patience. */
    @Test
    void whatTakesTooLongIsAnsweredAndGoesOn() throws Exception {
        try (PloopRig rig = PloopRig.open(10)) {
            write(rig, 0, 3, 9);
            rig.ploop.patience(60);
            Map<String, String> larger = Map.of("size", "" + 3000L * CLUSTER);
            assertThatThrownBy(() -> rig.ploop.set(larger)).isInstanceOfSatisfying(
                    BlockException.class, e -> {
                        assertThat(e.errno()).isEqualTo(Errno.EINPROGRESS);
                        assertThat(e).hasMessageContaining("takes long and goes on; status says");
                    });
            assertThat(rig.text("work")).isEqualTo("grow");
            assertThat(rig.ploop.limits().size()).isEqualTo(10 * CLUSTER);
            rig.settle();
            rig.passMillis(1000);
            assertThat(rig.text("last_work")).isEqualTo("grow: done");
            assertThat(rig.ploop.limits().size()).isEqualTo(3000L * CLUSTER);
            rig.ploop.set(larger);
            expect(rig, 0, 3, 9);
            write(rig, 2999);
            assertThatThrownBy(() -> rig.ploop.message(List.of("snapshot"))).isInstanceOfSatisfying(
                    BlockException.class, e -> assertThat(e.errno()).isEqualTo(Errno.EINPROGRESS));
            rig.settle();
            assertThat(rig.status("levels")).isEqualTo(2);
            expect(rig, 0, 3, 9, 2999);
        }
    }

    /** The table takes three clusters more: what stands there goes elsewhere. */
    @Test
    void whatStandsWhereTheTableGrowsMovesAway() throws Exception {
        try (PloopRig rig = PloopRig.open(10, "dirty-timeout=10s")) {
            write(rig, 0, 1, 2, 3, 4);
            rig.discard(1, 1);
            rig.settle();
            long data = rig.dataStart();
            grow(rig, FIRST + 3 * PAGE);
            assertThat(rig.dataStart()).isEqualTo(data + 3 * CLUSTER);
            assertThat(rig.status("moved")).as("0 and 2 stood there").isEqualTo(2);
            assertThat(rig.status("table_pages")).isEqualTo(4);
            expect(rig, 0, 2, 3, 4);
            write(rig, 5, 1500, FIRST + 3 * PAGE - 1);
            Findings found = rig.closed();
            assertThat(found.list()).isEmpty();
            rig.reopen();
            expect(rig, 0, 2, 3, 4, 5, 1500, FIRST + 3 * PAGE - 1);
            rig.expect(CLUSTER, CLUSTER, 0);
            rig.expect(1501 * CLUSTER, 100 * CLUSTER, 0);
        }
    }

    /** Copy, sync, words, sync, zeros, old page, sync, and then the header, and a sync. */
    @Test
    void theHeaderIsTheLastThing() throws Exception {
        try (PloopRig rig = PloopRig.open(10, "dirty-timeout=10s")) {
            write(rig, 0, 1);
            assertThat(rig.run(Op.FLUSH, 0, 0)).isEqualTo(Errno.OK);
            rig.ops.clear();
            grow(rig, FIRST + PAGE);
            assertThat(rig.ops.stream().map(FileOp::kind)).containsExactly(Kind.WRITE, Kind.SYNC,
                    Kind.WRITE, Kind.SYNC, Kind.PUNCH, Kind.SYNC, Kind.ZERO, Kind.WRITE,
                    Kind.SYNC, Kind.WRITE, Kind.SYNC);
            assertThat(rig.ops.get(0).writesBelow(CLUSTER)).as("the copy").isFalse();
            assertThat(rig.ops.get(2).writesBelow(64)).as("its word").isTrue();
            assertThat(rig.ops.get(6).offset()).isEqualTo(CLUSTER);
            assertThat(rig.ops.get(6).length()).isEqualTo(CLUSTER);
            assertThat(rig.ops.get(9).writesBelow(64)).as("the header").isTrue();
        }
    }

    @Test
    void againAndAgain() throws Exception {
        try (PloopRig rig = PloopRig.open(1, "prealloc=16k")) {
            write(rig, 0);
            for (int i = 1; i < 6; i++) {
                grow(rig, i * 1500);
                write(rig, i * 1500 - 1, i * 1499, i);
            }
            expect(rig, 0, 1, 2, 3, 4, 5, 1499, 2998, 5996, 7499);
            assertThat(rig.closed().list()).isEmpty();
            rig.reopen();
            expect(rig, 0, 1, 2, 3, 4, 5, 1499, 2998, 5996, 7499);
        }
    }

    @Test
    void itIsRefusedWithAReason() throws Exception {
        try (PloopRig rig = PloopRig.open(10)) {
            assertThatThrownBy(() -> rig.ploop.set(Map.of("size", "36k")))
                    .hasMessageContaining("size=36k is less than the 40k")
                    .hasMessageContaining("cannot shrink");
            assertThatThrownBy(() -> rig.ploop.set(Map.of("size", "43k")))
                    .hasMessageContaining("multiple of 4k");
            assertThatThrownBy(() -> rig.ploop.set(Map.of("size", "4000000G")))
                    .hasMessageContaining("clusters");
            assertThatThrownBy(() -> rig.ploop.set(Map.of("size", "48k", "prealloc", "x")))
                    .hasMessageContaining("prealloc");
            rig.ploop.set(Map.of("size", "40k"));
            assertThat(rig.text("work")).isEmpty();
            rig.ploop.message(List.of("tracking_start"));
            assertThatThrownBy(() -> rig.ploop.set(Map.of("size", "48k")))
                    .hasMessageContaining("tracked");
            rig.ploop.message(List.of("tracking_stop"));
            assertThat(rig.ploop.limits().size()).isEqualTo(10 * CLUSTER);
        }
    }

    /** What is behind the end of the disk in its last cluster is nobody's, and may be anything. */
    @Test
    void aLastClusterThatWasCutShortGoesOnWithZeros() throws Exception {
        try (PloopRig rig = new PloopRig()) {
            rig.create(2 * CLUSTER + 512);
            rig.reopen();
            rig.write(0, 1, 5);
            assertThat(rig.submit(Op.WRITE, 2 * CLUSTER, 512, 7, false)).isNotNull();
            rig.settle();
            byte[] bytes = rig.file.bytes();
            long at = rig.dataStart() + CLUSTER;
            assertThat(bytes[(int) at]).isEqualTo((byte) 7);
            java.util.Arrays.fill(bytes, (int) at + 512, (int) at + CLUSTER, (byte) 99);
            grow(rig, 3);
            rig.expect(2 * CLUSTER, 512, 7);
            rig.expect(2 * CLUSTER + 512, CLUSTER - 512, 0);
            rig.expect(0, CLUSTER, 5);
        }
    }

    /** What is behind the last word in its page is nobody's, and may be anything. */
    @Test
    void theRestOfTheTablesPageIsZeroed() throws Exception {
        try (PloopRig rig = new PloopRig()) {
            rig.create(10 * CLUSTER);
            java.util.Arrays.fill(rig.file.bytes(), 64 + 40, CLUSTER, (byte) 1);
            rig.reopen();
            write(rig, 3);
            grow(rig, FIRST + 1);
            expect(rig, 3);
            rig.expect(10 * CLUSTER, 200 * CLUSTER, 0);
            assertThat(rig.closed().list()).isEmpty();
        }
    }

    @Test
    void theFirstVersionGrowsToo() throws Exception {
        try (PloopRig rig = new PloopRig()) {
            rig.file = new MemoryFile(0, 1);
            Header made = Header.create(10 * CLUSTER, CLUSTER);
            Header one = new Header(1, 16, 1, 8, 10, 80, 0, 3, 1, 0);
            assertThat(made.entries()).isEqualTo(10);
            Image.create("a.hds", one, rig.file, rig.arena);
            rig.reopen();
            write(rig, 0, 1, 2);
            grow(rig, 2 * FIRST);
            expect(rig, 0, 1, 2);
            write(rig, 2000);
            assertThat(rig.closed().damaged()).isFalse();
            rig.reopen();
            expect(rig, 0, 1, 2, 2000);
            assertThatThrownBy(() -> rig.ploop.set(Map.of("size", "3T")))
                    .hasMessageContaining("version 1");
        }
    }

    @Test
    void onlyTheTopOfAChainGrows() throws Exception {
        try (PloopRig rig = PloopRig.open(10)) {
            write(rig, 0, 1, 9);
            rig.over(10 * CLUSTER);
            write(rig, 1);
            grow(rig, 2 * FIRST);
            expect(rig, 0, 1, 9);
            write(rig, 10, 2000);
            rig.write(9, 1, 44);
            rig.expect(11 * CLUSTER, 250 * CLUSTER, 0);
            rig.discard(10, 5);
            rig.expect(9 * CLUSTER, CLUSTER, 44);
            rig.expect(10 * CLUSTER, CLUSTER, 0);
            assertThat(rig.closed().list()).isEmpty();
            rig.reopen();
            expect(rig, 0, 1, 2000);
            rig.expect(9 * CLUSTER, CLUSTER, 44);
        }
    }

    /** Who reads an old cluster reads what was there, and the table waits for that. */
    @Test
    void readersAndWritersGoOn() throws Exception {
        try (PloopRig rig = PloopRig.open(10)) {
            write(rig, 0, 1, 2);
            rig.held = true;
            Bio read = rig.submit(Op.READ, 0, CLUSTER, 0, 1L);
            rig.ploop.grow(2L * FIRST * CLUSTER);
            rig.passMillis(1000);
            assertThat(rig.text("work")).isEqualTo("grow");
            assertThat(rig.ploop.limits().size()).isEqualTo(10 * CLUSTER);
            rig.write(5, 1, 6);
            rig.letGo();
            rig.passMillis(1000);
            assertThat(read.answerMemory().bytes().get(read.answerAt())).isEqualTo((byte) 1);
            assertThat(rig.text("last_work")).isEqualTo("grow: done");
            expect(rig, 0, 1, 2, 5);
        }
    }

    @Test
    void cancelledAllIsAsItWas() throws Exception {
        try (PloopRig rig = PloopRig.open(10)) {
            write(rig, 0, 1, 2);
            rig.held = true;
            rig.submit(Op.READ, 0, CLUSTER, 0, 1L);
            rig.ploop.grow(2L * FIRST * CLUSTER);
            rig.passMillis(1000);
            rig.ploop.message(List.of("cancel"));
            rig.letGo();
            assertThat(rig.text("last_work")).isEqualTo("grow: cancelled");
            write(rig, 3, 4, 5, 6, 7, 8, 9);
            expect(rig, 0, 1, 2, 3, 4, 5, 6, 7, 8, 9);
            assertThat(rig.ploop.limits().size()).isEqualTo(10 * CLUSTER);
            assertThat(rig.closed().list()).isEmpty();
            rig.reopen();
            grow(rig, 2 * FIRST);
            expect(rig, 0, 1, 2, 3, 4, 5, 6, 7, 8, 9);
        }
    }

    @Test
    void aPageThatCannotBeWrittenFailsTheDevice() throws Exception {
        try (PloopRig rig = PloopRig.open(10)) {
            write(rig, 0, 1, 2);
            rig.passMillis(1000);
            boolean[] zeroed = {false};
            rig.fault = op -> {
                zeroed[0] |= op.kind() == Kind.ZERO;
                return zeroed[0] && op.writesBelow(64) ? Errno.EIO : null;
            };
            Grow grow = rig.ploop.grow(2L * FIRST * CLUSTER);
            rig.passMillis(1000);
            assertThat(rig.text("state")).isEqualTo("failed");
            assertThatThrownBy(() -> rig.ploop.work().await(grow, 1)).hasMessageContaining("grow");
            expect(rig, 0, 1, 2);
            assertThatThrownBy(rig.ploop::close).hasMessageContaining("stays marked");
            rig.ploop = null;
        }
    }
}
