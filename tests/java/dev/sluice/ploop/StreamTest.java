package dev.sluice.ploop;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.catchThrowableOfType;

import dev.sluice.block.BlockException;
import dev.sluice.block.Errno;
import dev.sluice.testing.MemoryFile;
import dev.sluice.testing.Seeds;
import java.nio.ByteBuffer;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.HashSet;
import java.util.List;
import java.util.Random;
import java.util.Set;
import java.util.zip.CRC32C;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

/** What is sent comes, or is not taken for it: damaged, cut off, and made up streams. */
@Tag("unit")
@Timeout(120)
class StreamTest {
    private static final int CLUSTER = 4096;

    private final Random random = new Random(Seeds.seed("StreamTest"));
    private final StreamRig rig = new StreamRig();

    @AfterEach
    void end() {
        rig.close();
    }

    /** A disk with some clusters that are zero. */
    private byte[] disk(int bytes, int cluster) {
        byte[] disk = new byte[bytes];
        for (int at = 0; at < bytes; at += cluster) {
            if (random.nextInt(3) > 0) {
                byte[] data = new byte[Math.min(cluster, bytes - at)];
                random.nextBytes(data);
                System.arraycopy(data, 0, disk, at, data.length);
            }
        }
        return disk;
    }

    private void clean() throws BlockException {
        assertThat(rig.findings().list()).isEmpty();
    }

    @Test
    void aDiskComesAsItIs() throws Exception {
        for (int[] size : new int[][] {{1, 512}, {7, 512}, {40, 4096}, {41, 32768}, {9, 1 << 21}}) {
            int bytes = Math.max(512, size[0] * size[1] - random.nextInt(2) * 512);
            byte[] disk = disk(bytes, size[1]);
            rig.file = new MemoryFile(0, 1);
            rig.receive(rig.sent(disk, null, size[1], 0), false);
            clean();
            assertThat(Arrays.mismatch(rig.disk(List.of()), disk)).isEqualTo(-1);
        }
    }

    @Test
    void whatChangedComesAboveWhatItStandsOn() throws Exception {
        byte[] base = disk(20 * CLUSTER, CLUSTER);
        rig.receive(rig.sent(base, null, CLUSTER, 0), false);
        MemoryFile below = rig.file;
        byte[] disk = Arrays.copyOf(base, 24 * CLUSTER);
        byte[] more = disk(8 * CLUSTER, CLUSTER);
        System.arraycopy(more, 0, disk, 4 * CLUSTER, more.length);
        Arrays.fill(disk, 14 * CLUSTER, 16 * CLUSTER, (byte) 0);
        rig.file = new MemoryFile(0, 1);
        rig.receive(rig.sent(disk, base, CLUSTER, 0), false);
        clean();
        assertThat(rig.disk(List.of(new Lower("base", new SealedBacking(below), false))))
                .isEqualTo(disk);
    }

    /** Each byte of a stream, changed, dropped behind, or doubled. */
    @Test
    void everyChangedByteIsFound() throws Exception {
        byte[] disk = disk(3 * CLUSTER, CLUSTER);
        disk[0] = 1;
        byte[] stream = rig.sent(disk, null, CLUSTER, 0);
        for (int i = 0; i < stream.length; i++) {
            byte[] bad = stream.clone();
            bad[i] ^= (byte) (1 << random.nextInt(8));
            rig.file = new MemoryFile(0, 1);
            BlockException e = catchThrowableOfType(BlockException.class,
                    () -> rig.receive(bad, false));
            assertThat(e).as("byte %d of %d", i, stream.length).isNotNull();
            assertThat(e.errno()).as(e.getMessage())
                    .isIn(Errno.EBADMSG, Errno.EPROTO, StreamIn.CUT, Errno.EINVAL);
            if (rig.file.size() > 0) {
                assertThat(rig.findings().count(Findings.Kind.IN_USE)).as("not closed").isOne();
            }
        }
        assertThatThrownBy(() -> rig.receive(Arrays.copyOf(stream, stream.length + 1), false))
                .hasMessageContaining("goes on behind its end");
    }

    /** Records that are good each, but not those that were sent, or not in that order. */
    @Test
    void recordsThatAreMissingOrSwappedAreFound() throws Exception {
        byte[] disk = new byte[4 * CLUSTER];
        random.nextBytes(disk);
        byte[] stream = rig.sent(disk, null, CLUSTER, 0);
        int record = StreamOut.HEAD + CLUSTER + StreamOut.TAIL;
        int first = StreamHeader.BYTES;
        byte[] missing = new byte[stream.length - record];
        System.arraycopy(stream, 0, missing, 0, first);
        System.arraycopy(stream, first + record, missing, first, missing.length - first);
        assertThatThrownBy(() -> rig.receive(missing, false))
                .hasMessageContaining("not all that was sent: 4 records");
        byte[] swapped = stream.clone();
        System.arraycopy(stream, first, swapped, first + record, record);
        System.arraycopy(stream, first + record, swapped, first, record);
        assertThatThrownBy(() -> rig.receive(swapped, false))
                .hasMessageContaining("the checksum of all is another");
    }

