package dev.sluice.testing;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.sluice.block.Errno;
import dev.sluice.block.Memory;
import dev.sluice.storage.Backing;
import java.util.HashSet;
import java.util.Random;
import java.util.Set;
import java.util.TreeSet;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.Tag;

/** The power failures themselves, on files that are kept well and badly. */
@Tag("unit")
@Timeout(120)
class CrashStatesTest {
    private static final int SECTOR = MemoryFile.SECTOR;

    private final Set<Long> seen = new HashSet<>();
    private final Set<String> found = new TreeSet<>();
    private final MemoryFile file = new MemoryFile(8 * SECTOR, SECTOR);
    private final Random random = new Random(7);
    private CrashStates states = states(f -> found.add(text(f)));
    private boolean dropSyncs;
    private final Backing recorded = new RecordingBacking(file, new RecordingBacking.Watcher() {
        @Override
        public Errno before(FileOp op) {
            states.crash();
            return dropSyncs && op.kind() == FileOp.Kind.SYNC ? Errno.OK : null;
        }

        @Override
        public void after(FileOp op) {
            states.made(op);
        }
    });

    private CrashStates states(CrashStates.Judge judge) {
        return new CrashStates(file, random, SECTOR, 40, seen, judge);
    }

    /** The first byte of each sector. */
    private static String text(MemoryFile file) {
        StringBuilder text = new StringBuilder();
        for (int at = 0; at < file.size(); at += SECTOR) {
            text.append((char) ('0' + file.bytes()[at]));
        }
        return text.toString();
    }

    private void write(int sector, int... fills) {
        Memory memory = SimHost.memory(fills.length * SECTOR);
        for (int i = 0; i < memory.size(); i++) {
            memory.bytes().put(i, (byte) fills[i / SECTOR]);
        }
        assertThat(recorded.write((long) sector * SECTOR, memory, 0, memory.size()))
                .isEqualTo(Errno.OK);
    }

    private static Set<String> all(String... of) {
        return new TreeSet<>(Set.of(of));
    }

    @Test
    void anyOfTheUnsyncedMayBeThere() {
        write(0, 1);
        write(3, 2);
        write(5, 3);
        states.crash();
        assertThat(found).containsExactlyElementsOf(all("00000000", "10000000", "00020000",
                "00000300", "10020000", "10000300", "00020300", "10020300"));
        assertThat(seen).hasSize(8);
        recorded.sync();
        found.clear();
        states.crash();
        assertThat(found).containsExactly("10020300");
        assertThat(states.headerWrites()).isEqualTo(1);
        assertThat(states.headerLooks()).isEqualTo(1);
    }

    @Test
    void aLaterOneMayBeThereWithoutTheEarlier() {
        write(1, 1, 1);
        write(2, 2);
        states.crash();
        assertThat(found).contains("01200000", "00200000", "01100000", "00000000", "01000000")
                .doesNotContain("02000000");
    }

    @Test
    void headersTearAtEachSector() {
        states = new CrashStates(file, random, 4 * SECTOR, 0, seen, f -> found.add(text(f)));
        write(7, 9);
        write(0, 1, 2, 3, 4);
        states.crash();
        assertThat(found).contains("10000000", "12000000", "12300000", "12340000", "02340000",
                "00340000", "00040000", "10000009", "12000009", "12300009", "12340009",
                "02340009", "00340009", "00040009", "00000009", "00000000");
    }

    @Test
    void sizesGoTheirOwnWay() {
        recorded.resize(10 * SECTOR);
        write(9, 5);
        recorded.reserve(10 * SECTOR, 2 * SECTOR);
        for (int i = 0; i < 10; i++) {
            states.crash();
        }
        assertThat(found).contains("00000000", "0000000000", "000000000500", "000000000000",
                "0000000005", "00000000000");
        recorded.sync();
        found.clear();
        recorded.resize(8 * SECTOR);
        for (int i = 0; i < 10; i++) {
            states.crash();
        }
        assertThat(found).contains("000000000500", "00000000", "000000000000");
    }

    @Test
    void holesTearToo() {
        write(0, 1, 1, 1, 1, 1, 1, 1, 1);
        recorded.sync();
        recorded.punch(2 * SECTOR, 4 * SECTOR);
        found.clear();
        states.crash();
        assertThat(found).contains("11000011", "11111111").hasSizeGreaterThan(5);
        assertThat(found).allMatch(text -> text.matches("11....11"));
    }

