package dev.sluice.zram;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.catchThrowableOfType;

import dev.sluice.block.Attribute;
import dev.sluice.block.BlockException;
import dev.sluice.block.Device;
import dev.sluice.block.Errno;
import dev.sluice.block.Limits;
import dev.sluice.block.Op;
import java.util.Map;
import java.util.Random;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

/** The kernel's attributes: names, formats, errors. */
@Tag("unit")
@Timeout(60)
class ZramAttributesTest {
    private static final long SIZE = 1 << 20;

    private static Errno refused(Zram zram, String attribute, String text, boolean inUse) {
        BlockException e = catchThrowableOfType(BlockException.class,
                () -> ZramRig.find(zram, attribute).write().act(text, inUse));
        assertThat(e).as(attribute + " " + text).isNotNull()
                .hasMessageMatching(".*(;|\\bmust\\b).*");
        return e.errno();
    }

    @Test
    void aFreshDeviceHasTheKernelsFiles() throws Exception {
        try (ZramRig rig = new ZramRig()) {
            Zram zram = rig.open(SIZE);
            assertThat(zram.attributes()).extracting(Attribute::name).containsExactly("disksize",
                    "initstate", "reset", "comp_algorithm", "recomp_algorithm", "algorithm_params",
                    "mem_limit", "mem_used_max", "compact", "idle", "recompress", "backing_dev",
                    "writeback", "writeback_limit", "writeback_limit_enable",
                    "writeback_batch_size", "compressed_writeback", "block_state", "io_stat",
                    "mm_stat", "bd_stat", "debug_stat");
            assertThat(ZramRig.read(zram, "disksize")).isEqualTo("1048576\n");
            assertThat(ZramRig.read(zram, "initstate")).isEqualTo("1\n");
            assertThat(ZramRig.read(zram, "comp_algorithm")).isEqualTo("[lz4] lz4hc zstd \n");
            assertThat(ZramRig.read(zram, "io_stat"))
                    .isEqualTo("       0        0 0        0\n");
            assertThat(ZramRig.read(zram, "mm_stat"))
                    .isEqualTo("       0        0        0        0        0        0"
                            + "        0        0        0\n");
            assertThat(ZramRig.read(zram, "bd_stat")).isEqualTo("       0        0        0\n");
            assertThat(ZramRig.read(zram, "debug_stat")).isEqualTo("version: 1\n0        0\n");
            for (String one : new String[] {"reset", "mem_limit", "mem_used_max", "compact"}) {
                assertThat(ZramRig.find(zram, one).read()).as(one).isNull();
            }
        }
    }

    @Test
    void whatIsSetBeforeTheSizeIsRefusedAfterIt() throws Exception {
        try (ZramRig rig = new ZramRig()) {
            Zram zram = rig.open(SIZE);
            assertThat(refused(zram, "disksize", "2M", false)).isEqualTo(Errno.EBUSY);
            assertThat(refused(zram, "comp_algorithm", "zstd", false)).isEqualTo(Errno.EBUSY);
            assertThat(refused(zram, "comp_algorithm", "lzo", false)).isEqualTo(Errno.EINVAL);
            assertThat(refused(zram, "comp_algorithm", "x".repeat(128), false))
                    .isEqualTo(Errno.E2BIG);
            assertThat(refused(zram, "reset", "1", true)).isEqualTo(Errno.EBUSY);
            assertThat(refused(zram, "reset", "0", false)).isEqualTo(Errno.EINVAL);
            assertThat(refused(zram, "mem_used_max", "1", false)).isEqualTo(Errno.EINVAL);
            assertThat(refused(zram, "mem_limit", "much", false)).isEqualTo(Errno.EINVAL);
        }
    }

    @Test
    void aDeviceIsResetAndSetUpAgain() throws Exception {
        try (ZramRig rig = new ZramRig()) {
            Zram zram = rig.open(SIZE);
            Device device = rig.device(zram);
            ZramRig.Io io = rig.io(device);
            ZramRig.write(zram, "mem_limit", "0x100K");
            byte[] noise = new PageKinds(new Random(1), ZramRig.PAGE).noise(2000);
            assertThat(io.write(0, noise)).isEqualTo(Errno.OK);
            assertThat(ZramRig.mmStat(zram)[3]).isEqualTo(256 << 10);
            long mapped = rig.arena.mappedBytes();
            ZramRig.write(zram, "reset", "1");
            assertThat(rig.arena.mappedBytes()).isLessThan(mapped);
            assertThat(ZramRig.read(zram, "initstate")).isEqualTo("0\n");
            assertThat(ZramRig.read(zram, "disksize")).isEqualTo("0\n");
            assertThat(ZramRig.mmStat(zram)).containsOnly(0);
            assertThat(io.run(Op.READ, 0, 4096)).isEqualTo(Errno.EINVAL);
            assertThat(refused(zram, "compact", "1", false)).isEqualTo(Errno.EINVAL);
            assertThat(refused(zram, "mem_used_max", "0", false)).isEqualTo(Errno.EINVAL);
            assertThat(refused(zram, "disksize", "0", false)).isEqualTo(Errno.EINVAL);
            assertThat(refused(zram, "disksize", "-1", false)).isEqualTo(Errno.EINVAL);
            ZramRig.write(zram, "comp_algorithm", "zstd");
            assertThat(ZramRig.read(zram, "comp_algorithm")).isEqualTo("lz4 lz4hc [zstd] \n");
            ZramRig.write(zram, "disksize", "2097153");
            assertThat(zram.limits().size()).isEqualTo((2 << 20) + 4096);
            assertThat(zram.arguments()).contains("codec=zstd");
            assertThat(io.read(0, 4096)).isEqualTo(new byte[4096]);
            assertThat(io.write(2 << 20, noise)).isEqualTo(Errno.OK);
            assertThat(io.read(2 << 20, 4096)).isEqualTo(noise);
            ZramRig.write(zram, "reset", "1");
            assertThat(ZramRig.read(zram, "comp_algorithm")).startsWith("[lz4]");
        }
    }

