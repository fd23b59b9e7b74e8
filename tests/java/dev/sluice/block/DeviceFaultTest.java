package dev.sluice.block;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.sluice.testing.FaultyTarget;
import dev.sluice.testing.FaultyTarget.Fault;
import dev.sluice.testing.MemoryTarget;
import dev.sluice.testing.ParkTarget;
import dev.sluice.testing.SimHost;
import dev.sluice.testing.TestBio;
import java.util.ArrayList;
import java.util.List;
import java.util.function.Consumer;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

/** What escapes a target, and what a device does about it. */
@Tag("unit")
@Timeout(120)
class DeviceFaultTest {
    private final SimHost host = new SimHost(1);
    private final MemoryTarget memory =
            new MemoryTarget(MemoryTarget.limits(1 << 20, 4096, true, true));

    /** A target of which only submit matters. */
    private Target target(Consumer<Bio> submit) {
        return target(memory.limits(), submit);
    }

    private static Target target(Limits limits, Consumer<Bio> submit) {
        return new Target() {
            @Override
            public Limits limits() {
                return limits;
            }

            @Override
            public void submit(Bio bio) {
                submit.accept(bio);
            }

            @Override
            public String arguments() {
                return "";
            }
        };
    }

    @Test
    void anExceptionBecomesEioAndIsLogged() {
        Device device = host.device("d", new FaultyTarget(memory)
                .when(Fault.THROWS, b -> b.offset() == 0));
        assertThat(TestBio.submit(device, Op.WRITE, 0, 4096, 1).outcome()).isEqualTo(Errno.EIO);
        assertThat(host.log).singleElement().asString()
                .contains("d: test failed on WRITE of 4096 at 0").contains("planted exception");
        assertThat(TestBio.submit(device, Op.WRITE, 4096, 4096, 1).outcome())
                .isEqualTo(Errno.OK);
        assertThat(device.failed()).isFalse();
    }

    @Test
    void anAssertionBreaksTheDeviceForGood() {
        Device device = host.device("d", new FaultyTarget(memory)
                .when(Fault.ASSERTION, b -> b.offset() == 0));
        assertThat(TestBio.submit(device, Op.WRITE, 0, 4096, 1).outcome()).isEqualTo(Errno.EIO);
        assertThat(host.log).singleElement().asString().contains("planted assertion");
        for (Op op : Op.values()) {
            long length = op == Op.FLUSH ? 0 : 4096;
            assertThat(TestBio.submit(device, op, 4096, length, 1).outcome())
                    .isEqualTo(Errno.EIO);
        }
        device.reopen(d -> false);
        assertThat(device.failed()).isTrue();
        assertThat(device.inFlight()).isZero();
    }

    /** Held back until its caller was killed, and never carried out: others lose nothing. */
    @Test
    void aFlushThatWasInterruptedIsNoFailedFlush() {
        Limits noFua = MemoryTarget.limits(1 << 20, 4096, false, true);
        Device device = host.device("d", target(noFua, b -> {
            if (b.op() == Op.FLUSH) {
                b.fail(Errno.EINTR);
            } else {
                b.complete();
            }
        }));
        assertThat(TestBio.submit(device, Op.FLUSH, 0, 0, 0).outcome()).isEqualTo(Errno.EINTR);
        assertThat(device.failed()).isFalse();
        TestBio fua = TestBio.submit(device, Op.WRITE, 0, 4096, 1, true, () -> { });
        assertThat(fua.outcome()).isEqualTo(Errno.EINTR);
        assertThat(device.failed()).isFalse();
        assertThat(TestBio.submit(device, Op.WRITE, 0, 4096, 1).outcome()).isEqualTo(Errno.OK);
    }

    @Test
    void aSecondEndBreaksTheDevice() {
        Device device = host.device("d", new FaultyTarget(memory).when(Fault.TWICE, b -> true));
        TestBio.submit(device, Op.WRITE, 0, 4096, 1).outcome();
        assertThat(device.failed()).isTrue();
        assertThat(host.log).singleElement().asString().contains("a bio ends once");
    }