    /** Each round stores a record behind and then says in front where it is. */
    private void keepRecords(boolean synced, boolean sized) {
        for (int i = 1; i <= 5; i++) {
            recorded.resize((8 + i) * SECTOR);
            if (sized) {
                recorded.sync();
            }
            write(7 + i, i);
            if (synced) {
                recorded.sync();
            }
            write(0, 7 + i);
            recorded.sync();
        }
    }

    private static void judgeRecords(MemoryFile f) {
        int at = f.bytes()[0];
        if (at > 0 && ((at + 1) * SECTOR > f.size() || f.bytes()[at * SECTOR] != at - 7)) {
            throw new IllegalStateException("a record is missing");
        }
    }

    @Test
    void aWriterThatSyncsBetweenIsGood() {
        states = states(CrashStatesTest::judgeRecords);
        keepRecords(true, false);
        states.crash();
        assertThat(states.judged()).isGreaterThan(20);
    }

    @Test
    void aWriterThatDoesNotIsCaught() {
        states = states(CrashStatesTest::judgeRecords);
        assertThatThrownBy(() -> keepRecords(false, true)).isInstanceOf(AssertionError.class)
                .hasMessageContaining("a record is missing").hasMessageContaining("[lost WRITE");
    }

    @Test
    void aSyncThatIsDroppedIsCaught() {
        states = states(CrashStatesTest::judgeRecords);
        dropSyncs = true;
        assertThatThrownBy(() -> keepRecords(true, true)).isInstanceOf(AssertionError.class)
                .hasMessageContaining("a record is missing");
    }

    @Test
    void memoryThatChangesWhileItIsWrittenIsCaught() {
        Memory memory = SimHost.memory(SECTOR);
        Backing changing = new RecordingBacking(file, new RecordingBacking.Watcher() {
            @Override
            public Errno before(FileOp op) {
                memory.bytes().put(5, (byte) 1);
                return null;
            }

            @Override
            public void after(FileOp op) {}
        });
        assertThatThrownBy(() -> changing.write(0, memory, 0, SECTOR))
                .hasMessageContaining("changed before it ended: WRITE of 512 at 0");
    }

    @Test
    void aStateToGoOnWithIsOneOfThem() {
        write(1, 1);
        write(2, 2);
        states.crash();
        for (int i = 0; i < 20; i++) {
            assertThat(found).contains(text(states.some()));
        }
    }

    @Test
    void aFileGoesBackToItsMarkAndIsKnownByItsHash() {
        long seed = Seeds.seed("CrashStatesTest#mark");
        Random choices = new Random(seed);
        for (int round = 0; round < 300; round++) {
            byte[] before = java.util.Arrays.copyOf(file.bytes(), (int) file.size());
            long hash = file.hash();
            assertThat(hash).isEqualTo(file.copy().hash());
            file.mark();
            for (int i = 0; i < 5; i++) {
                someChange(choices);
            }
            assertThat(file.hash()).as("seed " + seed).isEqualTo(file.copy().hash());
            if (choices.nextBoolean()) {
                file.rollback();
                assertThat(file.size()).isEqualTo(before.length);
                assertThat(java.util.Arrays.copyOf(file.bytes(), before.length)).isEqualTo(before);
                assertThat(file.hash()).isEqualTo(hash);
            } else {
                file.commit();
            }
        }
    }

    private void someChange(Random choices) {
        int sectors = (int) (file.size() / SECTOR);
        int from = choices.nextInt(sectors);
        int count = 1 + choices.nextInt(sectors - from);
        switch (choices.nextInt(5)) {
            case 0 -> file.punch(from * SECTOR, count * SECTOR);
            case 1 -> file.resize((long) SECTOR * (1 + choices.nextInt(40)));
            case 2 -> file.reserve(from * SECTOR, 20 * SECTOR);
            default -> {
                byte[] data = new byte[count * SECTOR];
                choices.nextBytes(data);
                new FileOp(FileOp.Kind.WRITE, from * SECTOR, data.length, data).on(file);
            }
        }
    }
}
