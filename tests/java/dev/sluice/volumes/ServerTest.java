package dev.sluice.volumes;

import static org.assertj.core.api.Assertions.assertThat;

import dev.sluice.block.BlockException;
import dev.sluice.testing.Seeds;
import java.io.IOException;
import java.net.StandardProtocolFamily;
import java.net.UnixDomainSocketAddress;
import java.nio.ByteBuffer;
import java.nio.channels.SocketChannel;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Collections;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Random;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicLong;
import org.awaitility.Awaitility;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

/** The protocol on a real socket, over a system that is made up. */
@Tag("unit")
@Timeout(240)
class ServerTest {
    /** More than a busy machine takes for anything. */
    private static final long IN_TIME = TimeUnit.SECONDS.toNanos(30);
    /** How much later it is than it really is. */
    private final AtomicLong passed = new AtomicLong();

    @TempDir
    Path temp;

    private final List<String> log = Collections.synchronizedList(new ArrayList<>());
    private FakeSystem system;
    private Folder folder;
    private Volumes volumes;
    private Lanes lanes;
    private Socket socket;
    private Server server;
    private Thread thread;
    private Path path;

    @BeforeEach
    void start() throws Exception {
        path = temp.resolve("s");
        system = new FakeSystem(temp.resolve("mountinfo"), new HashMap<>());
        folder = Folder.open(temp.resolve("own"));
        volumes = new Volumes(new Volume.Tools(folder, system, new FileSystems(temp.resolve("dir"),
                system, system, temp.resolve("mountinfo")), "b", (s, e) -> log.add(s)));
        lanes = new Lanes("volume", 8, 64, (s, e) -> log.add(s));
        socket = Socket.at(path);
        server = new Server(socket.channel, new Protocol(volumes, lanes, (s, e) -> log.add(s)),
                () -> System.nanoTime() + passed.get(), (s, e) -> log.add(s), IN_TIME);
        thread = new Thread(server);
        thread.start();
    }

    @AfterEach
    void end() throws Exception {
        system.gate.countDown();
        server.close();
        thread.join(20_000);
        assertThat(thread.isAlive()).isFalse();
        lanes.close(new HashMap<>());
        assertThat(lanes.await(20_000)).isTrue();
        socket.close();
        folder.close();
        assertThat(path).doesNotExist();
        assertThat(log).isEmpty();
    }

    private SocketChannel connect() throws IOException {
        return SocketChannel.open(UnixDomainSocketAddress.of(path));
    }

    private static void write(SocketChannel channel, byte[] bytes) throws IOException {
        ByteBuffer all = ByteBuffer.wrap(bytes);
        while (all.hasRemaining()) {
            channel.write(all);
        }
    }

    private static String all(SocketChannel channel) throws IOException {
        ByteBuffer room = ByteBuffer.allocate(1 << 20);
        while (channel.read(room) >= 0) {
            continue;
        }
        return new String(room.array(), 0, room.position(), StandardCharsets.UTF_8);
    }

    private String raw(String text) throws IOException {
        try (SocketChannel channel = connect()) {
            write(channel, text.getBytes(StandardCharsets.UTF_8));
            return all(channel);
        }
    }

    private String ask(String what, String json) throws IOException {
        return raw("POST /" + what + " HTTP/1.1\r\nHost: x\r\nContent-Length: "
                + json.getBytes(StandardCharsets.UTF_8).length + "\r\n\r\n" + json);
    }

    private String driver(String what, String json) throws IOException {
        String reply = ask("VolumeDriver." + what, json);
        return reply.substring(reply.indexOf("\r\n\r\n") + 4);
    }

    /** The time of all that was sent before is over. */
    private void pass() throws IOException {
        // One thread takes all in the order in which it came.
        driver("List", "{}");
        passed.addAndGet(IN_TIME + 1);
        // It looks at the time when something comes.
        driver("List", "{}");
    }

