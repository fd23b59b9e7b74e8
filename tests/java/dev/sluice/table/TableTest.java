package dev.sluice.table;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.catchThrowableOfType;

import dev.sluice.block.BlockException;
import dev.sluice.block.Errno;
import dev.sluice.target.TargetType;
import dev.sluice.target.TargetTypes;
import dev.sluice.target.Words;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import java.util.Random;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

@Tag("unit")
@Timeout(60)
class TableTest {
    private static final List<TargetType> TYPES = FakeType.all();

    @TempDir
    Path folder;

    private static String mistake(String text) {
        BlockException e = catchThrowableOfType(BlockException.class,
                () -> Table.parse(text, TYPES));
        assertThat(e).as(text).isNotNull();
        assertThat(e.errno()).isEqualTo(Errno.EINVAL);
        return e.getMessage();
    }

    @Test
    void readsLines() throws Exception {
        Table table = Table.parse("""
                # name size target what

                slow  -   layer swap offset=4k   # on the next line
                swap\t4G leaf speed=2 block=4k\r
                "my disk" 1536 disk "/img/a b=\\"c\\"\\\\.raw" natural=1M
                both  1M  pair  swap "my disk"
                """, TYPES);

        assertThat(table.lines()).containsExactly(
                new TableLine("slow", TableLine.FOLLOWS, "layer", List.of("swap"), null,
                        Map.of("offset", "4k")),
                new TableLine("swap", 4L << 30, "leaf", List.of(), null,
                        Map.of("speed", "2", "block", "4k")),
                new TableLine("my disk", 1536, "disk", List.of(), "/img/a b=\"c\"\\.raw",
                        Map.of("natural", "1M")),
                new TableLine("both", 1 << 20, "pair", List.of("swap", "my disk"), null,
                        Map.of()));
        assertThat(table.lines()).extracting(table::number).containsExactly(3, 4, 5, 6);
        assertThat(table.lowersFirst()).extracting(TableLine::name)
                .containsExactly("swap", "my disk", "slow", "both");
        assertThat(table.text()).isEqualTo("""
                slow - layer swap offset=4k
                swap 4G leaf speed=2 block=4k
                "my disk" 1536 disk "/img/a b=\\"c\\"\\\\.raw" natural=1M
                both 1M pair swap "my disk"
                """);
    }

    @Test
    void keepsTheOrderOfKeys() throws Exception {
        String text = "a 1M leaf fail=1 speed=2 blocks=3 block=4\n"
                + "b 1M leaf block=1 blocks=2 speed=3 fail=4\n";
        assertThat(Table.parse(text, TYPES).text()).isEqualTo(text);
    }

    @Test
    void knowsTheRealTypes() throws Exception {
        Table table = Table.parse("disk 1G zero", TargetTypes.all());
        assertThat(table.text()).isEqualTo("disk 1G zero\n");
    }

    @Test
    void randomTablesComeBackAsTheyWere() throws Exception {
        long seed = Long.getLong("seed", System.nanoTime());
        System.out.println("TableTest seed=" + seed);
        Random random = new Random(seed);
        for (int i = 0; i < 2000; i++) {
            String text = randomTable(random);
            Table table = Table.parse(text, TYPES);
            Table again = Table.parse(table.text(), TYPES);
            assertThat(again.lines()).as("seed=%d table:%n%s", seed, text)
                    .isEqualTo(table.lines());
            assertThat(again.text()).isEqualTo(table.text());
        }
    }

    private static String randomTable(Random random) {
        StringBuilder text = new StringBuilder();
        int count = 1 + random.nextInt(8);
        String last = null;
        for (int i = 0; i < count; i++) {
            String name = Words.quote(i + odd(random));
            String size = random.nextBoolean() ? 512 * (1 + random.nextInt(5000)) + ""
                    : 1 + random.nextInt(9) + "" + "kMGTP".charAt(random.nextInt(5));
            int kind = random.nextInt(last == null ? 2 : 4);
            text.append(name).append(" ".repeat(1 + random.nextInt(3)));
            text.append(kind != 0 && random.nextBoolean() ? "-" : size).append('\t');
            text.append(switch (kind) {
                case 0 -> "leaf " + value("speed", random) + " " + value("block", random);
                case 1 -> "disk " + Words.quote("/" + odd(random));
                case 2 -> "layer " + last + " " + value("offset", random);
                default -> "pair " + last + " " + last;
            });
            text.append(random.nextBoolean() ? "\n" : "  # \"" + odd(random) + "\n");
            last = name;
        }
        return text.toString();
    }

