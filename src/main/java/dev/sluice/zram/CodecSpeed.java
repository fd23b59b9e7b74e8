package dev.sluice.zram;

import dev.sluice.block.BlockException;
import dev.sluice.block.Clock;
import dev.sluice.block.Memory;
import dev.sluice.sys.Arena;
import dev.sluice.work.Service;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;

/**
 * How fast a codec is by itself on given pages, in memory, in several threads at once: no device
 * that stores such pages can be faster.
 */
public final class CodecSpeed {
    private static final long WARM_NANOS = TimeUnit.MILLISECONDS.toNanos(100);
    private static final long ROUND_NANOS = TimeUnit.MILLISECONDS.toNanos(60);
    private static final int ROUNDS = 3;

    private final Codec codec;
    private final int page;

    /**
     * @param level the codec's own scale; 0 is its default
     * @param dictionary the file with what pages are expected to look like; empty for none
     * @param page bytes of a page
     */
    public CodecSpeed(String name, int level, String dictionary, int page) throws BlockException {
        this.codec = Codec.of(name, level,
                dictionary.isEmpty() ? null : Dictionary.read(dictionary));
        this.page = page;
    }

    /**
     * Pages a second that so many threads make together, at their best. A page that repeats one
     * word takes no time, and one that does not shrink is not decompressed, as on the disk; 0
     * where nothing is left to do, since then nothing is bounded.
     *
     * @param pages whole pages
     * @param compressed whether they are compressed; else they are decompressed
     */
    public double pagesASecond(byte[] pages, boolean compressed, int threads, Clock clock)
            throws InterruptedException {
        if (pages.length < page) {
            return 0;
        }
        try (Arena arena = new Arena()) {
            List<Lane> lanes = new ArrayList<>();
            CountDownLatch running = new CountDownLatch(threads);
            for (int i = 0; i < threads; i++) {
                lanes.add(new Lane(arena, pages, compressed, clock, running));
            }
            double all = 0;
            if (lanes.get(0).count > 0) {
                lanes.forEach(lane -> Service.start("codec-speed", lane));
                running.await();
                for (Lane lane : lanes) {
                    all += lane.best;
                }
            }
            lanes.forEach(lane -> lane.stream.close());
            return all * (pages.length / page) / Math.max(1, lanes.get(0).count);
        }
    }

    /** One thread and its pages: those that need the codec, one behind the other. */
    private final class Lane implements Runnable {
        private final Codec.Stream stream;
        private final Memory plain;
        private final Memory packed;
        private final Memory result;
        private final int[] lengths;
        private final boolean compressed;
        private final Clock clock;
        private final CountDownLatch running;
        private int count;
        private double best; // read after the latch

        Lane(Arena arena, byte[] pages, boolean compressed, Clock clock,
                CountDownLatch running) {
            this.stream = codec.open(arena, page);
            this.plain = arena.map(pages.length);
            this.packed = arena.map(pages.length);
            this.result = arena.map(page);
            this.lengths = new int[pages.length / page];
            this.compressed = compressed;
            this.clock = clock;
            this.running = running;
            for (int from = 0; from + page <= pages.length; from += page) {
                take(pages, from);
            }
        }

        private void take(byte[] pages, int from) {
            int at = count * page;
            plain.bytes().put(at, pages, from, page);
            if (SamePage.is(plain, at, page)) {
                return;
            }
            int length = stream.compress(plain, at, page);
            if (length < page / 64 * Disk.HUGE_OF_64) {
                packed.copyFrom(at, stream.result, 0, length);
                lengths[count++] = length;
            } else if (compressed) {
                count++;
            }
        }

        @Override
        public void run() {
            try {
                rate(WARM_NANOS);
                for (int i = 0; i < ROUNDS; i++) {
                    best = Math.max(best, rate(ROUND_NANOS));
                }
            } finally {
                running.countDown();
            }
        }

        private double rate(long nanos) {
            long start = clock.nanos();
            long passed = 0;
            long done = 0;
            while (passed < nanos) {
                for (int i = 0; i < count; i++) {
                    if (compressed) {
                        stream.compress(plain, i * page, page);
                    } else {
                        stream.decompress(packed, i * page, lengths[i], result, 0, page);
                    }
                }
                done += count;
                passed = clock.nanos() - start;
            }
            return done * 1e9 / passed;
        }
    }
}
