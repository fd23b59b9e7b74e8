package dev.sluice.table;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.catchThrowableOfType;

import dev.sluice.block.BlockException;
import dev.sluice.target.TargetTypes;
import dev.sluice.testing.Seeds;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Random;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** Lines of dmsetup, as the table that they become. */
@Tag("unit")
@Timeout(60)
final class DmTableTest {
    @TempDir
    Path folder;

    private static String table(String text) throws BlockException {
        return DmTable.parse(text, "slow", TargetTypes.all()).text();
    }

    @Test
    void oneLineIsADeviceOfTheGivenName() throws Exception {
        assertThat(table("0 204800 delay /dev/loop0 0 5")).isEqualTo("""
                .loop0 - file /dev/loop0
                slow 100M delay .loop0 read=5ms
                """);
        assertThat(table("0 8 zero\n")).isEqualTo("slow 4k zero\n");
        assertThat(table("# a comment\n\n  0 8 error\r\n")).isEqualTo("slow 4k error\n");
        assertThat(table("0 9 linear 7:1 16")).isEqualTo("""
                .7:1 - file /dev/block/7:1
                slow 4608 linear .7:1 offset=8k
                """);
    }

    @Test
    void delayTakesThreeSixOrNineArguments() throws Exception {
        assertThat(table("0 8 delay a 8 1 b 0 20")).isEqualTo("""
                .a - file a
                .b - file b
                slow 4k delay .a offset=4k read=1ms write-device=.b write-offset=0 write=20ms
                """);
        assertThat(table("0 8 delay a 0 0 a 0 0 x/a 16 4294967295")).isEqualTo("""
                .a - file a
                .a-2 - file x/a
                slow 4k delay .a read=0 write-device=.a write-offset=0 write=0\
                 flush-device=.a-2 flush-offset=8k flush=4294967295ms
                """);
    }

    @Test
    void flakeyTakesFeatures() throws Exception {
        assertThat(table("0 8 flakey a 8 10 5").lines().skip(1))
                .containsExactly("slow 4k flakey .a offset=4k up=10s down=5s");
        assertThat(table("0 8 flakey a 0 0 1 0").lines().skip(1))
                .containsExactly("slow 4k flakey .a up=0 down=1s");
        assertThat(table("0 8 flakey a 0 60 5 1 drop_writes").lines().skip(1)).containsExactly(
                "slow 4k flakey .a up=1m down=5s writes=drop reads=pass");
        assertThat(table("0 8 flakey a 0 1 5 1 error_writes").lines().skip(1)).containsExactly(
                "slow 4k flakey .a up=1s down=5s writes=fail reads=pass");
        assertThat(table("0 8 flakey a 0 1 5 2 error_reads drop_writes").lines().skip(1))
                .containsExactly("slow 4k flakey .a up=1s down=5s reads=fail writes=drop");
    }

    @Test
    void severalLinesAreOneBehindTheOther() throws Exception {
        assertThat(table("0 8 linear /x/disk 0\n8 16 error\n24 8 linear /x/disk 24\n"))
                .isEqualTo("""
                        .disk - file /x/disk
                        .slow-1 4k linear .disk
                        .slow-2 8k error
                        .slow-3 4k linear .disk offset=12k
                        slow 16k concat .slow-1 .slow-2 .slow-3
                        """);
    }

    @Test
    void theConciseFormNamesSeveral() throws Exception {
        assertThat(table("a,,,rw,0 8 zero;b,uuid-1,3,,0 8 linear /dev/mapper/a 0,8 8 error;"))
                .isEqualTo("""
                        a 4k zero
                        .b-1 4k linear a
                        .b-2 4k error
                        b 8k concat .b-1 .b-2
                        """);
        assertThat(table("a\\,b,,,ro,0 8 linear /x\\;y\\\\ z 0")).isEqualTo("""
                ".x;y z" - file "/x;y z" readonly=on
                a,b 4k linear ".x;y z"
                """);
    }

    @Test
    void whatDmsetupPrintsCanBeRead() throws Exception {
        assertThat(table("a: 0 8 zero\nmy disk: 0 8 linear 7:0 0\nmy disk: 8 8 zero\n"))
                .isEqualTo("""
                        a 4k zero
                        .7:0 - file /dev/block/7:0
                        ".my disk-1" 4k linear .7:0
                        ".my disk-2" 4k zero
                        "my disk" 8k concat ".my disk-1" ".my disk-2"
                        """);
    }

    @Test
    void aFileGivesItsName() throws Exception {
        Path file = Files.writeString(folder.resolve("fast.v2.dm"), "0 8 zero");
        assertThat(DmTable.read(file, null, TargetTypes.all()).text())
                .isEqualTo("fast.v2 4k zero\n");
        assertThat(DmTable.read(file, "own", TargetTypes.all()).text())
                .isEqualTo("own 4k zero\n");
        file = Files.writeString(folder.resolve("table"), "0 8 zero");
        Path named = file;
        assertThat(catchThrowableOfType(BlockException.class,
                () -> DmTable.read(named, null, TargetTypes.all()))).hasMessageContaining(
                "line 1: table: the name is that of a control file")
                .hasMessageEndingWith("; --name gives the device another");
    }

