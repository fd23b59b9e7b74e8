package dev.sluice.kernel;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.HashMap;
import java.util.Map;
import java.util.concurrent.Callable;
import org.awaitility.Awaitility;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

/** The disk in an image, mounted; what qemu made, and what it says of what we leave. */
@Tag("kernel")
@Timeout(420)
final class PloopKernelTest {
    private static final long MIB = 1 << 20;

    /** An image in the build folder, on a real disk, that goes away with the test. */
    private static final class Image implements AutoCloseable {
        final Path path;

        Image(String size, String... options) {
            try {
                path = Files.createTempFile(Path.of("target").toAbsolutePath(), "image", ".hds");
            } catch (IOException e) {
                throw new UncheckedIOException(e);
            }
            make(path, size, options);
        }

        static void make(Path path, String size, String... options) {
            Shell.bash("f=$1; s=$2; shift 2; qemu-img create -q -f parallels \"$@\" \"$f\" \"$s\"",
                    words(path, size, options)).ok();
        }

        private static Object[] words(Path path, String size, String... options) {
            Object[] all = new Object[2 + options.length];
            all[0] = path;
            all[1] = size;
            System.arraycopy(options, 0, all, 2, options.length);
            return all;
        }

        String line(String name, String keys) {
            return name + " - ploop " + path + " " + keys;
        }

        /** Storage that the file takes, in bytes. */
        long storage() {
            return 512 * Long.parseLong(Shell.run("stat", "-c", "%b", path.toString()).ok());
        }

        void sound() {
            Shell.run("qemu-img", "check", "-f", "parallels", path.toString()).ok();
        }

        @Override
        public void close() {
            try {
                Files.delete(path);
            } catch (IOException e) {
                throw new UncheckedIOException(e);
            }
        }
    }

    private static String status(Mounted m, String name) {
        String all = Shell.sluice("status", m.dir.toString(), "p").ok();
        return all.lines().filter(l -> l.startsWith(name + " ")).findFirst()
                .orElseThrow(() -> new AssertionError("no " + name + " in " + all))
                .substring(name.length()).strip();
    }

    private static void await(Callable<Boolean> condition) {
        Awaitility.await().atMost(Duration.ofSeconds(60)).pollInterval(Duration.ofMillis(50))
                .until(condition);
    }

    @ParameterizedTest
    @CsvSource({
        "session, mkfs.ext4 -q -F, e2fsck -f -n, direct=off",
        "session, mkfs.xfs -q -f,  xfs_repair -n, direct=on",
        "stock,   mkfs.ext4 -q -F, e2fsck -f -n, direct=on"
    })
    void fileSystemsLiveInTheImage(String loop, String make, String check, String keys) {
        try (Image image = new Image("600M");
                Mounted m = Mounted.with("loop=" + loop, image.line("p", keys))) {
            Path device = m.attach("p");
            Shell.bash(make + " \"$1\"", device).ok();
            Path disk = m.disk(device);
            String source = Shell.HOME.resolve("target/lib").toString();
            Shell.bash("cp -a \"$1\" \"$2/lib\"; sync -f \"$2\"", source, disk).ok();
            m.umountDisk(disk).ok();
            Shell.bash(check + " \"$1\"", device).ok();
            disk = m.disk(device);
            Shell.bash("diff -r \"$1\" \"$2/lib\"", source, disk).ok();
            Shell.bash("dd if=/dev/urandom of=\"$1/big\" bs=1M count=200 status=none; sync -f"
                    + " \"$1\"", disk).ok();
            long full = image.storage();
            Shell.bash("rm \"$1/big\"; sync -f \"$1\"", disk).ok();
            Path trimmed = disk;
            await(() -> {
                // A file system keeps what it has just freed until its log is written.
                Shell.run("fstrim", trimmed.toString()).ok();
                return image.storage() < full - 150 * MIB;
            });
            m.umountDisk(disk).ok();
            Shell.bash(check + " \"$1\"", device).ok();
            m.detach(device).ok();
            m.umount().ok();
            image.sound();
            assertThat(Shell.run("qemu-img", "map", "-f", "parallels", "--output=json",
                    image.path.toString()).ok()).contains("\"data\": true");
        }
    }

    @ParameterizedTest
    @CsvSource({"session, on", "session, off", "stock, off"})
    void fioFindsWhatItWrote(String loop, String direct) {
        try (Image image = new Image("256M", "-o", "cluster_size=64k");
                Mounted m = Mounted.with("loop=" + loop,
                        image.line("p", "prealloc=4M direct=" + direct))) {
            Map<String, String> options = new HashMap<>(Map.of("rw", "randwrite",
                    "bsrange", "4k-1m", "ioengine", "libaio", "iodepth", "32", "verify", "crc32c",
                    "verify_fatal", "1", "size", "256M", "io_size", "400M", "randseed", "7"));
            options.put("blockalign", "4k");
            options.put("verify_backlog", "64");
            Shell.fio(m.file("p"), options).ok();
            options.put("fsync", "16");
            Shell.fio(m.file("p"), options).ok();
            m.umount().ok();
            image.sound();
        }
    }

    /** What the mount showed is what qemu reads. */
    @Test
    void qemuReadsWhatWasWritten() throws Exception {
        try (Image image = new Image("100M", "-o", "cluster_size=96k");
                Mounted m = Mounted.with("", image.line("p", "dirty-timeout=5ms"))) {
            Path copy = m.folder.resolve("copy");
            Shell.bash("for i in 0 3 17 44 99; do dd if=/dev/urandom of=\"$1\" bs=777777 seek=$i"
                    + " count=1 conv=notrunc status=none oflag=direct,seek_bytes; done;"
                    + " blkdiscard -f -o 0 -l 512 \"$1\" 2>/dev/null || true;"
                    + " fallocate -p -o 3000000 -l 400000 \"$1\"; sync \"$1\"; cp \"$1\" \"$2\"",
                    m.file("p"), copy).ok();
            m.umount().ok();
            Shell.run("qemu-img", "compare", "-f", "raw", "-F", "parallels", copy.toString(),
                    image.path.toString()).ok();
            image.sound();
        }
    }

