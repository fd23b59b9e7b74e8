package dev.sluice.zram;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.catchThrowableOfType;

import dev.sluice.block.Bio;
import dev.sluice.block.BlockException;
import dev.sluice.block.Errno;
import dev.sluice.block.Limits;
import dev.sluice.block.Memory;
import dev.sluice.block.Op;
import dev.sluice.block.Target;
import dev.sluice.testing.FaultyTarget;
import dev.sluice.testing.MemoryTarget;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Random;
import java.util.concurrent.Future;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

/** Pages that leave memory and come back. */
@Tag("unit")
@Timeout(60)
class WritebackTest {
    private static final int PAGE = ZramRig.PAGE;
    private static final Options.Later PLAIN = Options.Later.NOTHING;

    /** Holds bios back, to be let go in any order. */
    private static final class Shelf implements Target {
        private final Target inner;
        private final List<Bio> held = new ArrayList<>(); // guarded by this
        private boolean open = true; // guarded by this

        Shelf(int blocks) {
            inner = new MemoryTarget(MemoryTarget.limits((long) blocks * PAGE, PAGE, true, true));
        }

        @Override
        public Limits limits() {
            return inner.limits();
        }

        @Override
        public void submit(Bio bio) {
            synchronized (this) {
                if (!open) {
                    held.add(bio);
                    return;
                }
            }
            inner.submit(bio);
        }

        synchronized void shut() {
            open = false;
        }

        void await(int count) throws InterruptedException {
            while (held() < count) {
                Thread.sleep(1);
            }
        }

        synchronized int held() {
            return held.size();
        }

        void letGo(int i) {
            Bio bio;
            synchronized (this) {
                bio = held.remove(i);
            }
            inner.submit(bio);
        }

        @Override
        public String arguments() {
            return "";
        }
    }

    private static byte[] page(int seed) {
        return new PageKinds(new Random(seed), PAGE).noise(PAGE);
    }

    private static long[] bd(Zram zram) throws Exception {
        return ZramRig.numbers(ZramRig.read(zram, "bd_stat"));
    }

    private static Errno refused(Zram zram, String attribute, String text) {
        BlockException e = catchThrowableOfType(BlockException.class,
                () -> ZramRig.write(zram, attribute, text));
        assertThat(e).as(attribute + " " + text).isNotNull()
                .hasMessageMatching(".*(;|\\bmust\\b).*");
        return e.errno();
    }

    /** A page that is written while it is on its way out stays what it was written to. */
    private byte[] writtenMeanwhile(Guards guards) throws Exception {
        try (ZramRig rig = new ZramRig()) {
            Shelf shelf = new Shelf(8);
            rig.guards = guards;
            rig.backing = rig.device(shelf);
            Zram zram = rig.open(16 * PAGE, PLAIN);
            ZramRig.Io io = rig.io(rig.device(zram));
            io.write(0, page(1));
            shelf.shut();
            Future<?> run = rig.pool.submit(() -> {
                ZramRig.write(zram, "writeback", "type=huge");
                return null;
            });
            shelf.await(1);
            io.write(0, page(2));
            shelf.letGo(0);
            run.get(20, TimeUnit.SECONDS);
            if (guards.unchanged()) {
                assertThat(bd(zram)).containsExactly(0, 0, 1);
                return io.read(0, PAGE);
            }
            io.start(Op.READ, 0, PAGE);
            shelf.await(1);
            shelf.letGo(0);
            assertThat(io.end()).isEqualTo(Errno.OK);
            return io.answer(PAGE);
        }
    }

    @Test
    void aPageWrittenMeanwhileStays() throws Exception {
        assertThat(writtenMeanwhile(Guards.ALL)).isEqualTo(page(2));
    }

    @Test
    void withoutTheLookAtTheMarkItWouldBeTheOldOne() throws Exception {
        assertThat(writtenMeanwhile(new Guards(false, true))).isEqualTo(page(1));
    }

