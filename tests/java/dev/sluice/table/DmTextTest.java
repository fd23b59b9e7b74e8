package dev.sluice.table;

import static org.assertj.core.api.Assertions.assertThat;

import dev.sluice.block.BlockException;
import dev.sluice.block.Device;
import dev.sluice.sys.Arena;
import dev.sluice.target.TargetTypes;
import dev.sluice.testing.TestQueues;
import dev.sluice.work.Completions;
import dev.sluice.work.Host;
import dev.sluice.work.SystemClock;
import dev.sluice.work.Timer;
import java.io.RandomAccessFile;
import java.nio.file.Path;
import java.util.Map;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** What was read of dmsetup's lines is printed as such again. */
@Tag("unit")
@Timeout(150)
final class DmTextTest {
    private final Arena arena = new Arena();
    private final ExecutorService pool = Executors.newCachedThreadPool();
    private final Host host = new Host(new SystemClock(), arena, TestQueues.of(pool),
            new Completions(false), (sentence, cause) -> { },
            new Timer((sentence, cause) -> { }));
    private DeviceSet set;

    @TempDir
    Path folder;

    @AfterEach
    void end() throws Exception {
        try {
            set.close(60_000, () -> { });
        } catch (BlockException e) {
            // What is there to fail fails its last flush too.
            assertThat(e).hasMessageContaining("the flush failed")
                    .hasMessageNotContaining("timed out");
        }
        pool.shutdown();
        assertThat(pool.awaitTermination(30, TimeUnit.SECONDS)).isTrue();
        arena.close();
    }

    private void open(Table table) throws Exception {
        set = DeviceSet.open(table, TargetTypes.all(), host, folder.resolve("mnt"));
    }

    private Path disk(String name) throws Exception {
        Path file = folder.resolve(name);
        try (RandomAccessFile raw = new RandomAccessFile(file.toFile(), "rw")) {
            raw.setLength(1 << 20);
        }
        return file;
    }

    @ParameterizedTest
    @ValueSource(strings = {
        "0 8 zero",
        "0 8 error",
        "0 16 linear A 8",
        "0 16 delay A 8 5",
        "0 16 delay A 8 5 A 32 0",
        "0 16 delay A 0 5 B 0 50 A 0 500",
        "0 16 flakey A 8 10 5",
        "0 16 flakey A 8 10 5 1 error_reads",
        "0 16 flakey A 8 60 0 1 error_writes",
        "0 16 flakey A 8 0 5 1 drop_writes",
        "0 16 flakey A 8 10 5 2 error_reads drop_writes",
        "0 8 linear A 0\n8 8 error\n16 1 delay B 7 1\n17 1 zero",
    })
    void whatWasReadIsPrinted(String form) throws Exception {
        String text = form.replace("A", disk("a").toString())
                .replace("B", disk("b").toString()) + "\n";
        open(DmTable.parse(text, "one", TargetTypes.all()));
        assertThat(DmText.of(set.device("one"))).isEqualTo(text);
        assertThat(DmText.of(set.devices()))
                .isEqualTo(text.replaceAll("(?m)^(?=.)", "one: "));
        // What a mount prints as its own table is the same mount.
        assertThat(Table.parse(set.table(), TargetTypes.all()).lines())
                .hasSize(set.devices().size());
    }

    @Test
    void aDeviceOnAnotherHasItsName() throws Exception {
        String text = "a: 0 8 zero\nb: 0 8 linear /dev/mapper/a 0\n";
        open(DmTable.parse(text, "x", TargetTypes.all()));
        assertThat(DmText.of(set.devices())).isEqualTo(text);
    }

    @Test
    void anOddPathIsReadBack() throws Exception {
        String text = "0 8 linear " + disk("a b\\c=d").toString().replaceAll("[ \\\\]", "\\\\$0")
                + " 0\n";
        open(DmTable.parse(text, "one", TargetTypes.all()));
        assertThat(DmText.of(set.device("one"))).isEqualTo(text);
    }

    @Test
    void whatDeviceMapperDoesNotHaveIsToldInAComment() throws Exception {
        Table table = Table.parse("ram 1M ram\n.h 1M ram\nimg - file " + disk("a") + "\n"
                + "on - linear ram offset=8k\nover - linear .h\nodd - linear ram offset=3\n"
                        .replace("odd - linear ram offset=3", "odd 512 linear ram offset=3")
                + "soft 1M error errno=ENOSPC\nfast - delay img read=250us\n"
                + "jitter - delay img read=uniform(1ms,2ms)\nsome - delay img read=1ms percent=5\n"
                + "half - flakey img up=500ms down=1s\nnever - flakey img up=1s reads=pass"
                + " writes=pass\n", TargetTypes.all());
        open(table);
        Map<String, String> expected = Map.of(
                "ram", "# ram: device-mapper has no target ram",
                "img", "0 2048 linear " + folder.resolve("a") + " 0",
                "on", "0 2032 linear /dev/mapper/ram 16",
                "over", "# over: it stands on .h, which is no path",
                "odd", "# odd: the offset 3 is no whole number of sectors",
                "soft", "# soft: error fails everything with EIO in device-mapper, not"
                        + " errno=ENOSPC on=all",
                "fast", "# fast: delay 250us is no whole number of milliseconds",
                "jitter", "# jitter: device-mapper knows fixed times only, not"
                        + " uniform(1ms,2ms)",
                "some", "# some: dm-delay has no percent",
                "half", "# half: up 500ms is no whole number of seconds");
        for (Device device : set.devices()) {
            if (expected.containsKey(device.name())) {
                assertThat(DmText.of(device)).isEqualTo(expected.get(device.name()) + "\n");
            }
        }
        assertThat(DmText.of(set.device("never")))
                .isEqualTo("# never: dm-flakey fails or drops something, not nothing\n");
        assertThat(DmText.of(set.devices())).contains("on: 0 2032", "# ram: ")
                .doesNotContain(".h:");
    }
}
