package dev.sluice.kernel;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.sluice.block.BlockException;
import dev.sluice.ploop.DiskDescriptor;
import dev.sluice.testing.Seeds;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.time.Duration;
import java.util.Comparator;
import java.util.List;
import java.util.Random;
import java.util.Set;
import java.util.TreeSet;
import java.util.stream.Collectors;
import java.util.stream.Stream;
import org.awaitility.Awaitility;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

/**
 * A daemon that is killed while it changes a disk has done that, or has not: nothing flushed is
 * lost, and the next mount leaves no file that is none of the disk's.
 */
@Tag("kernel")
@Timeout(420)
final class PloopKillKernelTest {
    private static final int TIMES = 2;
    private static final int BLOCKS = 2048;
    private static final int CLUSTER_BLOCKS = 16;
    private static final long MORE = 64L << 20;

    /** In the build folder, on a real disk. */
    private Path folder;
    private Path image;
    private Path xml;
    private Random random;
    private AckedWriter writer;
    /** What the disk has at least, and at most. */
    private long least = MORE;
    private long most = MORE;
    private int done;

    @BeforeEach
    void make() throws IOException {
        folder = Files.createTempDirectory(Path.of("target").toAbsolutePath(), "kill");
        image = folder.resolve("disk.hds");
        xml = folder.resolve("disk.hds.xml");
        Shell.sluice("image", "create", image.toString(), Long.toString(MORE), "--cluster",
                CLUSTER_BLOCKS * AckedWriter.BLOCK / 1024 + "k").ok();
        random = new Random(Seeds.seed("PloopKillKernelTest"));
        writer = new AckedWriter(new Random(random.nextLong()), BLOCKS, CLUSTER_BLOCKS);
    }

    @AfterEach
    void clear() throws IOException {
        writer.close();
        try (Stream<Path> all = Files.walk(folder)) {
            for (Path path : all.sorted(Comparator.reverseOrder()).toList()) {
                Files.delete(path);
            }
        }
    }

    /** Mounted, with all that is to be there, and nothing else. */
    private Mounted mounted() throws IOException {
        Mounted m = Mounted.with("", "p - ploop " + image + " prealloc=4M background=80"
                + (random.nextBoolean() ? " direct=on" : "")
                + " dirty-timeout=" + (random.nextBoolean() ? "1s" : "5ms"));
        try {
            assertThat(Files.size(m.file("p"))).isIn(least, most);
            writer.verify(m.file("p"));
            clean();
            return m;
        } catch (IOException | RuntimeException | Error e) {
            m.close();
            throw e;
        }
    }

    private void clean() throws IOException {
        Set<String> right = new TreeSet<>(List.of(image.getFileName().toString()));
        if (Files.exists(xml)) {
            right = descriptor().images().stream().map(DiskDescriptor.Image::file)
                    .collect(Collectors.toCollection(TreeSet::new));
            right.add(xml.getFileName().toString());
        }
        try (Stream<Path> all = Files.list(folder)) {
            assertThat(all.map(p -> p.getFileName().toString()))
                    .containsExactlyInAnyOrderElementsOf(right);
        }
    }

    private DiskDescriptor descriptor() {
        try {
            return DiskDescriptor.read(xml);
        } catch (BlockException e) {
            throw new AssertionError(e);
        }
    }

    private boolean has(String guid) {
        return Files.exists(xml) && descriptor().shots().stream()
                .anyMatch(shot -> shot.guid().equals(guid));
    }

    /** Asks for something, and is told that it was done, or not. */
    private static final class Ask {
        private final Thread thread;
        private volatile boolean answered;

        Ask(Mounted m, String file, String words) {
            Path control = m.control("p", file);
            thread = new Thread(() -> {
                try {
                    Files.writeString(control, words, StandardOpenOption.WRITE);
                    answered = true;
                } catch (IOException e) {
                    // It was killed.
                }
            }, "ask");
            thread.start();
        }

