package dev.sluice.ploop;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.sluice.block.Bio;
import dev.sluice.block.BlockException;
import dev.sluice.block.Errno;
import dev.sluice.block.Op;
import dev.sluice.testing.FileOp;
import dev.sluice.testing.TestBio;
import java.util.List;
import java.util.Set;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** Levels that go, and snapshots that are gone back to, while the disk is there. */
@Tag("unit")
@Timeout(60)
class MergeTest {
    private static final int CLUSTER = PloopRig.CLUSTER;

    /** Three levels: 0 to 7 at the bottom, 4 to 11 above, 8 to 11 in part at the top. */
    private static PloopRig three() throws Exception {
        PloopRig rig = PloopRig.open(16, "prealloc=8k");
        rig.write(0, 8, 1);
        rig.snapshot();
        rig.write(4, 8, 2);
        rig.snapshot();
        rig.run(Op.WRITE, 8 * CLUSTER, 512);
        return rig;
    }

    private static void expectThree(PloopRig rig) {
        rig.expect(0, 4 * CLUSTER, 1);
        rig.expect(4 * CLUSTER, 4 * CLUSTER, 2);
        rig.expect(8 * CLUSTER, 512, 1);
        rig.expect(8 * CLUSTER + 512, 4 * CLUSTER - 512, 2);
        rig.expect(12 * CLUSTER, 4 * CLUSTER, 0);
    }

    private static void merged(PloopRig rig) throws Exception {
        rig.ploop.merge();
        rig.settle();
        rig.passMillis(1000);
        assertThat(rig.text("last_work")).isEqualTo("merge: done");
    }

    @Test
    void levelsGoOneByOne() throws Exception {
        try (PloopRig rig = three()) {
            merged(rig);
            assertThat(rig.status("levels")).isEqualTo(2);
            assertThat(rig.folder.files).hasSize(2);
            expectThree(rig);
            merged(rig);
            assertThat(rig.status("levels")).isEqualTo(1);
            assertThat(rig.folder.files).hasSize(1);
            assertThat(rig.folder.written.shots()).hasSize(1);
            expectThree(rig);
            rig.discard(0, 4);
            rig.expect(0, 4 * CLUSTER, 0);
            rig.ploop.close();
            rig.reopenDisk();
            rig.expect(0, 4 * CLUSTER, 0);
            rig.expect(4 * CLUSTER, 4 * CLUSTER, 2);
            assertThatThrownBy(() -> rig.ploop.merge()).hasMessageContaining("stands on nothing");
        }
    }

    /** What a discard hides is not what shows after the level is gone, nor what lies deeper. */
    @Test
    void whatIsDeeperStaysHidden() throws Exception {
        try (PloopRig rig = three()) {
            rig.discard(5, 1);
            merged(rig);
            rig.expect(5 * CLUSTER, CLUSTER, 0);
            rig.discard(6, 1);
            rig.discard(9, 1);
            rig.ploop.close();
            rig.reopenDisk();
            rig.expect(5 * CLUSTER, 2 * CLUSTER, 0);
            rig.expect(9 * CLUSTER, CLUSTER, 0);
            rig.expect(7 * CLUSTER, CLUSTER, 2);
            rig.expect(0, 4 * CLUSTER, 1);
        }
    }

    @Test
    void aCancelledOneLeavesTheChain() throws Exception {
        try (PloopRig rig = three()) {
            rig.ploop.merge();
            rig.ploop.work().cancel();
            rig.settle();
            assertThat(rig.text("last_work")).isEqualTo("merge: cancelled");
            assertThat(rig.status("levels")).isEqualTo(3);
            expectThree(rig);
            merged(rig);
            expectThree(rig);
        }
    }

    @Test
    void aClusterThatCannotComeUpEndsIt() throws Exception {
        try (PloopRig rig = three()) {
            rig.fault = op -> op.kind() == FileOp.Kind.WRITE && op.length() == CLUSTER
                    && op.offset() >= rig.dataStart() ? Errno.EINVAL : null;
            rig.ploop.merge();
            rig.settle();
            rig.fault = op -> null;
            assertThat(rig.text("last_work")).contains("cannot be brought up");
            assertThat(rig.status("levels")).isEqualTo(3);
            expectThree(rig);
        }
    }

    /** A file that is read from is there until that has ended. */
    @Test
    void readersOfTheLevelEndFirst() throws Exception {
        try (PloopRig rig = three()) {
            rig.held = true;
            Bio read = rig.submit(Op.READ, 4 * CLUSTER, CLUSTER, 0, 1);
            rig.settle();
            rig.ploop.merge();
            rig.settle();
            rig.passMillis(1000);
            assertThat(rig.status("levels")).isEqualTo(2);
            assertThat(rig.text("work")).isEqualTo("merge");
            assertThat(rig.folder.files).hasSize(3);
            rig.letGo();
            assertThat(read.outcome()).isEqualTo(Errno.OK);
            assertThat(rig.text("last_work")).isEqualTo("merge: done");
            assertThat(rig.folder.files).hasSize(2);
        }
    }

