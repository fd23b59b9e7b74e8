package dev.sluice.ploop;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.sluice.block.BlockException;
import dev.sluice.block.Memory;
import dev.sluice.ploop.Findings.Grade;
import dev.sluice.ploop.Findings.Kind;
import dev.sluice.testing.Seeds;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.security.MessageDigest;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.EnumSet;
import java.util.List;
import java.util.Random;
import java.util.Set;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

/** What is put right, what stays as it is, and what is said of it. */
@Tag("contract")
@Timeout(120)
final class RepairTest {
    private static final int CLUSTER = 4096;
    private static final int ENTRIES = 40;
    private static final Findings.Repair[] MORE = {Findings.Repair.LOSSY, Findings.Repair.COPY};

    private final List<String> said = new ArrayList<>();

    private void repair(RawImage raw, Findings.Repair... allowed) throws BlockException {
        said.clear();
        Set<Findings.Repair> all = EnumSet.of(Findings.Repair.SAFE);
        all.addAll(Arrays.asList(allowed));
        try (Image image = Image.examine("a.hds", raw.file, raw.arena, (t, c) -> {})) {
            Repair.run("a.hds", image, raw.file, raw.arena, all, said::add, (done, total) -> {});
        }
    }

    private static Findings findings(RawImage raw) throws BlockException {
        try (Image image = raw.examine()) {
            return image.findings();
        }
    }

    /** What stands at the start of a cluster of the disk: null where it cannot be read. */
    private static Integer content(RawImage raw, int index) throws BlockException {
        try (Image image = raw.examine()) {
            int cluster = image.bat().get(index);
            if (cluster == Bat.NONE) {
                return 0;
            }
            long at = cluster == Bat.BAD ? raw.file.size() : image.header().offset(cluster);
            return at + 4 > raw.file.size() ? null : Integer.valueOf(raw.get(at));
        }
    }

    @Test
    void aSoundImageIsNotTouched() throws Exception {
        try (RawImage raw = new RawImage(CLUSTER, ENTRIES, 3)) {
            raw.word(0, 3).word(1, 1).word(9, 2);
            long before = raw.file.hash();
            repair(raw, MORE);
            assertThat(said).isEmpty();
            assertThat(raw.file.hash()).isEqualTo(before);
        }
    }

    @Test
    void whatIsSafeLosesNothing() throws Exception {
        try (RawImage raw = new RawImage(CLUSTER, ENTRIES, 6)) {
            raw.word(0, 4).word(1, 1).word(39, 5).put(44, Header.DIRTY).put(48, 3).put(56, 8)
                    .put(36, 39 * 8);
            repair(raw);
            assertThat(findings(raw).list()).isEmpty();
            assertThat(raw.get(44)).isZero();
            assertThat(raw.get(48)).isEqualTo(8);
            assertThat(raw.get(56)).isZero();
            assertThat(raw.file.size()).isEqualTo(5 * CLUSTER);
            assertThat(content(raw, 0)).isEqualTo(4);
            assertThat(content(raw, 1)).isEqualTo(1);
            assertThat(raw.get(2 * CLUSTER)).isZero();
            assertThat(said).hasSize(6).anyMatch(s -> s.contains("now sector 8"))
                    .anyMatch(s -> s.contains("cluster 39")).anyMatch(s -> s.contains("dropped"))
                    .anyMatch(s -> s.contains("2 clusters at byte 8192"))
                    .anyMatch(s -> s.contains("8192 bytes at the end"))
                    .anyMatch(s -> s.contains("is taken away"));
        }
    }

    @Test
    void theFlagOfAnEmptyImageIsPutRight() throws Exception {
        try (RawImage raw = new RawImage(CLUSTER, ENTRIES, 2)) {
            raw.word(0, 1).word(1, 2).put(52, 1);
            assertThat(findings(raw).list()).singleElement()
                    .matches(f -> f.kind() == Kind.EMPTY_FLAG);
            repair(raw);
            assertThat(raw.get(52)).isZero();
            assertThat(findings(raw).list()).isEmpty();
            raw.word(0, 0).word(1, 0);
            repair(raw);
            assertThat(raw.get(52)).isEqualTo(1);
            assertThat(findings(raw).list()).isEmpty();
        }
    }

