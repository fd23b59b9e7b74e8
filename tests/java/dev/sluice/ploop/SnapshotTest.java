package dev.sluice.ploop;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.sluice.block.Bio;
import dev.sluice.block.BlockException;
import dev.sluice.block.Errno;
import dev.sluice.block.Memory;
import dev.sluice.block.Op;
import dev.sluice.testing.FileOp;
import dev.sluice.testing.MemoryFile;
import dev.sluice.testing.SimHost;
import dev.sluice.testing.TestBio;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;
import org.junit.jupiter.params.provider.ValueSource;

/** A new image on the one that is written, while requests are under way. */
@Tag("unit")
@Timeout(60)
class SnapshotTest {
    private static final int CLUSTER = PloopRig.CLUSTER;
    private static final String FIRST = "a.hds";

    private static byte[] bytes(MemoryFile file) {
        return Arrays.copyOf(file.bytes(), (int) file.size());
    }

    private static List<String> files(PloopRig rig) {
        return rig.folder.files.keySet().stream().sorted().toList();
    }

    @SuppressWarnings("unchecked")
    private static List<Map<String, Object>> snapshots(PloopRig rig) {
        return (List<Map<String, Object>>) rig.ploop.status().get("snapshots");
    }

    @Test
    void whatWasThereStaysAndWhatIsNewIsAbove() throws Exception {
        try (PloopRig rig = PloopRig.open(16)) {
            rig.write(0, 4, 1);
            String guid = rig.snapshot();
            byte[] below = bytes(rig.folder.files.get(FIRST));
            assertThat(rig.status("levels")).isEqualTo(2);
            rig.expect(0, 4 * CLUSTER, 1);
            rig.run(Op.WRITE, CLUSTER + 512, 512);
            rig.write(2, 1, 7);
            rig.write(9, 1, 9);
            rig.discard(3, 1);
            for (int i = 0; i < 2; i++) {
                rig.expect(0, CLUSTER, 1);
                rig.expect(CLUSTER + 512, 512, 1);
                rig.expect(2 * CLUSTER, CLUSTER, 7);
                rig.expect(3 * CLUSTER, CLUSTER, 0);
                rig.expect(9 * CLUSTER, CLUSTER, 9);
                assertThat(rig.folder.written.chain(guid)).hasSize(1);
                assertThat(snapshots(rig)).hasSize(1);
                assertThat(snapshots(rig).get(0)).containsEntry("guid", guid)
                        .containsEntry("current", true);
                assertThat(bytes(rig.folder.files.get(FIRST))).isEqualTo(below);
                rig.settle();
                rig.ploop.close();
                rig.reopenDisk();
            }
        }
    }

    @Test
    void tenOfThemAreAChain() throws Exception {
        try (PloopRig rig = PloopRig.open(16, "prealloc=8k")) {
            for (int i = 0; i < 10; i++) {
                rig.write(i, 3, i + 1);
                rig.snapshot();
            }
            assertThat(rig.status("levels")).isEqualTo(11);
            for (int i = 0; i < 9; i++) {
                rig.expect((long) i * CLUSTER, CLUSTER, i + 1);
            }
            rig.ploop.close();
            rig.reopenDisk();
            rig.expect(4 * CLUSTER, CLUSTER, 5);
        }
    }

    /** Else who writes next waits until all that is dirty in the old image is on the disk. */
    @Test
    void whatIsDirtyBelowIsSyncedWhileRequestsStillGoThere() throws Exception {
        try (PloopRig rig = PloopRig.open(16)) {
            rig.write(0, 4, 1);
            assertThat(rig.dirty).contains(FIRST);
            Top old = rig.ploop.top();
            List<String> order = new ArrayList<>();
            rig.folder.watcher = (act, path) -> {
                if (act == MemoryFolder.Act.WRITE) {
                    order.add(rig.dirty.contains(FIRST) ? "named while dirty" : "named");
                } else if (act == MemoryFolder.Act.WRITTEN) {
                    // As a request would that came meanwhile.
                    old.common.backing.write(rig.dataStart(), SimHost.memory(512), 0, 512);
                    rig.fault = op -> {
                        order.add(op.kind() + (rig.ploop.top() == old ? " before" : " after"));
                        rig.fault = all -> null;
                        return null;
                    };
                }
            };
            rig.snapshot();
            assertThat(order).containsExactly("named", "SYNC before");
        }
    }

