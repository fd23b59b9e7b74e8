package dev.sluice.ploop;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.sluice.block.BlockException;
import dev.sluice.block.Errno;
import dev.sluice.ploop.Findings.Grade;
import dev.sluice.ploop.Findings.Kind;
import dev.sluice.testing.FileOp;
import dev.sluice.testing.MemoryFile;
import dev.sluice.testing.RecordingBacking;
import java.util.ArrayList;
import java.util.List;
import java.util.function.Consumer;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

/** Images written byte by byte: what is found in them, and how they are opened and closed. */
@Tag("unit")
@Timeout(60)
final class ImageTest {
    private static final int CLUSTER = 8192;

    private static void refused(Consumer<RawImage> damage, String... words) throws Exception {
        try (RawImage raw = new RawImage(CLUSTER, 10, 2)) {
            damage.accept(raw);
            long before = raw.file.hash();
            assertThatThrownBy(raw::openReadOnly).isInstanceOf(BlockException.class)
                    .hasMessageContaining("a.hds").message().contains(words);
            assertThat(raw.file.hash()).isEqualTo(before);
        }
    }

    @Test
    void headersThatMakeNoSenseAreRefused() throws Exception {
        refused(r -> r.put(0, 0x41424344), "\"DCBAouFreSpacExt\"", "no ploop image");
        refused(r -> r.put(16, 3), "type is 3", "2");
        refused(r -> r.put(28, 0), "sectors of a cluster is 0");
        refused(r -> r.put(28, -1), "sectors of a cluster is 4294967295", "4186127");
        refused(r -> r.put(32, 0x7fffffff), "table words is 2147483647", "268435440");
        refused(r -> r.put(32, 100_000), "table words is 100000", "24576 bytes");
        refused(r -> r.put(36, 161), "disk size in sectors is 161", "at most 160");
        refused(r -> r.put(40, -1), "disk size in sectors", "18446744069414584480");
        refused(r -> r.put(52, 2), "being converted");
        refused(r -> r.put(28, 1).put(36, 10).put(48, -1), "start of data");
        refused(r -> r.file.resize(63), "63 bytes");
        refused(r -> r.file.resize(0), "0 bytes");
    }

    private static void finds(Kind kind, Consumer<RawImage> damage, String... words)
            throws Exception {
        try (RawImage raw = new RawImage(CLUSTER, 10, 4)) {
            raw.word(0, 1).word(1, 2).word(5, 3).word(9, 4);
            try (Image sound = raw.examine()) {
                assertThat(sound.findings().list()).isEmpty();
                assertThat(sound.findings().allocated()).isEqualTo(4);
                assertThat(sound.findings().imageEnd()).isEqualTo(raw.file.size());
            }
            damage.accept(raw);
            try (Image image = raw.examine()) {
                Findings found = image.findings();
                assertThat(found.count(kind)).as(found.list().toString()).isPositive();
                assertThat(found.list()).filteredOn(f -> f.kind() == kind).first()
                        .satisfies(f -> assertThat(f.sentence()).contains(words));
            }
            boolean stays = kind.damages() || kind == Kind.FOREIGN;
            if (stays) {
                long before = raw.file.hash();
                assertThatThrownBy(raw::open).isInstanceOf(BlockException.class)
                        .hasMessageContaining("not opened for writing");
                assertThat(raw.file.hash()).isEqualTo(before);
            } else {
                raw.open().close();
            }
            raw.openReadOnly().close();
        }
    }

