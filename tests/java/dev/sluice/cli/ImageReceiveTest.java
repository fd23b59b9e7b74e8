package dev.sluice.cli;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.sluice.block.BlockException;
import dev.sluice.block.Errno;
import dev.sluice.block.Limits;
import dev.sluice.ploop.DiskDescriptor;
import dev.sluice.ploop.StreamHeader;
import dev.sluice.ploop.StreamOut;
import dev.sluice.storage.FileBacking;
import dev.sluice.sys.Arena;
import java.io.ByteArrayInputStream;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.SequenceInputStream;
import java.nio.channels.Channels;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.List;
import java.util.UUID;
import java.util.stream.Stream;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;
import picocli.CommandLine;

/** Streams come to files whose folder changes meanwhile. */
@Tag("unit")
@Timeout(60)
final class ImageReceiveTest {
    private static final String FIRST = "{11111111-2222-3333-4444-555555555555}";
    private static final String SECOND = "{22222222-2222-3333-4444-555555555555}";
    private static final String THIRD = "{33333333-2222-3333-4444-555555555555}";
    private static final String FOURTH = "{44444444-2222-3333-4444-555555555555}";
    private static final int CLUSTER = 32768;
    private static final int CLUSTERS = 4;

    @TempDir
    Path folder;

    /** A disk that is full of ones, from a cluster on. */
    private static byte[] stream(UUID id, String state, String from, int position)
            throws BlockException {
        ByteArrayOutputStream bytes = new ByteArrayOutputStream();
        try (Arena arena = new Arena()) {
            StreamOut out = new StreamOut(new StreamHeader(id, state, from,
                    CLUSTERS * CLUSTER, CLUSTER, position), Channels.newChannel(bytes),
                    arena.map(Limits.MAX_DATA));
            for (int i = position; i < CLUSTERS; i++) {
                out.cluster(i, (offset, to, length) -> to.bytes().put(0, new byte[] {1}));
            }
            out.turn();
            out.end();
        }
        return bytes.toByteArray();
    }

    private static byte[] stream(String state, String from) throws BlockException {
        return stream(UUID.randomUUID(), state, from, 0);
    }

    /** Receives a stream; {@code meanwhile} is done when half of it has come. */
    private void receive(String to, boolean resume, byte[] stream, Runnable meanwhile)
            throws BlockException {
        ImageReceive receive = new ImageReceive();
        new CommandLine(receive).parseArgs(resume ? new String[] {"--resume", path(to)}
                : new String[] {path(to)});
        int half = stream.length / 2;
        ByteArrayInputStream rest = new ByteArrayInputStream(stream, half, stream.length - half) {
            @Override
            public synchronized int read(byte[] b, int off, int len) {
                if (pos == half) {
                    meanwhile.run();
                }
                return super.read(b, off, len);
            }
        };
        receive.receive(Channels.newChannel(new SequenceInputStream(
                new ByteArrayInputStream(Arrays.copyOf(stream, half)), rest)));
    }

    private void receive(String to, byte[] stream) throws BlockException {
        receive(to, false, stream, () -> { });
    }

    private String path(String name) {
        return folder.resolve(name).toString();
    }

    /** A snapshot that was made while a stream came is not forgotten. */
    @Test
    void whatWasWrittenDownMeanwhileStays() throws Exception {
        Path descriptor = folder.resolve("d.xml");
        receive("d.xml", stream(FIRST, DiskDescriptor.NOTHING));
        receive("d.xml", stream(SECOND, FIRST));
        receive("d.xml", false, stream(THIRD, FIRST), () -> {
            try {
                Files.createFile(folder.resolve("more.hds"));
                DiskDescriptor.read(descriptor).snapshot(FOURTH, "more.hds").write(descriptor);
            } catch (IOException e) {
                throw new IllegalStateException(e);
            }
        });
        assertThat(DiskDescriptor.read(descriptor).shots()).extracting(DiskDescriptor.Shot::guid)
                .containsExactlyInAnyOrder(FIRST, FOURTH, DiskDescriptor.TOP, THIRD);
    }

    /** Whoever writes to it keeps in mind what is written down, and writes it again. */
    @Test
    void aDiskThatIsWrittenToGetsNoState() throws Exception {
        receive("d.xml", stream(FIRST, DiskDescriptor.NOTHING));
        try (Arena arena = new Arena(); FileBacking top = FileBacking.open(path("root.hds"), false,
                false, arena, (sentence, cause) -> { })) {
            assertThatThrownBy(() -> receive("d.xml", stream(SECOND, FIRST)))
                    .hasMessageContaining("root.hds is in use");
            assertThat(top.readOnly()).isFalse();
        }
        receive("d.xml", stream(SECOND, FIRST));
    }

