package dev.sluice.ploop;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.sluice.block.BlockException;
import dev.sluice.block.Device;
import dev.sluice.block.Errno;
import dev.sluice.block.Memory;
import dev.sluice.storage.Backing;
import dev.sluice.sys.Arena;
import dev.sluice.testing.MemoryFile;
import dev.sluice.testing.Seeds;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;
import java.util.Arrays;
import java.util.HashSet;
import java.util.Random;
import java.util.Set;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

/**
 * Images that were tampered with: each is opened as it should be or refused with a sentence. What
 * is right is decided here from the bytes alone. Opened for writing, all free clusters are written
 * over: whatever qemu could read must still be there.
 */
@Tag("contract")
@Timeout(300)
final class HostileImageTest {
    private static final int MUTANTS = 200_000;
    private static final long MOST_MEMORY = 16 << 20;

    private final Device.Log log = (sentence, cause) -> {};

    /** How an image is opened: by the program, or with a planted fault. */
    @FunctionalInterface
    private interface Opener {
        Image open(Backing file, Arena arena) throws BlockException;
    }

    private Image open(Backing file, Arena arena) throws BlockException {
        return Image.open("a.hds", file, arena, log);
    }

    @Test
    void everyMutantIsOpenedOrRefused() throws Exception {
        int[] counts = run(Seeds.seed("HostileImageTest"), MUTANTS, this::open);
        System.out.printf("HostileImageTest: %d mutants, %d past the signature, %d read, %d"
                + " written%n", counts[0], counts[1], counts[2], counts[3]);
        assertThat(counts[1]).isGreaterThan(MUTANTS / 2);
        assertThat(counts[2]).isGreaterThan(MUTANTS / 10);
        assertThat(counts[3]).isGreaterThan(MUTANTS / 10);
    }

    /** Mutants, past the signature, opened for reading, opened for writing. */
    private int[] run(long seed, int mutants, Opener opener) throws Exception {
        int[] counts = new int[4];
        Set<Long> known = new HashSet<>();
        try (Arena own = new Arena()) {
            Mutants source = new Mutants(new Random(seed), own.map(1 << 16));
            while (known.size() < mutants) {
                try (RawImage raw = source.next()) {
                    if (known.add(raw.file.hash())) {
                        counts[0]++;
                        counts[1] += source.signature ? 0 : 1;
                        judge(raw, opener, counts);
                    }
                }
            }
        }
        return counts;
    }

    private void judge(RawImage raw, Opener opener, int[] counts) throws Exception {
        Disk before = new Disk(raw.file);
        long hash = raw.file.hash();
        try (Arena arena = new Arena()) {
            try (Image image = opener.open(raw.sealed(), arena)) {
                assertThat(before.opens).as("is opened").isTrue();
                assertThat(arena.mappedBytes()).isLessThan(MOST_MEMORY);
                before.same(image);
                counts[2]++;
            } catch (BlockException e) {
                assertThat(before.opens).as(e.getMessage()).isFalse();
                assertThat(e.getMessage()).contains("a.hds ").hasSizeGreaterThan(20);
            }
            assertThat(raw.file.hash()).isEqualTo(hash);
            try (Image image = opener.open(raw.file, arena)) {
                overwriteFree(image, raw.file);
                counts[3]++;
            } catch (BlockException e) {
                assertThat(e.getMessage()).contains("a.hds ").hasSizeGreaterThan(20);
                assertThat(raw.file.hash()).as(e.getMessage()).isEqualTo(hash);
                return;
            }
            assertThat(arena.mappedBytes()).isZero();
        }
        before.stillThere(raw.file);
    }

    /** The worst that a device may do with what is free. */
    private void overwriteFree(Image image, MemoryFile file) {
        try (Arena arena = new Arena()) {
            Memory memory = arena.map(1 << 14);
            for (int i = 0; i < memory.size(); i += 8) {
                memory.bytes().putLong(i, -1);
            }
            int cluster = image.clusters().stale(0);
            while (cluster != 0) {
                Header header = image.header();
                long length = Math.min(header.clusterBytes(), memory.size());
                file.write(header.offset(cluster), memory, 0, (int) length);
                cluster = image.clusters().stale(cluster + 1);
            }
        }
    }

    /** What the bytes of a file mean, read as the format says and in no other way. */
    private static final class Disk {
        private final boolean opens;
        private final long cluster;
        private final long start;
        private final long unit;
        private final long sectors;
        private final byte[] bytes;
        private final ByteBuffer b;