    @Test
    void everythingThatCanBeWrongIsFound() throws Exception {
        finds(Kind.IN_USE, r -> r.put(44, Header.DIRTY), "not closed");
        finds(Kind.DATA_START, r -> r.put(48, 0), "sector 0", "multiple of 16");
        finds(Kind.DATA_START, r -> r.put(48, 17), "sector 17");
        finds(Kind.DATA_START, r -> r.put(48, 1600), "sector 1600", "40960");
        finds(Kind.INTO_HEADER, r -> r.put(48, 32), "cluster 0 is at byte 8192", "16384");
        finds(Kind.OUTSIDE, r -> r.word(2, 5), "cluster 2 is at byte 40960", "40960");
        finds(Kind.OUTSIDE, r -> r.word(2, -1), "byte 35184372080640");
        finds(Kind.DUPLICATE, r -> r.word(7, 2), "clusters 1 and 7", "byte 16384");
        finds(Kind.CUT, r -> r.file.resize(r.file.size() - 1), "cluster 9", "40959");
        finds(Kind.SURPLUS, r -> r.put(36, 8 * 16 + 1), "cluster 9", "byte 32768");
        finds(Kind.HOLE, r -> r.word(1, 0), "1 clusters at byte 16384");
        finds(Kind.TAIL, r -> r.word(9, 0), "8192 bytes", "32768");
        finds(Kind.TAIL, r -> r.file.resize(r.file.size() + 1), "1 bytes");
        finds(Kind.EXTENSION, r -> r.put(56, 1000), "sector 1000");
        finds(Kind.EXTENSION, r -> r.put(56, 16), "it begins with");
        finds(Kind.EXTENSION, r -> r.put(60, -1), "where the file has no cluster");
    }

    @Test
    void manyOfAKindAreCountedAndNotKept() throws Exception {
        try (RawImage raw = new RawImage(CLUSTER, 20_000, 3)) {
            for (int i = 0; i < 20_000; i++) {
                raw.word(i, i % 2 == 0 ? 12 : 1000);
            }
            try (Image image = raw.examine()) {
                assertThat(image.findings().list()).hasSize(Findings.KEPT);
                assertThat(image.findings().count(Kind.OUTSIDE)).isEqualTo(10_000);
                assertThat(image.findings().count(Kind.DUPLICATE)).isEqualTo(9_999);
            }
        }
    }

    @Test
    void freeClustersWithoutStorageAreNoLeak() throws Exception {
        try (RawImage raw = new RawImage(CLUSTER, 10, 4)) {
            raw.word(0, 4);
            raw.file.punch(CLUSTER, 3 * CLUSTER);
            try (Image image = raw.examine()) {
                assertThat(image.findings().list()).isEmpty();
            }
        }
    }

    @Test
    void aClosedImageHasNoStorageThatNobodyNames() throws Exception {
        try (RawImage raw = new RawImage(CLUSTER, 10, 6)) {
            raw.word(0, 4).word(1, 2);
            raw.open().close();
            try (Image image = raw.examine()) {
                assertThat(image.findings().list()).isEmpty();
            }
            assertThat(raw.file.size()).isEqualTo(5 * CLUSTER);
            for (int cluster = 1; cluster < 5; cluster++) {
                assertThat(raw.get(cluster * CLUSTER)).as("cluster %d", cluster)
                        .isEqualTo(cluster % 2 == 0 ? cluster : 0);
            }
            assertThat(raw.log).isEmpty();
        }
    }

    @Test
    void versionOneHasSectorsForWords() throws Exception {
        try (RawImage raw = new RawImage(1, CLUSTER, 10, 3)) {
            raw.word(3, 32).word(4, 16).put(40, 77);
            try (Image image = raw.open()) {
                assertThat(image.bat().get(3)).isEqualTo(2);
                assertThat(image.header().offset(2)).isEqualTo(2 * CLUSTER);
                image.clusters().ready(3, 4);
                image.bat().set(0, image.clusters().take());
                assertThat(image.bat().word(0)).isEqualTo(48);
            }
            raw.word(3, 33);
            try (Image image = raw.examine()) {
                assertThat(image.findings().count(Kind.MISALIGNED)).isEqualTo(1);
                assertThat(image.bat().get(3)).isEqualTo(Bat.BAD);
            }
            // Without a start of data it begins with the sector behind the table.
            raw.put(48, 0).word(0, 0).word(3, 1).word(4, 17);
            try (Image image = raw.examine()) {
                assertThat(image.findings().count(Grade.CORRUPT)).isZero();
                assertThat(image.header().offset(image.bat().get(3))).isEqualTo(512);
                assertThat(image.header().offset(image.bat().get(4))).isEqualTo(512 + CLUSTER);
            }
        }
    }

