package dev.sluice.zram;

import static org.assertj.core.api.Assertions.assertThat;

import dev.sluice.block.Device;
import dev.sluice.block.Errno;
import dev.sluice.block.Op;
import dev.sluice.sys.Arena;
import dev.sluice.testing.Seeds;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Random;
import java.util.concurrent.Callable;
import java.util.concurrent.Future;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** What slots may be and how they come to be that, and that every count of it is exact. */
@Tag("unit")
@Timeout(120)
class SlotModelTest {
    private static final int SLOTS = 512;

    /** What a disk must hold and count. One thread's, over its own slots. */
    private static final class Model {
        private final int page;
        private final Codec.Stream stream;
        private final Arena arena;
        private final byte[][] content;
        private final int[] stored;
        private long since;
        private long failedWrites;
        private long freed;

        Model(Arena arena, int page, String codec) throws Exception {
            this.page = page;
            this.arena = arena;
            this.stream = Codec.of(codec, 0, null).open(arena, page);
            this.content = new byte[SLOTS][];
            this.stored = new int[SLOTS];
        }

        /** What a page takes in the store: nothing, its compressed length, or all of it. */
        int length(byte[] bytes) {
            if (PageKinds.isSame(bytes)) {
                return 0;
            }
            var memory = arena.map(page);
            memory.bytes().put(0, bytes);
            int n = stream.compress(memory, 0, page);
            arena.unmap(memory);
            return n >= page / 64 * 57 ? page : n;
        }

        void written(int slot, byte[] bytes) {
            content[slot] = bytes;
            stored[slot] = length(bytes);
            since += stored[slot] == page ? 1 : 0;
        }

        void emptied(int slot) {
            content[slot] = null;
            stored[slot] = 0;
            freed++;
        }

        /** orig, compr, same, huge, huge since. */
        long[] counts() {
            long[] all = new long[5];
            for (int i = 0; i < SLOTS; i++) {
                if (content[i] != null) {
                    all[0] += page;
                    all[1] += stored[i];
                    all[2] += stored[i] == 0 ? 1 : 0;
                    all[3] += stored[i] == page ? 1 : 0;
                }
            }
            all[4] = since;
            return all;
        }
    }

    private static void agree(Zram zram, Model... models) throws Exception {
        long[] wanted = new long[5];
        long failed = 0;
        long freed = 0;
        for (Model model : models) {
            long[] one = model.counts();
            for (int i = 0; i < wanted.length; i++) {
                wanted[i] += one[i];
            }
            failed += model.failedWrites;
            freed += model.freed;
        }
        long[] mm = ZramRig.mmStat(zram);
        assertThat(mm).hasSize(9);
        assertThat(new long[] {mm[0], mm[1], mm[5], mm[7], mm[8]}).isEqualTo(wanted);
        assertThat(mm[2]).isGreaterThanOrEqualTo(mm[1]).isLessThanOrEqualTo(mm[4]);
        assertThat(ZramRig.numbers(ZramRig.read(zram, "io_stat"))).containsExactly(0, failed, 0,
                freed);
    }

    /** One random thing a disk is asked for, over {@link #SLOTS} slots from {@code base} on. */
    private static void step(ZramRig.Io io, Model model, Random random, PageKinds kinds,
            int base) {
        int page = model.page;
        int most = Math.min(SLOTS, (1 << 20) / page);
        int count = random.nextInt(4) > 0 ? 1 : 1 + random.nextInt(most);
        int slot = random.nextInt(SLOTS - count + 1);
        long offset = (long) (base + slot) * page;
        switch (random.nextInt(6)) {
            case 0, 1, 2 -> {
                byte[][] pages = new byte[count][];
                for (int i = 0; i < count; i++) {
                    pages[i] = kinds.next();
                    io.data.bytes().put(i * page, pages[i]);
                }
                write(io, model, slot, pages, offset);
            }
            case 3 -> {
                Op op = random.nextBoolean() ? Op.DISCARD : Op.WRITE_ZEROES;
                assertThat(io.run(op, offset, (long) count * page)).isEqualTo(Errno.OK);
                for (int i = 0; i < count; i++) {
                    model.emptied(slot + i);
                }
            }
            default -> compare(model, slot, io.read(offset, count * page));
        }
    }

