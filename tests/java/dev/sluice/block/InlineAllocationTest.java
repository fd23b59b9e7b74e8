package dev.sluice.block;

import static org.assertj.core.api.Assertions.assertThat;

import com.sun.management.ThreadMXBean;
import dev.sluice.testing.PassTarget;
import dev.sluice.testing.SimHost;
import java.lang.management.ManagementFactory;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

/** A stack that ends within submit allocates nothing for a bio. */
@Tag("unit")
@Timeout(120)
class InlineAllocationTest {
    private static final int BIOS = 200_000;

    private final Memory data = SimHost.memory(4096);

    @Test
    void aRecycledBioThroughTwoLayersAllocatesNothing() {
        SimHost host = new SimHost(1);
        Device bottom = host.device("b", new ZeroesTarget(data));
        Device middle = host.device("m", new PassTarget(bottom), bottom);
        Device top = host.device("t", new PassTarget(middle), middle);
        Bio bio = new Bio(b -> { });
        for (int i = 0; i < 5; i++) {
            run(top, bio);
        }
        ThreadMXBean threads = (ThreadMXBean) ManagementFactory.getThreadMXBean();
        long id = Thread.currentThread().getId();
        long before = threads.getThreadAllocatedBytes(id);
        run(top, bio);
        long each = (threads.getThreadAllocatedBytes(id) - before) / BIOS;
        assertThat(each).as("bytes for each bio").isZero();
        assertThat(bottom.ended(Op.READ)).isEqualTo(3L * BIOS);
    }

    private void run(Device top, Bio bio) {
        for (int i = 0; i < BIOS; i++) {
            Op op = (i & 1) == 0 ? Op.READ : Op.WRITE;
            top.submit(bio.set(op, (i & 1023) * 4096L, 4096, false, data, 0, 0));
            if (!bio.release() || bio.outcome() != Errno.OK) {
                throw new AssertionError("not ended within submit: " + bio);
            }
        }
    }

    private record ZeroesTarget(Memory zeros, Limits limits) implements Target {
        ZeroesTarget(Memory zeros) {
            this(zeros, Limits.memory(1 << 30));
        }

        @Override
        public void submit(Bio bio) {
            if (bio.op() == Op.READ) {
                bio.answer(zeros, 0);
            }
            bio.complete();
        }

        @Override
        public String arguments() {
            return "";
        }
    }
}