    /** What is asked of the driver, without waiting for the answer. */
    private SocketChannel asked(String what, String json) throws IOException {
        SocketChannel channel = connect();
        write(channel, ("POST /VolumeDriver." + what + " HTTP/1.1\r\nContent-Length: "
                + json.length() + "\r\n\r\n" + json).getBytes(StandardCharsets.US_ASCII));
        return channel;
    }

    private static String named(String name) {
        return "{\"Name\":\"" + name + "\",\"ID\":\"1\"}";
    }

    @Test
    void theProtocolFromBeginningToEnd() throws Exception {
        assertThat(ask("Plugin.Activate", "")).startsWith("HTTP/1.1 200 OK\r\n")
                .endsWith("{\"Implements\":[\"VolumeDriver\"],\"Err\":\"\"}");
        assertThat(driver("Capabilities", "{}")).contains("{\"Scope\":\"local\"}");
        assertThat(driver("Create", "{\"Name\":\"v\",\"Opts\":{\"target\":\"ram\"}}"))
                .isEqualTo("{\"Err\":\"\"}");
        assertThat(driver("Create", "{\"Name\":\"w\",\"Opts\":null}")).isEqualTo("{\"Err\":\"\"}");
        assertThat(driver("Path", named("v"))).contains("\"Mountpoint\":\"\"");
        String at = folder.mounts.resolve("v").toString();
        assertThat(driver("Mount", named("v"))).contains("\"Mountpoint\":\"" + at + "\"");
        assertThat(driver("Path", named("v"))).contains(at);
        assertThat(driver("Get", named("v"))).contains("\"Name\":\"v\"", "\"state\":\"mounted\"",
                "\"used\":163840");
        assertThat(driver("List", "{}")).contains("\"Name\":\"v\"", "\"Name\":\"w\"");
        assertThat(driver("Remove", named("v"))).contains("is in use by 1");
        assertThat(driver("Unmount", named("v"))).isEqualTo("{\"Err\":\"\"}");
        assertThat(driver("Unmount", named("v"))).isEqualTo("{\"Err\":\"\"}");
        assertThat(driver("Remove", named("v"))).isEqualTo("{\"Err\":\"\"}");
        assertThat(driver("Remove", named("v"))).isEqualTo("{\"Err\":\"\"}");
        assertThat(driver("Get", named("v"))).contains("there is no volume");
        assertThat(system.disks).isEmpty();
    }

    @Test
    void whatIsWrongIsAnErrorAndMakesNothing() throws Exception {
        String[] bodies = {"", "nonsense", "[]", "1", "null", "{", "{}{}", "{\"Name\":1}",
            "{\"Name\":null}", "{\"Name\":\"a\",\"Name\":\"b\"}", named(""), named("../x"),
            named("a/b"), named(".a"), named("\\u0000"), "{\"Name\":\"a\",\"Opts\":[]}",
            "{\"Name\":\"a\",\"ID\":5,\"Opts\":{\"size\":5}}", "[".repeat(20_000),
            "{\"Name\":\"a\",\"Opts\":{\"size\":{}}}",
            "{\"Name\":\"a\",\"ID\":\"\",\"Opts\":{\"image\":\"../../etc/passwd\"}}",
            "{\"Name\":\"a\",\"Opts\":{\"\":\"\"}}", named("a".repeat(60_000))};
        for (String body : bodies) {
            for (String what : List.of("Create", "Mount", "Unmount", "Remove", "Get", "Path")) {
                boolean fine = body.contains("\"size\":") && !what.equals("Create")
                        || body.contains("\"image\"") || body.contains("Opts");
                String reply = ask("VolumeDriver." + what, body);
                if (what.equals("Create") || !fine) {
                    assertThat(reply).as(what + " " + body).startsWith("HTTP/1.1 400 ")
                            .contains("{\"Err\":\"").doesNotContain("\"Err\":\"\"");
                    assertThat(reply.length()).isLessThan(1000);
                }
            }
        }
        assertThat(raw("GET /VolumeDriver.List HTTP/1.1\r\n\r\n")).startsWith("HTTP/1.1 405");
        assertThat(ask("VolumeDriver.Format", "{}")).startsWith("HTTP/1.1 404");
        assertThat(ask("../x", "{}")).startsWith("HTTP/1.1 404");
        assertThat(driver("List", "")).contains("\"Volumes\":[]");
        assertThat(folder.images).isEmptyDirectory();
        assertThat(system.done).isEmpty();
    }

