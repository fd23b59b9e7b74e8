package dev.sluice.zram;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.catchThrowableOfType;

import dev.sluice.block.BlockException;
import dev.sluice.block.Errno;
import dev.sluice.testing.MemoryTarget;
import dev.sluice.testing.VirtualClock;
import java.util.Map;
import java.util.Random;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

/** What happens to pages by itself. */
@Tag("unit")
@Timeout(150)
class PolicyTest {
    private static final int PAGE = ZramRig.PAGE;
    private static final long MILLI = TimeUnit.MILLISECONDS.toNanos(1);
    private static final int PAGES = 100;

    private final VirtualClock clock = new VirtualClock();

    private static Object policy(Zram zram, String name) {
        return ((Map<?, ?>) zram.status().get("policy")).get(name);
    }

    /** Lets time pass, and what is due happen. */
    private void pass(ZramRig rig, long millis) throws Exception {
        for (long i = 0; i < millis; i += 10) {
            clock.advance(10 * MILLI);
            if (rig.timer.expire(clock.nanos()) > 0) {
                // The step is a worker's; it is over when the next one is in the timer.
                for (int n = 0; n < 20_000 && rig.timer.size() == 0; n++) {
                    Thread.sleep(1);
                }
                assertThat(rig.timer.size()).isEqualTo(1);
            }
        }
    }

    private static void fill(ZramRig.Io io) {
        PageKinds kinds = new PageKinds(new Random(1), PAGE);
        for (int i = 0; i < PAGES; i++) {
            assertThat(io.write((long) i * PAGE, i % 10 == 0 ? kinds.noise(PAGE) : kinds.text()))
                    .isEqualTo(Errno.OK);
        }
    }

    private static void check(ZramRig.Io io) {
        PageKinds kinds = new PageKinds(new Random(1), PAGE);
        for (int i = 0; i < PAGES; i++) {
            assertThat(io.read((long) i * PAGE, PAGE))
                    .isEqualTo(i % 10 == 0 ? kinds.noise(PAGE) : kinds.text());
        }
    }

    @Test
    void oldPagesAreRecompressedAndThenWrittenBack() throws Exception {
        try (ZramRig rig = new ZramRig()) {
            rig.clock = clock;
            rig.backing = rig.device(new MemoryTarget(
                    MemoryTarget.limits(PAGES * PAGE, PAGE, true, true)));
            Zram zram = rig.open(1 << 20,
                    new Options.Later("zstd:after=10s", "after=60s", null, false));
            assertThat(zram.arguments()).contains("recompress=zstd:after=10s writeback=after=1m");
            ZramRig.Io io = rig.io(rig.device(zram));
            fill(io);
            pass(rig, 8_000);
            assertThat(policy(zram, "recompressed")).isEqualTo(0L);
            pass(rig, 20_000);
            assertThat(policy(zram, "recompressed")).isEqualTo(90L);
            assertThat(PostModel.states(zram)).filteredOn(s -> s.endsWith("..h..n")).hasSize(10);
            long tries = (long) policy(zram, "steps");
            pass(rig, 5_000);
            assertThat((long) policy(zram, "steps") - tries).as("what is done is not done again")
                    .isLessThan(10);
            assertThat(policy(zram, "written_back")).isEqualTo(0L);
            pass(rig, 70_000);
            assertThat(policy(zram, "written_back")).isEqualTo((long) PAGES);
            assertThat(ZramRig.mmStat(zram)[2]).isZero();
            assertThat(ZramRig.numbers(ZramRig.read(zram, "bd_stat")))
                    .containsExactly(PAGES, 0, PAGES);
            check(io);
            assertThat(rig.log).isEmpty();
        }
    }

    @Test
    void loadStopsIt() throws Exception {
        try (ZramRig rig = new ZramRig()) {
            rig.clock = clock;
            Zram zram = rig.open(1 << 20, new Options.Later("zstd:after=1s", "off", null, false));
            ZramRig.Io io = rig.io(rig.device(zram));
            fill(io);
            for (int i = 0; i < 50; i++) {
                pass(rig, 100);
                io.read((long) PAGES * PAGE, PAGE);
            }
            assertThat(policy(zram, "recompressed")).isEqualTo(0L);
            assertThat((long) policy(zram, "held_by_load")).isPositive();
            pass(rig, 5_000);
            assertThat(policy(zram, "recompressed")).isEqualTo(90L);
        }
    }

    @Test
    void rulesChangeInUse() throws Exception {
        try (ZramRig rig = new ZramRig()) {
            rig.clock = clock;
            rig.timer.use();
            Zram zram = rig.open(1 << 20);
            ZramRig.Io io = rig.io(rig.device(zram));
            fill(io);
            assertThat(policy(zram, "on")).isEqualTo(false);
            zram.set(Map.of("recompress", "zstd:after=2s"));
            assertThat(ZramRig.read(zram, "recomp_algorithm")).isEqualTo("#1: lz4 lz4hc [zstd] \n");
            pass(rig, 6_000);
            assertThat(policy(zram, "recompressed")).isEqualTo(90L);
            BlockException e = catchThrowableOfType(BlockException.class,
                    () -> zram.set(Map.of("recompress", "lz4hc:after=2s")));
            assertThat(e.errno()).isEqualTo(Errno.EBUSY);
            for (String wrong : new String[] {"zstd:after=2", "zstd:soon", "lzo", "",
                "zstd,zstd,zstd,zstd"}) {
                e = catchThrowableOfType(BlockException.class,
                        () -> zram.set(Map.of("recompress", wrong)));
                assertThat(e).as(wrong).isNotNull();
                assertThat(e.errno()).isEqualTo(Errno.EINVAL);
            }
            zram.set(Map.of("recompress", "off"));
            assertThat(zram.arguments()).contains("recompress=zstd").doesNotContain("after");
            for (int i = 0; i < 20_000 && (i < 200 || rig.timer.size() > 0); i++) {
                clock.advance(10 * MILLI);
                rig.timer.expire(clock.nanos());
                Thread.sleep(1);
            }
            assertThat(rig.timer.size()).isZero();
            check(io);
        }
    }

    /** Where the mount has no timer that somebody looks at, it has its own. */
    @Test
    void aPolicySetLateRuns() throws Exception {
        try (ZramRig rig = new ZramRig()) {
            Zram zram = rig.open(1 << 20);
            ZramRig.Io io = rig.io(rig.device(zram));
            fill(io);
            zram.set(Map.of("recompress", "zstd:after=1s"));
            for (int i = 0; i < 6000 && !policy(zram, "recompressed").equals(90L); i++) {
                Thread.sleep(10);
            }
            assertThat(policy(zram, "recompressed")).isEqualTo(90L);
            check(io);
        }
    }
}
