package dev.sluice.zram;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.catchThrowableOfType;

import dev.sluice.block.BlockException;
import dev.sluice.block.Errno;
import dev.sluice.block.Memory;
import dev.sluice.sys.Arena;
import dev.sluice.testing.VirtualClock;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import java.util.Random;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

/** Other codecs for pages that are stored: how they are chosen, and what is done with them. */
@Tag("unit")
@Timeout(60)
class RecompressionTest {
    private static final int PAGE = ZramRig.PAGE;
    private static final long SECOND = TimeUnit.SECONDS.toNanos(1);

    private static Errno refused(Zram zram, String attribute, String text) {
        BlockException e = catchThrowableOfType(BlockException.class,
                () -> ZramRig.write(zram, attribute, text));
        assertThat(e).as(attribute + " " + text).isNotNull()
                .hasMessageMatching(".*(;|\\bmust\\b).*");
        return e.errno();
    }

    private static Options.Later later(String recompress) {
        return new Options.Later(recompress, "off", null, false);
    }

    /** Compresses to nothing much; while it does, the page is overwritten. */
    private static final class Meddler extends Codec {
        private final Runnable meanwhile;

        Meddler(Runnable meanwhile) {
            super("meddler", 0);
            this.meanwhile = meanwhile;
        }

        @Override
        int compressNanos() {
            return 1;
        }

        @Override
        int decompressNanos() {
            return 1;
        }

        @Override
        int bound(int page) {
            return page;
        }

        @Override
        Stream open(Arena arena, int page) {
            return new Stream(arena, page) {
                @Override
                int compress(Memory from, int at, int bytes) {
                    meanwhile.run();
                    result.bytes().putLong(0, from.bytes().getLong(at));
                    return Long.BYTES;
                }

                @Override
                boolean decompress(Memory from, int at, int length, Memory to, int toAt,
                        int bytes) {
                    to.bytes().putLong(toAt, from.bytes().getLong(at));
                    return true;
                }
            };
        }
    }

    /** The first word of a page that is written while it is recompressed. */
    private static long writtenMeanwhile(Guards guards) throws Exception {
        Arena arena = new Arena();
        Memory page = arena.map(PAGE);
        page.bytes().put(0, new PageKinds(new Random(1), PAGE).noise(3000));
        Disk[] disk = new Disk[1];
        Codec[] codecs = new Codec[Algorithms.MOST];
        codecs[0] = Codec.of("lz4", 0, null);
        codecs[1] = new Meddler(() -> write(disk[0], page, 2));
        disk[0] = new Disk("d", 16 * PAGE, PAGE, codecs, null, guards, arena, (s, c) -> { });
        write(disk[0], page, 1);
        new Recompression(disk[0], new Recompression.Plan(0, 0, 1, 1, 10)).run();
        Streams own = disk[0].streams().take();
        assertThat(disk[0].read(0, page, 0, own, 0)).isEqualTo(Errno.OK);
        disk[0].streams().give(own);
        long found = page.bytes().getLong(0);
        disk[0].close();
        arena.close();
        return found;
    }

    private static void write(Disk disk, Memory page, long word) {
        page.bytes().putLong(0, word);
        Streams own = disk.streams().take();
        assertThat(disk.write(0, page, 0, own, 0)).isEqualTo(Errno.OK);
        disk.streams().give(own);
    }

    @Test
    void aBadDictionaryIsASentence(@TempDir Path folder) throws Exception {
        Path empty = Files.createFile(folder.resolve("empty"));
        assertThatThrownBy(() -> Dictionary.read(empty.toString()))
                .hasMessage("dict=" + empty + " must be a file of 1 byte to 1M");
        Path none = folder.resolve("none");
        assertThatThrownBy(() -> Dictionary.read(none.toString()))
                .hasMessageStartingWith("dict=" + none)
                .hasMessageEndingWith("; name a readable file");
    }

    @Test
    void aPageWrittenMeanwhileStays() throws Exception {
        assertThat(writtenMeanwhile(Guards.ALL)).isEqualTo(2);
    }

    @Test
    void withoutTheLookAtTheMarkItWouldBeTheOldOne() throws Exception {
        assertThat(writtenMeanwhile(new Guards(false, true))).isEqualTo(1);
    }