    private static void write(ZramRig.Io io, Model model, int slot, byte[][] pages,
            long offset) {
        Errno outcome = io.run(Op.WRITE, offset, (long) pages.length * model.page);
        if (outcome == Errno.OK) {
            for (int i = 0; i < pages.length; i++) {
                model.written(slot + i, pages[i]);
            }
            return;
        }
        assertThat(outcome).isEqualTo(Errno.EIO);
        // Each page is the old or the new one; which, only a read tells.
        byte[] found = io.read(offset, pages.length * model.page);
        int failed = 0;
        for (int i = 0; i < pages.length; i++) {
            byte[] now = Arrays.copyOfRange(found, i * model.page, (i + 1) * model.page);
            if (Arrays.equals(now, pages[i])) {
                model.written(slot + i, pages[i]);
            } else {
                assertThat(now).isEqualTo(old(model, slot + i));
                assertThat(PageKinds.isSame(pages[i])).isFalse();
                failed++;
            }
        }
        assertThat(failed).isPositive();
        model.failedWrites += failed;
    }

    private static byte[] old(Model model, int slot) {
        return model.content[slot] == null ? new byte[model.page] : model.content[slot];
    }

    private static void compare(Model model, int slot, byte[] found) {
        for (int i = 0; i < found.length / model.page; i++) {
            int differs = Arrays.mismatch(
                    Arrays.copyOfRange(found, i * model.page, (i + 1) * model.page),
                    old(model, slot + i));
            assertThat(differs).as("page " + (slot + i)).isEqualTo(-1);
        }
    }

    @ParameterizedTest
    @CsvSource({"lz4, 4096, 1", "lz4, 4096, 3", "zstd, 4096, 3", "lz4hc, 16384, 2",
        "zstd, 65536, 2"})
    void everyCountIsExact(String codec, int page, int writers) throws Exception {
        long seed = Seeds.seed("SlotModelTest");
        try (ZramRig rig = new ZramRig()) {
            Zram zram = rig.open(ZramRig.options((long) SLOTS * page, codec, page, writers));
            ZramRig.Io io = rig.io(rig.device(zram));
            Model model = new Model(rig.arena, page, codec);
            Random random = new Random(seed);
            PageKinds kinds = new PageKinds(random, page);
            for (int i = 0; i < (page == ZramRig.PAGE ? 1800 : 240); i++) {
                step(io, model, random, kinds, 0);
                if (i % 20 == 0) {
                    agree(zram, model);
                }
                if (i % 100 == 99) {
                    ZramRig.write(zram, "compact", "1");
                }
            }
            agree(zram, model);
            for (int slot = 0; slot < SLOTS; slot++) {
                compare(model, slot, io.read((long) slot * page, page));
            }
            emptied(zram, io, model);
            assertThat(rig.log).isEmpty();
        }
    }

    private static void emptied(Zram zram, ZramRig.Io io, Model model) throws Exception {
        io.run(Op.DISCARD, 0, (long) SLOTS * model.page);
        for (int slot = 0; slot < SLOTS; slot++) {
            model.emptied(slot);
        }
        agree(zram, model);
        assertThat(ZramRig.mmStat(zram)[2]).as("memory of an empty disk").isZero();
    }

