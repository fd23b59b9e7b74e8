package dev.sluice.ploop;

import static org.assertj.core.api.Assertions.assertThat;

import dev.sluice.block.Errno;
import dev.sluice.block.Op;
import dev.sluice.testing.FileOp;
import dev.sluice.testing.TestBio;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** How much comes up at a time: whoever waits for the first cluster waits for all of its round. */
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

    /** Clusters that were copied before each sync. */
    private static List<Integer> rounds(PloopRig rig, int cluster) {
        List<Integer> all = new ArrayList<>();
        int count = 0;
        for (FileOp op : rig.ops) {
            if (op.kind() == FileOp.Kind.SYNC && count > 0) {
                all.add(count);
                count = 0;
            } else if (op.kind() == FileOp.Kind.WRITE && op.length() == cluster
                    && op.offset() >= rig.dataStart()) {
                count++;
            }
        }
        return all;
    }

    @ParameterizedTest
    @CsvSource({"11, 1048576, 4 4 2", "23, 524288, 8 8 6", "101, 4096, 64 36"})
    void aRoundIsNoLargerThanItsBounds(int clusters, int cluster, String rounds) throws Exception {
        try (PloopRig rig = rig(clusters, cluster)) {
            List<TestBio> bios = new ArrayList<>();
            for (int i = 1; i < clusters; i++) {
                bios.add(rig.submit(Op.WRITE, (long) i * cluster + 512, 512, 9, false));
            }
            rig.settle();
            assertThat(bios).allMatch(bio -> bio.outcome() == Errno.OK);
            assertThat(rounds(rig, cluster)).isEqualTo(java.util.Arrays.stream(rounds.split(" "))
                    .map(Integer::valueOf).toList());
            rig.expect((long) cluster * (clusters - 1), 512, 1);
            rig.expect((long) cluster * (clusters - 1) + 512, 512, 9);
        }
    }

    /** What replaces all of a cluster is its owner's to bring: nothing is read or copied for it. */
    @Test
    void whatIsReplacedAsAWholeDoesNotCount() throws Exception {
        try (PloopRig rig = rig(11, MIB)) {
            List<TestBio> bios = new ArrayList<>();
            for (int i = 1; i < 11; i++) {
                bios.add(rig.submit(Op.WRITE, (long) i * MIB, MIB, 9, false));
            }
            rig.settle();
            assertThat(bios).allMatch(bio -> bio.outcome() == Errno.OK);
            assertThat(rounds(rig, MIB)).hasSizeLessThanOrEqualTo(1);
        }
    }
}
