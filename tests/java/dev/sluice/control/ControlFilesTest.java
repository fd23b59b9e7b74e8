package dev.sluice.control;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.catchThrowableOfType;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import dev.sluice.block.Attribute;
import dev.sluice.block.Bio;
import dev.sluice.block.BlockException;
import dev.sluice.block.Errno;
import dev.sluice.block.Op;
import dev.sluice.control.ControlFiles.Node;
import dev.sluice.sys.Arena;
import dev.sluice.table.DeviceSet;
import dev.sluice.table.FakeType;
import dev.sluice.table.Table;
import dev.sluice.testing.TestQueues;
import dev.sluice.target.TargetType;
import dev.sluice.work.Completions;
import dev.sluice.work.Host;
import dev.sluice.work.Timer;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicLong;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

@Tag("unit")
@Timeout(60)
class ControlFilesTest {
    private final List<TargetType> types = FakeType.all();
    private final List<String> events = ((FakeType) types.get(0)).events;
    private final Arena arena = new Arena();
    private final AtomicLong now = new AtomicLong();
    private DeviceSet set;
    private ControlFiles files;

    @BeforeEach
    void begin() throws Exception {
        Host host = new Host(now::get, arena, TestQueues.of(Runnable::run),
                new Completions(false), (sentence, cause) -> { },
                new Timer((sentence, cause) -> { }));
        set = DeviceSet.open(Table.parse("""
                top - layer disk
                disk 1M leaf speed=1k
                plain 2M bare
                slow 1M leaf fail=hold
                """, types), types, host, (Path) null);
        Map<String, Object> facts = new LinkedHashMap<>();
        facts.put("workers", 2);
        facts.put("options", Map.of("loop", "own"));
        files = new ControlFiles(set, types, "1.2.3", () -> facts,
                device -> Map.of("opens", device.name().length()));
        events.clear();
    }

    @AfterEach
    void end() {
        arena.close();
    }

    private String read(String path) throws BlockException {
        return new String(files.read(path), StandardCharsets.UTF_8);
    }

    private void refused(String path, String text, Errno errno, String sentence)
            throws BlockException {
        BlockException e = catchThrowableOfType(BlockException.class,
                () -> files.write(path, text));
        assertThat(e).as(text).hasMessage(sentence);
        assertThat(e.errno()).isEqualTo(errno);
        assertThat(read(path.substring(0, path.indexOf('/')) + "/error"))
                .isEqualTo(sentence + "\n");
    }

    @Test
    void knowsItsFiles() throws Exception {
        assertThat(files.list("")).containsExactly("table", "table.dm", "status", "status.json",
                "stats", "metrics", "pid", "version", "top", "disk", "plain", "slow");
        assertThat(files.list("disk")).containsExactly("table", "table.dm", "status", "status.json",
                "stats", "error", "message", "set");
        assertThat(files.lookup("")).isEqualTo(Node.FOLDER);
        assertThat(files.lookup("disk")).isEqualTo(Node.FOLDER);
        for (String name : List.of("table", "status", "status.json", "stats", "metrics",
                "pid", "version",
                "disk/table", "disk/status", "disk/status.json", "disk/stats", "disk/error")) {
            assertThat(files.lookup(name)).as(name).isEqualTo(Node.READABLE);
            assertThat(read(name)).endsWith("\n");
        }
        assertThat(files.lookup("disk/set")).isEqualTo(Node.ACTING);
        assertThat(files.lookup("disk/message")).isEqualTo(Node.ACTING);
        for (String name : List.of("error", "set", "none", "disk/", "disk/pid", "none/set",
                "/disk", "disk/set/x", "disk//set")) {
            assertThat(files.lookup(name)).as(name).isNull();
        }
    }

    /** A target's own files stand beside those that every device has. */
    @Test
    void aTargetMayHaveFilesOfItsOwn() throws Exception {
        List<String> acts = new ArrayList<>();
        FakeType.FakeTarget target = (FakeType.FakeTarget) set.device("disk").target();
        target.attributes = List.of(new Attribute("shown", () -> "1 2\n", null),
                new Attribute("acts", null, (text, inUse) -> acts.add(text + inUse)),
                new Attribute("both", () -> "now\n", (text, inUse) -> {
                    throw new BlockException(Errno.EBUSY, "not now");
                }));
        assertThat(files.list("disk")).endsWith("set", "shown", "acts", "both");
        assertThat(files.list("plain")).doesNotContain("shown");
        assertThat(files.lookup("disk/shown")).isEqualTo(Node.READABLE);
        assertThat(files.lookup("disk/acts")).isEqualTo(Node.ACTING);
        assertThat(files.lookup("disk/both")).isEqualTo(Node.READABLE_ACTING);
        assertThat(files.lookup("plain/shown")).isNull();
        assertThat(read("disk/shown")).isEqualTo("1 2\n");
        assertThat(read("disk/both")).isEqualTo("now\n");
        files.write("disk/acts", " a  b\n");
        // The facts say that it is open, and so is all that something stands on.
        assertThat(acts).containsExactly("a  btrue");
        refused("disk/both", "x", Errno.EBUSY, "disk: not now");
        assertThat(catchThrowableOfType(BlockException.class, () -> files.read("disk/acts"))
                .errno()).isEqualTo(Errno.EACCES);
        assertThat(catchThrowableOfType(BlockException.class,
                () -> files.write("disk/shown", "1")).errno()).isEqualTo(Errno.EACCES);
    }

