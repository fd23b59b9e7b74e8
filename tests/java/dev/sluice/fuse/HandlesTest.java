package dev.sluice.fuse;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.sluice.block.Device;
import dev.sluice.block.Errno;
import dev.sluice.block.Limits;
import dev.sluice.block.Op;
import dev.sluice.testing.FaultyTarget;
import dev.sluice.testing.MemoryTarget;
import dev.sluice.testing.PassTarget;
import dev.sluice.testing.SimHost;
import dev.sluice.testing.TestBio;
import java.util.List;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

/** Whom an open forgives a flush that failed. */
@Tag("unit")
@Timeout(120)
class HandlesTest {
    private final SimHost host = new SimHost(1);
    private boolean fails = true;
    private final Device lower = host.device("lower", new FaultyTarget(
            new MemoryTarget(Limits.memory(1 << 20)))
            .when(FaultyTarget.Fault.REFUSED, b -> b.op() == Op.FLUSH && fails));
    private final Device upper = host.device("upper", new PassTarget(lower), lower);
    private final Handles handles = new Handles(List.of(upper, lower));

    private void failAFlush() {
        assertThat(TestBio.submit(upper, Op.FLUSH, 0, 0, 0).outcome()).isEqualTo(Errno.EIO);
        fails = false;
        assertThat(upper.failed()).isTrue();
        assertThat(lower.failed()).isTrue();
    }

    @Test
    void theFirstOpenForgivesAllBelow() {
        failAFlush();
        long first = handles.open("upper");
        assertThat(upper.failed()).isFalse();
        assertThat(lower.failed()).isFalse();
        fails = true;
        failAFlush();
        handles.open("upper");
        assertThat(upper.failed()).as("it was open already").isTrue();
        handles.release(first);
    }

    @Test
    void aDeviceBelowThatSomebodyHasOpenIsNotForgivenBehindHisBack() {
        long below = handles.open("lower");
        failAFlush();
        handles.open("upper");
        assertThat(upper.failed()).isFalse();
        assertThat(lower.failed()).isTrue();
        handles.release(below);
        handles.open("lower");
        assertThat(lower.failed()).isFalse();
    }

    @Test
    void aDeviceThatIsOpenStaysAndOneThatIsNotGoes() {
        long first = handles.open("upper");
        assertThat(handles.remove(upper)).isFalse();
        assertThat(handles.device(first)).isSameAs(upper);
        handles.release(first);
        assertThat(handles.remove(upper)).isTrue();
        assertThat(handles.remove(upper)).as("a second time").isTrue();
        assertThat(handles.device(first)).isNull();
        assertThat(handles.named("upper")).isNull();
        assertThat(handles.open("upper")).isEqualTo(Handles.NONE);
        assertThat(handles.opens(upper)).isZero();
        assertThat(handles.shown()).containsExactly(lower);
    }

    @Test
    void aPlaceIsUsedAgainAndTheOthersKeepTheirs() {
        long below = handles.open("lower");
        handles.remove(upper);
        Device next = host.device("next", new MemoryTarget(Limits.memory(512)));
        handles.add(next);
        long handle = handles.open("next");
        assertThat(handles.device(handle)).isSameAs(next);
        assertThat(handles.device(below)).isSameAs(lower);
        assertThat(handles.opens(next)).isEqualTo(1);
        assertThat(handles.shown()).containsExactly(lower, next);
        assertThatThrownBy(() -> handles.add(next)).hasMessageContaining("shown already");
    }
}