    @Test
    void eachClassDoesWhatItIsFor() throws Exception {
        try (RawImage raw = new RawImage(CLUSTER, ENTRIES, 5)) {
            raw.word(0, 1).word(1, 77).word(2, 3).word(3, 3).word(4, 5).put(44, Header.DIRTY);
            raw.file.resize(6 * CLUSTER - 100);
            long before = raw.file.hash();
            repair(raw);
            // Nothing safe can be done; the mark stays, and so does all else.
            assertThat(raw.file.hash()).isEqualTo(before);
            repair(raw, Findings.Repair.COPY);
            assertThat(said).anyMatch(s -> s.contains("repair both"));
            assertThat(findings(raw).count(Kind.DUPLICATE)).isEqualTo(1);
            repair(raw, Findings.Repair.LOSSY);
            assertThat(findings(raw).count(Grade.CORRUPT)).isEqualTo(2);
            assertThat(content(raw, 1)).isZero();
            assertThat(content(raw, 4)).isEqualTo(5);
            repair(raw, Findings.Repair.COPY);
            assertThat(findings(raw).list()).isEmpty();
            assertThat(content(raw, 2)).isEqualTo(3);
            assertThat(content(raw, 3)).isEqualTo(3);
            assertThat(raw.get(64 + 8)).isNotEqualTo(raw.get(64 + 12));
        }
    }

    @Test
    void whatIsOutsideIsForgottenBeforeTheFileGrows() throws Exception {
        try (RawImage raw = new RawImage(CLUSTER, ENTRIES, 2)) {
            raw.word(0, 1).word(1, 1).word(2, 2).word(3, 3).word(4, 4);
            repair(raw, MORE);
            assertThat(findings(raw).list()).isEmpty();
            assertThat(content(raw, 1)).isEqualTo(1);
            assertThat(content(raw, 3)).isZero();
            assertThat(content(raw, 4)).isZero();
        }
    }

    /** An extension with a dirty bitmap, or another section, in a cluster. */
    private static void extension(RawImage raw, int cluster, long magic, int flags, int part)
            throws Exception {
        ByteBuffer bytes = ByteBuffer.allocate(CLUSTER).order(ByteOrder.LITTLE_ENDIAN);
        bytes.putLong(0, 0xAB234CEF23DCEA87L);
        bytes.putLong(24, magic).putLong(32, flags).putInt(40, 40);
        bytes.putLong(48, ENTRIES * 8).putInt(72, 8).putInt(76, 1).putLong(80, part);
        MessageDigest md5 = MessageDigest.getInstance("MD5");
        md5.update(bytes.array(), 24, CLUSTER - 24);
        bytes.put(8, md5.digest());
        Memory memory = raw.arena.map(CLUSTER);
        memory.bytes().put(0, bytes.array(), 0, CLUSTER);
        raw.file.write((long) cluster * CLUSTER, memory, 0, CLUSTER);
        raw.put(56, cluster * 8).put(44, Header.CLOSED_WITH_EXTENSION);
    }

    private static final long BITMAP = 0x20385FAE252CB34AL;

    @Test
    void aSoundExtensionIsKeptAndItsClustersAreUsed() throws Exception {
        try (RawImage raw = new RawImage(CLUSTER, ENTRIES, 5)) {
            raw.word(0, 1);
            extension(raw, 3, BITMAP, 0, 4 * 8);
            // Two holes of one cluster: a leak, and the tail behind the bitmap.
            assertThat(findings(raw).list()).extracting(Findings.Finding::kind)
                    .containsExactly(Kind.HOLE, Kind.TAIL);
            repair(raw);
            assertThat(findings(raw).list()).isEmpty();
            assertThat(raw.get(56)).isEqualTo(3 * 8);
            assertThat(raw.get(44)).isEqualTo(Header.CLOSED_WITH_EXTENSION);
            assertThat(raw.file.size()).isEqualTo(5 * CLUSTER);
            // Marked as closed by somebody who does not keep it up.
            raw.put(44, 0);
            assertThat(findings(raw).list()).extracting(Findings.Finding::kind)
                    .containsExactly(Kind.STALE_EXTENSION);
            raw.open().close();
            assertThat(raw.get(56)).isZero();
            assertThat(raw.file.size()).isEqualTo(2 * CLUSTER);
        }
    }

