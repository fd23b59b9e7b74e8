package dev.sluice.ploop;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.sluice.block.Errno;
import dev.sluice.block.Op;
import dev.sluice.testing.FileOp;
import dev.sluice.testing.TestBio;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

/** What comes up from below is there at once, and its word is not durable before its data. */
@Tag("unit")
@Timeout(60)
class CopiesTest {
    private static final int MIB = 1 << 20;

    /** An image on another that is full of data. */
    private static PloopRig rig(int clusters, int cluster) throws Exception {
        PloopRig rig = new PloopRig();
        rig.cluster = cluster;
        long bytes = (long) clusters * cluster;
        rig.create(bytes);
        rig.reopen("prealloc=64M");
        for (int i = 0; i < clusters; i++) {
            assertThat(rig.run(Op.WRITE, (long) i * cluster, cluster)).isEqualTo(Errno.OK);
        }
        rig.settle();
        rig.over(bytes, "prealloc=64M");
        // The first clusters are made ready.
        assertThat(rig.run(Op.WRITE, 0, cluster)).isEqualTo(Errno.OK);
        rig.settle();
        rig.ops.clear();
        return rig;
    }

    private static List<TestBio> writeInto(PloopRig rig, int clusters) {
        List<TestBio> bios = new ArrayList<>();
        for (int i = 1; i < clusters; i++) {
            bios.add(rig.submit(Op.WRITE, (long) i * MIB + 512, 512, 9, false));
        }
        return bios;
    }

    private static boolean isPage(PloopRig rig, FileOp op) {
        return op.kind() == FileOp.Kind.WRITE && op.offset() < rig.dataStart();
    }

    @Test
    void whoWritesToItDoesNotWaitForASync() throws Exception {
        try (PloopRig rig = rig(11, MIB)) {
            List<TestBio> bios = writeInto(rig, 11);
            List<Long> ended = new ArrayList<>();
            int[] copies = new int[1];
            rig.fault = op -> {
                copies[0] += op.length() == MIB ? 1 : 0;
                if (op.kind() == FileOp.Kind.SYNC && copies[0] > 0) {
                    // It takes so long that all who do not wait for it go on meanwhile.
                    rig.settle();
                    ended.add(bios.stream().filter(TestBio::ended).count());
                }
                return null;
            };
            rig.settle();
            assertThat(bios).allMatch(bio -> bio.outcome() == Errno.OK);
            // The sync is for the words, which follow soon.
            assertThat(ended).isNotEmpty().containsOnly(10L);
            rig.expect(10L * MIB, 512, 1);
            rig.expect(10L * MIB + 512, 512, 9);
        }
    }

    @Test
    void aPageWaitsUntilTheCopiesThatItNamesAreDurable() throws Exception {
        try (PloopRig rig = rig(11, MIB)) {
            boolean[] ahead = new boolean[1];
            List<Boolean> pages = new ArrayList<>();
            rig.fault = op -> {
                if (isPage(rig, op)) {
                    pages.add(ahead[0]);
                } else if (op.kind() != FileOp.Kind.SYNC) {
                    ahead[0] |= op.length() == MIB;
                } else {
                    ahead[0] = false;
                }
                return null;
            };
            List<TestBio> bios = writeInto(rig, 11);
            rig.settle();
            assertThat(bios).allMatch(bio -> bio.outcome() == Errno.OK);
            assertThat(pages).isNotEmpty().containsOnly(false);
        }
    }

    @Test
    void noPageFollowsASyncThatFailed() throws Exception {
        try (PloopRig rig = rig(3, MIB)) {
            rig.fault = op -> op.kind() == FileOp.Kind.SYNC ? Errno.ENOSPC : null;
            writeInto(rig, 3);
            rig.settle();
            assertThat(rig.run(Op.FLUSH, 0, 0)).isEqualTo(Errno.EIO);
            assertThat(rig.ops).noneMatch(op -> isPage(rig, op));
            rig.expect(MIB, 512, 1);
            assertThatThrownBy(rig::closed).hasMessageContaining("marked as in use");
            rig.ploop = null;
        }
    }

    /** What replaces all of a cluster is its owner's to bring: nothing is read or copied for it. */
    @Test
    void whatIsReplacedAsAWholeIsNotCopied() throws Exception {
        try (PloopRig rig = rig(11, MIB)) {
            List<TestBio> bios = new ArrayList<>();
            for (int i = 1; i < 11; i++) {
                bios.add(rig.submit(Op.WRITE, (long) i * MIB, MIB, 9, false));
            }
            rig.settle();
            assertThat(bios).allMatch(bio -> bio.outcome() == Errno.OK);
            assertThat(rig.ops.stream().filter(op -> op.kind() == FileOp.Kind.WRITE
                    && op.length() == MIB)).hasSize(10);
        }
    }
}
