package dev.sluice.zram;

import static org.assertj.core.api.Assertions.assertThat;

import com.sun.management.ThreadMXBean;
import dev.sluice.block.Bio;
import dev.sluice.block.Device;
import dev.sluice.block.Errno;
import dev.sluice.block.Memory;
import dev.sluice.block.Op;
import java.lang.management.ManagementFactory;
import java.util.Random;
import java.util.concurrent.Semaphore;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** What is small takes nothing from the heap, what is large nothing for a page. */
@Tag("unit")
@Timeout(60)
class ZramAllocationTest {
    private static final int BIOS = 20_000;
    private static final long SIZE = 16 << 20;

    private final ThreadMXBean threads = (ThreadMXBean) ManagementFactory.getThreadMXBean();

    @ParameterizedTest
    @ValueSource(strings = {"lz4", "zstd", "lz4hc"})
    void aSmallRequestAllocatesNothing(String codec) throws Exception {
        try (ZramRig rig = new ZramRig()) {
            Device device = rig.device(rig.open(ZramRig.options(SIZE, codec, ZramRig.PAGE, 2)));
            Memory data = rig.arena.map(ZramRig.PAGE);
            data.bytes().put(0, new PageKinds(new Random(1), ZramRig.PAGE).noise(2000));
            Bio bio = new Bio(b -> { });
            small(device, bio, data);
            long id = Thread.currentThread().getId();
            long before = threads.getThreadAllocatedBytes(id);
            small(device, bio, data);
            assertThat((threads.getThreadAllocatedBytes(id) - before) / BIOS)
                    .as("bytes for each bio").isZero();
        }
    }

    private static void small(Device device, Bio bio, Memory data) {
        for (int i = 0; i < BIOS; i++) {
            Op op = i % 8 == 7 ? Op.DISCARD : (i & 1) == 0 ? Op.WRITE : Op.READ;
            long offset = i / 2 % 1024 * 4096L;
            device.submit(bio.set(op, offset, 4096, false, op.hasData() ? data : null, 0, 0));
            if (!bio.release() || bio.outcome() != Errno.OK) {
                throw new AssertionError("not ended within submit: " + bio);
            }
        }
    }

    /** The writers' threads included; handing work to them may take an object a request. */
    @ParameterizedTest
    @ValueSource(strings = {"lz4", "zstd"})
    void aLargeRequestAllocatesNothingForAPage(String codec) throws Exception {
        try (ZramRig rig = new ZramRig()) {
            Device device = rig.device(rig.open(ZramRig.options(SIZE, codec, ZramRig.PAGE, 2)));
            Memory data = rig.arena.map(1 << 20);
            for (int at = 0; at < 1 << 20; at += ZramRig.PAGE) {
                data.bytes().put(at, new PageKinds(new Random(at), ZramRig.PAGE).noise(2000));
            }
            Semaphore ended = new Semaphore(0);
            Bio bio = new Bio(b -> ended.release());
            large(device, bio, data, ended);
            long before = allocated();
            large(device, bio, data, ended);
            // An object for each of 256 pages would be 4096 bytes and more.
            assertThat((allocated() - before) / 200).as("bytes for each bio").isLessThan(2048);
        }
    }

    private long allocated() {
        long sum = 0;
        for (long id : threads.getAllThreadIds()) {
            sum += Math.max(0, threads.getThreadAllocatedBytes(id));
        }
        return sum;
    }

    private static void large(Device device, Bio bio, Memory data, Semaphore ended)
            throws InterruptedException {
        for (int i = 0; i < 200; i++) {
            device.submit(bio.set(Op.WRITE, (i & 7) * (1L << 20), 1 << 20, false, data, 0, 0));
            if (!bio.release()) {
                ended.acquire();
            }
        }
    }
}
