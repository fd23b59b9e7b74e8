package dev.sluice.target;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.catchThrowableOfType;

import dev.sluice.block.BlockException;
import dev.sluice.block.Device;
import dev.sluice.block.Errno;
import dev.sluice.block.Op;
import java.net.StandardProtocolFamily;
import java.net.UnixDomainSocketAddress;
import java.nio.channels.ServerSocketChannel;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.List;
import java.util.Random;
import java.util.concurrent.TimeUnit;
import org.awaitility.Awaitility;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

@Tag("unit")
@Timeout(120)
final class FileTargetTest {
    private static final int MIB = 1 << 20;

    private final TempDir dir = new TempDir();
    private final TargetRig rig = new TargetRig();

    @AfterEach
    void close() throws Exception {
        rig.close();
        dir.close();
    }

    private Device open(String path, long size, String... keys) throws BlockException {
        return rig.open("file", size, path, List.of(), keys);
    }

    @Test
    void randomOperationsReachTheFile() throws Exception {
        randomOperations(open(dir.file("f", MIB + 512), -1), 0);
    }

    @Test
    void randomOperationsWithDirectIo() throws Exception {
        Device direct = open(dir.file("f", MIB + 4096), -1, "direct=on");
        assertThat(direct.limits().blockSize()).isBetween(512, 4096);
        randomOperations(direct, 0);
    }

    /** Data that starts anywhere, as in another library's memory. */
    @Test
    void randomOperationsWithDirectIoOfUnalignedMemory() throws Exception {
        randomOperations(open(dir.file("f", MIB), -1, "direct=on"), 3);
    }

    private void randomOperations(Device device, int dataAt) throws Exception {
        long seed = Long.getLong("seed", System.nanoTime());
        System.out.println("seed " + seed);
        Random random = new Random(seed);
        int span = (int) device.limits().size();
        byte[] expected = new byte[span];
        TargetRig.Io io = rig.new Io(device, dataAt);
        for (int i = 0; i < 400; i++) {
            int align = random.nextBoolean() ? 4096 : 1;
            int at = random.nextInt(span / align) * align;
            int length = 1 + random.nextInt(Math.min(span - at, random.nextInt(64 << 10) + 1));
            length = align == 1 ? length : Math.min(span - at, (length + 4095) & -4096);
            byte[] bytes = new byte[length];
            switch (random.nextInt(6)) {
                case 0, 1 -> {
                    random.nextBytes(bytes);
                    assertThat(io.write(at, bytes, random.nextInt(20) == 0)).isEqualTo(Errno.OK);
                }
                case 2 -> assertThat(io.run(Op.DISCARD, at, length)).isEqualTo(Errno.OK);
                case 3 -> assertThat(io.run(Op.WRITE_ZEROES, at, length)).isEqualTo(Errno.OK);
                default -> {
                    bytes = io.read(at, length);
                    assertThat(bytes).as("step %d", i)
                            .isEqualTo(Arrays.copyOfRange(expected, at, at + length));
                }
            }
            System.arraycopy(bytes, 0, expected, at, length);
        }
        assertThat(io.run(Op.FLUSH, 0, 0)).isEqualTo(Errno.OK);
        String path = Words.split(device.target().arguments()).get(0);
        assertThat(Files.readAllBytes(Path.of(path))).isEqualTo(expected);
    }

    @Test
    void discardPunchesAndZeroesKeeps() throws Exception {
        Device device = open(dir.file("f", 4 * MIB), -1);
        assertThat(device.target().allocated(0, 4 * MIB)).isZero();
        assertThat(device.target().seek(0, true)).isEqualTo(4 * MIB);
        TargetRig.Io io = rig.new Io(device);
        byte[] full = new byte[MIB];
        Arrays.fill(full, (byte) 1);
        io.write(MIB, full);
        io.run(Op.FLUSH, 0, 0);
        awaitAllocated(device, MIB, MIB + 65536L);
        assertThat(device.target().seek(0, true)).isEqualTo(MIB);
        assertThat(device.target().seek(MIB, false)).isEqualTo(2 * MIB);
        io.run(Op.WRITE_ZEROES, MIB, MIB);
        awaitAllocated(device, MIB, 4 * MIB);
        io.run(Op.DISCARD, 100, 4 * MIB - 100);
        awaitAllocated(device, 0, 0);
        assertThat(device.target().status()).containsEntry("allocated_bytes", 0L);
    }

    /** Who asks waits a little for the file's answer, and then takes the one before. */
    private static void awaitAllocated(Device device, long least, long most) {
        Awaitility.await().atMost(60, TimeUnit.SECONDS).untilAsserted(() ->
                assertThat(device.target().allocated(0, 4 * MIB)).isBetween(least, most));
    }

    @Test
    void aSmallerSizeShowsTheBeginning() throws Exception {
        String path = dir.file("f", 2 * MIB);
        Device device = open(path, MIB);
        TargetRig.Io io = rig.new Io(device);
        assertThat(io.write(MIB - 1, new byte[] {7})).isEqualTo(Errno.OK);
        assertThat(io.write(MIB - 1, new byte[] {7, 8})).isEqualTo(Errno.EINVAL);
        assertThat(device.target().seek(0, false)).isLessThanOrEqualTo(MIB);
        assertThat(device.target().seek(MIB - 1, false)).isEqualTo(MIB);
        assertThat(Files.size(Path.of(path))).isEqualTo(2 * MIB);
    }

    @Test
    void aFileCutOffMeanwhileIsAnError() throws Exception {
        String path = dir.file("f", MIB);
        Device device = open(path, -1);
        dir.file("f", 4096);
        TargetRig.Io io = rig.new Io(device);
        assertThat(io.run(Op.READ, 0, 4096)).isEqualTo(Errno.OK);
        assertThat(io.run(Op.READ, 0, 8192)).isEqualTo(Errno.EIO);
    }

