package dev.sluice.ploop;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.sluice.block.BlockException;
import dev.sluice.block.Errno;
import dev.sluice.block.Op;
import dev.sluice.testing.FileOp;
import dev.sluice.testing.FileOp.Kind;
import dev.sluice.testing.TestBio;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** When the table reaches the file, and what waits for it; time is moved by hand. */
@Tag("unit")
@Timeout(60)
final class WritebackTest {
    private static final int CLUSTER = PloopRig.CLUSTER;
    /** Words 0 to 1007 are in page 0, the next 1024 in page 1. */
    private static final int SECOND_PAGE = 1008;

    @Test
    void aPageIsWrittenWhenItHasBeenLeftAloneForTheTimeout() throws Exception {
        try (PloopRig rig = PloopRig.open(3000)) {
            rig.write(0, 1, 1);
            rig.passMillis(10);
            rig.write(1, 1, 2);
            rig.passMillis(19);
            assertThat(rig.pages()).isEmpty();
            assertThat(rig.status("dirty_pages")).isEqualTo(1);
            rig.passMillis(1);
            assertThat(rig.pages()).containsExactly(0L);
            assertThat(rig.status("dirty_pages")).isZero();
            rig.passMillis(1000);
            assertThat(rig.pages()).hasSize(1);
        }
    }

    @Test
    void aPageThatIsNeverLeftAloneIsWrittenAtTheMaximumAge() throws Exception {
        try (PloopRig rig = PloopRig.open(3000)) {
            for (int i = 0; i < 1000; i++) {
                rig.write(i, 1, 1);
                rig.passMillis(5);
            }
            // 5 seconds, 200 ms each; the first change of each turn begins it.
            assertThat(rig.pages()).hasSizeBetween(23, 25).containsOnly(0L);
            rig.passMillis(20);
            assertThat(rig.status("dirty_pages")).isZero();
        }
    }

    @Test
    void theTimeoutCanChangeWhileAPageWaits() throws Exception {
        try (PloopRig rig = PloopRig.open(3000, "dirty-timeout=10s")) {
            rig.write(0, 1, 1);
            rig.passMillis(100);
            assertThat(rig.pages()).isEmpty();
            rig.ploop.set(Map.of("dirty-timeout", "1ms"));
            rig.passMillis(0);
            assertThat(rig.pages()).containsExactly(0L);
            assertThat(rig.ploop.arguments()).isEqualTo("a.hds dirty-timeout=1ms");
        }
    }

    @Test
    void wordsNameOnlyWhatWasMadeDurableBefore() throws Exception {
        try (PloopRig rig = PloopRig.open(3000, "prealloc=16k", "dirty-timeout=0")) {
            for (int i = 0; i < 100; i++) {
                rig.write(i, 1, 1);
            }
            long durable = 0;
            long size = rig.dataStart();
            for (FileOp op : rig.ops) {
                if (op.kind() == Kind.RESERVE) {
                    size = op.offset() + op.length();
                } else if (op.kind() == Kind.SYNC) {
                    durable = size;
                } else if (op.writesBelow(rig.dataStart())) {
                    for (int at = op.offset() == 0 ? 64 : 0; at < op.length(); at += 4) {
                        long word = op.data()[at] & 0xff | (op.data()[at + 1] & 0xff) << 8;
                        assertThat((word + 1) * CLUSTER).isLessThanOrEqualTo(durable);
                    }
                }
            }
            assertThat(rig.pages()).hasSize(100);
        }
    }

    @Test
    void aFlushWritesAllPagesAndSyncsOnce() throws Exception {
        try (PloopRig rig = PloopRig.open(3000, "dirty-timeout=10s")) {
            rig.write(0, 1, 1);
            rig.write(SECOND_PAGE, 1, 1);
            rig.ops.clear();
            List<TestBio> flushes = new ArrayList<>();
            for (int i = 0; i < 10; i++) {
                flushes.add(rig.submit(Op.FLUSH, 0, 0, 0, false));
            }
            rig.settle();
            assertThat(flushes).allMatch(f -> f.ended() && f.outcome() == Errno.OK);
            assertThat(rig.pages()).containsExactlyInAnyOrder(0L, 1L);
            assertThat(rig.ops.stream().map(FileOp::kind)).containsExactly(Kind.WRITE, Kind.SYNC);
            assertThat(rig.status("joined")).isEqualTo(9);
        }
    }

