package dev.sluice.ploop;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.sluice.block.BlockException;
import dev.sluice.block.Errno;
import dev.sluice.sys.Arena;
import dev.sluice.testing.CrashStates;
import dev.sluice.testing.FileOp;
import dev.sluice.testing.MemoryFile;
import dev.sluice.testing.RecordingBacking;
import dev.sluice.testing.Seeds;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.util.Arrays;
import java.util.EnumSet;
import java.util.HashSet;
import java.util.Random;
import java.util.Set;
import java.util.function.Predicate;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

/** The power fails in the midst of a repair: run again, it comes to the same. */
@Tag("contract")
@Timeout(120)
class RepairCrashTest {
    private static final int CLUSTER = 4096;
    private static final int CLUSTERS = 24;
    private static final int ROUNDS = 150;

    private final Arena arena = new Arena();
    private final Set<Long> seen = new HashSet<>();

    @AfterEach
    void close() {
        arena.close();
    }

    /** Words of every kind, right and wrong; sometimes the file ends in the midst of a cluster. */
    private static MemoryFile damaged(Random random) {
        int stored = 4 + random.nextInt(16);
        MemoryFile file = CrashImage.create(2, CLUSTER, CLUSTERS, stored, 1,
                random.nextInt(4) == 0, random);
        ByteBuffer b = ByteBuffer.wrap(file.bytes()).order(ByteOrder.LITTLE_ENDIAN);
        int free = 1;
        for (int i = 0; i < CLUSTERS; i++) {
            int what = random.nextInt(20);
            int word = what < 5 ? 0
                    : what < 8 && free > 1 ? 1 + random.nextInt(free - 1)
                    : what < 10 ? stored + 1 + random.nextInt(6)
                    : free <= stored ? free++ : 0;
            b.putInt(64 + 4 * i, word);
        }
        if (random.nextBoolean()) {
            b.putInt(44, CrashImage.IN_USE);
        }
        // Only what nobody else needs at the end, and half of a cluster that somebody may name.
        file.resize((1L + stored - random.nextInt(2)) * CLUSTER
                + random.nextInt(2) * (CLUSTER / 2));
        return file;
    }

    /** What each cluster is to hold: what can be read of it now, else zeros. */
    private static byte[][] contents(MemoryFile file) {
        CrashImage image = new CrashImage(file);
        byte[][] all = new byte[CLUSTERS][CLUSTER];
        for (int i = 0; i < CLUSTERS; i++) {
            long at = image.offset(i);
            if (at >= CLUSTER && at < file.size()) {
                int length = (int) Math.min(CLUSTER, file.size() - at);
                System.arraycopy(file.bytes(), (int) at, all[i], 0, length);
            }
        }
        return all;
    }

    private void repair(RecordingBacking file) throws BlockException {
        try (Image image = Image.examine("image", file, arena, (sentence, cause) -> { })) {
            Repair.run("image", image, file, arena, EnumSet.allOf(Findings.Repair.class),
                    said -> { }, (done, total) -> { });
        }
    }

    private static RecordingBacking plain(MemoryFile file) {
        return new RecordingBacking(file, new RecordingBacking.Watcher() {
            @Override
            public Errno before(FileOp op) {
                return null;
            }

            @Override
            public void after(FileOp op) {}
        });
    }

    private void judge(MemoryFile state, byte[][] expected) throws BlockException {
        repair(plain(state));
        new CrashImage(state).checkWords();
        byte[][] found = contents(state);
        for (int i = 0; i < CLUSTERS; i++) {
            if (!Arrays.equals(found[i], expected[i])) {
                throw new AssertionError("cluster " + i + " holds something else");
            }
        }
        if (new CrashImage(state).inUse()) {
            throw new AssertionError("it is marked as in use after its repair");
        }
    }

    private void round(Random random, Predicate<FileOp> dropped) throws Exception {
        MemoryFile file = damaged(random);
        byte[][] expected = contents(file);
        CrashStates states = new CrashStates(file, random, CLUSTER, 20, seen,
                state -> judge(state, expected));
        repair(new RecordingBacking(file, new RecordingBacking.Watcher() {
            @Override
            public Errno before(FileOp op) {
                states.crash();
                return dropped.test(op) ? Errno.OK : null;
            }

            @Override
            public void after(FileOp op) {
                states.made(op);
            }
        }));
        states.crash();
        judge(file, expected);
    }

    @Test
    void aRepairMayBeInterruptedAnywhere() throws Exception {
        long seed = Seeds.seed("RepairCrashTest#anywhere");
        for (int i = 0; i < ROUNDS; i++) {
            try {
                round(new Random(seed + i), op -> false);
            } catch (AssertionError e) {
                throw new AssertionError("-Dseed=" + (seed + i) + ": " + e.getMessage(), e);
            }
        }
        assertThat(seen).hasSizeGreaterThan(2000);
    }

    @Test
    void aMissingSyncIsFound() {
        assertThatThrownBy(() -> {
            for (int i = 0; i < ROUNDS; i++) {
                round(new Random(i), op -> op.kind() == FileOp.Kind.SYNC);
            }
        }).isInstanceOf(AssertionError.class).hasMessageContaining("after the crash");
    }
}