    @Test
    void readOnlyRefusesChangesAndSharesWithReaders() throws Exception {
        String path = dir.file("f", MIB);
        Files.write(Path.of(path), new byte[MIB]);
        Device one = open(path, -1, "readonly=on");
        Device two = open(path, -1, "readonly=on", "direct=on");
        assertThat(rig.new Io(one).write(0, new byte[1])).isEqualTo(Errno.EROFS);
        assertThat(rig.new Io(one).run(Op.FLUSH, 0, 0)).isEqualTo(Errno.OK);
        assertThat(rig.new Io(two).read(0, 512)).containsOnly(0);
        assertThat(two.target().arguments()).isEqualTo(path + " direct=on readonly=on");
        assertThatThrownBy(() -> open(path, -1)).hasMessage(path + " is in use: another program"
                + " has it open; close it there first");
    }

    @Test
    void aWriterIsAlone() throws Exception {
        String path = dir.file("f", MIB);
        Device one = open(path, -1);
        assertThatThrownBy(() -> open(path, -1)).hasMessageContaining("is in use");
        assertThatThrownBy(() -> open(path, -1, "readonly=on")).hasMessage(path + " is in use:"
                + " another program has it open for writing; close it there first");
        rig.close(one);
        rig.close(open(path, -1));
        open(path, -1, "readonly=on");
    }

    @Test
    void closeGivesEverythingBack() throws Exception {
        long descriptors = descriptors();
        long mapped = rig.arena.mappedBytes();
        Device device = open(dir.file("f", MIB), -1);
        assertThat(descriptors()).isEqualTo(descriptors + 1);
        device.target().allocated(0, MIB);
        rig.close(device);
        // An answer that is still to come has the file closed behind it.
        Awaitility.await().atMost(60, TimeUnit.SECONDS)
                .untilAsserted(() -> assertThat(descriptors()).isEqualTo(descriptors));
        assertThatThrownBy(() -> open(dir.file("g", 100), -1)).isInstanceOf(BlockException.class);
        assertThatThrownBy(() -> open("/dev", -1)).isInstanceOf(BlockException.class);
        assertThat(descriptors()).isEqualTo(descriptors);
        assertThat(rig.arena.mappedBytes()).isEqualTo(mapped);
    }

    /** Of files of this test and of {@code /dev}: others come and go with other threads. */
    private long descriptors() throws Exception {
        try (var all = Files.list(Path.of("/proc/self/fd"))) {
            return all.filter(fd -> {
                try {
                    Path of = Files.readSymbolicLink(fd);
                    return of.startsWith(dir.path) || of.equals(Path.of("/dev"));
                } catch (IOException e) {
                    // The one that lists them, and those that were closed since.
                    return false;
                }
            }).count();
        }
    }

    @Test
    void badPathsAreSentences() throws Exception {
        String missing = dir.path.resolve("none").toString();
        wrong(missing, Errno.ENOENT, " does not exist; make it with: truncate -s 1G " + missing);
        wrong(dir.path.toString(), Errno.EISDIR, " is a directory; name a regular file or a block"
                + " device");
        wrong("/dev/zero", Errno.EINVAL, " is a character device; name a regular file or a block"
                + " device");
        String file = dir.file("f", 512).toString();
        wrong(file + "/g", Errno.ENOTDIR, "/g cannot be reached: " + file
                + " is not a directory");
        String pipe = dir.path.resolve("pipe").toString();
        assertThat(new ProcessBuilder("mkfifo", pipe).start().waitFor()).isZero();
        wrong(pipe, Errno.EINVAL, " is a pipe; name a regular file or a block device");
        Path socket = Path.of("/tmp", dir.path.getFileName().toString());
        try (ServerSocketChannel s = ServerSocketChannel.open(StandardProtocolFamily.UNIX)) {
            s.bind(UnixDomainSocketAddress.of(socket));
            wrong(socket.toString(), Errno.EINVAL, " is a socket; name a regular file or a block"
                    + " device");
        } finally {
            Files.deleteIfExists(socket);
        }
    }

    private void wrong(String path, Errno errno, String sentence) {
        BlockException e = catchThrowableOfType(BlockException.class, () -> open(path, -1));
        assertThat(e).isNotNull();
        assertThat(e.getMessage()).contains(path.replaceAll("/g$", "")).contains(sentence);
        assertThat(e.errno()).isEqualTo(errno);
    }

    @Test
    void badSizesAreSentences() throws Exception {
        String empty = dir.file("empty", 0);
        assertThatThrownBy(() -> open(empty, -1)).hasMessage(empty + " is empty; give it a size"
                + " with: truncate -s 1G " + empty);
        String odd = dir.file("odd", 1000);
        assertThatThrownBy(() -> open(odd, -1)).hasMessage(odd + " has 1000 bytes, which is not a"
                + " multiple of 512; 512 or 1k would be");
        String small = dir.file("small", 4096);
        assertThatThrownBy(() -> open(small, 8192)).hasMessage(small + " has 4k, less than the"
                + " size 8k; write - for all of it, or a size that it has");
        assertThatThrownBy(() -> open(small, 1000)).hasMessage("size 1000 is not a multiple of"
                + " 512; 512 or 1k would be");
        assertThatThrownBy(() -> open(small, -1, "direct=yes"))
                .hasMessage("direct=yes must be on or off");
    }

    @Test
    void aPathWithSpacesIsPrintedInQuotes() throws Exception {
        Device device = open(dir.file("a b", MIB), -1);
        assertThat(Words.split(device.target().arguments()))
                .containsExactly(dir.path.resolve("a b").toString());
    }
}
