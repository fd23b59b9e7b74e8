package dev.sluice.ploop;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.catchThrowableOfType;

import dev.sluice.block.BlockException;
import dev.sluice.block.Errno;
import dev.sluice.block.Memory;
import dev.sluice.block.Op;
import dev.sluice.testing.FileOp;
import dev.sluice.testing.MemoryFile;
import dev.sluice.testing.SimHost;
import dev.sluice.testing.TestBio;
import java.nio.ByteOrder;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

/** An image on others: what is read from where, and what comes up in which order. */
@Tag("unit")
@Timeout(60)
class ChainTest {
    private static final int CLUSTER = PloopRig.CLUSTER;
    private static final String[] KEYS = {"prealloc=64k", "dirty-timeout=10s"};

    /** Eight clusters of 1 below an image with nothing. */
    private static PloopRig two() throws Exception {
        PloopRig rig = PloopRig.open(16, KEYS);
        rig.write(0, 8, 1);
        rig.over(16 * CLUSTER, KEYS);
        return rig;
    }

    private static List<String> kinds(PloopRig rig) {
        long start = rig.dataStart();
        return rig.ops.stream().map(op -> op.writesBelow(start) ? "PAGE" : op.kind().name())
                .toList();
    }

    @Test
    void aClusterIsDurableBeforeItsWordIsWritten() throws Exception {
        try (PloopRig rig = two()) {
            rig.write(12, 1, 5);
            rig.passMillis(100_000);
            rig.ops.clear();
            assertThat(rig.run(Op.WRITE, 512, 512)).isEqualTo(Errno.OK);
            assertThat(kinds(rig)).containsExactly("WRITE", "SYNC", "PAGE", "WRITE");
            assertThat(rig.ops.get(0).length()).isEqualTo(CLUSTER);
            assertThat(rig.ops.get(3).length()).isEqualTo(512);
            rig.expect(0, 512, 1);
            rig.expect(512, 512, 1);
            rig.expect(1024, 7 * CLUSTER, 1);
            assertThat(rig.status("copied")).isEqualTo(1);
            assertThat(rig.status("only_below")).isEqualTo(7);
            assertThat(rig.status("levels")).isEqualTo(2);
        }
    }

    @Test
    void aWholeClusterIsNotCopied() throws Exception {
        try (PloopRig rig = two()) {
            rig.write(12, 1, 5);
            rig.passMillis(100_000);
            rig.ops.clear();
            rig.write(2, 1, 7);
            assertThat(kinds(rig)).startsWith("WRITE", "SYNC").doesNotContain("RESERVE");
            assertThat(rig.ops.get(0).data()[0]).isEqualTo((byte) 7);
            rig.expect(2 * CLUSTER, CLUSTER, 7);
            rig.expect(CLUSTER, CLUSTER, 1);
        }
    }

    @Test
    void manyCopiesShareASync() throws Exception {
        try (PloopRig rig = two()) {
            rig.write(12, 1, 5);
            rig.passMillis(100_000);
            rig.ops.clear();
            List<TestBio> bios = new ArrayList<>();
            for (int i = 0; i < 8; i++) {
                bios.add(rig.submit(Op.WRITE, i * CLUSTER + 512L, 512, 3, false));
                bios.add(rig.submit(Op.WRITE, i * CLUSTER + 1024L, 512, 4, false));
            }
            rig.settle();
            assertThat(bios).allMatch(TestBio::ended);
            assertThat(rig.count(FileOp.Kind.SYNC)).isLessThanOrEqualTo(2);
            assertThat(rig.status("copied")).isEqualTo(8);
            rig.expect(3 * CLUSTER, 512, 1);
            rig.expect(3 * CLUSTER + 512, 512, 3);
            rig.expect(3 * CLUSTER + 1024, 512, 4);
        }
    }

