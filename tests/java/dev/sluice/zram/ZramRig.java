package dev.sluice.zram;

import static org.assertj.core.api.Assertions.assertThat;

import dev.sluice.block.Attribute;
import dev.sluice.block.Bio;
import dev.sluice.block.BlockException;
import dev.sluice.block.Device;
import dev.sluice.block.Errno;
import dev.sluice.block.Limits;
import dev.sluice.block.Memory;
import dev.sluice.block.Clock;
import dev.sluice.block.Op;
import dev.sluice.block.Target;
import dev.sluice.sys.Arena;
import dev.sluice.work.Timer;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.TimeUnit;

/** Disks with a device on each, and what they need. */
final class ZramRig implements AutoCloseable {
    static final int PAGE = 4096;

    final Arena arena = new Arena();
    private final Arena doors = new Arena();
    final List<String> log = new CopyOnWriteArrayList<>();
    final ExecutorService pool = Executors.newCachedThreadPool();
    final Timer timer = new Timer((sentence, cause) -> log.add(sentence));
    /** What disks that are opened from now on are given. */
    Clock clock = System::nanoTime;
    Device backing;
    Guards guards = Guards.ALL;
    private final List<Zram> open = new ArrayList<>();

    static Options options(long size, String codec, int page, int writers) {
        return new Options(size, page, codec, 0, null, null, writers, true, 0,
                Options.Later.NOTHING);
    }

    /** A disk with lz4 that knows what may happen later. */
    Zram open(long size, Options.Later later) throws BlockException {
        return open(new Options(size, PAGE, "lz4", 0, null, null, 2, true, 0, later));
    }

    Zram open(Options options) throws BlockException {
        Zram zram = new Zram("z", options, new Means(arena, (caller, work) -> pool.execute(work),
                clock, (sentence, cause) -> log.add(sentence), timer, backing), guards);
        open.add(zram);
        return zram;
    }

    Zram open(long size) throws BlockException {
        return open(options(size, "lz4", PAGE, 2));
    }

    Device device(Target target) {
        return new Device("z", "zram", target, List.of(), clock, doors::map,
                (sentence, cause) -> log.add(sentence));
    }

    Io io(Device device) {
        return new Io(device);
    }

    static String read(Zram zram, String attribute) throws BlockException {
        return find(zram, attribute).read().content();
    }

    static void write(Zram zram, String attribute, String text) throws BlockException {
        find(zram, attribute).write().act(text, false);
    }

    static Attribute find(Zram zram, String name) {
        return zram.attributes().stream().filter(a -> a.name().equals(name)).findFirst()
                .orElseThrow();
    }

    static long[] numbers(String line) {
        String[] words = line.strip().split(" +");
        long[] all = new long[words.length];
        for (int i = 0; i < all.length; i++) {
            all[i] = Long.parseLong(words[i]);
        }
        return all;
    }

    static long[] mmStat(Zram zram) throws BlockException {
        return numbers(read(zram, "mm_stat"));
    }

    @Override
    public void close() throws Exception {
        for (Zram zram : open) {
            zram.close();
        }
        pool.shutdown();
        assertThat(pool.awaitTermination(20, TimeUnit.SECONDS)).isTrue();
        doors.close();
        arena.close();
    }

    /** One thread's way to ask and wait. */
    final class Io {
        final Memory data = doors.map(Limits.MAX_DATA);
        private final Device device;
        private volatile CountDownLatch ended;
        private final Bio bio = new Bio(b -> ended.countDown());

        private Io(Device device) {
            this.device = device;
        }

        Errno run(Op op, long offset, long length) {
            return start(op, offset, length) ? bio.outcome() : end();
        }

        /** Asks and does not wait; true when it has ended. */
        boolean start(Op op, long offset, long length) {
            ended = new CountDownLatch(1);
            device.submit(bio.set(op, offset, length, false, op.hasData() ? data : null, 0, 0));
            return bio.release();
        }

        /** Waits for what was started. */
        Errno end() {
            try {
                assertThat(ended.await(30, TimeUnit.SECONDS)).as("%s ends", bio).isTrue();
            } catch (InterruptedException e) {
                throw new AssertionError(e);
            }
            return bio.outcome();
        }

        Errno write(long offset, byte[] bytes) {
            data.bytes().put(0, bytes);
            return run(Op.WRITE, offset, bytes.length);
        }

        byte[] read(long offset, int length) {
            assertThat(run(Op.READ, offset, length)).isEqualTo(Errno.OK);
            return answer(length);
        }

        /** What a read has found. */
        byte[] answer(int length) {
            byte[] found = new byte[length];
            bio.answerMemory().bytes().get(bio.answerAt(), found);
            return found;
        }
    }
}
