package dev.sluice.target;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.sluice.block.BlockException;
import dev.sluice.block.Device;
import dev.sluice.block.Errno;
import dev.sluice.block.Op;
import java.io.BufferedReader;
import java.io.IOException;
import java.io.InputStreamReader;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.List;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

/** Locks against the real qemu tools, and block devices: needs qemu-utils, losetup and root. */
@Tag("kernel")
@Timeout(120)
final class FileLockTest {
    private static final int MIB = 1 << 20;

    private final TempDir dir = new TempDir();
    private final TargetRig rig = new TargetRig();

    @AfterEach
    void close() throws Exception {
        rig.close();
        dir.close();
    }

    private Device open(String path, String... keys) throws BlockException {
        return rig.open("file", -1, path, List.of(), keys);
    }

    /** What a program said on either stream, behind its exit code. */
    private static String run(String... command) throws Exception {
        Process p = new ProcessBuilder(command).redirectErrorStream(true).start();
        p.getOutputStream().close();
        String said = new String(p.getInputStream().readAllBytes(), StandardCharsets.UTF_8);
        assertThat(p.waitFor(30, TimeUnit.SECONDS)).isTrue();
        return p.exitValue() + " " + said.strip();
    }

    /** qemu-img info of a raw image takes no lock, as it reads no data; all that do are refused. */
    @Test
    void qemuIsRefusedWhileWeWrite() throws Exception {
        String path = dir.file("f", MIB);
        String copy = dir.path.resolve("copy").toString();
        Device ours = open(path);
        refused("qemu-img", "convert", "-f", "raw", "-O", "raw", path, copy);
        refused("qemu-img", "resize", "-f", "raw", path, "2M");
        refused("qemu-io", "-r", "-f", "raw", "-c", "read 0 512", path);
        refused("qemu-io", "-f", "raw", "-c", "write 0 512", path);
        rig.close(ours);
        assertThat(run("qemu-img", "convert", "-f", "raw", "-O", "raw", path, copy))
                .startsWith("0 ");
        assertThat(run("qemu-io", "-f", "raw", "-c", "write 0 512", path)).startsWith("0 ");
    }

    private static void refused(String... command) throws Exception {
        assertThat(run(command)).startsWith("1 ").contains("lock")
                .contains("Is another process using the image");
    }

    @Test
    void qemuReadsWithUsButDoesNotWrite() throws Exception {
        String path = dir.file("f", MIB);
        open(path, "readonly=on");
        assertThat(run("qemu-io", "-r", "-f", "raw", "-c", "read 0 512", path)).startsWith("0 ");
        refused("qemu-io", "-f", "raw", "-c", "write 0 512", path);
    }

    @Test
    void weAreRefusedWhileQemuWrites() throws Exception {
        String path = dir.file("f", MIB);
        try (Holder qemu = new Holder("qemu-io", "-f", "raw", path)) {
            assertThatThrownBy(() -> open(path)).hasMessage(path + " is in use: another program"
                    + " has it open; close it there first");
            assertThatThrownBy(() -> open(path, "readonly=on")).hasMessage(path + " is in use:"
                    + " another program has it open for writing; close it there first");
        }
        open(path);
    }

    @Test
    void weReadWithQemuButDoNotWrite() throws Exception {
        String path = dir.file("f", MIB);
        try (Holder qemu = new Holder("qemu-io", "-r", "-f", "raw", path)) {
            assertThatThrownBy(() -> open(path)).hasMessageContaining("is in use");
            open(path, "readonly=on");
        }
    }

    /** A qemu-io that has the image open and waits for commands. */
    private static final class Holder implements AutoCloseable {
        private final Process process;

        Holder(String... command) throws IOException {
            process = new ProcessBuilder(command).redirectErrorStream(true).start();
            process.getOutputStream().write("length\n".getBytes(StandardCharsets.UTF_8));
            process.getOutputStream().flush();
            BufferedReader said = new BufferedReader(
                    new InputStreamReader(process.getInputStream(), StandardCharsets.UTF_8));
            // It answers once the image is open, and locked.
            assertThat(said.readLine()).contains("1 MiB");
        }

        @Override
        public void close() throws Exception {
            process.getOutputStream().close();
            assertThat(process.waitFor(30, TimeUnit.SECONDS)).isTrue();
        }
    }

    @Test
    void blockDevices() throws Exception {
        String path = dir.file("f", 4 * MIB);
        String loop = losetup("--find", "--show", path);
        try {
            blockDevice(loop, path);
            blockDevice(loop, path, "direct=on");
            assertThatThrownBy(() -> {
                open(loop, "readonly=on");
                open(loop, "readonly=on");
            }).hasMessage(loop + " is in use: mounted, or opened by another program for itself"
                    + " alone; unmount or close it first");
        } finally {
            rig.closeTargets();
            losetup("--detach", loop);
        }
    }

    private static String losetup(String... words) throws Exception {
        String[] command = new String[words.length + 1];
        command[0] = "losetup";
        System.arraycopy(words, 0, command, 1, words.length);
        String said = run(command);
        assertThat(said).startsWith("0 ");
        return said.substring(2);
    }

    private void blockDevice(String loop, String path, String... keys) throws Exception {
        Device device = open(loop, keys);
        assertThat(device.limits().size()).isEqualTo(4 * MIB);
        assertThat(device.limits().blockSize()).isEqualTo(keys.length == 0 ? 1 : 512);
        assertThat(device.target().allocated(0, MIB)).isEqualTo(MIB);
        TargetRig.Io io = rig.new Io(device);
        byte[] ones = new byte[MIB];
        Arrays.fill(ones, (byte) 1);
        byte[] right = new byte[4 * MIB];
        for (int at = 0; at < 2 * MIB; at += MIB) {
            assertThat(io.write(at, ones)).isEqualTo(Errno.OK);
        }
        Arrays.fill(right, 0, 2 * MIB, (byte) 1);
        // Neither begins or ends on a block: fallocate would refuse them as they are.
        assertThat(io.run(Op.DISCARD, 700, 100_000)).isEqualTo(Errno.OK);
        Arrays.fill(right, 700, 100_700, (byte) 0);
        assertThat(io.run(Op.WRITE_ZEROES, MIB + 100, 300)).isEqualTo(Errno.OK);
        Arrays.fill(right, MIB + 100, MIB + 400, (byte) 0);
        assertThat(io.write(3 * MIB + 5, new byte[] {1, 1}, true)).isEqualTo(Errno.OK);
        right[3 * MIB + 5] = 1;
        right[3 * MIB + 6] = 1;
        assertThat(io.read(0, MIB)).isEqualTo(Arrays.copyOfRange(right, 0, MIB));
        assertThat(io.run(Op.FLUSH, 0, 0)).isEqualTo(Errno.OK);
        assertThat(Files.readAllBytes(Path.of(path))).isEqualTo(right);
        assertThat(io.run(Op.DISCARD, 0, 4 * MIB)).isEqualTo(Errno.OK);
        assertThat(io.read(MIB / 2, MIB)).containsOnly(0);
        rig.close(device);
    }
}