    /** Four threads over slots of their own, one that compacts, and a limit that comes and goes. */
    @Test
    void everyCountIsExactWithWritersAndLimits() throws Exception {
        long seed = Seeds.seed("SlotModelTest");
        int threads = 4;
        try (ZramRig rig = new ZramRig()) {
            Zram zram = rig.open(ZramRig.options((long) threads * SLOTS * ZramRig.PAGE, "lz4",
                    ZramRig.PAGE, 3));
            Device device = rig.device(zram);
            Model[] models = new Model[threads];
            List<Callable<Void>> all = new ArrayList<>();
            for (int t = 0; t < threads; t++) {
                int mine = t;
                models[t] = new Model(rig.arena, ZramRig.PAGE, "lz4");
                all.add(() -> {
                    Random random = new Random(seed + mine);
                    PageKinds kinds = new PageKinds(random, ZramRig.PAGE);
                    ZramRig.Io io = rig.io(device);
                    for (int i = 0; i < 900; i++) {
                        step(io, models[mine], random, kinds, mine * SLOTS);
                    }
                    return null;
                });
            }
            all.add(() -> {
                for (int i = 0; i < 60; i++) {
                    ZramRig.write(zram, "compact", "1");
                    long limit = i % 3 == 0 ? 0 : 1 + ZramRig.mmStat(zram)[2] * 9 / 10;
                    ZramRig.write(zram, "mem_limit", Long.toString(limit));
                    assertThat(ZramRig.mmStat(zram)[3] % ZramRig.PAGE).isZero();
                    Thread.sleep(10);
                }
                ZramRig.write(zram, "mem_limit", "0");
                return null;
            });
            for (Future<Void> one : rig.pool.invokeAll(all)) {
                one.get(90, TimeUnit.SECONDS);
            }
            agree(zram, models);
            assertThat(Arrays.stream(models).mapToLong(m -> m.failedWrites).sum()).isPositive();
            ZramRig.Io io = rig.io(device);
            for (int slot = 0; slot < threads * SLOTS; slot++) {
                compare(models[slot / SLOTS], slot % SLOTS,
                        io.read((long) slot * ZramRig.PAGE, ZramRig.PAGE));
            }
            assertThat(rig.log).isEmpty();
        }
    }

    /** A model that is off by one byte, page or failure would not agree. */
    @Test
    void aCountThatIsOffIsFound() throws Exception {
        try (ZramRig rig = new ZramRig()) {
            Zram zram = rig.open(SLOTS * ZramRig.PAGE);
            Model model = new Model(rig.arena, ZramRig.PAGE, "lz4");
            byte[] bytes = new PageKinds(new Random(1), ZramRig.PAGE).noise(1000);
            rig.io(rig.device(zram)).write(0, bytes);
            model.written(0, bytes);
            agree(zram, model);
            List<Runnable> faults = List.of(() -> model.stored[0]++, () -> model.emptied(0),
                    () -> model.written(1, new byte[ZramRig.PAGE]), () -> model.failedWrites++);
            for (Runnable fault : faults) {
                fault.run();
                org.assertj.core.api.Assertions.assertThatThrownBy(() -> agree(zram, model))
                        .isInstanceOf(AssertionError.class);
                Arrays.fill(model.content, null);
                Arrays.fill(model.stored, 0);
                model.freed = 0;
                model.failedWrites = 0;
                model.written(0, bytes);
            }
        }
    }

    @Test
    void aFullDiskKeepsWhatItHasAndTakesWhatNeedsNoMemory() throws Exception {
        try (ZramRig rig = new ZramRig()) {
            Zram zram = rig.open(SLOTS * ZramRig.PAGE);
            ZramRig.Io io = rig.io(rig.device(zram));
            PageKinds kinds = new PageKinds(new Random(Seeds.seed("SlotModelTest")),
                    ZramRig.PAGE);
            zram.set(java.util.Map.of("mem-limit", "256k"));
            byte[][] kept = new byte[SLOTS][];
            int full = 0;
            while (io.write((long) full * ZramRig.PAGE,
                    kept[full] = kinds.noise(ZramRig.PAGE)) == Errno.OK) {
                full++;
            }
            assertThat(full).isBetween(50, 64);
            assertThat(io.write(0, kinds.noise(ZramRig.PAGE))).isEqualTo(Errno.EIO);
            assertThat(io.read(0, ZramRig.PAGE)).isEqualTo(kept[0]);
            assertThat(io.write((SLOTS - 1L) * ZramRig.PAGE, kinds.repeated()))
                    .isEqualTo(Errno.OK);
            assertThat(ZramRig.mmStat(zram)[4]).isLessThanOrEqualTo(256 << 10);
            zram.set(java.util.Map.of("mem-limit", "512k"));
            assertThat(zram.arguments()).contains("mem-limit=512k");
            assertThat(io.write((long) full * ZramRig.PAGE, kept[full])).isEqualTo(Errno.OK);
            for (int slot = 0; slot <= full; slot++) {
                assertThat(io.read((long) slot * ZramRig.PAGE, ZramRig.PAGE))
                        .isEqualTo(kept[slot]);
            }
        }
    }
}