        Disk(MemoryFile file) {
            bytes = Arrays.copyOf(file.bytes(), (int) file.size());
            b = ByteBuffer.wrap(Arrays.copyOf(bytes, Math.max(64, bytes.length)))
                    .order(ByteOrder.LITTLE_ENDIAN);
            String magic = new String(b.array(), 0, 16, StandardCharsets.ISO_8859_1);
            boolean one = magic.equals("WithoutFreeSpace");
            long tracks = b.getInt(28) & 0xffffffffL;
            long entries = b.getInt(32) & 0xffffffffL;
            long data = b.getInt(48) & 0xffffffffL;
            sectors = one ? b.getInt(36) & 0xffffffffL : b.getLong(36);
            opens = bytes.length >= 64 && (one || magic.equals("WithouFreSpacExt"))
                    && b.getInt(16) == 2 && tracks > 0 && tracks <= Integer.MAX_VALUE / 513
                    && 64 + 4 * entries <= bytes.length
                    && sectors >= 0 && sectors <= entries * tracks
                    && data / tracks < 1 << 30 && (b.getInt(52) & 2) == 0;
            cluster = tracks * 512;
            unit = one ? 512 : cluster;
            long least = (64 + 4 * entries + unit - 1) / Math.max(1, unit) * unit;
            boolean right = data * 512 >= least && (data * 512) % Math.max(1, unit) == 0
                    && (data * 512 <= bytes.length || data * 512 == least);
            start = right ? data * 512 : least;
        }

        private int clusters() {
            return (int) ((sectors + cluster / 512 - 1) / (cluster / 512));
        }

        /** Where a cluster of the disk is: 0 for nowhere, -1 where it cannot be. */
        private long place(ByteBuffer from, int index, long size) {
            long at = (from.getInt(64 + 4 * index) & 0xffffffffL) * unit;
            boolean wrong = at < start || at >= size || (at - start) % cluster != 0;
            return at == 0 ? 0 : wrong ? -1 : at;
        }

        void same(Image image) {
            assertThat(image.header().diskBytes()).isEqualTo(sectors * 512);
            for (int i = 0; i < clusters(); i++) {
                int found = image.bat().get(i);
                assertThat(found <= 0 ? found : image.header().offset(found)).as("cluster " + i)
                        .isEqualTo(place(b, i, bytes.length));
            }
        }

        /** After it was open for writing. Such an image was sound, so all clusters are whole. */
        void stillThere(MemoryFile file) {
            ByteBuffer now = ByteBuffer.wrap(file.bytes()).order(ByteOrder.LITTLE_ENDIAN);
            for (int i = 0; i < clusters(); i++) {
                long before = place(b, i, bytes.length);
                long after = place(now, i, file.size());
                assertThat(after == 0).as("cluster " + i).isEqualTo(before == 0);
                if (before != 0) {
                    assertThat(before).as("cluster " + i).isPositive();
                    assertThat(after).as("cluster " + i).isPositive();
                    assertThat(before + cluster).isLessThanOrEqualTo(bytes.length);
                    assertThat(Arrays.equals(bytes, (int) before, (int) (before + cluster),
                            file.bytes(), (int) after, (int) (after + cluster)))
                            .as("content of cluster " + i).isTrue();
                }
            }
            assertThat(now.getInt(44)).isZero();
            assertThat(now.getLong(56)).isZero();
        }
    }

    private void caught(Opener planted) {
        assertThatThrownBy(() -> run(7, 20_000, planted)).isInstanceOf(Throwable.class)
                .isNotInstanceOf(BlockException.class);
    }

    /** Opens a file that shows something else than it holds. */
    private Opener masked(Mask mask) {
        return (file, arena) -> open(new MaskedBacking(file, mask), arena);
    }

    /** Changes what is read of the table, once it was read as a whole. */
    @FunctionalInterface
    interface Mask {
        void change(ByteBuffer bytes, int length);
    }

    @Test
    void validationsThatAreMissingAreFound() {
        // The type, the size of a cluster, the size of the disk.
        caught(masked((bytes, length) -> bytes.putInt(16, 2)));
        caught(masked((bytes, length) -> bytes.putInt(28, Math.max(1, bytes.getInt(28)))));
        caught(masked((bytes, length) -> bytes.putInt(40, 0)));
        // The start of data, words into the header, duplicates.
        caught(masked((bytes, length) -> bytes.putInt(48, 0)));
        caught(masked((bytes, length) -> {
            for (int at = 64; at + 4 <= length; at += 4) {
                bytes.putInt(at, bytes.getInt(at) == 1 ? 0 : bytes.getInt(at));
            }
        }));
        caught(masked((bytes, length) -> {
            Set<Integer> known = new HashSet<>();
            for (int at = 64; at + 4 <= length; at += 4) {
                bytes.putInt(at, known.add(bytes.getInt(at)) ? bytes.getInt(at) : 0);
            }
        }));
    }

    @Test
    void otherFaultsAreFound() {
        caught((file, arena) -> {
            Image image = open(file, arena);
            if (image.findings().total() == 3) {
                throw new IllegalStateException("planted");
            }
            return image;
        });
        caught((file, arena) -> {
            if (file.size() > 5000) {
                file.write(4096, arena.map(4096), 0, 1);
            }
            return open(file, arena);
        });
        caught((file, arena) -> {
            try {
                return open(file, arena);
            } catch (BlockException e) {
                throw new BlockException(Errno.EIO, "");
            }
        });
        caught((file, arena) -> {
            arena.map(1 << 25);
            return open(file, arena);
        });
        caught((file, arena) -> {
            Image image = open(file, arena);
            int used = image.clusters().first();
            if (image.clusters().used(used)) {
                image.clusters().free(used, false);
            }
            return image;
        });
    }
}
