package dev.sluice.cli;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.sluice.block.BlockException;
import dev.sluice.block.Limits;
import dev.sluice.ploop.DiskDescriptor;
import dev.sluice.ploop.StreamIn;
import dev.sluice.sys.Arena;
import java.io.ByteArrayInputStream;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.OutputStream;
import java.io.RandomAccessFile;
import java.nio.channels.Channels;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.UUID;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

/** What somebody who sends a disk in use tells it, to a folder that looks like a mount. */
@Tag("unit")
@Timeout(60)
final class LiveSendTest {
    private static final String SNAPSHOT = "{11111111-2222-3333-4444-555555555555}";
    private static final int CLUSTER = 64 << 20;

    @TempDir
    Path folder;

    private Path control;

    @BeforeEach
    void mount() throws IOException {
        control = folder.resolve(".sluice/p");
        Files.createDirectories(control);
        for (String file : new String[] {"message", "error", "tracking"}) {
            Files.createFile(control.resolve(file));
        }
        try (RandomAccessFile disk = new RandomAccessFile(folder.resolve("p").toFile(), "rw")) {
            for (long at = 0; at < CLUSTER; at += 1 << 20) {
                disk.seek(at);
                disk.write(1);
            }
            disk.setLength(CLUSTER);
        }
        status(new UUID(1, 1), 0);
    }

    private void status(UUID id, int left) throws IOException {
        status(id, left, CLUSTER);
    }

    private void status(UUID id, int left, long size) throws IOException {
        Files.writeString(control.resolve("status.json"), "{\"size\": " + size
                + ", \"type\": \"ploop\", \"target\": {\"tracking\": \"on\", \"tracking_id\": \""
                + id + "\", \"tracking_left\": " + left + ", \"cluster\": " + CLUSTER + "}}");
    }

    private void send(OutputStream to, String since, Transfer old) throws BlockException {
        try (LiveDisk disk = new LiveDisk(folder.resolve("p"));
                Bar bar = new Bar("send", false)) {
            new LiveSend(disk, since, "10s", folder.resolve("spool"), bar)
                    .run(Channels.newChannel(to), old);
        }
    }

    private UUID sent(String since, Transfer old) throws BlockException {
        ByteArrayOutputStream bytes = new ByteArrayOutputStream();
        send(bytes, since, old);
        try (Arena arena = new Arena()) {
            return new StreamIn(Channels.newChannel(new ByteArrayInputStream(bytes.toByteArray())),
                    arena.map(Limits.MAX_DATA)).header().id();
        }
    }

    private String lastMessage() throws IOException {
        return Files.readString(control.resolve("message"));
    }

    /** All of a disk, and what changed since a snapshot, do not make one disk together. */
    @Test
    void aTransferGoesOnFromTheSnapshotThatItBeganWith() throws Exception {
        UUID all = sent(DiskDescriptor.NOTHING, null);
        assertThat(sent(DiskDescriptor.NOTHING, new Transfer(all, 0))).isEqualTo(all);
        UUID more = sent(SNAPSHOT, null);
        assertThat(sent(SNAPSHOT, new Transfer(more, 0))).isEqualTo(more);
        assertThatThrownBy(() -> sent(DiskDescriptor.NOTHING, new Transfer(more, 0)))
                .isInstanceOf(BlockException.class).hasMessageContaining("--from");
        assertThatThrownBy(() -> sent(SNAPSHOT, new Transfer(all, 0)))
                .isInstanceOf(BlockException.class).hasMessageContaining("--from");
    }

    /** It may have grown since it was found; it does not while its changes are tracked. */
    @Test
    void theDiskIsAsLargeAsItIsWhenChangesAreTracked() throws Exception {
        ByteArrayOutputStream bytes = new ByteArrayOutputStream();
        try (LiveDisk disk = new LiveDisk(folder.resolve("p"));
                Bar bar = new Bar("send", false); Arena arena = new Arena()) {
            status(new UUID(1, 1), 0, 3L * CLUSTER);
            new LiveSend(disk, DiskDescriptor.NOTHING, "10s", folder, bar)
                    .run(Channels.newChannel(bytes), null);
            assertThat(new StreamIn(Channels.newChannel(new ByteArrayInputStream(
                    bytes.toByteArray())), arena.map(Limits.MAX_DATA)).header().diskBytes())
                    .isEqualTo(3L * CLUSTER);
        }
    }

    /** What changed until then was told to nobody; and the other one goes on. */
    @Test
    void itEndsWhenSomebodyElseTracksChanges() throws Exception {
        OutputStream to = new ByteArrayOutputStream() {
            @Override
            public synchronized void write(byte[] b, int off, int len) {
                try {
                    status(new UUID(2, 2), 0);
                } catch (IOException e) {
                    throw new java.io.UncheckedIOException(e);
                }
            }
        };
        assertThatThrownBy(() -> send(to, DiskDescriptor.NOTHING, null))
                .isInstanceOf(BlockException.class).hasMessageContaining("not track");
        assertThat(lastMessage()).doesNotStartWith("tracking_stop");
    }

    @Test
    void whatCannotBeKeptForLaterHoldsNothingBack() throws Exception {
        status(new UUID(1, 1), 1);
        Files.writeString(control.resolve("tracking"), "0\n");
        assertThatThrownBy(() -> send(OutputStream.nullOutputStream(), DiskDescriptor.NOTHING,
                null)).isInstanceOf(BlockException.class);
        assertThat(lastMessage()).startsWith("tracking_release");
    }
}
