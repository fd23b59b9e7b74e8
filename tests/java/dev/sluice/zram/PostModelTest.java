package dev.sluice.zram;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.sluice.block.BlockException;
import dev.sluice.block.Device;
import dev.sluice.block.Errno;
import dev.sluice.block.Op;
import dev.sluice.testing.MemoryTarget;
import dev.sluice.testing.Seeds;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Random;
import java.util.concurrent.Callable;
import java.util.concurrent.Future;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.function.Predicate;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** Recompression and writeback of random pages: every slot's state and every count is exact. */
@Tag("unit")
@Timeout(120)
class PostModelTest {
    private static final int SLOTS = 256;
    private static final int BLOCKS = 96;
    private static final int PAGE = ZramRig.PAGE;
    private static final String[] TYPES = {"", "idle", "huge", "huge_idle"};

    private static Device backing(ZramRig rig, int blocks) {
        return rig.device(new MemoryTarget(
                MemoryTarget.limits((long) blocks * PAGE, PAGE, true, true)));
    }

    private static Zram open(ZramRig rig, int slots, boolean compressed, String recompress)
            throws BlockException {
        return rig.open((long) slots * PAGE,
                new Options.Later(recompress, "off", null, compressed));
    }

    /** The errno of what was refused; OK for what was not. */
    private static Errno act(Zram zram, String attribute, String text) {
        try {
            ZramRig.write(zram, attribute, text);
            return Errno.OK;
        } catch (BlockException e) {
            return e.errno();
        }
    }

    /** One random thing, asked of the disk and of the model. */
    private static void step(Zram zram, ZramRig.Io io, PostModel model, Random random,
            PageKinds kinds) {
        int slot = random.nextInt(SLOTS);
        int count = 1 + random.nextInt(Math.min(40, SLOTS - slot));
        switch (random.nextInt(12)) {
            case 0, 1, 2, 3 -> {
                byte[] page = kinds.next();
                assertThat(io.write((long) slot * PAGE, page)).isEqualTo(Errno.OK);
                model.written(slot, page);
            }
            case 4, 5, 6 -> {
                byte[] found = io.read((long) slot * PAGE, count * PAGE);
                for (int i = 0; i < count; i++) {
                    byte[] wanted = model.slots[slot + i].content;
                    assertThat(Arrays.mismatch(Arrays.copyOfRange(found, i * PAGE,
                            (i + 1) * PAGE), wanted == null ? new byte[PAGE] : wanted))
                            .as("slot " + (slot + i)).isEqualTo(-1);
                    model.read(slot + i);
                }
            }
            case 7 -> {
                io.run(Op.DISCARD, (long) slot * PAGE, (long) count * PAGE);
                for (int i = 0; i < count; i++) {
                    model.emptied(slot + i);
                }
            }
            case 8 -> {
                assertThat(act(zram, "idle", "all")).isEqualTo(Errno.OK);
                model.idle();
            }
            case 9, 10 -> recompress(zram, model, random);
            default -> writeback(zram, model, random, slot, slot + count - 1);
        }
    }

    private static void recompress(Zram zram, PostModel model, Random random) {
        String type = TYPES[random.nextInt(TYPES.length)];
        int threshold = random.nextBoolean() ? 0 : random.nextInt(3600);
        long most = random.nextBoolean() ? Long.MAX_VALUE : random.nextInt(10);
        int first = 1 + random.nextInt(2);
        boolean one = random.nextBoolean();
        int last = one ? first : 2;
        String text = (type.isEmpty() ? "" : "type=" + type)
                + (threshold == 0 ? "" : " threshold=" + threshold)
                + (most == Long.MAX_VALUE ? "" : " max_pages=" + most)
                + (!one ? "" : first == 1 ? " algo=lz4hc" : " priority=2");
        assertThat(act(zram, "recompress", text)).as(text).isEqualTo(Errno.OK);
        model.recompress(type, threshold, most, one ? first : 1, last);
    }