    /** A read that is under way finds its page, though it is overwritten and another leaves. */
    private byte[] readMeanwhile(Guards guards) throws Exception {
        try (ZramRig rig = new ZramRig()) {
            Shelf shelf = new Shelf(1);
            rig.guards = guards;
            rig.backing = rig.device(shelf);
            Zram zram = rig.open(16 * PAGE, PLAIN);
            ZramRig.Io io = rig.io(rig.device(zram));
            ZramRig.Io other = rig.io(rig.device(zram));
            io.write(0, page(1));
            ZramRig.write(zram, "writeback", "page_index=0");
            assertThat(bd(zram)).containsExactly(1, 0, 1);
            shelf.shut();
            assertThat(io.start(Op.READ, 0, PAGE)).isFalse();
            shelf.await(1);
            other.write(0, page(2));
            other.write(PAGE, page(3));
            if (guards.pinned()) {
                assertThat(refused(zram, "writeback", "page_index=1")).isEqualTo(Errno.ENOSPC);
            } else {
                Future<?> run = rig.pool.submit(() -> {
                    ZramRig.write(zram, "writeback", "page_index=1");
                    return null;
                });
                shelf.await(2);
                shelf.letGo(1);
                run.get(20, TimeUnit.SECONDS);
            }
            shelf.letGo(0);
            assertThat(io.end()).isEqualTo(Errno.OK);
            assertThat(bd(zram)[0]).isEqualTo(guards.pinned() ? 0 : 1);
            return io.answer(PAGE);
        }
    }

    @Test
    void aBlockThatIsBeingReadIsGivenToNobody() throws Exception {
        assertThat(readMeanwhile(Guards.ALL)).isEqualTo(page(1));
    }

    @Test
    void freedTooEarlyItWouldHoldAnotherPage() throws Exception {
        assertThat(readMeanwhile(new Guards(true, false))).isEqualTo(page(3));
    }

    @Test
    void aFailureOfTheBackingLosesNothing() throws Exception {
        try (ZramRig rig = new ZramRig()) {
            FaultyTarget faulty = new FaultyTarget(new Shelf(64));
            rig.backing = rig.device(faulty);
            Zram zram = rig.open(64 * PAGE, PLAIN);
            ZramRig.Io io = rig.io(rig.device(zram));
            for (int i = 0; i < 64; i++) {
                io.write((long) i * PAGE, page(i));
            }
            ZramRig.write(zram, "writeback_limit_enable", "1");
            ZramRig.write(zram, "writeback_limit", "100");
            faulty.when(FaultyTarget.Fault.REFUSED, b -> b.offset() / PAGE % 2 == 1);
            assertThat(refused(zram, "writeback", "huge")).isEqualTo(Errno.EIO);
            assertThat(bd(zram)).containsExactly(32, 0, 32);
            assertThat(ZramRig.read(zram, "writeback_limit")).isEqualTo("68\n");
            faulty.heal();
            for (int i = 0; i < 64; i++) {
                assertThat(io.read((long) i * PAGE, PAGE)).isEqualTo(page(i));
            }
            faulty.when(FaultyTarget.Fault.REFUSED, b -> b.op() == Op.READ);
            assertThat(io.run(Op.READ, 0, 64 * PAGE)).isEqualTo(Errno.EIO);
            assertThat(ZramRig.numbers(ZramRig.read(zram, "io_stat"))[0]).isEqualTo(32);
            faulty.heal();
            ZramRig.write(zram, "writeback", "huge");
            assertThat(bd(zram)).containsExactly(64, 64, 64);
            for (int i = 0; i < 64; i++) {
                assertThat(io.read((long) i * PAGE, PAGE)).isEqualTo(page(i));
            }
        }
    }

    @Test
    void asManyAreUnderWayAsTheBatchSays() throws Exception {
        try (ZramRig rig = new ZramRig()) {
            Shelf shelf = new Shelf(128);
            rig.backing = rig.device(shelf);
            Zram zram = rig.open(128 * PAGE, PLAIN);
            ZramRig.Io io = rig.io(rig.device(zram));
            for (int i = 0; i < 100; i++) {
                io.write((long) i * PAGE, page(i));
            }
            assertThat(ZramRig.read(zram, "writeback_batch_size")).isEqualTo("32\n");
            shelf.shut();
            Future<?> run = rig.pool.submit(() -> {
                ZramRig.write(zram, "writeback", "huge");
                return null;
            });
            shelf.await(32);
            Thread.sleep(20);
            assertThat(shelf.held()).isEqualTo(32);
            for (int i = 0; i < 100; i++) {
                shelf.await(1);
                shelf.letGo(shelf.held() - 1);
            }
            run.get(20, TimeUnit.SECONDS);
            assertThat(bd(zram)).containsExactly(100, 0, 100);
        }
    }