    private static String value(String key, Random random) {
        return random.nextInt(3) == 0 ? ""
                : Words.quote(key + "=" + odd(random));
    }

    private static String odd(Random random) {
        String letters = "ab=#\"\\ '-.ü漢";
        StringBuilder word = new StringBuilder();
        for (int i = random.nextInt(6); i > 0; i--) {
            word.append(letters.charAt(random.nextInt(letters.length())));
        }
        return word.toString();
    }

    @ParameterizedTest
    @CsvSource(delimiter = '~', quoteCharacter = '\'', textBlock = """
            a 1M null      ~ line 1: a: there is no target null; there are leaf, layer, pair, \
            disk, bare
            a 1M leaf x=1  ~ line 1: a: there is no key x; leaf takes speed, block, fail, blocks
            a 1M bare x=1  ~ line 1: a: there is no key x; bare takes none
            a 1M leaf =1   ~ line 1: a: there is no key ""; leaf takes speed, block, fail, blocks
            a 1M leaf speed=1 speed=1 ~ line 1: a: the key speed stands twice; write it once
            a 1m leaf      ~ line 1: a: size 1m is not a size; write bytes or a number with k, M, \
            G, T or P, as in 64M
            a 9999P leaf   ~ line 1: a: size 9999P is not a size; write bytes or a number with k, \
            M, G, T or P, as in 64M
            a 0k leaf      ~ line 1: a: the size is 0; write at least 512
            a 1000 leaf    ~ line 1: a: the size 1000 is not a multiple of 512; 1024 is
            a 9223372036854775807 leaf ~ line 1: a: the size 9223372036854775807 is not a \
            multiple of 512; 9223372036854775296 is
            a - leaf       ~ line 1: a: leaf has no size of its own; write one, as in 1G, instead \
            of -
            a leaf         ~ line 1: a: the size is missing; write: NAME SIZE leaf [KEY=VALUE …]
            a leaf speed=1 ~ line 1: a: the size is missing; write: NAME SIZE leaf [KEY=VALUE …]
            a 1M           ~ line 1: a: too few words; write: NAME SIZE TARGET \
            [LOWER … | PATH] [KEY=VALUE …]
            a              ~ line 1: a: too few words; write: NAME SIZE TARGET \
            [LOWER … | PATH] [KEY=VALUE …]
            a 1M bare b    ~ line 1: a: the word b is no key=value; bare takes none
            a 1M leaf b    ~ line 1: a: the word b is no key=value; leaf takes speed, block, \
            fail, blocks
            a - layer      ~ line 1: a: a lower device is missing; write: NAME SIZE layer LOWER \
            [KEY=VALUE …]
            a - layer offset=1 ~ line 1: a: a lower device is missing; write: NAME SIZE layer \
            LOWER [KEY=VALUE …]
            a - pair b     ~ line 1: a: a lower device is missing; write: NAME SIZE pair LOWER \
            LOWER
            a - disk       ~ line 1: a: the path is missing; write: NAME SIZE disk PATH \
            [KEY=VALUE …]
            a - disk natural=1 ~ line 1: a: the path is missing; write: NAME SIZE disk PATH \
            [KEY=VALUE …]
            a - disk ""    ~ line 1: a: the path is empty or holds a zero byte; name a file or \
            block device
            a - layer b    ~ line 1: a: there is no device b to stand on; the table has a
            a/b 1M leaf    ~ line 1: a/b: a name must not hold a /; it becomes a file of the \
            mount directory
            .sluice 1M leaf ~ line 1: .sluice: the name is one that every mount has already; \
            choose another
            "" 1M leaf     ~ line 1: "": the name is empty; write one
            pid 1M leaf    ~ line 1: pid: the name is that of a control file; choose one other \
            than table, table.dm, status, status.json, stats, metrics, pid, version
            a 1M leaf "b   ~ line 1: the quote that opens in "b never closes; put a second " \
            behind it
            a - layer a    ~ line 1: a: it stands on itself: a on a; let one of them stand on \
            another device
            """)
    void saysWhatIsWrongAndWhatIsRight(String text, String sentence) {
        assertThat(mistake(text)).isEqualTo(sentence);
    }

    @Test
    void theDocumentedMistakesAreTrue() throws Exception {
        Matcher row = Pattern.compile("(?m)^\\| `(.*?)` \\| `(line 1: .*?)` \\|$")
                .matcher(Files.readString(Path.of("docs/table.md")));
        int rows = 0;
        for (; row.find(); rows++) {
            String table = row.group(1);
            String told = row.group(2).replaceFirst("…$", "");
            assertThat(catchThrowableOfType(BlockException.class,
                    () -> Table.parse(table, TargetTypes.all()))).as(table)
                    .hasMessageStartingWith(told);
        }
        assertThat(rows).isEqualTo(7);
    }

