package dev.sluice.ploop;

import static org.assertj.core.api.Assertions.assertThat;

import dev.sluice.block.Op;
import dev.sluice.testing.FileOp.Kind;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

/** Large clusters that are changed while they move. */
@Tag("unit")
@Timeout(60)
final class MovesTest {
    private static final int MIB = 1 << 20;

    /** What is changed all the time gets held, as much at a time as is copied in milliseconds. */
    @Test
    void noMoreIsHeldAtATimeThanIsSoonCopied() throws Exception {
        try (PloopRig rig = halfFree()) {
            List<Integer> held = new ArrayList<>();
            rig.fault = op -> {
                if (op.kind() == Kind.SYNC && rig.status("moved") < 8) {
                    held.add(touch(rig.ploop.top()));
                }
                if (op.kind() == Kind.SYNC && held.size() == 2) {
                    // Where it was copied to something is left, and yet it gets no cluster.
                    rig.submit(Op.WRITE_ZEROES, 26L * MIB, 2L * MIB, 0, false);
                }
                return null;
            };
            rig.ploop.message(List.of("compact"));
            rig.passMillis(1000);
            rig.fault = op -> null;
            assertThat(held).containsOnly(0, 2).filteredOn(n -> n == 2).hasSize(4);
            assertThat(rig.text("last_work")).startsWith("compact: done");
            assertThat(rig.file.size() - rig.dataStart()).isEqualTo(14L * MIB);
            for (int i = 0; i < 32; i++) {
                rig.expect((long) i * MIB, MIB, i < 16 || i == 17 || i / 2 == 13 ? 0 : 10 + i);
            }
        }
    }

    @Test
    void whatIsChangedOnceIsCopiedTwiceAtMost() throws Exception {
        try (PloopRig rig = halfFree()) {
            List<Integer> held = new ArrayList<>();
            rig.fault = op -> {
                if (op.kind() == Kind.SYNC && rig.status("moved") < 8) {
                    held.add(held.size() < 2 ? touch(rig.ploop.top()) : 0);
                }
                return null;
            };
            rig.ploop.message(List.of("compact"));
            rig.passMillis(1000);
            // All of them, then those that are held, then the others.
            assertThat(held).containsExactly(0, 2, 0);
        }
    }

    /** Clusters 8 to 15 of 2 MiB, behind as many that are free; the first one is half full. */
    private static PloopRig halfFree() throws Exception {
        PloopRig rig = new PloopRig();
        rig.cluster = 2 * MIB;
        rig.create(32L * MIB);
        rig.reopen();
        for (int i = 0; i < 32; i++) {
            if (i != 17) {
                rig.submit(Op.WRITE, (long) i * MIB, MIB, 10 + i, false);
                rig.settle();
            }
        }
        rig.run(Op.DISCARD, 0, 16L * MIB);
        return rig;
    }

    /** As a write of each cluster would; how many of them it had to wait for. */
    private static int touch(Top top) {
        int held = 0;
        synchronized (top.common.lock) {
            for (int i = 8; i < 16; i++) {
                held += top.moves.change(i, i + 1) == i ? 1 : 0;
            }
        }
        return held;
    }
}