    @Test
    void theWatermarkFollowsAndIsResetAndCompactionIsCounted() throws Exception {
        try (ZramRig rig = new ZramRig()) {
            Zram zram = rig.open(16 << 20);
            ZramRig.Io io = rig.io(rig.device(zram));
            PageKinds kinds = new PageKinds(new Random(1), ZramRig.PAGE);
            for (int i = 0; i < 4096; i++) {
                io.write(i * 4096L, kinds.noise(2000));
            }
            long full = ZramRig.mmStat(zram)[2];
            for (int i = 0; i < 4096; i++) {
                if (i % 4 != 0) {
                    io.run(Op.DISCARD, i * 4096L, 4096);
                }
            }
            assertThat(ZramRig.mmStat(zram)[4]).isEqualTo(full);
            long spread = ZramRig.mmStat(zram)[2];
            ZramRig.write(zram, "compact", "1");
            long[] mm = ZramRig.mmStat(zram);
            assertThat(mm[2]).isLessThan(full / 3);
            assertThat(mm[6]).isEqualTo((spread - mm[2]) / 4096).isPositive();
            ZramRig.write(zram, "mem_used_max", "0");
            assertThat(ZramRig.mmStat(zram)[4]).isEqualTo(mm[2]);
        }
    }

    @Test
    void onlyTheLimitChangesInUse() throws Exception {
        try (ZramRig rig = new ZramRig()) {
            Zram zram = rig.open(SIZE);
            zram.set(Map.of("mem-limit", "1M"));
            assertThat(ZramRig.mmStat(zram)[3]).isEqualTo(1 << 20);
            BlockException e = catchThrowableOfType(BlockException.class,
                    () -> zram.set(Map.of("codec", "zstd", "mem-limit", "2M")));
            assertThat(e.errno()).isEqualTo(Errno.EBUSY);
            assertThat(ZramRig.mmStat(zram)[3]).isEqualTo(1 << 20);
        }
    }

    /** Its table takes sixteen bytes a page, but none where nothing was written. */
    @Test
    void aHugeDeviceIsThereAtOnceAndEmptiedAtOnce() throws Exception {
        try (ZramRig rig = new ZramRig()) {
            long size = 1L << 40;
            Zram zram = rig.open(size);
            ZramRig.Io io = rig.io(rig.device(zram));
            byte[] noise = new PageKinds(new Random(1), ZramRig.PAGE).noise(2000);
            for (long at : new long[] {0, size / 2, size - 4096}) {
                assertThat(io.write(at, noise)).isEqualTo(Errno.OK);
            }
            assertThat(zram.status().get("table_bytes")).isEqualTo(3L << 20);
            assertThat(zram.seek(1, true)).isEqualTo(1);
            assertThat(zram.seek(4096, true)).isEqualTo(size / 2);
            assertThat(zram.seek(0, false)).isEqualTo(4096);
            assertThat(io.run(Op.DISCARD, 0, size)).isEqualTo(Errno.OK);
            assertThat(ZramRig.mmStat(zram)[2]).isZero();
            assertThat(ZramRig.numbers(ZramRig.read(zram, "io_stat"))[3]).isEqualTo(size / 4096);
            assertThat(zram.seek(0, true)).isEqualTo(size);
        }
    }

    @Test
    void theThreadThatAsksIsNotHeldByWhatIsLarge() throws Exception {
        try (ZramRig rig = new ZramRig()) {
            Limits fast = rig.open(SIZE).limits();
            assertThat(fast.endsLater()).isFalse();
            Limits slow = rig.open(new Options(SIZE, 4096, "zstd", 19, null, null, 2, true, 0,
                    Options.Later.NOTHING))
                    .limits();
            assertThat(slow.endsLater()).isTrue();
            assertThat(slow.blockSize()).isEqualTo(4096);
        }
    }

    @Test
    void aDictionaryHelpsSmallPages() throws Exception {
        byte[] text = new PageKinds(new Random(1), ZramRig.PAGE).text();
        try (ZramRig rig = new ZramRig()) {
            long[] sizes = new long[2];
            for (int i = 0; i < 2; i++) {
                Zram zram = rig.open(new Options(SIZE, 4096, "zstd", 3, i == 0 ? null : text,
                        "file", 2, true, 0, Options.Later.NOTHING));
                ZramRig.Io io = rig.io(rig.device(zram));
                assertThat(io.write(0, text)).isEqualTo(Errno.OK);
                assertThat(io.read(0, 4096)).isEqualTo(text);
                sizes[i] = ZramRig.mmStat(zram)[1];
                assertThat(zram.arguments().contains("dict=file")).isEqualTo(i == 1);
            }
            assertThat(sizes[1]).isLessThan(sizes[0] / 4);
        }
    }
}
