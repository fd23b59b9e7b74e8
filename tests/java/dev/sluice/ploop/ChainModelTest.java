package dev.sluice.ploop;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.sluice.block.Errno;
import dev.sluice.block.Memory;
import dev.sluice.block.Op;
import dev.sluice.testing.FileOp;
import dev.sluice.testing.MemoryFile;
import dev.sluice.testing.Seeds;
import dev.sluice.testing.SimHost;
import dev.sluice.testing.TestBio;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Random;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/**
 * Random writes, discards and zeroing, on chains of one to eight images that grow level by level,
 * against the bytes that a disk would have. Requests under way at a time are of different sectors,
 * often of one cluster.
 */
@Tag("unit")
@Timeout(120)
class ChainModelTest {
    private static final int SECTOR = 512;
    private static final int CLUSTERS = 24;
    private static final int BATCHES = 40;

    /** A job, and what its disk must hold. */
    private static final class Job implements AutoCloseable {
        final Random random;
        final PloopRig rig = new PloopRig();
        byte[] model = {};
        int clusters = 4;
        /** What the last cluster lacks. */
        int tail;

        Job(long seed) {
            random = new Random(seed);
        }

        void run(int images) throws Exception {
            String[] keys = {"prealloc=" + (4 << random.nextInt(5)) + "k",
                    "dirty-timeout=" + random.nextInt(3) + "ms"};
            if (random.nextBoolean()) {
                raw();
            }
            rig.create(size());
            rig.reopen(keys);
            for (int i = 0; i < images; i++) {
                if (i > 0) {
                    rig.over(size(), keys);
                }
                model = Arrays.copyOf(model, (int) size());
                for (int b = 0; b < BATCHES; b++) {
                    batch();
                    expectAll();
                }
                grow();
            }
            assertThat(rig.closed().damaged()).isFalse();
            rig.reopen(keys);
            expectAll();
        }

        private long size() {
            return (long) clusters * PloopRig.CLUSTER - tail;
        }

        /** Sometimes the next image is longer. */
        private void grow() {
            int more = Math.min(CLUSTERS - clusters, random.nextInt(6));
            clusters += more;
            tail = more > 0 && random.nextBoolean() ? random.nextInt(8) * SECTOR : tail;
        }

        /** A raw file of any length at the bottom, in part a hole. */
        private void raw() {
            MemoryFile file = new MemoryFile(0, 1);
            int length = 1 + random.nextInt(4 * PloopRig.CLUSTER);
            Memory data = SimHost.memory(length);
            for (int i = 0; i < length; i++) {
                data.bytes().put(i, (byte) random.nextInt());
            }
            file.resize(length);
            int from = random.nextInt(length);
            file.write(from, data, from, length - from);
            rig.lowers.add(new Lower("raw", new SealedBacking(file), true));
            model = Arrays.copyOf(Arrays.copyOf(file.bytes(), length), (int) size());
        }

        private void batch() {
            List<TestBio> bios = new ArrayList<>();
            int at = random.nextInt(3 * PloopRig.CLUSTER / SECTOR);
            while (at < model.length / SECTOR && bios.size() < 6) {
                boolean whole = random.nextInt(3) == 0;
                at = whole ? (at + 7) / 8 * 8 : at;
                int most = model.length / SECTOR - at;
                int count = Math.min(most, whole ? 8 * (1 + random.nextInt(3))
                        : 1 + random.nextInt(12));
                if (count > 0) {
                    bios.add(change(at, count));
                }
                at += count + random.nextInt(1 + random.nextInt(40));
            }
            rig.settle();
            if (random.nextInt(4) == 0) {
                rig.passMillis(random.nextInt(20));
            }
            for (TestBio bio : bios) {
                assertThat(bio.ended()).as("%s ends", bio.bio()).isTrue();
                assertThat(bio.outcome()).isEqualTo(Errno.OK);
            }
            rig.ploop.check();
        }

        private TestBio change(int sector, int count) {
            Op op = switch (random.nextInt(5)) {
                case 0 -> Op.DISCARD;
                case 1 -> Op.WRITE_ZEROES;
                default -> Op.WRITE;
            };
            int fill = op == Op.WRITE ? random.nextInt(8) == 0 ? 0 : 1 + random.nextInt(100) : 0;
            int from = sector * SECTOR;
            int length = count * SECTOR;
            Arrays.fill(model, from, from + length, (byte) fill);
            return rig.submit(op, from, length, fill, random.nextInt(6) == 0);
        }

        private void expectAll() {
            int step = (1 + random.nextInt(60)) * SECTOR;
            for (int at = 0; at < model.length; at += step) {
                int length = Math.min(step, model.length - at);
                TestBio bio = rig.submit(Op.READ, at, length, 0, false);
                rig.settle();
                int differs = Arrays.mismatch(bio.bytes(),
                        Arrays.copyOfRange(model, at, at + length));
                assertThat(differs < 0 ? -1 : at + differs).as("first difference, of cluster "
                        + (at + differs) / PloopRig.CLUSTER).isEqualTo(-1);
            }
        }

        @Override
        public void close() throws Exception {
            rig.close();
        }
    }

    @ParameterizedTest
    @ValueSource(ints = {1, 2, 3, 5, 8})
    void aChainHoldsWhatWasWrittenLast(int images) throws Exception {
        long seed = Seeds.seed("ChainModelTest#" + images);
        for (int i = 0; i < 12; i++) {
            try (Job job = new Job(seed + i)) {
                job.run(images);
            } catch (AssertionError | RuntimeException e) {
                throw new AssertionError("-Dseed=" + (seed + i) + ": " + e.getMessage(), e);
            }
        }
    }

    @Test
    void aCopyThatIsForgottenIsSeen() {
        assertThatThrownBy(() -> {
            for (int seed = 0; seed < 20; seed++) {
                try (Job job = new Job(seed)) {
                    // What comes up from below is never written.
                    job.rig.fault = op -> op.kind() == FileOp.Kind.WRITE && op.offset() > 0
                            && !job.rig.lowers.isEmpty() && op.length() == PloopRig.CLUSTER
                            ? Errno.OK : null;
                    job.run(3);
                }
            }
        }).isInstanceOf(AssertionError.class).hasMessageContaining("first difference");
    }
}