    @Test
    void codecsAreChosenBeforeTheSize(@TempDir Path folder) throws Exception {
        Path dictionary = Files.write(folder.resolve("dict"),
                new PageKinds(new Random(1), PAGE).text());
        try (ZramRig rig = new ZramRig()) {
            Zram zram = rig.open(1 << 20);
            assertThat(ZramRig.read(zram, "recomp_algorithm")).isEmpty();
            assertThat(refused(zram, "recompress", "type=huge")).isEqualTo(Errno.EINVAL);
            assertThat(refused(zram, "recomp_algorithm", "algo=zstd")).isEqualTo(Errno.EBUSY);
            ZramRig.write(zram, "reset", "1");
            assertThat(refused(zram, "recompress", "type=huge")).isEqualTo(Errno.EINVAL);
            for (String text : List.of("zstd", "algo=lzo", "algo=zstd priority=4",
                    "algo=zstd priority=0", "priority=1", "")) {
                assertThat(refused(zram, "recomp_algorithm", text)).isEqualTo(Errno.EINVAL);
            }
            ZramRig.write(zram, "recomp_algorithm", "algo=lz4hc");
            ZramRig.write(zram, "recomp_algorithm", "algo=zstd priority=3");
            assertThat(ZramRig.read(zram, "recomp_algorithm"))
                    .isEqualTo("#1: lz4 [lz4hc] zstd \n#3: lz4 lz4hc [zstd] \n");
            ZramRig.write(zram, "algorithm_params", "algo=zstd level=8 dict=" + dictionary);
            ZramRig.write(zram, "algorithm_params", "priority=1 level=12");
            for (String text : List.of("priority=2 level=1", "algo=zstd level=99",
                    "algo=lz4hc dict=" + dictionary, "algo=zstd dict=/not/there", "level=x",
                    "deflate.winbits=12")) {
                assertThat(refused(zram, "algorithm_params", text)).isEqualTo(Errno.EINVAL);
            }
            ZramRig.write(zram, "disksize", "1M");
            assertThat(zram.arguments()).contains("recompress=lz4hc:level=12,zstd:level=8:dict="
                    + dictionary);
            assertThat(refused(zram, "recompress", "type=small")).isEqualTo(Errno.EINVAL);
            assertThat(refused(zram, "recompress", "type=incompressible"))
                    .isEqualTo(Errno.EINVAL);
            assertThat(refused(zram, "recompress", "threshold=3648")).isEqualTo(Errno.EINVAL);
            assertThat(refused(zram, "recompress", "algo=lz4")).isEqualTo(Errno.EINVAL);
            assertThat(refused(zram, "recompress", "priority=2")).isEqualTo(Errno.EINVAL);
            ZramRig.write(zram, "recompress", "type=huge_idle threshold=3647 max_pages=1");
            ZramRig.write(zram, "reset", "1");
            assertThat(ZramRig.read(zram, "recomp_algorithm")).isEmpty();
        }
    }

    @Test
    void idleIsWhatWasNotUsedForLong() throws Exception {
        VirtualClock clock = new VirtualClock();
        try (ZramRig rig = new ZramRig()) {
            rig.clock = clock;
            clock.advance(100 * SECOND);
            Zram zram = rig.open(1 << 20);
            ZramRig.Io io = rig.io(rig.device(zram));
            PageKinds kinds = new PageKinds(new Random(1), PAGE);
            for (int i = 0; i < 4; i++) {
                io.write((long) i * PAGE, i == 3 ? kinds.repeated() : kinds.noise(1000));
                clock.advance(10 * SECOND);
            }
            ZramRig.write(zram, "idle", "25");
            assertThat(ZramRig.read(zram, "block_state")).isEqualTo("""
                               0          100.000000 ...i..
                               1          110.000000 ...i..
                               2          120.000000 ......
                               3          130.000000 s.....
                    """);
            io.read(0, PAGE);
            assertThat(PostModel.states(zram).get(0)).isEqualTo("0 ......");
            ZramRig.write(zram, "idle", "35");
            assertThat(PostModel.states(zram).get(1)).isEqualTo("1 ......");
            ZramRig.write(zram, "idle", "all");
            assertThat(PostModel.states(zram)).containsExactly("0 ...i..", "1 ...i..",
                    "2 ...i..", "3 s.....");
            assertThat(refused(zram, "idle", "often")).isEqualTo(Errno.EINVAL);
            assertThat(refused(zram, "idle", "-1")).isEqualTo(Errno.EINVAL);
        }
    }

    @Test
    void statsShowWhatEachCodecAchieves() throws Exception {
        VirtualClock clock = new VirtualClock();
        try (ZramRig rig = new ZramRig()) {
            rig.clock = clock;
            Zram zram = rig.open(1 << 20, later("zstd"));
            ZramRig.Io io = rig.io(rig.device(zram));
            PageKinds kinds = new PageKinds(new Random(1), PAGE);
            zram.stats();
            for (int i = 0; i < 20; i++) {
                io.write((long) i * PAGE, kinds.text());
            }
            ZramRig.write(zram, "recompress", "max_pages=5");
            clock.advance(2 * SECOND);
            Map<?, ?> codecs = (Map<?, ?>) zram.stats().get("codec");
            Map<?, ?> first = (Map<?, ?>) codecs.get("0");
            Map<?, ?> second = (Map<?, ?>) codecs.get("1");
            assertThat(first.get("pages")).isEqualTo(15L);
            assertThat(second.get("pages")).isEqualTo(5L);
            assertThat((long) first.get("bytes") + (long) second.get("bytes"))
                    .isEqualTo(ZramRig.mmStat(zram)[1]);
            assertThat((double) second.get("ratio")).isGreaterThan((double) first.get("ratio"));
            Map<?, ?> rates = (Map<?, ?>) zram.stats().get("per_second");
            assertThat(rates.get("written_bytes")).isEqualTo(10L * PAGE);
        }
    }
}