    @ParameterizedTest
    @CsvSource(delimiter = '~', quoteCharacter = '\0', textBlock = """
            0 8 delay a 0 ~ line 1: slow: delay takes exactly 3, 6 or 9 arguments, not 2; write \
            DEVICE OFFSET MILLISECONDS for reads, and the same for writes and for flushes where \
            they differ
            0 8 delay a 0 1 b ~ line 1: slow: delay takes exactly 3, 6 or 9 arguments, not 4
            0 8 delay a 0 1 b 0 ~ line 1: slow: delay takes exactly 3, 6 or 9 arguments, not 5
            0 8 delay a 0 1 b 0 1 c ~ line 1: slow: delay takes exactly 3, 6 or 9 arguments, not 7
            0 8 delay a 0 1 b 0 1 c 0 1 d ~ line 1: slow: delay takes exactly 3, 6 or 9 \
            arguments, not 10
            0 8 delay a 0 5x ~ line 1: slow: the delay 5x is no whole number from 0 to 4294967295; \
            write digits only
            0 8 delay a 0 -1 ~ line 1: slow: the delay -1 is no whole number from 0 to
            0 8 delay a 0 4294967296 ~ line 1: slow: the delay 4294967296 is no whole number
            0 8 delay a 1s 1 ~ line 1: slow: the offset 1s is no whole number
            0 8 linear a ~ line 1: slow: linear takes exactly 2 arguments, not 1; write linear \
            DEVICE OFFSET
            0 8 linear a 99999999999999999999 ~ line 1: slow: the offset 99999999999999999999 is no
            0 8 linear a 9223372036854775807 ~ line 1: slow: the offset 9223372036854775807 is \
            more sectors than a disk can have; write at most 18014398509481983
            0 8 zero 1 ~ line 1: slow: zero takes no arguments; write only 0 8 zero
            0 8 error x ~ line 1: slow: error takes no arguments; write only 0 8 error
            0 8 crypt x ~ line 1: slow: the target crypt is not here; zero, error, linear, delay \
            and flakey are
            0 8 ~ line 1: slow: too few words; write START LENGTH TARGET …
            1 8 zero ~ line 1: slow: the segment begins at sector 1; it must be 0, as the first
            0 0 zero ~ line 1: slow: the length is 0; a segment has one sector at least
            0 x zero ~ line 1: slow: the length x is no whole number
            0 8 flakey a 0 1 ~ line 1: slow: flakey takes 4 arguments or more, not 3; write flakey \
            DEVICE OFFSET UP DOWN [COUNT FEATURE …]
            0 8 flakey a 0 0 0 ~ line 1: slow: both intervals are 0; give one of them a second at \
            least
            0 8 flakey a 0 1 1 2 drop_writes ~ line 1: slow: the count of feature words is 2, but \
            1 follow; write 1
            0 8 flakey a 0 1 1 2 drop_writes error_writes ~ line 1: slow: the feature error_writes \
            stands beside another for the same operations; write one of them
            0 8 flakey a 0 1 1 5 corrupt_bio_byte 32 r 1 0 ~ line 1: slow: flakey's \
            corrupt_bio_byte is not here; error_reads, error_writes and drop_writes are
            0 8 flakey a 0 1 1 1 lose ~ line 1: slow: flakey has no feature lose; error_reads
            hello ~ line 1: this is no line of device-mapper; write START LENGTH TARGET …, NAME: \
            START LENGTH TARGET … or NAME,UUID,MINOR,FLAGS,TABLE
            # only this ~ there is no line for device-mapper; write one a segment, as in: 0 204800 \
            linear /dev/loop0 0
            a,,,rx,0 8 zero ~ line 1: a: the flag rx is unknown; write rw or ro
            a,,,rw,0 8 zero;a,,,rw,0 8 zero ~ line 1: a: line 1 has this name already; give each
            a,,,rw,0 8 zero;b,,,rw ~ line 1: b: a part is missing; write NAME,UUID,MINOR,FLAGS,TABLE
            a,,,ro,0 8 zero ~ line 1: a: the flag ro needs a segment on a path; zero takes writes \
            always, so write rw
            a,,,ro,0 8 linear x 0;b,,,rw,0 8 linear x 8 ~ line 1: b: one device on x is ro and \
            another is rw; give both the same flag
            a,,,rw,0 8 zero;b,,,ro,0 8 linear /dev/mapper/a 0 ~ line 1: b: it is ro, but stands on \
            a, which is not; give both the same flag
            .x,,,rw,0 8 zero ~ line 1: .x: a name must not begin with a dot; those are for what
            a,,,rw,0 8 linear /dev/mapper/a 0 ~ line 1: a: it stands on itself: a on a
            """)
    void saysWhatIsWrongAndWhatIsRight(String text, String sentence) {
        BlockException e = catchThrowableOfType(BlockException.class, () -> table(text));
        assertThat(e).as(text).isNotNull();
        assertThat(e.getMessage()).startsWith(sentence);
    }

    @Test
    void aGapIsToldWithTheLineOfItsSegment() {
        assertThat(catchThrowableOfType(BlockException.class,
                () -> table("0 8 zero\n# next\n9 8 zero\n"))).hasMessage("line 3: slow: the"
                + " segment begins at sector 9; it must be 8, where the one before ends");
    }

    /** Whatever stands there, it is a table or a sentence. */
    @Test
    void anythingElseIsASentenceToo() {
        long seed = Seeds.seed("DmTableTest");
        Random random = new Random(seed);
        String[] pieces = {"0", "8", " ", " ", " ", "linear", "delay", "flakey", "zero", "a", ",",
            ",,,,", ";", "\\", "\n", ": ", "/dev/mapper/", "#", "-1", "999999999999999999", "ro",
            "\t", "\0", "/", "\"", "7:0", "drop_writes"};
        int tables = 0;
        for (int i = 0; i < 200_000; i++) {
            StringBuilder text = new StringBuilder(random.nextBoolean() ? "0 8 " : "");
            for (int n = random.nextInt(12); n >= 0; n--) {
                text.append(pieces[random.nextInt(pieces.length)]);
            }
            try {
                table(text.toString());
                tables++;
            } catch (BlockException e) {
                assertThat(e.getMessage()).isNotBlank().doesNotContain("\n");
            }
        }
        assertThat(tables).isPositive();
    }
}
