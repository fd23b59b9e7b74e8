package dev.sluice.kernel;

import static org.assertj.core.api.Assertions.assertThat;

import dev.sluice.testing.Seeds;
import java.io.IOException;
import java.io.RandomAccessFile;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import java.util.Random;
import java.util.stream.Stream;
import org.awaitility.Awaitility;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

/** Images go from us to qemu and OpenVZ's checker and back, byte for byte. */
@Tag("kernel")
@Timeout(900)
final class ImageKernelTest {
    private Path folder;

    @BeforeEach
    void make() throws IOException {
        folder = Files.createTempDirectory("sluice-kernel").toRealPath();
    }

    @AfterEach
    void clear() throws IOException {
        try (Stream<Path> all = Files.walk(folder)) {
            for (Path path : all.sorted(Comparator.reverseOrder()).toList()) {
                Files.delete(path);
            }
        }
    }

    private String at(String name) {
        return folder.resolve(name).toString();
    }

    private static Shell.Result image(String... words) {
        List<String> all = new ArrayList<>(List.of("image"));
        all.addAll(List.of(words));
        return Shell.sluice(all.toArray(new String[0]));
    }

    private void put(String name, long offset, int value) throws IOException {
        try (RandomAccessFile file = new RandomAccessFile(at(name), "rw")) {
            file.seek(offset);
            file.writeInt(Integer.reverseBytes(value));
        }
    }

    private int get(String name, long offset) throws IOException {
        try (RandomAccessFile file = new RandomAccessFile(at(name), "r")) {
            file.seek(offset);
            return Integer.reverseBytes(file.readInt());
        }
    }

    /** A raw disk with data here and there. */
    private void rawDisk(String name, long bytes, Random random) throws IOException {
        try (RandomAccessFile file = new RandomAccessFile(at(name), "rw")) {
            file.setLength(bytes);
            for (int i = 0; i < 20; i++) {
                byte[] data = new byte[1 + random.nextInt((int) Math.min(100_000, bytes / 4))];
                random.nextBytes(data);
                file.seek((long) (random.nextDouble() * (bytes - data.length)));
                file.write(data);
            }
        }
    }

    /** We read the same as qemu does, from the same places. */
    private void sameAsQemu(String name) throws IOException {
        Shell.run("qemu-img", "convert", "-f", "parallels", "-O", "raw", at(name), at("theirs"))
                .ok();
        image("convert", "--from", "ploop", at(name), at("ours")).ok();
        assertThat(Files.mismatch(folder.resolve("theirs"), folder.resolve("ours")))
                .as(name).isEqualTo(-1);
        sameMap(name);
        Files.delete(folder.resolve("theirs"));
        Files.delete(folder.resolve("ours"));
    }

    private void sameMap(String name) {
        assertThat(image("map", "--json", at(name)).ok()).isEqualTo(Shell.run("qemu-img", "map",
                "-f", "parallels", "--output=json", at(name)).ok());
    }

    @Test
    void whatQemuMakesIsReadByteForByte() throws Exception {
        Random random = new Random(Seeds.seed("ImageKernelTest"));
        String[] clusters = {"512", "4096", "64K", "96K", "32256", "2M"};
        for (String cluster : clusters) {
            long bytes = 3_000_001 + random.nextInt(1 << 20);
            String name = cluster + ".hds";
            Shell.run("qemu-img", "create", "-q", "-f", "parallels", "-o", "cluster_size="
                    + cluster, at(name), Long.toString(bytes)).ok();
            List<String> io = new ArrayList<>(List.of("qemu-io", "-f", "parallels"));
            for (int i = 0; i < 12; i++) {
                long from = random.nextInt((int) bytes / 512 - 200) * 512L;
                io.addAll(List.of("-c", "write -P " + (1 + random.nextInt(255)) + " " + from + " "
                        + 512 * (1 + random.nextInt(199))));
            }
            io.add(at(name));
            Shell.run(io.toArray(new String[0])).ok();
            sameAsQemu(name);
            assertThat(image("check", at(name)).exit()).as(name).isZero();
        }
    }

    @Test
    void fullEmptyConvertedAndOldImagesAreReadToo() throws Exception {
        Random random = new Random(Seeds.seed("ImageKernelTest"));
        byte[] data = new byte[5 << 20];
        random.nextBytes(data);
        Files.write(folder.resolve("full"), data);
        rawDisk("sparse", 9 << 20, random);
        for (String raw : new String[] {"full", "sparse"}) {
            Shell.run("qemu-img", "convert", "-f", "raw", "-O", "parallels", at(raw),
                    at(raw + ".hds")).ok();
            sameAsQemu(raw + ".hds");
        }
        Shell.run("qemu-img", "create", "-q", "-f", "parallels", at("empty.hds"), "77M").ok();
        sameAsQemu("empty.hds");
        // The same image in version 1: its words are sectors.
        try (RandomAccessFile file = new RandomAccessFile(at("sparse.hds"), "rw")) {
            file.write("WithoutFreeSpace".getBytes(StandardCharsets.US_ASCII));
        }
        for (int i = 0; i < get("sparse.hds", 32); i++) {
            put("sparse.hds", 64 + 4 * i, 2048 * get("sparse.hds", 64 + 4 * i));
        }
        sameAsQemu("sparse.hds");
        image("convert", at("sparse.hds"), at("back")).ok();
        assertThat(Files.mismatch(folder.resolve("sparse"), folder.resolve("back"))).isEqualTo(-1);
        image("convert", "--to", "ploop", at("sparse.hds"), at("new.hds")).ok();
        sameAsQemu("new.hds");
    }

