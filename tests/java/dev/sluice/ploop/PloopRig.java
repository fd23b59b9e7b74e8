package dev.sluice.ploop;

import static org.assertj.core.api.Assertions.assertThat;

import dev.sluice.block.Bio;
import dev.sluice.block.Device;
import dev.sluice.block.Errno;
import dev.sluice.block.Memory;
import dev.sluice.block.Op;
import dev.sluice.sys.Arena;
import dev.sluice.testing.FileOp;
import dev.sluice.testing.MemoryFile;
import dev.sluice.testing.RecordingBacking;
import dev.sluice.testing.SimHost;
import dev.sluice.testing.TestBio;
import dev.sluice.testing.VirtualClock;
import dev.sluice.work.Completions;
import dev.sluice.work.Host;
import dev.sluice.work.Timer;
import dev.sluice.work.WorkQueue;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Deque;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.function.Function;
import java.util.stream.LongStream;

/**
 * An image in memory and a device on it, in one thread: what a worker would do waits in a queue,
 * time stands still until it is moved, and every change of the file can be seen and refused.
 */
final class PloopRig implements AutoCloseable {
    static final int CLUSTER = 4096;
    /** The caller whose work waits while {@link #held} is set. */
    static final int HELD = 7;
    private static final String PATH = "a.hds";

    final Arena arena = new Arena();
    final List<String> log = new ArrayList<>();
    final VirtualClock clock = new VirtualClock();
    final Timer timer = new Timer((sentence, cause) -> log.add(sentence));
    /** What was made of the file, in order. */
    final List<FileOp> ops = new ArrayList<>();
    /** Files that were changed after they were last synced. */
    final Set<String> dirty = new HashSet<>();
    /** What a change is answered with in place of being made; null has it made. */
    Function<FileOp, Errno> fault = op -> null;
    /** Whether the work of {@link #HELD} waits. */
    boolean held;
    /** Bytes of a cluster of images that are made. */
    int cluster = CLUSTER;
    /** What lies below the image, bottom first. */
    final List<Lower> lowers = new ArrayList<>();
    /** Where the image is, and those that come to stand on it. */
    final MemoryFolder folder = new MemoryFolder(1,
            (path, of) -> new RecordingBacking(of, new Watch(path)));
    MemoryFile file;
    Ploop ploop;
    Device device;

    private record Task(int caller, Runnable work) {}

    private final Deque<Task> queue = new ArrayDeque<>();
    private final Deque<Task> waiting = new ArrayDeque<>();

    final Host host = new Host(clock, arena, name -> new Queue(), new Completions(false),
            (sentence, cause) -> log.add(sentence), timer);

    private final class Queue implements WorkQueue {
        @Override
        public void run(int caller, Runnable work) {
            queue.add(new Task(caller, work));
        }

        @Override
        public boolean inWorker() {
            return false;
        }

        @Override
        public boolean watched() {
            return false;
        }
    }

    private final class Watch implements RecordingBacking.Watcher {
        private final String path;

        Watch(String path) {
            this.path = path;
        }

        @Override
        public Errno before(FileOp op) {
            return fault.apply(op);
        }

        @Override
        public void after(FileOp op) {
            ops.add(op);
            if (op.kind() == FileOp.Kind.SYNC) {
                dirty.remove(path);
            } else {
                dirty.add(path);
            }
        }
    }

    /** A device of so many clusters on a new image. */
    static PloopRig open(int clusters, String... keys) throws Exception {
        PloopRig rig = new PloopRig();
        rig.create((long) clusters * CLUSTER);
        rig.reopen(keys);
        return rig;
    }

    /** A new image for a disk of so many bytes; {@link #reopen} follows. */
    void create(long bytes) throws Exception {
        file = new MemoryFile(0, 1);
        Image.create(PATH, Header.create(bytes, cluster), file, arena);
        folder.files.put(PATH, file);
    }

    /** The image is closed, and a new one stands on it, of so many bytes. */
    void over(long bytes, String... keys) throws Exception {
        assertThat(closed().damaged()).isFalse();
        lowers.add(new Lower("lower" + lowers.size(), new SealedBacking(file), false));
        create(bytes);
        reopen(keys);
    }

    /** A device on the file as it is. */
    void reopen(String... keys) throws Exception {
        show(Ploop.open(new RecordingBacking(file, new Watch(PATH)), lowers, folder,
                options(keys), host, "d"));
    }

    /** A device on what the folder says is the disk. */
    void reopenDisk(String... keys) throws Exception {
        show(Ploop.open(folder.chain(PATH), folder, false, options(keys), host, "d"));
    }

    /** The same, only to be read. */
    void reopenToRead() throws Exception {
        show(Ploop.open(folder.chain(PATH), folder, true, options(), host, "d"));
    }

    private static Options options(String... keys) throws Exception {
        Map<String, String> map = new java.util.HashMap<>();
        for (String key : keys) {
            map.put(key.substring(0, key.indexOf('=')), key.substring(key.indexOf('=') + 1));
        }
        return Options.of(PATH).with(Tuning.USUAL.with(map));
    }

    private void show(Ploop opened) {
        ploop = opened;
        device = new Device("d", "ploop", ploop, List.of(), clock, SimHost::memory,
                (sentence, cause) -> log.add(sentence));
        ploop.attached(device);
        ops.clear();
    }