    @ParameterizedTest
    @ValueSource(strings = {"-t tmpfs -o size=24m none", "-o loop"})
    void aFullFileSystemHoldsRequestsBackUntilThereIsRoom(String how) throws Exception {
        try (Mounted m = Mounted.prepared("p - ploop FILE prealloc=4M")) {
            Path at = Files.createDirectory(m.folder.resolve("small"));
            if (how.contains("loop")) {
                Shell.bash("truncate -s 40M \"$1\"; mkfs.ext4 -q -F -m 0 \"$1\"; mount -o loop"
                        + " \"$1\" \"$2\"", m.folder.resolve("small.img"), at).ok();
            } else {
                Shell.bash("mount " + how + " \"$1\"", at).ok();
            }
            try {
                full(m, at);
            } finally {
                if (m.isMounted()) {
                    m.umount("--force");
                }
                Shell.run("umount", at.toString()).ok();
            }
        }
    }

    private static void full(Mounted m, Path at) throws Exception {
        Path image = at.resolve("disk.hds");
        Image.make(image, "100M");
        Files.writeString(m.table, "p - ploop " + image + " prealloc=4M\n");
        m.mount("").ok();
        Shell.bash("dd if=/dev/zero of=\"$1/ballast\" bs=64k status=none || true", at).ok();
        try (Shell.Running write = Shell.start("dd", "if=/dev/urandom", "of=" + m.file("p"),
                "bs=1M", "count=14", "oflag=direct", "conv=notrunc", "status=none")) {
            await(() -> status(m, "state").equals("no_space") || !write.runs());
            assertThat(write.runs()).as(write.err()).isTrue();
            assertThat(status(m, "event")).isEqualTo("ENOSPC");
            Shell.run(Duration.ofSeconds(60), "dd", "if=" + m.file("p"), "of=/dev/null", "bs=64k",
                    "count=1", "iflag=direct", "status=none").ok();
            Files.delete(at.resolve("ballast"));
            Shell.sluice("message", m.file("p").toString(), "retry").ok();
            assertThat(write.await(Duration.ofSeconds(90)).exit()).isZero();
        }
        assertThat(status(m, "state")).isEqualTo("running");
        m.umount().ok();
        Shell.run("qemu-img", "check", "-f", "parallels", image.toString()).ok();
    }

    @Test
    void whoWaitsForRoomCanBeKilledAndTheMountEnds() throws Exception {
        try (Mounted m = Mounted.prepared("p - ploop FILE")) {
            Path at = Files.createDirectory(m.folder.resolve("small"));
            Shell.bash("mount -t tmpfs -o size=8m none \"$1\"", at).ok();
            try {
                Path image = at.resolve("disk.hds");
                Image.make(image, "100M");
                Files.writeString(m.table, "p - ploop " + image + "\n");
                m.mount("").ok();
                try (Shell.Running killed = writer(m, 0); Shell.Running ended = writer(m, 50)) {
                    await(() -> status(m, "parked").equals("2"));
                    Shell.run("kill", "-KILL", Long.toString(killed.pid())).ok();
                    assertThat(killed.await(Duration.ofSeconds(60)).exit()).isNotZero();
                    await(() -> status(m, "parked").equals("1"));
                    long pid = m.pid();
                    Shell.run("kill", "-TERM", Long.toString(pid)).ok();
                    assertThat(ended.await(Duration.ofSeconds(60)).exit()).isNotZero();
                    await(() -> !m.isMounted());
                    await(() -> Files.exists(m.runtime().resolve("result")));
                    await(() -> Shell.ended(pid));
                }
                Shell.run("qemu-img", "check", "-f", "parallels", image.toString()).ok();
            } finally {
                if (m.isMounted()) {
                    m.umount("--force");
                }
                Shell.run("umount", at.toString()).ok();
            }
        }
    }

    private static Shell.Running writer(Mounted m, int mib) {
        return Shell.start("dd", "if=/dev/urandom", "of=" + m.file("p"), "bs=1M", "seek=" + mib,
                "count=20", "oflag=direct", "conv=notrunc", "status=none");
    }

    @Test
    void anImageIsUsedOnceAndAgainAfterADaemonWasKilled() {
        try (Image image = new Image("64M");
                Mounted m = Mounted.with("", image.line("p", ""))) {
            Shell.run("dd", "if=/dev/urandom", "of=" + m.file("p"), "bs=1M", "count=4",
                    "conv=notrunc,fsync", "status=none").ok();
            String sum = Shell.bash("head -c 4194304 \"$1\" | sha256sum", m.file("p")).ok();
            try (Mounted second = Mounted.prepared(image.line("p", ""))) {
                assertThat(second.mount("").sentence()).contains("in use");
            }
            assertThat(Shell.run("qemu-io", "-f", "parallels", "-c", "write 0 512",
                    image.path.toString()).exit()).isNotZero();
            Killed.now(m.pid());
            m.umount("--force");
            await(() -> !m.isMounted());
            try (Mounted again = Mounted.with("", image.line("p", ""))) {
                assertThat(status(again, "notes")).contains("not closed");
                assertThat(Shell.bash("head -c 4194304 \"$1\" | sha256sum", again.file("p")).ok())
                        .isEqualTo(sum);
                again.umount().ok();
                image.sound();
            }
        }
    }
}