    /** A write that is under way below is seen by a copy that is made above. */
    @Test
    void aCopyWaitsForWhatIsUnderWayBelow() throws Exception {
        try (PloopRig rig = PloopRig.open(16)) {
            rig.write(0, 1, 1);
            rig.held = true;
            Bio under = rig.submit(Op.WRITE, 512, 512, 5, 1);
            rig.settle();
            rig.ploop.snapshot(null);
            rig.settle();
            assertThat(rig.status("levels")).as("it does not wait for requests").isEqualTo(2);
            TestBio above = rig.submit(Op.WRITE, 0, 512, 6, false);
            TestBio whole = rig.submit(Op.WRITE, CLUSTER, CLUSTER, 8, false);
            TestBio flush = rig.submit(Op.FLUSH, 0, 0, 0, false);
            rig.settle();
            assertThat(above.ended()).isFalse();
            assertThat(whole.ended()).isTrue();
            assertThat(flush.ended()).as("a flush needs only what had ended").isTrue();
            rig.letGo();
            assertThat(above.outcome()).isEqualTo(Errno.OK);
            assertThat(under.outcome()).isEqualTo(Errno.OK);
            rig.expect(0, 512, 6);
            rig.expect(512, 512, 5);
            rig.expect(1024, 512, 1);
            rig.settle();
            assertThat(rig.text("last_work")).endsWith("done");
        }
    }

    @Test
    void aFlushMakesDurableWhatIsBelow() throws Exception {
        try (PloopRig rig = PloopRig.open(16, "dirty-timeout=1s")) {
            rig.write(0, 1, 1);
            rig.held = true;
            rig.submit(Op.WRITE, 0, 512, 5, 1);
            rig.settle();
            rig.ploop.snapshot(null);
            rig.settle();
            rig.ops.clear();
            assertThat(rig.run(Op.FLUSH, 0, 0)).isEqualTo(Errno.OK);
            assertThat(rig.count(FileOp.Kind.SYNC)).as("both images").isEqualTo(2);
            assertThat(rig.pages()).as("the page of the old one").contains(0L);
            rig.letGo();
            rig.ops.clear();
            assertThat(rig.run(Op.FLUSH, 0, 0)).isEqualTo(Errno.OK);
            assertThat(rig.count(FileOp.Kind.SYNC)).isEqualTo(1);
        }
    }

    /** The page of the old one does not fit: who waits for that can be ended all the same. */
    @Test
    void aFlushThatWaitsForTheOldOneCanBeEnded() throws Exception {
        try (PloopRig rig = PloopRig.open(16, "dirty-timeout=1s")) {
            rig.write(0, 1, 1);
            rig.held = true;
            Bio under = rig.submit(Op.WRITE, 0, 512, 5, 1);
            rig.settle();
            rig.ploop.snapshot(null);
            rig.settle();
            rig.fault = op -> op.writesBelow(rig.dataStart()) ? Errno.ENOSPC : null;
            Bio killed = rig.submit(Op.FLUSH, 0, 0, 0, 41L);
            rig.settle();
            assertThat(rig.ploop.heldFor(41)).isEqualTo(PloopRig.HELD);
            rig.ploop.interrupt(41);
            assertThat(killed.outcome()).isEqualTo(Errno.EINTR);
            TestBio drained = rig.submit(Op.FLUSH, 0, 0, 0, false);
            rig.settle();
            assertThat(drained.ended()).isFalse();
            rig.ploop.drain();
            assertThat(drained.outcome()).isEqualTo(Errno.ENOSPC);
            rig.device.reopen(d -> false);
            TestBio tried = rig.submit(Op.FLUSH, 0, 0, 0, false);
            rig.settle();
            rig.fault = op -> null;
            rig.ploop.message(List.of("retry"));
            rig.settle();
            assertThat(tried.outcome()).isEqualTo(Errno.OK);
            rig.letGo();
            assertThat(under.outcome()).isEqualTo(Errno.OK);
            assertThat(rig.text("last_work")).endsWith("done");
        }
    }