    @Test
    void refusesNamesThatAreNoFileNames() {
        assertThat(mistake("a\u0001b 1M leaf")).isEqualTo(
                "line 1: a?b: a name must not hold control characters; write it without");
        assertThat(mistake("\n" + "ü".repeat(128) + " 1M leaf")).isEqualTo("line 2: "
                + "ü".repeat(40) + "…: the name has 256 bytes; a file name has at most 255");
    }

    @Test
    void takesTheLongestName() throws Exception {
        String name = "ü".repeat(127) + "a";
        assertThat(Table.parse(name + " 1M leaf", TYPES).lines().get(0).name()).isEqualTo(name);
    }

    @Test
    void refusesRepeatedNames() {
        assertThat(mistake("a 1M leaf\n#\nb 1M leaf\na 2M bare")).isEqualTo(
                "line 4: a: line 1 has this name already; give each device its own");
    }

    @Test
    void aKeyMayNameADeviceToStandOn() throws Exception {
        Table table = Table.parse("top - layer a beside=b\na - layer c\nb - layer c beside=c\n"
                + "c 1M leaf", TYPES);
        assertThat(table.lowersFirst()).extracting(TableLine::name)
                .containsExactly("c", "a", "b", "top");
        assertThat(table.below(table.lines().get(0))).containsExactly("a", "b");
        assertThat(table.below(table.lines().get(2))).containsExactly("c");
        assertThat(mistake("a - layer b beside=d\nb 1M leaf")).isEqualTo(
                "line 1: a: there is no device d to stand on; the table has a, b");
        assertThat(mistake("a - layer c beside=b\nb - layer a\nc 1M leaf")).contains(
                "it stands on itself: a on b on a");
    }

    @Test
    void refusesCycles() {
        assertThat(mistake("top - layer a\na - layer b\nb - pair c a\nc 1M leaf")).isEqualTo(
                "line 2: a: it stands on itself: a on b on a; let one of them stand on another"
                        + " device");
    }

    @Test
    void refusesTowers() throws Exception {
        StringBuilder text = new StringBuilder("d1 1M leaf\n");
        for (int i = 2; i <= 16; i++) {
            text.insert(0, "d" + i + " - layer d" + (i - 1) + "\n");
        }
        assertThat(Table.parse(text.toString(), TYPES).lowersFirst()).hasSize(16);

        assertThat(mistake("d17 - pair d1 d16\n" + text)).isEqualTo("line 1: d17: it is the device"
                + " number 17 one above the other; stack at most 16");
    }

    @Test
    void refusesEmptyTables() {
        assertThat(mistake(" \n# nothing\n")).isEqualTo(
                "the table has no device; write one a line, as in: disk 1G zero");
    }

    @Test
    void readsAFile() throws Exception {
        Path file = Files.writeString(folder.resolve("table"), "ü 1M leaf\n");
        assertThat(Table.read(file, TYPES, false).text()).isEqualTo("ü 1M leaf\n");
        Path empty = Files.writeString(folder.resolve("empty"), "# nothing yet\n");
        assertThat(Table.read(empty, TYPES, true).lines()).isEmpty();
        assertThat(catchThrowableOfType(BlockException.class,
                () -> Table.read(empty, TYPES, false))).hasMessageContaining("no device");
    }

    @Test
    void saysWhyAFileCannotBeRead() throws Exception {
        Path none = folder.resolve("none");
        Path latin = Files.write(folder.resolve("latin"), new byte[] {(byte) 0xfc, ' ', '1'});

        assertThat(catchThrowableOfType(BlockException.class,
                () -> Table.read(none, TYPES, false)))
                .hasMessage("the table " + none + " cannot be read: there is no such file;"
                        + " name a readable text file")
                .extracting(BlockException::errno).isEqualTo(Errno.ENOENT);
        assertThat(catchThrowableOfType(BlockException.class,
                () -> Table.read(latin, TYPES, false)))
                .hasMessage("the table " + latin + " cannot be read: it is not text in UTF-8;"
                        + " name a readable text file");
        assertThat(catchThrowableOfType(BlockException.class,
                () -> Table.read(folder, TYPES, false)))
                .hasMessage("the table " + folder + " cannot be read: it is a folder;"
                        + " name a readable text file");
    }
}