    @Test
    void aFileTakesPagesAndIsChosenBeforeTheSize(@TempDir Path folder) throws Exception {
        Path file = folder.resolve("back ing");
        Files.write(file, new byte[64 * PAGE]);
        try (ZramRig rig = new ZramRig()) {
            Zram zram = rig.open(64 * PAGE, PLAIN);
            ZramRig.Io io = rig.io(rig.device(zram));
            assertThat(ZramRig.read(zram, "backing_dev")).isEqualTo("none\n");
            assertThat(refused(zram, "backing_dev", file.toString())).isEqualTo(Errno.EBUSY);
            assertThat(refused(zram, "compressed_writeback", "1")).isEqualTo(Errno.EBUSY);
            assertThat(refused(zram, "writeback", "idle")).isEqualTo(Errno.ENODEV);
            ZramRig.write(zram, "reset", "1");
            assertThat(refused(zram, "writeback", "idle")).isEqualTo(Errno.EINVAL);
            assertThat(refused(zram, "backing_dev", folder.toString())).isEqualTo(Errno.EISDIR);
            assertThat(refused(zram, "backing_dev", folder.resolve("not").toString()))
                    .isEqualTo(Errno.ENOENT);
            ZramRig.write(zram, "backing_dev", file.toString());
            ZramRig.write(zram, "compressed_writeback", "1");
            ZramRig.write(zram, "disksize", "256K");
            assertThat(ZramRig.read(zram, "backing_dev")).isEqualTo(file + "\n");
            assertThat(zram.arguments()).contains("\"backing-file=" + file + "\"");
            for (int i = 0; i < 64; i++) {
                io.write((long) i * PAGE, new PageKinds(new Random(i), PAGE).noise(64 * i));
            }
            ZramRig.write(zram, "writeback", "page_indexes=0-31 page_indexes=32-63");
            // The first is all zeros.
            assertThat(bd(zram)).containsExactly(63, 0, 63);
            assertThat(ZramRig.mmStat(zram)[2]).isZero();
            Memory all = io.data;
            assertThat(io.run(Op.READ, 0, 64 * PAGE)).isEqualTo(Errno.OK);
            byte[] found = new byte[PAGE];
            for (int i = 0; i < 64; i++) {
                all.bytes().get(i * PAGE, found);
                assertThat(found).isEqualTo(new PageKinds(new Random(i), PAGE).noise(64 * i));
            }
            assertThat(bd(zram)).containsExactly(63, 63, 63);
            io.run(Op.DISCARD, 0, 32 * PAGE);
            assertThat(bd(zram)[0]).isEqualTo(32);
            ZramRig.write(zram, "reset", "1");
            assertThat(ZramRig.read(zram, "backing_dev")).isEqualTo("none\n");
            assertThat(bd(zram)).containsExactly(0, 0, 0);
        }
    }

    @Test
    void wordsThatAreWrongAreRefused() throws Exception {
        try (ZramRig rig = new ZramRig()) {
            rig.backing = rig.device(new Shelf(8));
            Zram zram = rig.open(16 * PAGE, PLAIN);
            for (String text : List.of("", "all", "type=all", "page_index=x", "page_index=1-2",
                    "page_indexes=1", "pages=1")) {
                assertThat(refused(zram, "writeback", text)).as(text).isEqualTo(Errno.EINVAL);
            }
            for (String text : List.of("page_index=16", "page_indexes=3-2",
                    "page_indexes=3-16")) {
                assertThat(refused(zram, "writeback", text)).as(text).isEqualTo(Errno.ERANGE);
            }
            assertThat(refused(zram, "writeback_batch_size", "0")).isEqualTo(Errno.EINVAL);
            assertThat(refused(zram, "writeback_limit", "-1")).isEqualTo(Errno.EINVAL);
            assertThat(refused(zram, "writeback_limit_enable", "2")).isEqualTo(Errno.EINVAL);
        }
    }
}