    /** OpenVZ's checker repairs what it looks at, and takes no file with holes: so a copy. */
    private void openVzAccepts(String name) throws IOException {
        Shell.run("cp", "--sparse=never", at(name), at("copy.hds")).ok();
        Shell.Result result = Shell.run("ploop", "check", "-f", "-c", at("copy.hds"));
        assertThat(result.exit()).as(result.toString()).isZero();
        assertThat(Files.mismatch(folder.resolve(name), folder.resolve("copy.hds"))).as(name)
                .isEqualTo(-1);
        Files.delete(folder.resolve("copy.hds"));
    }

    private void everybodyAccepts(String name) throws IOException {
        Shell.run("qemu-img", "check", "-f", "parallels", at(name)).ok();
        sameMap(name);
        openVzAccepts(name);
        assertThat(image("check", at(name)).exit()).isZero();
    }

    @Test
    void whatWeMakeIsTakenByQemuAndOpenVz() throws Exception {
        Random random = new Random(Seeds.seed("ImageKernelTest"));
        image("create", at("empty.hds"), "64M").ok();
        everybodyAccepts("empty.hds");
        image("create", "--cluster", "32k", at("large.hds"), "1T").ok();
        // Of an empty image with a large table qemu 7.2 says that the table leaks, its own too.
        Shell.run("qemu-io", "-f", "parallels", "-c", "write 5G 4k", at("large.hds")).ok();
        Shell.run("qemu-img", "check", "-f", "parallels", at("large.hds")).ok();
        rawDisk("raw", (20 << 20) + 12_345, random);
        for (String cluster : new String[] {"32k", "1M", "4M"}) {
            String name = cluster + ".hds";
            image("convert", "--cluster", cluster, at("raw"), at(name)).ok();
            everybodyAccepts(name);
            Shell.Result compared = Shell.run("qemu-img", "compare", "-f", "raw", "-F",
                    "parallels", at("raw"), at(name));
            assertThat(compared.exit()).as(compared.toString()).isZero();
            // Written by qemu, read by us.
            Shell.run("qemu-io", "-f", "parallels", "-c", "write -P 7 3M 1M", "-c",
                    "write -P 9 20M 4k", at(name)).ok();
            sameAsQemu(name);
            everybodyAccepts(name);
        }
        Path raw = Files.write(folder.resolve("tiny"), new byte[] {1});
        image("convert", raw.toString(), at("tiny.hds")).ok();
        everybodyAccepts("tiny.hds");
    }

    @Test
    void nothingHalfMadeIsLeftAndNothingIsReplaced() throws Exception {
        rawDisk("raw", 8 << 20, new Random(5));
        image("convert", at("raw"), at("a.hds")).ok();
        assertThat(image("convert", at("raw"), at("a.hds")).sentence()).contains("exists");
        assertThat(image("create", at("raw"), "1M").sentence()).contains("exists");
        put("a.hds", 64, 500);
        assertThat(image("convert", at("a.hds"), at("b")).sentence()).contains("is damaged");
        assertThat(image("map", at("a.hds")).sentence()).contains("is damaged");
        assertThat(image("convert", at("raw"), at("missing/b")).sentence()).contains("not made");
        assertThat(image("create", "--cluster", "48k", at("c"), "1M").sentence())
                .contains("power of two");
        assertThat(image("info", at("c")).sentence()).contains("does not exist");
        try (Stream<Path> all = Files.list(folder)) {
            assertThat(all.map(p -> p.getFileName().toString())).containsExactlyInAnyOrder("raw",
                    "a.hds");
        }
    }

    @Test
    void checkTellsWithItsExitCode() throws Exception {
        rawDisk("raw", 8 << 20, new Random(6));
        image("convert", "--cluster", "64k", at("raw"), at("a.hds")).ok();
        Shell.bash("truncate -s +100000 $1", at("a.hds")).ok();
        assertThat(image("check", at("a.hds")).exit()).isEqualTo(3);
        int first = get("a.hds", 64);
        int other = -1;
        for (int i = 127; other < 0; i--) {
            other = get("a.hds", 64 + 4 * i) != 0 ? i : -1;
        }
        put("a.hds", 64 + 4 * other, 9999);
        put("a.hds", 44, 0x746F6E59);
        Shell.Result damaged = image("check", "--json", at("a.hds"));
        assertThat(damaged.exit()).as(damaged.toString()).isEqualTo(2);
        assertThat(damaged.out()).contains("\"corruptions\" : 2", "\"kind\" : \"outside\"",
                "\"kind\" : \"in-use\"", "\"leaks\" : ");
        assertThat(image("check", "--repair", at("a.hds")).exit()).isEqualTo(2);
        Shell.Result repaired = image("check", "--repair=lossy", at("a.hds"));
        assertThat(repaired.exit()).as(repaired.toString()).isZero();
        assertThat(repaired.out()).contains("is zeros now", "are cut off", "is taken away");
        assertThat(get("a.hds", 64)).isEqualTo(first);
        everybodyAccepts("a.hds");
        Files.writeString(folder.resolve("text"), "x".repeat(1000));
        assertThat(image("check", at("text")).sentence()).contains("no ploop image");
        assertThat(image("check").exit()).isEqualTo(1);
        assertThat(image("check", "--repair=all", at("a.hds")).exit()).isEqualTo(1);
        // While qemu has it open for writing, nobody else may look.
        try (Shell.Running qemu = Shell.start("qemu-io", "-f", "parallels", "-c", "sleep 120000",
                at("a.hds"))) {
            Awaitility.await().atMost(Shell.LIMIT)
                    .until(() -> image("check", at("a.hds")).err().contains("is in use"));
        }
    }
}