    /** Nor does a file go whose reader outlives the device. */
    @Test
    void readersOfTheLevelKeepItWhereTheDeviceFails() throws Exception {
        try (PloopRig rig = three()) {
            Below old = rig.ploop.top().common.below;
            rig.held = true;
            Bio read = rig.submit(Op.READ, 4 * CLUSTER, CLUSTER, 0, 1);
            rig.settle();
            rig.ploop.merge();
            rig.settle();
            rig.passMillis(1000);
            rig.ploop.top().common.fail("planted", Errno.EIO);
            rig.ploop.work().again();
            rig.settle();
            assertThat(rig.text("last_work")).contains("failed with the device");
            assertThat(rig.folder.files).hasSize(3);
            rig.letGo();
            assertThat(read.outcome()).isEqualTo(Errno.OK);
            assertThat(read.data().bytes().get(0)).isEqualTo((byte) 2);
            assertThatThrownBy(rig.ploop::close).hasMessageContaining("planted");
            rig.ploop = null;
            old.release();
        }
    }

    @Test
    void aSwitchGoesBack() throws Exception {
        try (PloopRig rig = three()) {
            String last = rig.folder.written.shot(DiskDescriptor.TOP).parent();
            String first = rig.folder.written.shot(last).parent();
            TestBio flush = rig.submit(Op.FLUSH, 0, 0, 0, false);
            rig.settle();
            assertThat(flush.outcome()).isEqualTo(Errno.OK);
            toggle(rig, first);
            rig.expect(0, 8 * CLUSTER, 1);
            rig.expect(8 * CLUSTER, 8 * CLUSTER, 0);
            rig.write(3, 1, 7);
            toggle(rig, last);
            rig.expect(0, 4 * CLUSTER, 1);
            rig.expect(4 * CLUSTER, 8 * CLUSTER, 2);
            assertThat(rig.folder.files).as("two snapshots and a top").hasSize(3);
            assertThatThrownBy(() -> rig.ploop.message(List.of("switch", last), true))
                    .hasMessageContaining("is in use");
            assertThatThrownBy(() -> rig.ploop.message(List.of("switch", "x"), false))
                    .hasMessageContaining("no GUID");
            toggle(rig, first);
            assertThatThrownBy(() -> rig.ploop.merge()).hasMessageContaining(last);
            rig.ploop.close();
            rig.reopenDisk();
            rig.expect(0, 8 * CLUSTER, 1);
        }
    }

    private static void toggle(PloopRig rig, String guid) throws Exception {
        rig.ploop.toggle(guid);
        rig.settle();
        assertThat(rig.text("last_work")).isEqualTo("switch " + guid + ": done");
    }

    /** The descriptor names the new top, though writing it failed. */
    @ParameterizedTest
    @ValueSource(booleans = {false, true})
    void aSwitchThatFailsIsWrittenBack(boolean twice) throws Exception {
        try (PloopRig rig = three()) {
            DiskDescriptor before = rig.folder.written;
            String last = before.shot(DiskDescriptor.TOP).parent();
            boolean[] failed = {false};
            rig.folder.watcher = (act, path) -> {
                if (act == (failed[0] ? MemoryFolder.Act.WRITE : MemoryFolder.Act.WRITTEN)
                        && (twice || !failed[0])) {
                    failed[0] = true;
                    throw new BlockException(Errno.EIO, "no more");
                }
            };
            rig.ploop.toggle(last);
            rig.settle();
            assertThat(rig.text("last_work")).contains("no more");
            expectThree(rig);
            assertThat(rig.folder.files).hasSize(twice ? 4 : 3);
            assertThat(rig.folder.written.equals(before)).isEqualTo(!twice);
            rig.folder.watcher = (act, path) -> { };
            assertThat(rig.text("state")).isEqualTo(twice ? "failed" : "running");
            assertThat(rig.run(Op.WRITE, 0, CLUSTER)).as("it may be gone with the old top")
                    .isEqualTo(twice ? Errno.EIO : Errno.OK);
            Ploop old = rig.ploop;
            rig.ploop = null;
            if (twice) {
                assertThatThrownBy(old::close).hasMessageContaining("which disk it is");
            } else {
                old.close();
            }
            rig.reopenDisk();
            rig.expect(4 * CLUSTER, 4 * CLUSTER, 2);
            assertThat(rig.folder.files.keySet()).isEqualTo(Set.copyOf(rig.folder.written.images()
                    .stream().map(DiskDescriptor.Image::file).toList()));
            assertThat(rig.folder.doubts).isEmpty();
        }
    }

    @Test
    void whatIsUnderWayPreventsASwitch() throws Exception {
        try (PloopRig rig = three()) {
            String last = rig.folder.written.shot(DiskDescriptor.TOP).parent();
            rig.held = true;
            rig.submit(Op.READ, 0, CLUSTER, 0, 1);
            rig.settle();
            rig.ploop.toggle(last);
            rig.settle();
            assertThat(rig.text("last_work")).contains("requests are under way");
            rig.letGo();
            expectThree(rig);
            assertThat(rig.folder.files).hasSize(3);
            rig.folder.watcher = (act, path) -> {
                if (act == MemoryFolder.Act.WRITE) {
                    throw new BlockException(Errno.EIO, "no more");
                }
            };
            rig.ploop.toggle(last);
            rig.settle();
            assertThat(rig.text("last_work")).contains("no more");
            expectThree(rig);
            assertThat(rig.folder.files).hasSize(3);
            rig.folder.watcher = (act, path) -> { };
            rig.write(1, 1, 3);
        }
    }
}