    private static void writeback(Zram zram, PostModel model, Random random, int from, int to) {
        if (random.nextInt(3) == 0) {
            boolean limited = random.nextBoolean();
            model.budget = limited ? random.nextInt(20) : Long.MAX_VALUE;
            act(zram, "writeback_limit_enable", limited ? "1" : "0");
            act(zram, "writeback_limit", limited ? Long.toString(model.budget) : "0");
        }
        List<String> types = List.of("idle", "huge", "huge_idle", "incompressible");
        String type = types.get(random.nextInt(4));
        int kind = random.nextInt(4);
        String text = kind == 0 ? type : kind == 1 ? "type=" + type
                : kind == 2 ? "page_index=" + from : "page_indexes=" + from + "-" + to;
        Predicate<PostModel.Slot> wanted = kind < 2 ? PostModel.type(type) : s -> {
            int i = Arrays.asList(model.slots).indexOf(s);
            return i >= from && i <= (kind == 2 ? from : to);
        };
        boolean stopped = model.writeback(wanted);
        Errno outcome = act(zram, "writeback", text);
        if (stopped) {
            assertThat(outcome).isEqualTo(model.budget == 0 ? Errno.EIO : Errno.ENOSPC);
        } else {
            assertThat(outcome).isEqualTo(Errno.OK);
        }
    }

    @ParameterizedTest
    @ValueSource(booleans = {false, true})
    void everySlotAndCountIsExact(boolean compressed) throws Exception {
        long seed = Seeds.seed("PostModelTest");
        try (ZramRig rig = new ZramRig()) {
            rig.backing = backing(rig, BLOCKS);
            Zram zram = open(rig, SLOTS, compressed, "lz4hc,zstd");
            ZramRig.Io io = rig.io(rig.device(zram));
            PostModel model = new PostModel(rig.arena, SLOTS, BLOCKS, compressed, "lz4",
                    "lz4hc", "zstd");
            Random random = new Random(seed);
            PageKinds kinds = new PageKinds(random, PAGE);
            for (int i = 0; i < 2500; i++) {
                step(zram, io, model, random, kinds);
                model.agree(zram);
                if (i % 100 == 99) {
                    ZramRig.write(zram, "compact", "1");
                }
            }
            assertThat(model.writes).isPositive();
            assertThat(model.reads).isPositive();
            io.run(Op.DISCARD, 0, (long) SLOTS * PAGE);
            for (int i = 0; i < SLOTS; i++) {
                model.emptied(i);
            }
            model.agree(zram);
            assertThat(ZramRig.mmStat(zram)[2]).as("memory of an empty disk").isZero();
            assertThat(rig.log).isEmpty();
        }
    }

    /** A model that is off in one state or count would not agree. */
    @Test
    void aStateOrCountThatIsOffIsFound() throws Exception {
        try (ZramRig rig = new ZramRig()) {
            rig.backing = backing(rig, BLOCKS);
            Zram zram = open(rig, SLOTS, false, "zstd");
            PostModel model = new PostModel(rig.arena, SLOTS, BLOCKS, false, "lz4", "zstd");
            byte[] page = new PageKinds(new Random(1), PAGE).noise(2000);
            rig.io(rig.device(zram)).write(0, page);
            model.written(0, page);
            model.agree(zram);
            List<Runnable> faults = List.of(() -> model.slots[0].idle = true,
                    () -> model.slots[0].priority = 1, () -> model.slots[0].size++,
                    () -> model.slots[0].away = true, () -> model.reads++, () -> model.writes++,
                    () -> model.slots[0].incompressible = true, () -> model.hugeSince++);
            for (Runnable fault : faults) {
                fault.run();
                assertThatThrownBy(() -> model.agree(zram)).isInstanceOf(AssertionError.class);
                model.reads = 0;
                model.writes = 0;
                model.hugeSince = 0;
                model.written(0, page);
            }
        }
    }

    private static final int THREADS = 3;

    private static Callable<Void> writer(ZramRig.Io io, PostModel model, Random random, int base,
            AtomicInteger running) {
        return () -> {
            PageKinds kinds = new PageKinds(random, PAGE);
            for (int i = 0; i < 2000; i++) {
                int slot = random.nextInt(SLOTS);
                long offset = (long) (base + slot) * PAGE;
                if (random.nextInt(10) == 0) {
                    io.run(Op.DISCARD, offset, PAGE);
                    model.emptied(slot);
                } else if (random.nextBoolean()) {
                    byte[] page = kinds.next();
                    Errno outcome = io.write(offset, page);
                    if (outcome == Errno.OK) {
                        model.written(slot, page);
                    }
                } else {
                    byte[] wanted = model.slots[slot].content;
                    assertThat(Arrays.equals(io.read(offset, PAGE),
                            wanted == null ? new byte[PAGE] : wanted)).isTrue();
                }
            }
            running.decrementAndGet();
            return null;
        };
    }

