package dev.sluice.target;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.sluice.block.BlockException;
import dev.sluice.block.Device;
import dev.sluice.block.Errno;
import dev.sluice.block.Op;
import dev.sluice.ploop.DiskDescriptor;
import dev.sluice.ploop.Header;
import dev.sluice.ploop.Image;
import dev.sluice.storage.FileBacking;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.List;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

/** What a table line makes of an image. */
@Tag("unit")
@Timeout(120)
final class PloopTargetTest {
    private static final int MIB = 1 << 20;

    private final TempDir dir = new TempDir();
    private final TargetRig rig = new TargetRig();

    @AfterEach
    void close() throws Exception {
        rig.close();
        dir.close();
    }

    private String image(String name, long size, long cluster) throws Exception {
        String path = dir.file(name, 0);
        FileBacking empty = FileBacking.open(path, false, false, rig.arena, rig.host.log());
        Image.create(path, Header.create(size, cluster), empty, rig.arena);
        empty.close();
        return path;
    }

    private Device open(String path, long size, String... keys) throws BlockException {
        return rig.open("ploop", size, path, List.of(), keys);
    }

    private void refused(String path, long size, String sentence, String... keys) {
        assertThatThrownBy(() -> open(path, size, keys)).isInstanceOf(BlockException.class)
                .hasMessageContaining(sentence);
    }

    @Test
    void theSizeIsThatOfTheDisk() throws Exception {
        String path = image("a b", 8 * MIB, MIB);
        Device device = open(path, -1, "dirty-max-age=1s", "dirty-timeout=30ms", "enospc=fail",
                "prealloc=2M", "dirty-ratio=20", "dirty-policy=common");
        assertThat(device.limits().size()).isEqualTo(8 * MIB);
        assertThat(device.target().arguments()).isEqualTo("\"" + path + "\" dirty-timeout=30ms"
                + " dirty-max-age=1s dirty-ratio=20 dirty-policy=common enospc=fail prealloc=2M");
        rig.close(device);
        rig.close(open(path, 8 * MIB));
        refused(path, 4 * MIB, "write - for it");
        rig.close(open(path, -1));
    }

    @Test
    void whatIsNoImageIsRefused() throws Exception {
        refused(dir.file("raw", MIB), -1, "no ploop image");
        refused(dir.file("empty", 0), -1, "no ploop image");
        refused(image("a", MIB, MIB), -1, "dirty-ratio=0 must be", "dirty-ratio=0");
    }

    @Test
    void anImageIsOpenedOnceForWritingAndOftenForReading() throws Exception {
        String path = image("a", MIB, 4096);
        Device device = open(path, -1);
        TargetRig.Io io = rig.new Io(device);
        byte[] bytes = new byte[10_000];
        Arrays.fill(bytes, (byte) 5);
        assertThat(io.write(3000, bytes)).isEqualTo(Errno.OK);
        refused(path, -1, "in use");
        rig.close(device);
        byte[] before = Files.readAllBytes(Path.of(path));
        Device one = open(path, -1, "readonly=on");
        Device two = open(path, -1, "readonly=on");
        for (Device d : List.of(one, two)) {
            assertThat(rig.new Io(d).read(3000, 10_000)).isEqualTo(bytes);
            assertThat(rig.new Io(d).read(13_000, 500)).containsOnly(0);
            assertThat(rig.new Io(d).run(Op.WRITE, 0, 512)).isEqualTo(Errno.EROFS);
            assertThat(rig.new Io(d).run(Op.FLUSH, 0, 0)).isEqualTo(Errno.OK);
            assertThat(d.target().status()).containsEntry("state", "read_only");
        }
        assertThat(one.target().arguments()).isEqualTo(path + " readonly=on");
        rig.close(one);
        rig.close(two);
        assertThat(Files.readAllBytes(Path.of(path))).isEqualTo(before);
    }

    @Test
    void whatIsNotClosedIsSaid() throws Exception {
        String path = image("a", MIB, 4096);
        byte[] bytes = Files.readAllBytes(Path.of(path));
        byte[] mark = {0x59, 0x6e, 0x6f, 0x74};
        System.arraycopy(mark, 0, bytes, 44, 4);
        Files.write(Path.of(path), bytes);
        Device device = open(path, -1);
        assertThat(device.target().status().get("notes").toString()).contains("not closed");
        rig.close(device);
        assertThat(Files.readAllBytes(Path.of(path))[44]).isZero();
    }

    /** So that what changed since that state is not put on what was made of it. */
    @Test
    void aStateThatIsWrittenToIsThatStateNoLonger() throws Exception {
        String path = image("root.hds", MIB, 32768);
        String state = "{11111111-2222-3333-4444-555555555555}";
        Path descriptor = Path.of(path).resolveSibling("d.xml");
        DiskDescriptor received = new DiskDescriptor(DiskDescriptor.ROOT, MIB / 512, 64, 4, 16, 32,
                List.of(new DiskDescriptor.Image(state, false, "root.hds")), state,
                List.of(new DiskDescriptor.Shot(state, DiskDescriptor.NOTHING, null)));
        received.write(descriptor);
        rig.close(open(descriptor.toString(), -1, "readonly=on"));
        assertThat(DiskDescriptor.read(descriptor)).isEqualTo(received);
        rig.close(open(descriptor.toString(), -1));
        DiskDescriptor written = DiskDescriptor.read(descriptor);
        assertThat(written.top()).isEqualTo(DiskDescriptor.TOP);
        assertThat(written.shots()).extracting(DiskDescriptor.Shot::guid)
                .containsExactly(DiskDescriptor.TOP);
        assertThat(written.images()).extracting(DiskDescriptor.Image::file)
                .containsExactly("root.hds");
        rig.close(open(descriptor.toString(), -1));
        assertThat(DiskDescriptor.read(descriptor)).isEqualTo(written);
        assertThatThrownBy(() -> written.image(state)).isInstanceOf(BlockException.class);
        Files.delete(descriptor);
    }
}
