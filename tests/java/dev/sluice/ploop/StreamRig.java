package dev.sluice.ploop;

import dev.sluice.block.BlockException;
import dev.sluice.block.Errno;
import dev.sluice.block.Limits;
import dev.sluice.block.Memory;
import dev.sluice.storage.Backing;
import dev.sluice.sys.Arena;
import dev.sluice.testing.FileOp;
import dev.sluice.testing.MemoryFile;
import dev.sluice.testing.RecordingBacking;
import java.io.ByteArrayInputStream;
import java.io.ByteArrayOutputStream;
import java.nio.ByteBuffer;
import java.nio.channels.Channels;
import java.nio.channels.ReadableByteChannel;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.UUID;

/** Disks in arrays, streams of them, and files that they are received in. */
final class StreamRig implements AutoCloseable {
    static final UUID ID = new UUID(1, 2);
    static final String BASE = "{11111111-2222-3333-4444-555555555555}";
    private static final String PATH = "got.hds";

    final Arena arena = new Arena();
    final Memory buffer = arena.map(Limits.MAX_DATA);
    MemoryFile file = new MemoryFile(0, 1);
    /** A file is not longer. */
    private static final long MOST = 32 << 20;

    private static final class Small implements RecordingBacking.Watcher {
        @Override
        public Errno before(FileOp op) {
            return op.length() > MOST || op.offset() > MOST - op.length() ? Errno.EFBIG : null;
        }

        @Override
        public void after(FileOp op) {
            // It is not looked at.
        }
    }

    /** How far it came, as its keeper knows. */
    long position = -1;

    static StreamHeader header(byte[] disk, int cluster, String from, long position) {
        return new StreamHeader(ID, DiskDescriptor.TOP, from, disk.length, cluster, position);
    }

    /** All of a disk, or what differs from what it stands on. */
    byte[] sent(byte[] disk, byte[] base, int cluster, long position) throws BlockException {
        ByteArrayOutputStream bytes = new ByteArrayOutputStream();
        StreamHeader header = header(disk, cluster, base == null ? DiskDescriptor.NOTHING : BASE,
                position);
        StreamOut out = new StreamOut(header, Channels.newChannel(bytes), buffer);
        for (int i = (int) position; i < header.clusters(); i++) {
            byte[] now = piece(disk, i, cluster);
            byte[] was = base == null ? new byte[now.length]
                    : Arrays.copyOf(piece(base, i, cluster), now.length);
            if (!Arrays.equals(now, was)) {
                out.cluster(i, (offset, to, length) -> to.bytes().put(0, disk, (int) offset,
                        length));
            }
        }
        out.turn();
        out.end();
        return bytes.toByteArray();
    }

    static byte[] piece(byte[] disk, int index, int cluster) {
        int from = Math.min(disk.length, index * cluster);
        return Arrays.copyOfRange(disk, from, Math.min(disk.length, from + cluster));
    }

    void receive(byte[] stream, boolean resume) throws BlockException {
        receive(Channels.newChannel(new ByteArrayInputStream(stream)), resume);
    }

    void receive(ReadableByteChannel channel, boolean resume) throws BlockException {
        StreamIn in = new StreamIn(channel, buffer);
        Backing small = new RecordingBacking(file, new Small());
        Receiver.Kept kept = now -> position = now;
        try (Receiver receiver = resume
                ? Receiver.resume(PATH, small, arena, in.header(), position, (s, e) -> { }, kept)
                : Receiver.begin(PATH, small, arena, in.header(), (s, e) -> { }, kept)) {
            receiver.take(in, buffer, (done, total) -> { });
        }
    }

    Findings findings() throws BlockException {
        try (Image image = Image.examine(PATH, new SealedBacking(file), arena, (s, e) -> { })) {
            return image.findings();
        }
    }

    /** The disk of what was received, above files or alone. */
    byte[] disk(List<Lower> below) throws BlockException {
        List<Lower> all = new ArrayList<>(below);
        all.add(new Lower(PATH, new SealedBacking(file), false));
        try (Stack stack = Stack.open(all, false, arena, (s, e) -> { })) {
            byte[] disk = new byte[(int) stack.size()];
            Contents contents = stack.contents();
            for (long at = contents.seek(0, true); at < disk.length;
                    at = contents.seek(at, true)) {
                int length = (int) Math.min(contents.seek(at, false) - at, buffer.size());
                contents.read(at, buffer, length);
                buffer.bytes().get(0, disk, (int) at, length);
                at += length;
            }
            return disk;
        }
    }

    /** A stream that breaks off as a process does that is killed. */
    static ReadableByteChannel killed(byte[] stream, int at) {
        ByteBuffer left = ByteBuffer.wrap(stream, 0, at);
        return new ReadableByteChannel() {
            @Override
            public int read(ByteBuffer to) {
                if (!left.hasRemaining()) {
                    throw new IllegalStateException("killed");
                }
                int count = Math.min(left.remaining(), to.remaining());
                to.put(left.slice().limit(count));
                left.position(left.position() + count);
                return count;
            }

            @Override
            public boolean isOpen() {
                return true;
            }

            @Override
            public void close() {
                // Nothing is open.
            }
        };
    }

    @Override
    public void close() {
        arena.close();
    }
}