    /** A disk of 40 pages of words, of which a flush finds some dirty. */
    @ParameterizedTest
    @CsvSource({"0-39, 0-15 16-31 32-39", "3-5, 3-5", "7 9 11, 7-7 9-9 11-11",
        "9 8 1 0, 0-1 8-9", "5-21, 5-20 21-21"})
    void pagesThatLieSideBySideAreWrittenInOnePiece(String dirty, String written) throws Exception {
        try (PloopRig rig = PloopRig.open(SECOND_PAGE + 39 * 1024, "dirty-timeout=10s",
                "prealloc=64M")) {
            for (String part : dirty.split(" ")) {
                String[] ends = part.split("-");
                int last = Integer.parseInt(ends[ends.length - 1]);
                for (int p = Integer.parseInt(ends[0]); p <= last; p++) {
                    rig.write(p == 0 ? 0 : SECOND_PAGE + (p - 1) * 1024, 1, p + 1);
                }
            }
            rig.ops.clear();
            assertThat(rig.run(Op.FLUSH, 0, 0)).isEqualTo(Errno.OK);
            assertThat(rig.ops.stream().filter(op -> op.kind() == Kind.WRITE)
                    .map(op -> op.offset() / Bat.PAGE + "-" + (op.offset() + op.length() - 1)
                            / Bat.PAGE)).containsExactly(written.split(" "));
            assertThat(rig.count(Kind.SYNC)).isEqualTo(1);
            assertThat(rig.status("dirty_pages")).isZero();
            assertThat(rig.closed().list()).isEmpty();
            rig.reopen();
            int page = Integer.parseInt(dirty.substring(0, 1));
            rig.expect(page == 0 ? 0 : (SECOND_PAGE + (page - 1) * 1024L) * CLUSTER, CLUSTER,
                    page + 1);
        }
    }

    /** A page whose time has not come is not written with one beside it. */
    @Test
    void pagesThatAreDueAreWrittenInOnePieceWithoutOthers() throws Exception {
        try (PloopRig rig = PloopRig.open(4096, "dirty-timeout=10ms", "prealloc=64M")) {
            rig.write(0, 1, 1);
            rig.write(SECOND_PAGE, 1, 1);
            rig.passMillis(5);
            rig.write(SECOND_PAGE + 1024, 1, 1);
            rig.ops.clear();
            rig.passMillis(5);
            assertThat(rig.ops).hasSize(1);
            assertThat(rig.pages()).containsExactly(0L, 1L);
            rig.passMillis(5);
            assertThat(rig.pages()).containsExactly(0L, 1L, 2L);
        }
    }

    /** None of them counts as written: all are dirty as before. */
    @Test
    void aPieceThatFindsNoRoomIsWrittenAgain() throws Exception {
        try (PloopRig rig = PloopRig.open(4096, "dirty-timeout=10s", "prealloc=64M",
                "enospc=fail")) {
            rig.write(0, 1, 1);
            rig.write(SECOND_PAGE, 1, 1);
            rig.fault = op -> op.writesBelow(rig.dataStart()) ? Errno.ENOSPC : null;
            assertThat(rig.run(Op.FLUSH, 0, 0)).isEqualTo(Errno.ENOSPC);
            assertThat(rig.status("dirty_pages")).isEqualTo(2);
            rig.fault = op -> null;
            rig.ops.clear();
            rig.passMillis(30_000);
            assertThat(rig.pages()).containsExactly(0L, 1L);
            assertThat(rig.ops).hasSize(1);
        }
    }

    @Test
    void fuaWritesItsOwnPageAndSyncs() throws Exception {
        try (PloopRig rig = PloopRig.open(3000, "dirty-timeout=10s")) {
            rig.write(0, 1, 1);
            rig.write(SECOND_PAGE, 1, 1);
            rig.ops.clear();
            TestBio fua = rig.submit(Op.WRITE, (SECOND_PAGE + 1L) * CLUSTER, CLUSTER, 3, true);
            rig.settle();
            assertThat(fua.outcome()).isEqualTo(Errno.OK);
            assertThat(rig.ops.stream().map(FileOp::kind))
                    .containsExactly(Kind.WRITE, Kind.WRITE, Kind.SYNC);
            assertThat(rig.pages()).containsExactly(1L);
            assertThat(rig.status("dirty_pages")).isEqualTo(1);
            rig.ops.clear();
            TestBio zeros = rig.submit(Op.WRITE, 5L * CLUSTER, CLUSTER, 0, true);
            rig.settle();
            assertThat(zeros.outcome()).isEqualTo(Errno.OK);
            assertThat(rig.status("allocated")).isEqualTo(3);
            assertThat(rig.ops.stream().map(FileOp::kind)).containsExactly(Kind.WRITE, Kind.SYNC);
            assertThat(rig.pages()).containsExactly(0L);
        }
    }

    @Test
    void withoutTimeoutAWriteThatTakesAClusterWaitsForThePage() throws Exception {
        try (PloopRig rig = PloopRig.open(3000, "dirty-timeout=0")) {
            rig.write(0, 1, 1);
            assertThat(rig.pages()).containsExactly(0L);
            rig.fault = op -> {
                if (op.writesBelow(rig.dataStart())) {
                    assertThat(rig.device.inFlight()).isEqualTo(1);
                }
                return null;
            };
            rig.write(1, 1, 1);
            assertThat(rig.pages()).hasSize(2);
            rig.write(1, 1, 2);
            assertThat(rig.pages()).as("an overwrite").hasSize(2);
        }
    }