    @Test
    void whatIsDiscardedNeverShowsWhatLiesBelow() throws Exception {
        try (PloopRig rig = two()) {
            rig.write(1, 1, 9);
            rig.discard(0, 4);
            rig.expect(0, 4 * CLUSTER, 0);
            assertThat(rig.run(Op.WRITE_ZEROES, 5 * CLUSTER, 2 * CLUSTER)).isEqualTo(Errno.OK);
            rig.expect(5 * CLUSTER, 2 * CLUSTER, 0);
            rig.expect(4 * CLUSTER, CLUSTER, 1);
            rig.expect(7 * CLUSTER, CLUSTER, 1);
            assertThat(rig.status("copied")).as("nothing is read for it").isEqualTo(1);
            assertThat(rig.status("limbo")).isZero();
            rig.discard(0, 16);
            assertThat(rig.closed().damaged()).isFalse();
            rig.reopen(KEYS);
            rig.expect(0, 16 * CLUSTER, 0);
        }
    }

    @Test
    void aClusterThatOnlyTheTopHasIsGivenBack() throws Exception {
        try (PloopRig rig = two()) {
            rig.write(10, 2, 9);
            assertThat(rig.status("allocated")).isEqualTo(2);
            rig.discard(8, 4);
            rig.passMillis(100);
            assertThat(rig.status("allocated")).isZero();
            assertThat(rig.status("punched")).isEqualTo(2);
        }
    }

    @Test
    void aCopyThatFailsIsItsWritersFailureOnly() throws Exception {
        try (PloopRig rig = two()) {
            rig.write(12, 1, 5);
            rig.fault = op -> op.kind() == FileOp.Kind.WRITE && op.length() == CLUSTER ? Errno.EIO
                    : null;
            TestBio part = rig.submit(Op.WRITE, 512, 512, 3, false);
            TestBio other = rig.submit(Op.WRITE, 1024, 512, 3, false);
            TestBio hole = rig.submit(Op.WRITE, 13 * CLUSTER, 512, 3, false);
            rig.settle();
            assertThat(part.outcome()).isEqualTo(Errno.EIO);
            assertThat(other.outcome()).isEqualTo(Errno.EIO);
            assertThat(hole.outcome()).isEqualTo(Errno.OK);
            assertThat(rig.text("state")).isEqualTo("running");
            rig.fault = op -> null;
            rig.expect(0, CLUSTER, 1);
            assertThat(rig.run(Op.WRITE, 512, 512)).isEqualTo(Errno.OK);
            rig.ploop.check();
        }
    }

    @Test
    void aCopyThatDoesNotFitWaitsForRoom() throws Exception {
        try (PloopRig rig = two()) {
            rig.write(12, 1, 5);
            rig.fault = op -> op.kind() == FileOp.Kind.WRITE && op.length() == CLUSTER
                    ? Errno.ENOSPC : null;
            TestBio bio = rig.submit(Op.WRITE, 512, 512, 3, false);
            TestBio whole = rig.submit(Op.WRITE, 3 * CLUSTER, CLUSTER, 3, false);
            rig.settle();
            assertThat(bio.ended()).isFalse();
            assertThat(whole.ended()).isFalse();
            assertThat(rig.text("event")).isEqualTo("ENOSPC");
            rig.fault = op -> null;
            rig.passMillis(20_000);
            assertThat(bio.outcome()).isEqualTo(Errno.OK);
            assertThat(whole.outcome()).isEqualTo(Errno.OK);
            rig.expect(3 * CLUSTER, CLUSTER, 3);
        }
    }

    @Test
    void withoutATimeoutAWriteWaitsForTheWordOfItsCluster() throws Exception {
        try (PloopRig rig = two()) {
            rig.ploop.set(Map.of("dirty-timeout", "0", "dirty-max-age", "0"));
            rig.write(12, 1, 5);
            rig.ops.clear();
            int[] pages = {-1};
            TestBio bio = TestBio.submit(rig.device, Op.WRITE, 512, 512, 3, false,
                    () -> pages[0] = rig.pages().size());
            rig.settle();
            assertThat(bio.outcome()).isEqualTo(Errno.OK);
            assertThat(pages[0]).isPositive();
        }
    }

    @Test
    void aFlushAfterACopyHasItsWord() throws Exception {
        try (PloopRig rig = two()) {
            assertThat(rig.run(Op.WRITE, 512, 512)).isEqualTo(Errno.OK);
            assertThat(rig.run(Op.FLUSH, 0, 0)).isEqualTo(Errno.OK);
            assertThat(rig.pages()).isNotEmpty();
            assertThat(rig.status("dirty_pages")).isZero();
        }
    }

