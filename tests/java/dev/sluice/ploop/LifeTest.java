package dev.sluice.ploop;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.sluice.testing.FileOp;
import dev.sluice.testing.Seeds;
import java.util.Arrays;
import java.util.function.BiFunction;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

/** Snapshots of a disk in use, with power failures at any moment. */
@Tag("contract")
@Timeout(240)
class LifeTest {
    private static final int STEPS = 10_000;
    private static final int MOST_RUNS = 100;

    private static int[] run(long seed, int steps, int rarely,
            BiFunction<String, FileOp, FileOp> fault) throws Exception {
        return run(seed, steps, rarely, fault, CrashFolder.Lie.NONE);
    }

    private static int[] run(long seed, int steps, int rarely,
            BiFunction<String, FileOp, FileOp> fault, CrashFolder.Lie lie) throws Exception {
        try (LifeJob job = new LifeJob(seed, rarely, fault, lie)) {
            try {
                job.run(steps);
            } catch (AssertionError | RuntimeException e) {
                throw new AssertionError("-Dseed=" + seed + ": " + e.getMessage(), e);
            }
            return new int[] {job.snapshots, job.merges, job.switches, job.moves};
        }
    }

    @Test
    void aDiskLivesOn() throws Exception {
        long seed = Seeds.seed("LifeTest#model");
        int[] done = run(seed, STEPS, 60, (path, op) -> op);
        // Going back to a snapshot is rarest: some thirty times, and by some seeds half as often.
        assertThat(least(done)).isGreaterThan(5);
    }

    @Test
    void everyMomentIsSafe() throws Exception {
        long seed = Seeds.seed("LifeTest#crash");
        int[] done = new int[4];
        // Few go back to a snapshot: some twelve runs have none that does.
        for (int i = 0; i < 12 || least(done) == 0 && i < MOST_RUNS; i++) {
            int[] some = run(seed + i, 100, 1, (path, op) -> op);
            Arrays.setAll(done, k -> done[k] + some[k]);
        }
        assertThat(least(done)).isPositive();
    }

    /** Zeros that are to be durable, where a discard beneath a new snapshot is not yet. */
    @Test
    void durableZerosOverAHoleThatIsNotAreSafe() throws Exception {
        run(12726394, 100, 1, (path, op) -> op);
    }

    private static int least(int[] counts) {
        return Arrays.stream(counts).min().getAsInt();
    }

    /** What a snapshot leaves below is never made durable. */
    @Test
    void aMissingSyncBelowIsSeen() {
        assertThatThrownBy(() -> {
            for (int seed = 0; seed < 40; seed++) {
                run(seed, 200, 4, (path, op) -> op.kind() == FileOp.Kind.SYNC
                        && path.equals(LifeJob.FIRST) ? null : op);
            }
        }).isInstanceOf(AssertionError.class).hasMessageContaining("after the crash");
    }

    /** What comes up is not written, or not made durable before words name it. */
    @ParameterizedTest
    @EnumSource(names = {"WRITE", "SYNC"})
    void aMergeThatSkipsAStepIsSeen(FileOp.Kind kind) {
        assertThatThrownBy(() -> {
            for (int seed = 0; seed < 60; seed++) {
                run(seed, 300, 4, (path, op) -> op.kind() == kind && merging() ? null : op);
            }
        }).isInstanceOf(AssertionError.class);
    }

    /** Files are used before they are named, or go while they are; or are not known to be left. */
    @ParameterizedTest
    @EnumSource(mode = EnumSource.Mode.EXCLUDE, names = "NONE")
    void aFolderThatLiesIsSeen(CrashFolder.Lie lie) {
        assertThatThrownBy(() -> {
            for (int seed = 0; seed < 40; seed++) {
                run(seed, 200, 4, (path, op) -> op, lie);
            }
        }).isInstanceOf(AssertionError.class).hasMessageContaining("after the crash")
                .hasMessageContaining(lie == CrashFolder.Lie.NOTE ? "named are only" : "");
    }

    private static boolean merging() {
        return StackWalker.getInstance().walk(frames -> frames.limit(12).anyMatch(
                frame -> frame.getClassName().equals(Merge.class.getName())));
    }
}