    /** What was kept of one transfer says nothing of the file of another. */
    @Test
    void aTokenWithoutItsFileIsForgotten() throws Exception {
        UUID old = new UUID(3, 4);
        new Transfer(old, 3).keep(folder.resolve("a.hds"));
        Path blocked = folder.resolve(".a.hds.part.token.new");
        Files.createDirectory(blocked);
        assertThatThrownBy(() -> receive("a.hds", stream(SECOND, DiskDescriptor.NOTHING)))
                .isInstanceOf(BlockException.class);
        Files.delete(blocked);
        assertThatThrownBy(() -> receive("a.hds", true,
                stream(old, SECOND, DiskDescriptor.NOTHING, 3), () -> { }))
                .isInstanceOfSatisfying(BlockException.class,
                        e -> assertThat(e.errno()).isEqualTo(Errno.ENOENT));
        assertThat(folder.resolve("a.hds")).doesNotExist();
    }

    /** What a process leaves that is killed when a file has its name. */
    private void leave(String to, UUID id, Path file) throws Exception {
        Files.createLink(Transfer.part(folder.resolve(to)), file);
        new Transfer(id, CLUSTERS).keep(folder.resolve(to));
    }

    private List<String> names() throws IOException {
        try (Stream<Path> all = Files.list(folder)) {
            return all.map(p -> p.getFileName().toString()).sorted().toList();
        }
    }

    private void resume(String to, byte[] stream) throws BlockException {
        receive(to, true, stream, () -> { });
    }

    @Test
    void whatWasKilledAfterAFileGotItsNameIsEnded() throws Exception {
        UUID id = new UUID(5, 6);
        receive("a.hds", stream(id, FIRST, DiskDescriptor.NOTHING, 0));
        byte[] image = Files.readAllBytes(folder.resolve("a.hds"));
        leave("a.hds", id, folder.resolve("a.hds"));
        assertThatThrownBy(() -> receive("a.hds", stream(FIRST, DiskDescriptor.NOTHING)))
                .hasMessageContaining("go on with --resume");
        assertThatThrownBy(() -> resume("a.hds", stream(FIRST, DiskDescriptor.NOTHING)))
                .hasMessageContaining("is of transfer");
        assertThat(names()).hasSize(3);
        resume("a.hds", stream(id, FIRST, DiskDescriptor.NOTHING, CLUSTERS));
        assertThat(names()).containsExactly("a.hds");
        assertThat(Files.readAllBytes(folder.resolve("a.hds"))).isEqualTo(image);
    }

    @Test
    void whatWasKilledAfterItWasWrittenDownIsEnded() throws Exception {
        UUID id = new UUID(5, 6);
        String file = "root.hds." + SECOND;
        receive("d.xml", stream(FIRST, DiskDescriptor.NOTHING));
        receive("d.xml", stream(id, SECOND, FIRST, 0));
        byte[] descriptor = Files.readAllBytes(folder.resolve("d.xml"));
        leave("d.xml", id, folder.resolve(file));
        resume("d.xml", stream(id, SECOND, FIRST, 2));
        assertThat(names()).containsExactly("d.xml", "root.hds", file);
        assertThat(Files.readAllBytes(folder.resolve("d.xml"))).isEqualTo(descriptor);
        receive("d.xml", stream(THIRD, SECOND));
    }

    @Test
    void whatWasKilledBeforeItWasWrittenDownIsDoneAgain() throws Exception {
        UUID id = new UUID(5, 6);
        String file = "root.hds." + SECOND;
        receive("d.xml", stream(FIRST, DiskDescriptor.NOTHING));
        byte[] before = Files.readAllBytes(folder.resolve("d.xml"));
        receive("d.xml", stream(id, SECOND, FIRST, 0));
        byte[] after = Files.readAllBytes(folder.resolve("d.xml"));
        byte[] image = Files.readAllBytes(folder.resolve(file));
        Files.write(folder.resolve("d.xml"), before);
        leave("d.xml", id, folder.resolve(file));
        resume("d.xml", stream(id, SECOND, FIRST, CLUSTERS));
        assertThat(names()).containsExactly("d.xml", "root.hds", file);
        assertThat(Files.readAllBytes(folder.resolve("d.xml"))).isEqualTo(after);
        assertThat(Files.readAllBytes(folder.resolve(file))).isEqualTo(image);
    }
}