    @Test
    void whatNobodyUsesIsSaidToBeFree() throws Exception {
        List<Boolean> used = new ArrayList<>();
        ControlFiles closed = new ControlFiles(set, types, "1", Map::of, d -> Map.of("opens", 0));
        for (String name : List.of("disk", "top")) {
            ((FakeType.FakeTarget) set.device(name).target()).attributes = List.of(
                    new Attribute("acts", null, (text, inUse) -> used.add(inUse)));
            closed.write(name + "/acts", "1");
        }
        assertThat(used).containsExactly(true, false);
    }

    @Test
    void refusesWhatAFileIsNotFor() {
        Object[][] cases = {
            {"none", Errno.ENOENT}, {"disk/none", Errno.ENOENT}, {"disk", Errno.EISDIR},
            {"disk/set", Errno.EACCES},
        };
        for (Object[] one : cases) {
            assertThat(catchThrowableOfType(BlockException.class,
                    () -> files.read((String) one[0])).errno()).isEqualTo(one[1]);
        }
        cases[3][0] = "disk/status";
        for (Object[] one : cases) {
            assertThat(catchThrowableOfType(BlockException.class,
                    () -> files.write((String) one[0], "x")).errno()).isEqualTo(one[1]);
        }
        assertThat(catchThrowableOfType(BlockException.class, () -> files.list("disk/set"))
                .errno()).isEqualTo(Errno.ENOTDIR);
        assertThat(events).isEmpty();
    }

    @Test
    void showsTheTable() throws Exception {
        assertThat(read("table")).isEqualTo("top 1M layer disk\ndisk 1M leaf speed=1k\n"
                + "plain 2M bare\nslow 1M leaf fail=hold\n");
        assertThat(read("disk/table")).isEqualTo("disk 1M leaf speed=1k\n");
        files.write("disk/set", "speed=2k");
        assertThat(read("disk/table")).isEqualTo("disk 1M leaf speed=2k\n");
    }

    /** What the live view needs of all devices is in one file, of one moment each. */
    @Test
    void showsTheCountersOfAllDevices() throws Exception {
        now.addAndGet(5_000);
        JsonNode all = new ObjectMapper().readTree(read("stats")).path("devices");
        assertThat(all.findValuesAsText("name")).containsExactly("top", "disk", "plain", "slow");
        JsonNode disk = all.get(1);
        assertThat(disk.path("type").asText()).isEqualTo("leaf");
        assertThat(disk.path("opens").asInt()).isEqualTo(4);
        for (String name : List.of("held", "in_flight", "busy_ns",
                "weighted_ns")) {
            assertThat(disk.path(name).isIntegralNumber()).as(name).isTrue();
        }
        assertThat(disk.path("at_ns").asLong()).isEqualTo(now.get());
        for (Op op : Op.values()) {
            JsonNode one = disk.path(op.name().toLowerCase(Locale.ROOT));
            for (String name : List.of("ended", "bytes", "failed", "time_ns")) {
                assertThat(one.path(name).isIntegralNumber()).as(op + " " + name).isTrue();
            }
        }
    }

    @Test
    void showsStatus() throws Exception {
        String top = """
                name        top
                type        layer
                size        1M
                block_size  1
                read_only   no
                lowers      disk
                failed      no
                in_flight   0
                oldest_us   0
                opens       3
                hits        3
                parts       x, y
                """;
        assertThat(read("top/status")).isEqualTo(top);
        assertThat(read("status")).startsWith("version  1.2.3\npid      "
                + ProcessHandle.current().pid() + "\nworkers  2\noptions  loop=own\n\n" + top
                + "\nname        disk\n").contains("\nname        slow\n");
        assertThat(read("pid")).isEqualTo(ProcessHandle.current().pid() + "\n");
        assertThat(read("version")).isEqualTo("1.2.3\n");
    }

    @Test
    void showsWhatIsInFlight() throws Exception {
        set.device("slow").submit(new Bio(b -> { }).set(Op.DISCARD, 0, 512, false, null, 0, 0));
        now.addAndGet(5_000_000);

        assertThat(read("slow/status")).contains("in_flight   1\noldest_us   5000\n");
        assertThat(read("slow/stats")).startsWith("in_flight 1\noldest_us 5000\nat_ns 5000000\n"
                + "busy_ns 5000000\nweighted_ns 5000000\nread.ended 0\n");
    }

    @Test
    void countsInStats() throws Exception {
        Bio bio = new Bio(b -> { }).set(Op.DISCARD, 0, 512, false, null, 0, 0);
        set.device("top").submit(bio);
        assertThat(bio.release()).isTrue();

        assertThat(read("top/stats")).contains("discard.ended 1\ndiscard.bytes 512\n");
        assertThat(read("disk/stats")).contains("discard.ended 1\ndiscard.bytes 512\n");
        assertThat(read("plain/stats")).contains("discard.ended 0\n");
    }

