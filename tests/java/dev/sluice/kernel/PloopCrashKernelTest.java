package dev.sluice.kernel;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.sluice.ploop.Image;
import dev.sluice.storage.FileBacking;
import dev.sluice.sys.Arena;
import dev.sluice.testing.Seeds;
import java.io.IOException;
import java.io.RandomAccessFile;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.Random;
import java.util.concurrent.TimeUnit;
import org.awaitility.Awaitility;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

/** A daemon that is killed in the midst of everything leaves an image that lost nothing flushed. */
@Tag("kernel")
@Timeout(900)
final class PloopCrashKernelTest {
    private static final int ROUNDS = 20;
    private static final int BLOCKS = 4096;
    private static final int CLUSTER_BLOCKS = 16;
    private static final long FIO_FROM = 64 << 20;
    private static final int FIO_BYTES = 64 << 20;

    @Test
    void twentyKillsLoseNothingThatWasFlushed() throws Exception {
        Random random = new Random(Seeds.seed("PloopCrashKernelTest#kills"));
        try (Scratch image = image();
                AckedWriter writer = new AckedWriter(random, BLOCKS, CLUSTER_BLOCKS)) {
            int unclosed = 0;
            for (int round = 0; round < ROUNDS; round++) {
                String options = random.nextBoolean() ? " direct=on" : "";
                try (Mounted m = Mounted.with("", "disk - ploop " + image.path + options
                        + " prealloc=4M dirty-timeout=" + (random.nextBoolean() ? "1s" : "5ms"))) {
                    writer.verify(m.file("disk"));
                    verifyFio(m.file("disk"));
                    killInTheMidst(m, writer, 200 + random.nextInt(700));
                }
                unclosed += sound(image.path) ? 1 : 0;
                if (round % 4 == 0) {
                    // Else the next mount puts it right.
                    Shell.sluice("image", "check", "--repair", image.path.toString()).ok();
                    clean(image.path);
                }
            }
            try (Mounted m = Mounted.with("", "disk - ploop " + image.path)) {
                writer.verify(m.file("disk"));
                verifyFio(m.file("disk"));
                m.umount().ok();
            }
            clean(image.path);
            System.out.println("PloopCrashKernelTest: " + writer.writes() + " writes, "
                    + writer.syncs() + " acknowledged syncs, " + unclosed + " images not closed");
            assertThat(unclosed).isEqualTo(ROUNDS);
            assertThat(writer.syncs()).isGreaterThanOrEqualTo(ROUNDS);
        }
    }

    private static void clean(Path image) {
        Shell.sluice("image", "check", image.toString()).ok();
        Shell.run("qemu-img", "check", "-f", "parallels", image.toString()).ok();
    }

    private static Scratch image() {
        Scratch image = new Scratch("sluice-ploop", 0);
        Shell.run("qemu-img", "create", "-q", "-f", "parallels", "-o",
                "cluster_size=" + CLUSTER_BLOCKS * AckedWriter.BLOCK, image.path.toString(),
                "256M").ok();
        return image;
    }

    private static void killInTheMidst(Mounted m, AckedWriter writer, int millis)
            throws Exception {
        try (Shell.Running fio = fio(m.file("disk"))) {
            long before = writer.syncs();
            Killed.whileWriting(m, "disk", writer, () -> {
                // However slow the disk is: something was flushed that could be lost.
                Awaitility.await().atMost(60, TimeUnit.SECONDS)
                        .pollInterval(10, TimeUnit.MILLISECONDS)
                        .until(() -> writer.syncs() > before);
                Thread.sleep(millis);
            });
            Shell.Result r = fio.await(Duration.ofSeconds(60));
            assertThat(r.out() + r.err()).doesNotContain("verify: ");
        }
        m.umount("--force").ok();
    }

    /** Each block is filled with where it is, and verified in passing. */
    private static Shell.Running fio(Path file) {
        return Shell.start("fio", "--name=t", "--filename=" + file, "--rw=randrw", "--bs=4k",
                "--offset=" + FIO_FROM, "--size=" + FIO_BYTES, "--direct=1", "--iodepth=8",
                "--ioengine=libaio", "--verify=pattern", "--verify_pattern=%o",
                "--verify_interval=4096", "--verify_backlog=64", "--verify_fatal=1",
                "--verify_state_save=0", "--fsync=32", "--loops=1000");
    }

    private static void verifyFio(Path file) throws IOException {
        try (RandomAccessFile f = new RandomAccessFile(file.toFile(), "r")) {
            byte[] bytes = new byte[1 << 20];
            ByteBuffer words = ByteBuffer.wrap(bytes).order(ByteOrder.LITTLE_ENDIAN);
            f.seek(FIO_FROM);
            for (int at = 0; at < FIO_BYTES; at += bytes.length) {
                f.readFully(bytes);
                for (int i = 0; i < bytes.length; i += 8) {
                    long block = FIO_FROM + at + i / 4096 * 4096;
                    long first = words.getLong(i / 4096 * 4096);
                    if (words.getLong(i) != first || first != 0 && first != block) {
                        throw new AssertionError("at " + (FIO_FROM + at + i) + " of " + file
                                + " is " + words.getLong(i) + ", neither 0 nor " + block);
                    }
                }
            }
        }
    }

    /** Whether it is marked as in use; by our own check and by qemu's nothing else is wrong. */
    private static boolean sound(Path image) throws Exception {
        boolean dirty;
        try (Arena arena = new Arena();
                FileBacking file = FileBacking.open(image.toString(), false, true, arena,
                        (sentence, cause) -> { });
                Image looked = Image.examine(image.toString(), file, arena,
                        (sentence, cause) -> { })) {
            assertThat(looked.findings().damaged())
                    .as(() -> looked.findings().list().toString()).isFalse();
            dirty = looked.header().dirty();
        }
        String told = Shell.bash("qemu-img check -f parallels --output=json \"$1\" || (($? < 4))",
                image).ok();
        String corruptions = told.replaceAll("(?s).*\"corruptions\": (\\d+).*", "$1");
        assertThat(corruptions.length() < 9 ? corruptions : "0").as(told)
                .isEqualTo(dirty ? "1" : "0");
        return dirty;
    }

    @Test
    void aLostBlockIsFound() {
        try (Scratch file = new Scratch("sluice-acked", (long) BLOCKS * AckedWriter.BLOCK);
                AckedWriter writer = new AckedWriter(new Random(1), BLOCKS, CLUSTER_BLOCKS)) {
            writer.write(file.path, 1000);
            writer.verify(file.path);
            writer.write(file.path, 1000);
            assertThat(writer.syncs()).isPositive();
            Shell.bash("truncate -s 0 \"$1\"; truncate -s \"$2\" \"$1\"", file.path,
                    BLOCKS * AckedWriter.BLOCK).ok();
            assertThatThrownBy(() -> writer.verify(file.path)).isInstanceOf(AssertionError.class)
                    .hasMessageContaining("which is none of the writes");
        }
    }
}