    @Test
    void readsGoToTheUppermostLevelHoweverManyThereAre() throws Exception {
        try (PloopRig rig = PloopRig.open(300, KEYS)) {
            for (int level = 1; level < Chain.MOST; level++) {
                rig.write(level, 1, level);
                rig.write(299, 1, level);
                rig.over(300 * CLUSTER, KEYS);
            }
            assertThat(rig.status("levels")).isEqualTo(Chain.MOST);
            for (int level = 1; level < Chain.MOST; level++) {
                rig.expect((long) level * CLUSTER, CLUSTER, level);
            }
            rig.expect(299L * CLUSTER, CLUSTER, Chain.MOST - 1);
            rig.expect(0, CLUSTER, 0);
            assertThat(rig.ploop.seek(0, true)).isEqualTo(CLUSTER);
            assertThat(rig.ploop.allocated(0, 300L * CLUSTER))
                    .isEqualTo((long) Chain.MOST * CLUSTER);
        }
    }

    private static BlockException refused(PloopRig rig) {
        return catchThrowableOfType(BlockException.class, () -> rig.reopen(KEYS));
    }

    private static Lower lower(PloopRig rig, long bytes, int cluster) throws Exception {
        MemoryFile file = new MemoryFile(0, 1);
        Image.create("low.hds", Header.create(bytes, cluster), file, rig.arena);
        return new Lower("low.hds", new SealedBacking(file), false);
    }

    @Test
    void aChainThatCannotBeIsRefusedWithTheReason() throws Exception {
        try (PloopRig rig = new PloopRig()) {
            rig.create(16 * CLUSTER);
            rig.lowers.add(lower(rig, 16 * CLUSTER, 2 * CLUSTER));
            assertThat(refused(rig)).hasMessage("low.hds has clusters of 8192 bytes, and a.hds"
                    + " above it of 4096; all images of a chain have the same");
            rig.lowers.set(0, lower(rig, 17 * CLUSTER, CLUSTER));
            assertThat(refused(rig)).hasMessageStartingWith("low.hds has a disk of 69632 bytes,"
                    + " more than the 65536 of a.hds above it");
            rig.lowers.set(0, new Lower("base.raw", new SealedBacking(
                    new MemoryFile(17 * CLUSTER, 1)), true));
            assertThat(refused(rig)).hasMessageStartingWith("base.raw has a disk of 69632 bytes");
            rig.lowers.set(0, inUse(rig));
            assertThat(refused(rig)).hasMessageStartingWith("low.hds is marked as in use");
            rig.lowers.set(0, lower(rig, 16 * CLUSTER, CLUSTER));
            rig.lowers.add(0, lower(rig, 17 * CLUSTER, CLUSTER));
            assertThat(refused(rig)).hasMessageContaining("more than the 65536 of low.hds");
            assertThat(rig.markedInUse()).as("nothing was changed").isFalse();
            rig.lowers.clear();
            rig.reopen(KEYS);
        }
    }

    private static Lower inUse(PloopRig rig) throws Exception {
        MemoryFile file = new MemoryFile(0, 1);
        Image.create("low.hds", Header.create(16 * CLUSTER, CLUSTER), file, rig.arena);
        Memory word = SimHost.memory(4);
        word.bytes().order(ByteOrder.LITTLE_ENDIAN).putInt(0, Header.DIRTY);
        file.write(44, word, 0, 4);
        return new Lower("low.hds", new SealedBacking(file), false);
    }

    @Test
    void namesOfFilesMakeAChain() throws Exception {
        Chain chain = Chain.list("raw@/a/base,/a/b.hds,/a/top.hds");
        assertThat(chain.files()).containsExactly(new Chain.Part("/a/base", true),
                new Chain.Part("/a/b.hds", false), new Chain.Part("/a/top.hds", false));
        assertThat(chain.top()).isEqualTo("/a/top.hds");
        assertThat(Chain.list(chain.word().substring("image=".length()))).isEqualTo(chain);
        for (String wrong : List.of("", "a,,b", "raw@a", "a,raw@b", "a,b,a", "raw@,b",
                "a" + ",b".repeat(253))) {
            assertThat(catchThrowableOfType(BlockException.class, () -> Chain.list(wrong)))
                    .as(wrong).isNotNull();
        }
    }
}