    @Test
    void whatIsWrongWithAnExtensionIsFound() throws Exception {
        try (RawImage raw = new RawImage(CLUSTER, ENTRIES, 5)) {
            for (int i = 0; i < 5; i++) {
                raw.word(i, i + 1);
            }
            extension(raw, 3, BITMAP, 0, 4 * 8);
            assertThat(findings(raw).count(Kind.EXTENSION)).isEqualTo(2);
            extension(raw, 3, BITMAP, 0, 4 * 8 + 1);
            assertThat(findings(raw).list()).anyMatch(f -> f.sentence().contains("sector 33"));
            raw.put(3 * CLUSTER + 500, 1);
            assertThat(findings(raw).list()).anyMatch(f -> f.sentence().contains("checksum"));
            raw.open().close();
            assertThat(raw.get(56)).isZero();
            for (int flag = 0; flag < 4; flag++) {
                raw.word(2, 0);
                extension(raw, 3, 77, flag, 0);
                assertThat(findings(raw).count(Kind.FOREIGN)).isEqualTo(flag > 0 ? 1 : 0);
                if (flag > 0) {
                    assertThatThrownBy(raw::open).hasMessageContaining("section 0x4d");
                    assertThatThrownBy(() -> repair(raw)).hasMessageContaining("section 0x4d");
                }
            }
        }
    }

    @Test
    void whateverIsWrongItIsSoundAfterwardsAndSafeLosesNothing() throws Exception {
        Random random = new Random(Seeds.seed("RepairTest"));
        for (int round = 0; round < 3000; round++) {
            int version = 1 + random.nextInt(2);
            try (RawImage raw = new RawImage(version, CLUSTER, ENTRIES, 8)) {
                int unit = version == 1 ? 8 : 1;
                for (int i = 0; i < 12; i++) {
                    raw.word(random.nextInt(ENTRIES), random.nextInt(20) == 0 ? random.nextInt()
                            : random.nextInt(11) * unit + random.nextInt(20) / 19);
                }
                if (random.nextInt(3) == 0) {
                    raw.put(44, Header.DIRTY);
                }
                if (random.nextInt(4) == 0) {
                    raw.put(48, random.nextInt(20));
                }
                if (random.nextInt(4) == 0) {
                    // Not inside the word that is looked at.
                    raw.file.resize(raw.file.size() - random.nextInt(3 * CLUSTER) / 4 * 4);
                }
                round(raw, random);
            }
        }
    }

    private void round(RawImage raw, Random random) throws Exception {
        List<Integer> before = new ArrayList<>();
        for (int i = 0; i < ENTRIES; i++) {
            before.add(content(raw, i));
        }
        repair(raw);
        same(raw, before);
        if (random.nextBoolean()) {
            repair(raw, Findings.Repair.COPY);
            same(raw, before);
        }
        boolean damaged = findings(raw).count(Grade.CORRUPT) > 0;
        repair(raw, MORE);
        assertThat(findings(raw).list()).isEmpty();
        assertThat(said.isEmpty()).isEqualTo(!damaged);
        before.replaceAll(c -> c == null ? Integer.valueOf(0) : c);
        same(raw, before);
        raw.open().close();
    }

    private static void same(RawImage raw, List<Integer> expected) throws Exception {
        for (int i = 0; i < ENTRIES; i++) {
            assertThat(content(raw, i)).as("cluster " + i).isEqualTo(expected.get(i));
        }
    }
}