    /** Cut anywhere, by a closed pipe or a killed receiver, it goes on to the same image. */
    @Test
    void aCutStreamGoesOn() throws Exception {
        for (int i = 0; i < 200; i++) {
            byte[] disk = disk(30 * CLUSTER, CLUSTER);
            byte[] stream = rig.sent(disk, null, CLUSTER, 0);
            rig.file = new MemoryFile(0, 1);
            rig.position = -1;
            boolean resume = false;
            for (int n = random.nextInt(4); n >= 0; n--) {
                int at = StreamHeader.BYTES + random.nextInt(stream.length - StreamHeader.BYTES);
                boolean again = resume;
                byte[] now = stream;
                if (random.nextBoolean()) {
                    assertThatThrownBy(() -> rig.receive(Arrays.copyOf(now, at), again))
                            .isInstanceOfSatisfying(BlockException.class,
                                    e -> assertThat(e.errno()).as(e.getMessage())
                                            .isEqualTo(StreamIn.CUT));
                } else {
                    assertThatThrownBy(() -> rig.receive(StreamRig.killed(now, at), again))
                            .hasMessage("killed");
                }
                assertThat(rig.position).isNotNegative();
                resume = true;
                stream = rig.sent(disk, null, CLUSTER, rig.position);
            }
            rig.receive(stream, true);
            clean();
            assertThat(rig.disk(List.of())).isEqualTo(disk);
        }
    }

    /** What goes on is another disk, or leaves a gap: it is refused, and what is there stays. */
    @Test
    void whatDoesNotGoOnIsRefused() throws Exception {
        byte[] disk = disk(30 * CLUSTER, CLUSTER);
        byte[] stream = rig.sent(disk, null, CLUSTER, 0);
        byte[] half = Arrays.copyOf(stream, stream.length / 2);
        assertThatThrownBy(() -> rig.receive(half, false))
                .hasMessageContaining("is cut off after");
        long position = rig.position;
        byte[] gap = rig.sent(disk, null, CLUSTER, position + 1);
        assertThatThrownBy(() -> rig.receive(gap, true)).hasMessageContaining("only those below");
        byte[] other = rig.sent(Arrays.copyOf(disk, disk.length / 2), null, CLUSTER, 0);
        assertThatThrownBy(() -> rig.receive(other, true)).hasMessageContaining("is of a disk of");
        assertThatThrownBy(() -> {
            rig.file = new MemoryFile(0, 1);
            rig.receive(gap, false);
        }).hasMessageContaining("nothing is there of it");
    }

    private static void seal(byte[] bytes, int from, int length, int at) {
        CRC32C sum = new CRC32C();
        sum.update(bytes, from, length);
        ByteBuffer.wrap(bytes).putInt(at, (int) sum.getValue());
    }

    private long hostile() {
        return switch (random.nextInt(6)) {
            case 0 -> random.nextLong();
            case 1 -> 1L << random.nextInt(64);
            case 2 -> -1 - random.nextInt(3);
            case 3 -> 512L * random.nextInt(100);
            case 4 -> Integer.MAX_VALUE + (long) random.nextInt(3);
            default -> random.nextInt(5);
        };
    }

    /** Numbers that nobody sends, under checksums that are right. */
    @Test
    void madeUpStreamsEndInASentence() throws Exception {
        byte[] disk = disk(4 * CLUSTER, CLUSTER);
        disk[0] = 1;
        byte[] stream = rig.sent(disk, null, CLUSTER, 0);
        int first = StreamHeader.BYTES;
        Set<String> sentences = new HashSet<>();
        int refused = 0;
        for (int i = 0; i < 20_000; i++) {
            byte[] bad = stream.clone();
            ByteBuffer b = ByteBuffer.wrap(bad);
            switch (random.nextInt(5)) {
                case 0 -> b.putLong(64, hostile());
                case 1 -> b.putLong(72, hostile());
                case 2 -> b.putLong(random.nextInt(15) * 8, hostile());
                case 3 -> b.putLong(first + 8, hostile());
                default -> b.putInt(first + random.nextInt(2) * 4, (int) hostile());
            }
            seal(bad, 0, first - 4, first - 4);
            int length = Math.max(0, Math.min(b.getInt(first + 4), bad.length - first - 20));
            seal(bad, first, StreamOut.HEAD + length, first + StreamOut.HEAD + length);
            rig.file = new MemoryFile(0, 1);
            try {
                rig.receive(bad, false);
            } catch (BlockException e) {
                refused++;
                assertThat(e.getMessage()).doesNotContain("\n").hasSizeGreaterThan(20);
                sentences.add(e.getMessage().replaceAll("[-0-9a-f{}]+", "#"));
            }
        }
        assertThat(refused).isGreaterThan(15_000);
        List<String> all = new ArrayList<>(sentences);
        assertThat(all).as("different sentences").hasSizeGreaterThan(8);
    }
}