    /** Whatever fails while it is made, there is the disk as before, and nothing else. */
    @ParameterizedTest
    @EnumSource(value = MemoryFolder.Act.class, names = {"WRITE", "WRITTEN", "CREATE"})
    void whatFailsIsUndone(MemoryFolder.Act which) throws Exception {
        try (PloopRig rig = PloopRig.open(16)) {
            rig.write(0, 4, 1);
            rig.folder.watcher = (act, path) -> {
                if (act == which) {
                    throw new BlockException(Errno.EIO, "no more");
                }
            };
            rig.ploop.snapshot(null);
            rig.settle();
            assertThat(rig.text("last_work")).endsWith("failed: no more");
            assertThat(files(rig)).containsExactly(FIRST);
            assertThat(rig.folder.written).isNull();
            rig.folder.watcher = (act, path) -> { };
            rig.write(2, 4, 3);
            rig.expect(2 * CLUSTER, CLUSTER, 3);
            rig.snapshot();
            rig.expect(2 * CLUSTER, CLUSTER, 3);
        }
    }

    /** It is written down, though that failed, and what was before cannot be: it stays. */
    @Test
    void anImageThatMayBeNamedStays() throws Exception {
        try (PloopRig rig = PloopRig.open(16)) {
            rig.write(0, 4, 1);
            rig.folder.watcher = (act, path) -> {
                if (act == MemoryFolder.Act.WRITTEN || act == MemoryFolder.Act.FORGET) {
                    throw new BlockException(Errno.EIO, "no more");
                }
            };
            rig.ploop.snapshot(null);
            rig.settle();
            assertThat(rig.text("last_work")).endsWith("failed: no more");
            assertThat(rig.status("levels")).isEqualTo(1);
            assertThat(files(rig)).hasSize(2);
            assertThat(rig.log).anyMatch(line -> line.contains("may name an image"));
            rig.write(2, 4, 3);
            rig.ploop.close();
            rig.folder.watcher = (act, path) -> { };
            rig.reopenDisk();
            assertThat(rig.status("levels")).isEqualTo(2);
            rig.expect(0, 2 * CLUSTER, 1);
            rig.expect(2 * CLUSTER, 4 * CLUSTER, 3);
        }
    }

    @ParameterizedTest
    @ValueSource(ints = {0, 1, 2, 3, 4, 5})
    void aNewImageThatCannotBeWrittenIsUndone(int at) throws Exception {
        try (PloopRig rig = PloopRig.open(16)) {
            rig.write(0, 4, 1);
            List<FileOp> seen = new ArrayList<>();
            rig.fault = op -> {
                seen.add(op);
                return seen.size() == at + 1 ? Errno.EIO : null;
            };
            rig.ploop.snapshot(null);
            rig.settle();
            rig.fault = op -> null;
            boolean done = rig.text("last_work").endsWith("done");
            assertThat(files(rig)).hasSize(done ? 2 : 1);
            assertThat(rig.folder.written == null).isEqualTo(!done);
            rig.write(2, 4, 3);
            rig.expect(2 * CLUSTER, CLUSTER, 3);
            rig.expect(0, CLUSTER, 1);
        }
    }

    /** After a power failure: the new image is written down, the old one is not closed. */
    @Test
    void anOldTopThatWasNotClosedIsPutRight() throws Exception {
        try (PloopRig rig = PloopRig.open(16, "dirty-timeout=0")) {
            rig.write(0, 4, 1);
            assertThat(rig.run(Op.FLUSH, 0, 0)).isEqualTo(Errno.OK);
            MemoryFile left = rig.file.copy();
            rig.snapshot();
            rig.settle();
            rig.ploop.close();
            rig.folder.files.put(FIRST, left);
            rig.reopenDisk();
            rig.expect(0, 4 * CLUSTER, 1);
            assertThat(rig.log).anyMatch(line -> line.contains("was not closed"));
            rig.write(1, 1, 2);
            rig.expect(0, CLUSTER, 1);
        }
    }

