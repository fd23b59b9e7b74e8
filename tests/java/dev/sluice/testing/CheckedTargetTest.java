package dev.sluice.testing;

import static org.assertj.core.api.Assertions.assertThat;

import dev.sluice.block.Bio;
import dev.sluice.block.Device;
import dev.sluice.block.Limits;
import dev.sluice.block.Memory;
import dev.sluice.block.Op;
import dev.sluice.block.Target;
import dev.sluice.testing.FaultyTarget.Fault;
import java.util.function.Consumer;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

/** The watcher sees what it watches for. */
@Tag("unit")
@Timeout(120)
class CheckedTargetTest {
    private final SimHost host = new SimHost(1);
    private final MemoryTarget memory =
            new MemoryTarget(MemoryTarget.limits(1 << 20, 512, true, true));

    private record Wrapped(Target inner, Consumer<Bio> submit) implements Target {
        @Override
        public Limits limits() {
            return inner.limits();
        }

        @Override
        public void submit(Bio bio) {
            submit.accept(bio);
        }

        @Override
        public String arguments() {
            return "";
        }
    }

    private CheckedTarget run(Consumer<Bio> submit) {
        CheckedTarget checked = new CheckedTarget(new Wrapped(memory, submit), SimHost::memory);
        Device device = host.device("d", checked);
        TestBio.submit(device, Op.WRITE, 0, 4096, 1);
        TestBio.submit(device, Op.READ, 0, 4096, 1);
        TestBio.submit(device, Op.FLUSH, 0, 0, 1);
        host.run();
        return checked;
    }

    @Test
    void aGoodTargetGivesNoComplaint() {
        assertThat(run(memory::submit).complaints()).isEmpty();
    }

    @Test
    void dataToBeWrittenMustStay() {
        assertThat(run(bio -> {
            if (bio.op() == Op.WRITE) {
                bio.data().bytes().put(100, (byte) 2);
            }
            memory.submit(bio);
        }).complaints()).singleElement().asString().contains("to be written was changed");
    }

    @Test
    void dataMustNotBeTouchedAfterTheEnd() {
        assertThat(run(bio -> {
            Memory data = bio.data();
            memory.submit(bio);
            if (bio.op() == Op.READ) {
                host.later(() -> data.bytes().put(4095, (byte) 7));
            }
        }).complaints()).singleElement().asString().contains("touched after the end of READ");
    }

    @Test
    void aBioWithoutAnEndIsMissed() {
        assertThat(run(bio -> { }).complaints()).singleElement().asString()
                .contains("2 bios with data have not ended");
    }

    @Test
    void aSecondEndIsAnAssertion() {
        FaultyTarget twice = new FaultyTarget(memory).when(Fault.TWICE, b -> b.op() == Op.READ);
        assertThat(run(twice::submit).complaints()).singleElement().asString()
                .contains("a bio ends once");
    }
}
