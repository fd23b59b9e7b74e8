package dev.sluice.ploop;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.sluice.testing.FileOp;
import dev.sluice.testing.FileOp.Kind;
import dev.sluice.testing.Seeds;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.HashSet;
import java.util.List;
import java.util.Random;
import java.util.Set;
import java.util.function.BooleanSupplier;
import java.util.function.UnaryOperator;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

/** The power fails in the midst of what changes a disk. */
@Tag("contract")
@Timeout(400)
final class CrashLifeTest {
    private static final int STATES = 25_000;
    private static final int CHAIN_STATES = 5_000;
    private static final int MOST_JOBS = 100;

    @Test
    void noPowerFailureLosesAnythingOfAnImageThatMoves() throws Exception {
        long seed = Seeds.seed("CrashLifeTest");
        Set<Long> seen = new HashSet<>();
        int grown = 0;
        int compacted = 0;
        int jobs = 0;
        for (int i = 0; seen.size() < STATES; i++) {
            CrashJob.Plan plan = CrashLife.plan(new Random(seed + i));
            CrashLife life = new CrashLife(seed + i, plan);
            try (CrashJob job = new CrashJob(seed + i, plan, life, seen, op -> op)) {
                job.run(6, 60);
                grown += life.grown;
                compacted += life.compacted;
                jobs++;
            } catch (AssertionError e) {
                throw new AssertionError("-Dseed=" + (seed + i) + ": " + e.getMessage(), e);
            }
        }
        System.out.println("CrashLifeTest: " + seen.size() + " distinct states, " + jobs + " jobs,"
                + " grown " + grown + " times, compacted " + compacted + " times");
        assertThat(grown).isPositive();
        assertThat(compacted).isPositive();
    }

    /** The same of a disk with snapshots, which are merged and gone back to. */
    @Test
    void noPowerFailureLosesAnythingOfADiskWithSnapshots() throws Exception {
        long seed = Seeds.seed("CrashLifeTest#chain");
        Set<Long> seen = new HashSet<>();
        int[] done = new int[4];
        int jobs = 0;
        // Few go back to a snapshot: some eight jobs have none that does.
        for (; seen.size() < CHAIN_STATES || least(done) == 0 && jobs < MOST_JOBS; jobs++) {
            try (LifeJob job = LifeJob.small(seed + jobs, 2, (path, op) -> op)) {
                job.run(200);
                seen.addAll(job.seen);
                int[] some = {job.snapshots, job.merges, job.switches, job.moves};
                Arrays.setAll(done, k -> done[k] + some[k]);
            } catch (AssertionError e) {
                throw new AssertionError("-Dseed=" + (seed + jobs) + ": " + e.getMessage(), e);
            }
        }
        System.out.println("CrashLifeTest: " + seen.size() + " distinct states of chains, " + jobs
                + " jobs, snapshots, merges, switches, moves: " + Arrays.toString(done));
        assertThat(least(done)).isPositive();
    }

    private static int least(int[] counts) {
        return Arrays.stream(counts).min().getAsInt();
    }

    /** What a file does that lies while something is at work. */
    private enum Lie {
        /** I3: words name copies that are not durable; or pages are free too early. */
        NO_SYNC,
        /** What a table grew into is not zeroed. */
        NO_ZEROS_FOR_THE_TABLE,
        /** I4: the header may be durable before the room behind it. */
        NO_SYNC_BEFORE_THE_HEADER,
        /** I2: clusters are free that are still named. */
        NO_PAGES,
        /** A copy goes nowhere. */
        NO_COPY
    }

    /** Lies while something is at work. */
    private static final class Liar implements UnaryOperator<FileOp> {
        private final Lie lie;
        private final BooleanSupplier working;
        private final List<FileOp> pending = new ArrayList<>();

        Liar(Lie lie, BooleanSupplier working) {
            this.lie = lie;
            this.working = working;
        }

        @Override
        public FileOp apply(FileOp op) {
            boolean lies = working.getAsBoolean() && switch (lie) {
                case NO_SYNC -> op.kind() == Kind.SYNC;
                case NO_ZEROS_FOR_THE_TABLE -> op.kind() == Kind.ZERO && op.offset() <= 1024;
                case NO_SYNC_BEFORE_THE_HEADER -> op.kind() == Kind.SYNC && pending.stream()
                        .anyMatch(p -> p.kind() == Kind.ZERO && p.offset() <= 1024);
                case NO_PAGES -> op.kind() == Kind.WRITE && op.writesBelow(64);
                case NO_COPY -> op.kind() == Kind.WRITE && !op.writesBelow(1024)
                        && op.length() >= 512;
            };
            if (op.kind() == Kind.SYNC) {
                pending.clear();
            } else {
                pending.add(op);
            }
            return lies ? null : op;
        }
    }

    @ParameterizedTest
    @EnumSource
    void aFileThatLiesIsSeen(Lie lie) {
        assertThatThrownBy(() -> {
            for (int i = 0; i < 400; i++) {
                CrashJob.Plan plan = CrashLife.plan(new Random(4711 + i)).with(2, 0, false);
                CrashLife life = new CrashLife(4711 + i, plan);
                try (CrashJob job = new CrashJob(4711 + i, plan, life, new HashSet<>(),
                        new Liar(lie, life::working)).healthy()) {
                    job.run(4, 40);
                }
            }
        }).as("%s", lie).isInstanceOf(AssertionError.class).hasMessageContaining("after the crash");
    }

    @ParameterizedTest
    @EnumSource
    void aFileOfAChainThatLiesIsSeen(Lie lie) {
        assertThatThrownBy(() -> {
            for (int i = 0; i < 400; i++) {
                LifeJob[] life = {null};
                Liar liar = new Liar(lie, () -> life[0].moving());
                try (LifeJob job = LifeJob.small(4711 + i, 3, (path, op) -> liar.apply(op))) {
                    life[0] = job;
                    job.run(200);
                }
            }
        }).as("%s", lie).isInstanceOf(AssertionError.class).hasMessageContaining("after the crash");
    }
}