    /** The same, before anybody has opened it for writing. */
    @Test
    void anOldTopThatWasNotClosedCanBeRead() throws Exception {
        try (PloopRig rig = PloopRig.open(16, "dirty-timeout=0")) {
            rig.write(0, 4, 1);
            assertThat(rig.run(Op.FLUSH, 0, 0)).isEqualTo(Errno.OK);
            MemoryFile left = rig.file.copy();
            rig.snapshot();
            rig.settle();
            rig.ploop.close();
            rig.folder.files.put(FIRST, left);
            rig.reopenToRead();
            rig.expect(0, 4 * CLUSTER, 1);
            assertThat(rig.log).anyMatch(line -> line.startsWith(FIRST + ": it was not closed"));
            rig.ploop.close();
            DiskDescriptor written = rig.folder.written;
            Chain chain = rig.folder.chain(FIRST);
            rig.folder.written = null;
            rig.ploop = null;
            assertThatThrownBy(() -> Ploop.open(chain, rig.folder, true, Options.of(FIRST),
                    rig.host, "d")).as("a list").hasMessageContaining("is marked as in use");
            rig.folder.written = written;
        }
    }

    /** A crash came between the longer disk and what is written down of it. */
    @Test
    void theSizeThatIsWrittenDownIsPutRight() throws Exception {
        try (PloopRig rig = PloopRig.open(16)) {
            rig.snapshot();
            DiskDescriptor before = rig.folder.written;
            rig.ploop.grow(32 * CLUSTER);
            rig.settle();
            rig.passMillis(1000);
            long sectors = rig.folder.written.sectors();
            assertThat(sectors).isEqualTo(32 * CLUSTER / 512);
            rig.ploop.close();
            rig.folder.written = before;
            rig.reopenToRead();
            assertThat(rig.folder.written).isEqualTo(before);
            rig.ploop.close();
            rig.reopenDisk();
            assertThat(rig.folder.written.sectors()).isEqualTo(sectors);
        }
    }

    @Test
    void itIsRefusedWhereItCannotBe() throws Exception {
        try (PloopRig rig = PloopRig.open(16)) {
            assertThatThrownBy(() -> rig.ploop.message(List.of("snapshot", "x")))
                    .hasMessageContaining("is no GUID");
            assertThatThrownBy(() -> rig.ploop.message(List.of("snapshot", "x", "y")))
                    .hasMessageContaining("is unknown");
            String guid = rig.snapshot();
            rig.ploop.snapshot(guid);
            rig.settle();
            assertThat(rig.text("last_work")).contains("there is a snapshot " + guid);
            assertThat(files(rig)).hasSize(2);
        }
    }

    /** There is no way back by then: it waits, whatever others do, and says so. */
    @Test
    void whatIsBelowWaitsForRoom() throws Exception {
        try (PloopRig rig = PloopRig.open(16, "enospc=fail", "dirty-timeout=1s")) {
            rig.write(0, 4, 1);
            rig.ploop.snapshot(null);
            while (rig.status("levels") == 1) {
                assertThat(rig.step()).isTrue();
            }
            rig.fault = op -> op.kind() == FileOp.Kind.WRITE ? Errno.ENOSPC : null;
            rig.settle();
            assertThat(rig.text("work")).startsWith("snapshot");
            assertThat(rig.text("work_state")).startsWith("waits for room");
            rig.passMillis(30_000);
            assertThat(rig.text("work_state")).startsWith("waits for room");
            rig.fault = op -> null;
            rig.passMillis(21_000);
            assertThat(rig.text("work")).isEmpty();
            assertThat(rig.text("last_work")).endsWith(": done");
            assertThat(rig.run(Op.FLUSH, 0, 0)).isEqualTo(Errno.OK);
            rig.expect(0, 4 * CLUSTER, 1);
        }
    }

    /** Clusters that are coming up are waited for, and nobody else is. */
    @Test
    void whatComesUpIsWaitedFor() throws Exception {
        try (PloopRig rig = PloopRig.open(16)) {
            rig.write(0, 8, 1);
            rig.snapshot();
            TestBio part = rig.submit(Op.WRITE, 512, 512, 2, false);
            rig.ploop.snapshot(null);
            TestBio other = rig.submit(Op.WRITE, CLUSTER + 512, 512, 3, false);
            rig.settle();
            assertThat(part.outcome()).isEqualTo(Errno.OK);
            assertThat(other.outcome()).isEqualTo(Errno.OK);
            assertThat(rig.status("levels")).isEqualTo(3);
            rig.expect(512, 512, 2);
            rig.expect(CLUSTER + 512, 512, 3);
            rig.expect(CLUSTER, 512, 1);
            Memory memory = SimHost.memory(512);
            assertThat(memory.size()).isEqualTo(512);
        }
    }
}