    private static Callable<Void> processing(Zram zram, Random random, AtomicInteger running) {
        return () -> {
            while (running.get() > 0) {
                act(zram, "idle", "all");
                act(zram, "recompress", "type=idle max_pages=50");
                act(zram, "idle", "all");
                int from = random.nextInt(THREADS * SLOTS - 30);
                act(zram, "writeback", "page_indexes=" + from + "-" + (from + 29));
                act(zram, "compact", "1");
                act(zram, "mem_limit", random.nextBoolean() ? "0"
                        : Long.toString(1 + ZramRig.mmStat(zram)[2] * 9 / 10));
            }
            return null;
        };
    }

    /** The sums that follow from what each slot is said to be. */
    private static void agree(Zram zram, PostModel[] models) throws Exception {
        long[] mm = new long[4];
        long away = 0;
        for (String line : PostModel.states(zram)) {
            String[] words = line.split(" ");
            int i = Integer.parseInt(words[0]);
            PostModel model = models[i / SLOTS];
            byte[] content = model.slots[i % SLOTS].content;
            assertThat(content).as("slot " + i).isNotNull();
            mm[0] += PAGE;
            mm[2] += words[1].charAt(0) == 's' ? 1 : 0;
            assertThat(words[1].charAt(0) == 's').isEqualTo(PageKinds.isSame(content));
            if (words[1].charAt(1) == 'w') {
                away++;
            } else if (words[1].charAt(2) == 'h') {
                mm[3]++;
                mm[1] += PAGE;
            } else if (words[1].charAt(0) != 's') {
                mm[1] += model.size(content, words[1].charAt(4) == 'r' ? 1 : 0);
            }
        }
        long stored = 0;
        for (PostModel model : models) {
            stored += Arrays.stream(model.slots).filter(s -> s.content != null).count();
        }
        assertThat(mm[0]).isEqualTo(stored * PAGE);
        long[] found = ZramRig.mmStat(zram);
        assertThat(new long[] {found[0], found[1], found[5], found[7]}).isEqualTo(mm);
        assertThat(ZramRig.numbers(ZramRig.read(zram, "bd_stat"))[0]).isEqualTo(away);
    }

    /** Writers over slots of their own, and one thread that does all the rest. */
    @Test
    void everyCountIsExactWithWritersAndLimits() throws Exception {
        long seed = Seeds.seed("PostModelTest");
        try (ZramRig rig = new ZramRig()) {
            rig.backing = backing(rig, 2 * BLOCKS);
            Zram zram = open(rig, THREADS * SLOTS, (seed & 1) == 0, "zstd");
            Device device = rig.device(zram);
            PostModel[] models = new PostModel[THREADS];
            AtomicInteger running = new AtomicInteger(THREADS);
            List<Callable<Void>> all = new ArrayList<>();
            for (int t = 0; t < THREADS; t++) {
                models[t] = new PostModel(rig.arena, SLOTS, 0, false, "lz4", "zstd");
                all.add(writer(rig.io(device), models[t], new Random(seed + t), t * SLOTS,
                        running));
            }
            all.add(processing(zram, new Random(seed - 1), running));
            for (Future<Void> one : rig.pool.invokeAll(all, 80, TimeUnit.SECONDS)) {
                one.get();
            }
            agree(zram, models);
            assertThat((long) zram.status().get("recompressed")).isPositive();
            assertThat((long) zram.status().get("bd_writes")).isPositive();
            ZramRig.Io io = rig.io(device);
            for (int slot = 0; slot < THREADS * SLOTS; slot++) {
                byte[] wanted = models[slot / SLOTS].slots[slot % SLOTS].content;
                assertThat(Arrays.equals(io.read((long) slot * PAGE, PAGE),
                        wanted == null ? new byte[PAGE] : wanted)).as("slot " + slot).isTrue();
            }
            assertThat(rig.log).isEmpty();
        }
    }
}