    @Test
    void aMebibyteIsRefusedAndTheAnswerCanBeRead() throws Exception {
        assertThat(ask("VolumeDriver.Create", named("a".repeat(1 << 20))))
                .startsWith("HTTP/1.1 413 ").contains("larger than 65536");
        assertThat(raw("POST /" + "x".repeat(1 << 20))).startsWith("HTTP/1.1 431 ");
    }

    @Test
    void halfARequestIsAnsweredWhenItsTimeIsOver() throws Exception {
        try (SocketChannel half = connect(); SocketChannel silent = connect()) {
            write(half, "POST /VolumeDriver.Get HTTP/1.1\r\nContent-Length: 100\r\n\r\n{\"Na"
                    .getBytes(StandardCharsets.US_ASCII));
            pass();
            assertThat(all(half)).startsWith("HTTP/1.1 408 ");
            assertThat(all(silent)).isEmpty();
        }
    }

    @Test
    void aThousandConnectionsLeaveRoomForOneThatAsks() throws Exception {
        List<SocketChannel> open = new ArrayList<>();
        int before = Thread.activeCount();
        try {
            for (int i = 0; i < 1000; i++) {
                SocketChannel channel = connect();
                open.add(channel);
                if (i % 2 == 0) {
                    write(channel, "POST /Vol".getBytes(StandardCharsets.US_ASCII));
                }
                if (i % 100 == 99) {
                    assertThat(driver("List", "{}")).contains("\"Volumes\":[]");
                }
            }
            assertThat(Thread.activeCount()).isLessThanOrEqualTo(before + 2);
        } finally {
            for (SocketChannel channel : open) {
                channel.close();
            }
        }
        assertThat(driver("List", "{}")).contains("\"Volumes\":[]");
    }

    @Test
    void whoGoesBeforeHisAnswerIsNoError() throws Exception {
        for (int i = 0; i < 50; i++) {
            try (SocketChannel channel = connect()) {
                write(channel, ("POST /VolumeDriver.List HTTP/1.1\r\nContent-Length: 2\r\n\r\n{}")
                        .getBytes(StandardCharsets.US_ASCII));
            }
        }
        assertThat(driver("List", "{}")).contains("\"Volumes\":[]");
    }

    @Test
    void whatTakesLongIsAnsweredInTimeGoesOnAndIsNotCounted() throws Exception {
        volumes.create("v", Spec.parse(Map.of("target", "ram")));
        CountDownLatch gate = new CountDownLatch(1);
        system.gate = gate;
        try (SocketChannel mount = asked("Mount", named("v"))) {
            Awaitility.await().atMost(20, TimeUnit.SECONDS)
                    .until(() -> volumes.doing("v").contains("being made"));
            pass();
            assertThat(all(mount)).startsWith("HTTP/1.1 503 ").contains("volume v takes longer",
                    "its file system is being made", "ask again later");
        }
        try (SocketChannel remove = asked("Remove", named("v"))) {
            pass();
            assertThat(all(remove)).startsWith("HTTP/1.1 503 ");
        }
        assertThat(driver("Path", named("v"))).contains("\"Mountpoint\":\"\"");
        gate.countDown();
        Awaitility.await().atMost(20, TimeUnit.SECONDS)
                .until(() -> lanes.busy() == 0);
        assertThat(system.mounted).as("nobody was told that it is mounted").isEmpty();
        assertThat(system.disks.get("v").fs).isEqualTo("ext4");
        assertThat(volumes.all()).as("what had not begun is not done").hasSize(1);
        Awaitility.await().atMost(20, TimeUnit.SECONDS)
                .until(() -> driver("Mount", named("v")).contains("mounts/v"));
    }

