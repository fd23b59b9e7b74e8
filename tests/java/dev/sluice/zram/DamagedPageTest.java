package dev.sluice.zram;

import static org.assertj.core.api.Assertions.assertThat;

import dev.sluice.block.Errno;
import dev.sluice.block.Memory;
import dev.sluice.block.Op;
import dev.sluice.testing.Seeds;
import java.util.Random;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** Bytes in the store that are not what they were: an error or wrong data, and nothing worse. */
@Tag("unit")
@Timeout(60)
class DamagedPageTest {
    private static final int SLOTS = 64;
    private static final int ROUNDS = 20_000;

    @ParameterizedTest
    @ValueSource(strings = {"lz4", "lz4hc", "zstd"})
    void damageIsAnErrorAndTheRestIsWhatItWas(String codec) throws Exception {
        Random random = new Random(Seeds.seed("DamagedPageTest"));
        try (ZramRig rig = new ZramRig()) {
            Zram zram = rig.open(ZramRig.options(SLOTS * ZramRig.PAGE, codec, ZramRig.PAGE, 1));
            ZramRig.Io io = rig.io(rig.device(zram));
            PageKinds kinds = new PageKinds(random, ZramRig.PAGE);
            byte[][] pages = new byte[SLOTS][];
            for (int slot = 0; slot < SLOTS; slot++) {
                pages[slot] = slot % 2 == 0 ? kinds.text() : kinds.noise(1500);
                assertThat(io.write((long) slot * ZramRig.PAGE, pages[slot]))
                        .isEqualTo(Errno.OK);
            }
            int errors = 0;
            for (int i = 0; i < ROUNDS; i++) {
                int slot = random.nextInt(SLOTS);
                errors += damaged(zram, io, slot, random) == Errno.EIO ? 1 : 0;
                assertThat(io.read((long) slot * ZramRig.PAGE, ZramRig.PAGE))
                        .isEqualTo(pages[slot]);
            }
            assertThat(errors).isBetween(ROUNDS / 20, ROUNDS);
            assertThat(ZramRig.numbers(ZramRig.read(zram, "io_stat"))).containsExactly(errors, 0,
                    0, 0);
            assertThat(rig.log).isNotEmpty().hasSizeLessThan(20)
                    .allMatch(l -> l.contains("does not decompress"));
        }
    }

    /** Reads a page of which some bytes are others, and puts them back. */
    private static Errno damaged(Zram zram, ZramRig.Io io, int slot, Random random) {
        SlotChunk chunk = zram.disk().slots().at(slot);
        int flags = chunk.flags(slot);
        assertThat(SlotChunk.hasPlace(flags)).isTrue();
        Memory memory = zram.disk().store().memory(chunk.value(slot));
        int at = PageStore.at(chunk.value(slot));
        byte[] good = new byte[SlotChunk.size(flags)];
        memory.bytes().get(at, good);
        for (int n = 1 + random.nextInt(8); n > 0; n--) {
            memory.bytes().put(at + random.nextInt(good.length), (byte) random.nextInt());
        }
        Errno outcome = io.run(Op.READ, (long) slot * ZramRig.PAGE, ZramRig.PAGE);
        memory.bytes().put(at, good);
        return outcome;
    }
}