    @Test
    void showsStatusAsJson() throws Exception {
        files.write("disk/message", "good");
        JsonNode disk = new ObjectMapper().readTree(read("disk/status.json"));
        assertThat(disk.get("name").asText()).isEqualTo("disk");
        assertThat(disk.get("size").asLong()).isEqualTo(1 << 20);
        assertThat(disk.get("table").asText()).isEqualTo("disk 1M leaf speed=1k");
        assertThat(disk.get("failed").asBoolean()).isFalse();
        assertThat(disk.get("opens").asInt()).isEqualTo(4);
        assertThat(disk.get("error").asText()).isEmpty();
        assertThat(disk.get("target").get("parts").get(1).asText()).isEqualTo("y");
        assertThat(disk.get("stats").get("write").get("ended").asInt()).isZero();

        JsonNode all = new ObjectMapper().readTree(read("status.json"));
        assertThat(all.get("version").asText()).isEqualTo("1.2.3");
        assertThat(all.get("workers").asInt()).isEqualTo(2);
        assertThat(all.get("options").get("loop").asText()).isEqualTo("own");
        assertThat(all.get("devices").findValuesAsText("table")).hasSize(4);
        assertThat(all.get("devices").get(1)).isEqualTo(disk);
    }

    @Test
    void passesMessagesOn() throws Exception {
        files.write("disk/message", "good  \"a b\" # c\n");
        files.write("disk/message", "good");
        assertThat(events).containsExactly("message disk [good, a b, #, c]",
                "message disk [good]");
    }

    @Test
    void setsAllOrNothing() throws Exception {
        files.write("disk/set", "speed=2k\tblocks=\"a b\" \n");
        assertThat(events).containsExactly("set disk {speed=2k, blocks=a b}");
        events.clear();

        refused("disk/set", "speed=3k size=4", Errno.EINVAL,
                "disk: there is no key size; leaf takes speed, block, fail, blocks");
        refused("plain/set", "x=4", Errno.EINVAL, "plain: there is no key x; bare takes none");
        refused("disk/set", "speed=3k speed=4k", Errno.EINVAL,
                "disk: the key speed stands twice; write it once");
        refused("disk/set", "speed=3k 4k", Errno.EINVAL,
                "disk: the word 4k is no key=value; leaf takes speed, block, fail, blocks");
        refused("disk/set", "speed=3k fail=x", Errno.EPERM, "disk: fail stays as it is");
        refused("disk/set", "speed=\"3k", Errno.EINVAL,
                "disk: the quote that opens in speed=\"3k never closes; put a second \""
                        + " behind it");
        assertThat(events).isEmpty();
        assertThat(read("disk/table")).isEqualTo("disk 1M leaf speed=2k \"blocks=a b\"\n");
    }

    @Test
    void keepsTheLastErrorUntilASuccess() throws Exception {
        assertThat(read("disk/error")).isEqualTo("\n");
        refused("disk/message", "bad", Errno.EINVAL, "disk: no message bad; write good");
        assertThat(read("plain/error")).as("of another device").isEqualTo("\n");
        refused("disk/message", "\n", Errno.EINVAL,
                "disk: nothing was written to message; write the words of a message");
        refused("disk/set", "", Errno.EINVAL,
                "disk: nothing was written to set; write key=value …");
        files.write("disk/message", "good");
        assertThat(read("disk/error")).isEqualTo("\n");
    }

    @Test
    void answersForABugOfATarget() throws Exception {
        BlockException e = catchThrowableOfType(BlockException.class,
                () -> files.write("disk/set", "block=1"));
        assertThat(e.errno()).isEqualTo(Errno.EIO);
        assertThat(read("disk/error"))
                .isEqualTo("disk: failed: java.lang.IllegalStateException: a bug\n");
    }

    @Test
    void readsWhileAWriteIsStuck() throws Exception {
        CountDownLatch inside = new CountDownLatch(1);
        CountDownLatch go = new CountDownLatch(1);
        FakeType.FakeTarget target = (FakeType.FakeTarget) set.device("disk").target();
        target.onMessage = () -> {
            inside.countDown();
            go.await(30, TimeUnit.SECONDS);
        };
        List<Throwable> failures = new ArrayList<>();
        Thread stuck = new Thread(() -> {
            try {
                files.write("disk/message", "good");
            } catch (BlockException e) {
                failures.add(e);
            }
        });
        stuck.start();
        assertThat(inside.await(30, TimeUnit.SECONDS)).isTrue();

        for (String name : files.list("disk")) {
            if (files.lookup("disk/" + name) == Node.READABLE) {
                assertThat(read("disk/" + name)).endsWith("\n");
            }
        }
        read("status.json");
        files.write("plain/message", "good");
        assertThat(stuck.isAlive()).as("still stuck").isTrue();

        go.countDown();
        stuck.join(30_000);
        assertThat(stuck.isAlive()).isFalse();
        assertThat(failures).isEmpty();
    }
}