    @Test
    void apartPagesAreWrittenMoreRarelyThanInCommon() throws Exception {
        long[] writes = new long[3];
        String[] keys = {"dirty-timeout=0", "dirty-policy=common", "dirty-policy=page"};
        for (int k = 0; k < keys.length; k++) {
            try (PloopRig rig = PloopRig.open(3000, keys[k])) {
                for (int i = 0; i < 1000; i++) {
                    rig.write(i * 7 % 3000, 1, 1);
                    rig.passMillis(2);
                }
                writes[k] = rig.status("page_writes");
                assertThat(rig.closed().list()).isEmpty();
            }
        }
        assertThat(writes[0]).isEqualTo(1000);
        assertThat(writes[1]).isLessThan(writes[0] / 3);
        assertThat(writes[2]).isLessThan(writes[1] / 3);
    }

    @Test
    void aPageThatCannotBeWrittenMakesTheDeviceFailForGood() throws Exception {
        PloopRig rig = PloopRig.open(3000);
        rig.write(0, 1, 1);
        assertThat(rig.run(Op.FLUSH, 0, 0)).isEqualTo(Errno.OK);
        rig.write(1, 1, 2);
        rig.fault = op -> op.writesBelow(rig.dataStart()) ? Errno.EIO : null;
        rig.passMillis(20);
        assertThat(rig.text("state")).isEqualTo("failed");
        assertThat(rig.text("failure")).contains("table could not be written").contains("Unmount");
        rig.fault = op -> null;
        rig.expect(0, CLUSTER, 1);
        rig.expect(CLUSTER, CLUSTER, 2);
        assertThat(rig.run(Op.WRITE, 0, CLUSTER)).isEqualTo(Errno.EIO);
        assertThat(rig.run(Op.DISCARD, 0, CLUSTER)).isEqualTo(Errno.EIO);
        assertThat(rig.run(Op.FLUSH, 0, 0)).isEqualTo(Errno.EIO);
        rig.device.reopen(d -> false);
        assertThat(rig.run(Op.WRITE, 0, CLUSTER)).isEqualTo(Errno.EIO);
        rig.passMillis(60_000);
        assertThat(rig.status("dirty_pages")).isEqualTo(1);
        Ploop ploop = rig.ploop;
        rig.ploop = null;
        assertThatThrownBy(ploop::close).isInstanceOf(BlockException.class)
                .hasMessageContaining("stays marked as in use");
        rig.close();
        assertThat(rig.markedInUse()).isTrue();
        assertThat(rig.findings().damaged()).isFalse();
        rig.reopen();
        rig.expect(0, CLUSTER, 1);
        rig.expect(CLUSTER, CLUSTER, 0);
        assertThat(rig.closed().list()).isEmpty();
    }

    @Test
    void aSyncThatFailsMakesTheDeviceFailToo() throws Exception {
        PloopRig rig = PloopRig.open(3000);
        rig.write(0, 1, 1);
        rig.fault = op -> op.kind() == Kind.SYNC ? Errno.EIO : null;
        assertThat(rig.run(Op.FLUSH, 0, 0)).isEqualTo(Errno.EIO);
        assertThat(rig.text("failure")).contains("sync failed");
        rig.fault = op -> null;
        rig.device.reopen(d -> false);
        assertThat(rig.run(Op.WRITE, 0, CLUSTER)).isEqualTo(Errno.EIO);
        Ploop ploop = rig.ploop;
        rig.ploop = null;
        assertThatThrownBy(ploop::close).isInstanceOf(BlockException.class);
        rig.close();
    }

    @Test
    void tuningThatMakesNoSenseIsRefusedAndNothingChanges() throws Exception {
        try (PloopRig rig = PloopRig.open(10)) {
            for (Map<String, String> wrong : List.of(Map.of("dirty-timeout", "11s"),
                    Map.of("dirty-timeout", "5"), Map.of("dirty-max-age", "5ms"),
                    Map.of("dirty-ratio", "0"), Map.of("dirty-ratio", "101"),
                    Map.of("dirty-policy", "all"), Map.of("enospc", "ignore"),
                    Map.of("prealloc", "2T"), Map.of("direct", "on"),
                    Map.of("dirty-ratio", "10", "prealloc", "x"))) {
                assertThatThrownBy(() -> rig.ploop.set(wrong)).as(wrong.toString())
                        .isInstanceOf(BlockException.class)
                        .hasMessageContaining(wrong.size() == 1 ? wrong.keySet().iterator().next()
                                : "prealloc");
            }
            assertThat(rig.ploop.arguments()).isEqualTo("a.hds");
        }
    }
}