    @Test
    void theMarkIsDurableBeforeAnythingAndTakenAwayAfterAll() throws Exception {
        try (RawImage raw = new RawImage(CLUSTER, 10, 4)) {
            raw.word(0, 1).word(1, 3).put(56, 64);
            List<String> ops = new ArrayList<>();
            RecordingBacking told = new RecordingBacking(raw.file, new RecordingBacking.Watcher() {
                @Override
                public Errno before(FileOp op) {
                    return null;
                }

                @Override
                public void after(FileOp op) {
                    boolean header = op.kind() == FileOp.Kind.WRITE && op.offset() == 0;
                    ops.add(op.kind() + (header ? Integer.toHexString(raw.get(44)) + ","
                            + raw.get(56) : ""));
                }
            });
            Image image = Image.open("a.hds", told, raw.arena, (text, cause) -> raw.log.add(text));
            assertThat(ops).containsExactly("WRITE746f6e59,0", "SYNC");
            assertThat(raw.log).singleElement().asString().contains("extension is dropped");
            ops.clear();
            image.close();
            assertThat(ops).containsExactly("SYNC", "WRITE0,0", "SYNC", "PUNCH", "RESIZE",
                    "SYNC");
            assertThat(raw.file.size()).isEqualTo(4 * CLUSTER);
        }
    }

    @Test
    void anImageThatWasNotClosedIsTakenWhenOnlyStorageIsLost() throws Exception {
        try (RawImage raw = new RawImage(CLUSTER, 10, 4)) {
            raw.word(0, 3).put(44, Header.DIRTY);
            raw.file.resize(raw.file.size() + 100);
            Image image = raw.open();
            assertThat(image.notes()).singleElement().asString().contains("was not closed",
                    "4 clusters that nobody owned");
            assertThat(raw.file.size()).isEqualTo(5 * CLUSTER);
            assertThat(image.clusters().staleCount()).isEqualTo(3);
            image.abandon();
            image.close();
            assertThat(raw.get(44)).isEqualTo(Header.DIRTY);
            raw.open().close();
            assertThat(raw.get(44)).isZero();
            assertThat(raw.file.size()).isEqualTo(4 * CLUSTER);
        }
    }

    @Test
    void aNewImageIsSoundForAllSizes() throws Exception {
        for (int cluster : new int[] {512, 4096, 31 << 10, 1 << 20}) {
            for (long clusters : new long[] {2, 15, 1008, 1009, 5000}) {
                try (RawImage raw = new RawImage(512, 1, 0)) {
                    Header header = Header.create(clusters * cluster - 512, cluster);
                    MemoryFile file = new MemoryFile(0, 1);
                    Image.create("new", header, file, raw.arena);
                    assertThat(file.size()).isEqualTo(header.dataStart());
                    Image image = Image.open("new", file, raw.arena, (t, c) -> raw.log.add(t));
                    assertThat(image.findings().list()).isEmpty();
                    assertThat(image.header()).isEqualTo(header.with(Header.DIRTY, 0));
                    image.close();
                    assertThat(raw.log).isEmpty();
                    assertThat(file.size()).isEqualTo(header.dataStart());
                }
            }
        }
        assertThatThrownBy(() -> Header.create(1L << 50, 1 << 20))
                .hasMessageContaining("take larger clusters");
        assertThatThrownBy(() -> Header.create(1 << 20, 1000)).hasMessageContaining("1000");
        assertThatThrownBy(() -> Header.create(0, 512)).hasMessageContaining("more than 0");
    }

    @Test
    void pagesCoverHeaderAndTableUpToTheData() throws Exception {
        try (RawImage raw = new RawImage(512, 100, 0)) {
            Bat small = new Bat(Header.create(100 * 512, 512), raw.arena, 1);
            assertThat(small.pages()).isEqualTo(1);
            assertThat(small.pageBytes(0)).isEqualTo(512);
            Bat large = new Bat(Header.create(2000L << 15, 1 << 15), raw.arena, 1);
            assertThat(large.pages()).isEqualTo(2);
            assertThat(large.pageBytes(1)).isEqualTo(4096);
            assertThat(Bat.page(1007)).isZero();
            assertThat(Bat.page(1008)).isEqualTo(1);
            large.set(1999, 77);
            large.end(78);
            assertThat(large.next(0)).isEqualTo(1999);
            assertThat(large.get(1999)).isEqualTo(77);
            large.end(77);
            assertThat(large.get(1999)).isEqualTo(Bat.BAD);
        }
    }
}