        boolean done() throws InterruptedException {
            thread.join(60_000);
            assertThat(thread.isAlive()).isFalse();
            return answered;
        }
    }

    private static void message(Mounted m, String words) {
        Shell.sluice(Stream.concat(Stream.of("message", m.file("p").toString()),
                Stream.of(words.split(" "))).toArray(String[]::new)).ok();
    }

    private boolean killedIn(Mounted m, String file, String words, int most) throws Exception {
        Ask[] ask = {null};
        Killed.whileWriting(m, "p", writer, () -> {
            Thread.sleep(20 + random.nextInt(150));
            ask[0] = new Ask(m, file, words);
            Thread.sleep(random.nextInt(most));
        });
        m.umount("--force").ok();
        boolean answered = ask[0].done();
        done += answered ? 1 : 0;
        return answered;
    }

    private void snapshot() throws Exception {
        String guid = DiskDescriptor.newGuid();
        try (Mounted m = mounted()) {
            boolean answered = killedIn(m, "message", "snapshot " + guid, 60);
            assertThat(has(guid) || !answered).as("the snapshot is there").isTrue();
        }
    }

    private void merge() throws Exception {
        try (Mounted m = mounted()) {
            if (!Files.exists(xml) || descriptor().images().size() < 2) {
                message(m, "snapshot");
            }
            killedIn(m, "message", "merge", 250);
        }
    }

    private void grow() throws Exception {
        try (Mounted m = mounted()) {
            least = Files.size(m.file("p"));
            most = least + MORE;
            if (killedIn(m, "set", "size=" + most, 100)) {
                least = most;
            }
        }
    }

    private void compact() throws Exception {
        try (Mounted m = mounted()) {
            killedIn(m, "message", "compact", 150);
        }
    }

    /** Nobody writes meanwhile: there is one content or the other. */
    private void toggle() throws Exception {
        String guid = DiskDescriptor.newGuid();
        try (Mounted m = mounted()) {
            writer.write(m.file("p"), 50);
            message(m, "snapshot " + guid);
            List<Long> then = writer.last();
            writer.write(m.file("p"), 50);
            String before = descriptor().image(DiskDescriptor.TOP).file();
            Awaitility.await().atMost(Duration.ofSeconds(60)).until(() -> Shell.sluice("status",
                    m.dir.toString(), "p").ok().lines().anyMatch(l -> l.matches("opens +0")));
            long pid = m.pid();
            Ask ask = new Ask(m, "message", "switch " + guid);
            Thread.sleep(random.nextInt(60));
            Killed.now(pid);
            m.umount("--force").ok();
            boolean answered = ask.done();
            boolean other = !descriptor().image(DiskDescriptor.TOP).file().equals(before);
            assertThat(other || !answered).isTrue();
            done += answered ? 1 : 0;
            if (other) {
                writer.is(then);
            }
        }
    }

    @Test
    void whatIsKilledIsDoneOrUndone() throws Exception {
        for (int i = 0; i < TIMES; i++) {
            snapshot();
            merge();
            grow();
            compact();
            toggle();
        }
        try (Mounted m = mounted()) {
            m.umount().ok();
        }
        for (DiskDescriptor.Image one : descriptor().images()) {
            Shell.run("qemu-img", "check", "-f", "parallels",
                    folder.resolve(one.file()).toString()).ok();
        }
        System.out.println("PloopKillKernelTest: " + writer.writes() + " writes, "
                + writer.syncs() + " acknowledged syncs, " + done + " answered in time");
        assertThat(writer.syncs()).isPositive();
    }

    @Test
    void aFileThatIsNoneOfTheDisksIsSeen() throws IOException {
        clean();
        Files.createFile(folder.resolve("disk.hds." + DiskDescriptor.newGuid()));
        assertThatThrownBy(this::clean).isInstanceOf(AssertionError.class);
    }
}