    /** Does the next of what workers have to do; false where there is nothing. */
    boolean step() {
        Task task = queue.poll();
        if (task != null) {
            task.work.run();
        }
        return task != null;
    }

    /** Makes a snapshot, all of it; its GUID. */
    String snapshot() throws Exception {
        String guid = DiskDescriptor.newGuid();
        ploop.snapshot(guid);
        settle();
        assertThat(ploop.status()).containsEntry("work", "")
                .containsEntry("last_work", "snapshot " + guid + ": done");
        return guid;
    }

    /** Does all that workers have to do now; time stands still. */
    void settle() {
        while (!queue.isEmpty()) {
            Task task = queue.poll();
            if (held && task.caller == HELD) {
                waiting.add(task);
            } else {
                task.work.run();
            }
        }
    }

    /** What was held goes on. */
    void letGo() {
        held = false;
        queue.addAll(waiting);
        waiting.clear();
        settle();
    }

    /** Time passes, and what is due in it happens when it is due. */
    void pass(long nanos) {
        long until = clock.nanos() + nanos;
        settle();
        while (timer.earliest() <= until) {
            clock.advance(Math.max(0, timer.earliest() - clock.nanos()));
            timer.expire(clock.nanos());
            settle();
        }
        clock.advance(Math.max(0, until - clock.nanos()));
    }

    void passMillis(long millis) {
        pass(millis * 1_000_000);
    }

    TestBio submit(Op op, long offset, long length, int fill, boolean fua) {
        return TestBio.submit(device, op, offset, length, fill, fua, () -> { });
    }

    /** Of a caller, whose work can be held, for a request of the kernel's. */
    Bio submit(Op op, long offset, int length, int fill, long request) {
        Memory data = op.hasData() ? SimHost.memory(length) : null;
        for (int i = 0; op == Op.WRITE && i < length; i++) {
            data.bytes().put(i, (byte) fill);
        }
        Bio bio = new Bio(b -> { });
        bio.set(op, offset, length, false, data, 0, HELD).request(request);
        device.submit(bio);
        bio.release();
        return bio;
    }

    /** Writes clusters, and waits until the data is in the file. */
    void write(int cluster, int count, int fill) {
        TestBio bio = submit(Op.WRITE, (long) cluster * CLUSTER, (long) count * CLUSTER, fill,
                false);
        settle();
        assertThat(bio.ended()).isTrue();
        assertThat(bio.outcome()).isEqualTo(Errno.OK);
    }

    Errno run(Op op, long offset, long length) {
        TestBio bio = submit(op, offset, length, 1, false);
        settle();
        assertThat(bio.ended()).as("%s ends", bio.bio()).isTrue();
        return bio.outcome();
    }

    void discard(int cluster, int count) {
        assertThat(run(Op.DISCARD, (long) cluster * CLUSTER, (long) count * CLUSTER))
                .isEqualTo(Errno.OK);
    }

    /** Reads and compares. */
    void expect(long offset, int length, int fill) {
        TestBio bio = submit(Op.READ, offset, length, 0, false);
        settle();
        byte[] right = new byte[length];
        Arrays.fill(right, (byte) fill);
        assertThat(bio.bytes()).isEqualTo(right);
    }

    long status(String name) {
        return ((Number) ploop.status().get(name)).longValue();
    }

    String text(String name) {
        return (String) ploop.status().get(name);
    }

    /** Pages of the table that were written, in order. */
    List<Long> pages() {
        return ops.stream().filter(op -> op.writesBelow(dataStart()))
                .flatMap(op -> LongStream.range(op.offset() / Bat.PAGE,
                        (op.offset() + op.length() + Bat.PAGE - 1) / Bat.PAGE).boxed()).toList();
    }

    long count(FileOp.Kind kind) {
        return ops.stream().filter(op -> op.kind() == kind).count();
    }

    long dataStart() {
        Memory head = SimHost.memory(Header.BYTES);
        file.read(0, head, 0, Header.BYTES);
        return 512L * head.bytes().order(java.nio.ByteOrder.LITTLE_ENDIAN).getInt(48);
    }

    boolean markedInUse() {
        Memory head = SimHost.memory(Header.BYTES);
        file.read(0, head, 0, Header.BYTES);
        return head.bytes().order(java.nio.ByteOrder.LITTLE_ENDIAN).getInt(44) == Header.DIRTY;
    }

    /** Closes the device and says how the image is found by who looks at it. */
    Findings closed() throws Exception {
        settle();
        ploop.check();
        ploop.close();
        ploop = null;
        return findings();
    }

    Findings findings() throws Exception {
        try (Image image = Image.examine(PATH, new SealedBacking(file), arena,
                (sentence, cause) -> log.add(sentence))) {
            return image.findings();
        }
    }

    @Override
    public void close() throws Exception {
        if (ploop != null) {
            fault = op -> null;
            ploop.drain();
            settle();
            ploop.check();
            ploop.close();
        }
        assertThat(device.inFlight()).isZero();
        assertThat(timer.size()).as("left in the timer").isZero();
        assertThat(arena.mappedBytes()).as("memory left").isZero();
        arena.close();
    }
}