    @Test
    void oneThatIsStuckHoldsUpNoOther() throws Exception {
        volumes.create("v", Spec.parse(Map.of("target", "ram")));
        system.gate = new CountDownLatch(1);
        List<SocketChannel> waiting = new ArrayList<>();
        for (int i = 0; i < 12; i++) {
            waiting.add(asked("Mount", named("v")));
        }
        assertThat(driver("Create", "{\"Name\":\"w\",\"Opts\":{\"target\":\"ram\"}}"))
                .isEqualTo("{\"Err\":\"\"}");
        pass();
        for (SocketChannel channel : waiting) {
            assertThat(all(channel)).startsWith("HTTP/1.1 503 ");
            channel.close();
        }
    }

    /** Good requests that were tampered with: each is answered, and nothing outside is touched. */
    @Test
    void tamperedRequestsAreAnswered() throws Exception {
        Random random = new Random(Seeds.seed("ServerTest"));
        String[] what = {"Create", "Mount", "Unmount", "Remove", "Get", "Path", "List"};
        String[] values = {"\"a\"", "\"../a\"", "1", "{}", "[]", "null", "true", "\"\"",
            "\"target\"", "{\"target\":\"ram\"}", "{\"size\":\"16M\"}", "\"a\\u0000\"", "1e999"};
        for (int i = 0; i < 2000; i++) {
            StringBuilder json = new StringBuilder("{");
            for (String field : List.of("Name", "ID", "Opts")) {
                String value = values[random.nextInt(3) == 0 ? random.nextInt(values.length)
                        : field.equals("Opts") ? 9 : 0];
                json.append(json.length() > 1 ? "," : "").append('"').append(field)
                        .append("\":").append(value);
            }
            json.append('}');
            if (random.nextInt(4) == 0) {
                json.setCharAt(random.nextInt(json.length()), (char) (32 + random.nextInt(95)));
            }
            String reply = ask("VolumeDriver." + what[random.nextInt(what.length)],
                    json.toString());
            assertThat(reply).as(json.toString())
                    .matches("(?s)HTTP/1\\.1 (200|400|500) .*\\{.*\\}");
        }
        try (java.util.stream.Stream<Path> files = Files.list(temp)) {
            assertThat(files.map(p -> p.getFileName().toString()))
                    .containsExactlyInAnyOrder("own", "s", "mountinfo");
        }
        assertThat(volumes.all()).hasSizeLessThan(40);
    }

    @Test
    void aSocketThatIsServedIsNotTakenAndADeadOneIs() throws Exception {
        assertThat(org.assertj.core.api.Assertions.catchThrowableOfType(BlockException.class,
                () -> Socket.at(path))).hasMessageContaining("is served by another");
        Path file = Files.createFile(temp.resolve("file"));
        assertThat(org.assertj.core.api.Assertions.catchThrowableOfType(BlockException.class,
                () -> Socket.at(file))).hasMessageContaining("no socket");
        Path dead = temp.resolve("dead");
        try (var channel = java.nio.channels.ServerSocketChannel.open(
                StandardProtocolFamily.UNIX)) {
            channel.bind(UnixDomainSocketAddress.of(dead));
        }
        assertThat(dead).exists();
        try (Socket again = Socket.at(dead)) {
            assertThat(Files.getPosixFilePermissions(dead)).hasSize(2);
            SocketChannel.open(UnixDomainSocketAddress.of(dead)).close();
        }
        assertThat(dead).doesNotExist();
        assertThat(org.assertj.core.api.Assertions.catchThrowableOfType(BlockException.class,
                () -> Folder.open(temp.resolve("own")))).hasMessageContaining("in use by another");
    }
}