    @Test
    void anErrorOfTheMachineEndsTheBioToo() {
        Device device = host.device("d", target(b -> {
            throw new InternalError("a fault in mapped memory");
        }));
        assertThat(TestBio.submit(device, Op.READ, 0, 4096, 0).outcome()).isEqualTo(Errno.EIO);
        assertThat(host.log).singleElement().asString().contains("a fault in mapped memory");
    }

    @Test
    void whatEscapesAfterTheEndFailsNoLaterUseOfTheBio() {
        // The second bio waits for the first, so it is started when its submitter has let go.
        List<Bio> parked = new ArrayList<>();
        Device device = host.device("d", target(bio -> {
            boolean discard = bio.op() == Op.DISCARD;
            if (parked.isEmpty() || bio.op() == Op.FLUSH) {
                parked.add(bio);
                return;
            }
            memory.submit(bio);
            if (discard) {
                throw new IllegalStateException("after the end");
            }
        }));
        TestBio.submit(device, Op.WRITE, 0, 512, 1);
        List<Bio> again = new ArrayList<>();
        Bio second = new Bio(b -> {
            if (again.isEmpty()) {
                again.add(b);
                device.submit(b.set(Op.FLUSH, 0, 0, false, null, 0, 0));
                assertThat(b.release()).isFalse();
            }
        });
        device.submit(second.set(Op.DISCARD, 0, 4096, false, null, 0, 0));
        assertThat(second.release()).isFalse();
        memory.submit(parked.get(0));
        assertThat(again).containsExactly(second);
        assertThat(second.completed()).as("the flush is still with the target").isFalse();
        memory.submit(second);
        assertThat(second.outcome()).isEqualTo(Errno.OK);
    }

    @Test
    void anErrorWhileOthersAreResumedLeavesNoneBehind() {
        ParkTarget park = new ParkTarget(memory);
        Device device = host.device("d", park);
        TestBio first = TestBio.submit(device, Op.WRITE, 0, 512, 1);
        TestBio.submit(device, Op.DISCARD, 0, 4096, 0, false, () -> {
            throw new NoClassDefFoundError("an end that fails");
        });
        TestBio third = TestBio.submit(device, Op.WRITE, 0, 4096, 3);
        TestBio fourth = TestBio.submit(device, Op.WRITE, 0, 512, 4);
        letAllGo(park);
        assertThat(first.ended()).isTrue();
        assertThat(third.ended()).isTrue();
        assertThat(fourth.ended()).isTrue();
        assertThat(device.inFlight()).isZero();
    }

    private static void letAllGo(ParkTarget park) {
        while (park.parked() > 0) {
            try {
                park.letGo();
            } catch (NoClassDefFoundError e) {
                assertThat(e).hasMessage("an end that fails");
            }
        }
    }

    @Test
    void aLayerThatPassesItsOwnBioOnIsCaught() {
        Device lower = host.device("lower", memory);
        Device upper = host.device("upper", target(lower::submit), lower);
        TestBio bio = TestBio.submit(upper, Op.WRITE, 0, 4096, 1);
        assertThat(bio.outcome()).isEqualTo(Errno.EIO);
        assertThat(upper.failed()).isTrue();
        assertThat(lower.failed()).isFalse();
        assertThat(upper.inFlight() + lower.inFlight()).isZero();
    }

    @Test
    void aBioInFlightIsNotReused() {
        ParkTarget park = new ParkTarget(memory);
        TestBio held = TestBio.submit(host.device("d", park), Op.READ, 0, 4096, 0);
        assertThatThrownBy(() -> held.bio().set(Op.FLUSH, 0, 0, false, null, 0, 0))
                .isInstanceOf(AssertionError.class).hasMessageContaining("in flight");
        park.letGo();
        assertThat(held.outcome()).isEqualTo(Errno.OK);
        held.bio().set(Op.FLUSH, 0, 0, false, null, 0, 0);
    }
}
