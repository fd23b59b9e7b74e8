package dev.sluice.ploop;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.sluice.block.BlockException;
import dev.sluice.block.Errno;
import dev.sluice.block.Op;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

/** What a message asks for is done in steps. */
@Tag("unit")
@Timeout(60)
final class LongWorkTest {
    private static final int CLUSTER = PloopRig.CLUSTER;

    /** Takes a millisecond a step. */
    private static final class Steps implements LongWork.Job {
        private final PloopRig rig;
        private final int total;
        final List<Long> at = new ArrayList<>();
        LongWork.Step next = LongWork.Step.MORE;
        String fails;
        boolean stops = true;
        String end = "";

        Steps(PloopRig rig, int total) {
            this.rig = rig;
            this.total = total;
        }

        @Override
        public String name() {
            return "steps";
        }

        @Override
        public LongWork.Step step() throws BlockException {
            if (fails != null) {
                throw new BlockException(Errno.ENOSPC, fails);
            }
            at.add(rig.clock.nanos());
            rig.clock.advance(1_000_000);
            return at.size() == total ? LongWork.Step.DONE : next;
        }

        @Override
        public long done() {
            return at.size();
        }

        @Override
        public long total() {
            return total;
        }

        @Override
        public boolean stops() {
            return stops;
        }

        @Override
        public void ended(boolean well) {
            end += well ? "well" : "badly";
        }
    }

    private static LongWork work(PloopRig rig) {
        return rig.ploop.work();
    }

    @Test
    void aloneItTakesAllOfTheTime() throws Exception {
        try (PloopRig rig = PloopRig.open(10)) {
            Steps steps = new Steps(rig, 5);
            work(rig).begin(steps);
            assertThat(steps.at).as("not by who asks").isEmpty();
            assertThat(rig.text("work")).isEqualTo("steps");
            assertThat(rig.status("work_total")).isEqualTo(5);
            rig.settle();
            assertThat(steps.at.get(4) - steps.at.get(0)).isEqualTo(4_000_000);
            assertThat(steps.end).isEqualTo("well");
            assertThat(rig.text("work")).isEmpty();
            assertThat(rig.text("last_work")).isEqualTo("steps: done");
            work(rig).await(steps, 1);
        }
    }

    @Test
    void whileOthersAreThereItTakesItsShare() throws Exception {
        try (PloopRig rig = PloopRig.open(10, "background=10")) {
            rig.write(0, 1, 1);
            Steps steps = new Steps(rig, 5);
            work(rig).begin(steps);
            rig.settle();
            for (int i = 1; i < 5; i++) {
                assertThat(steps.at).hasSize(i);
                assertThat(rig.status("work_done")).isEqualTo(i);
                rig.expect(0, CLUSTER, 1);
                work(rig).again();
                rig.pass(8_999_999);
                assertThat(steps.at).as("not before its time").hasSize(i);
                rig.pass(1);
            }
            assertThat(steps.end).isEqualTo("well");
            rig.ploop.set(java.util.Map.of("background", "100"));
            Steps all = new Steps(rig, 2);
            work(rig).begin(all);
            rig.submit(Op.READ, 0, CLUSTER, 0, false);
            rig.settle();
            assertThat(all.end).isEqualTo("well");
        }
    }

    @Test
    void itGoesOnWhenWhatItWaitsForIsThere() throws Exception {
        try (PloopRig rig = PloopRig.open(10)) {
            Steps steps = new Steps(rig, 2);
            steps.next = LongWork.Step.WAIT;
            work(rig).begin(steps);
            rig.passMillis(1000);
            assertThat(steps.at).hasSize(1);
            work(rig).again();
            rig.settle();
            assertThat(steps.end).isEqualTo("well");
            work(rig).again();
            rig.settle();
        }
    }

    @Test
    void oneIsDoneAtATime() throws Exception {
        try (PloopRig rig = PloopRig.open(10)) {
            Steps steps = new Steps(rig, 2);
            work(rig).begin(steps);
            assertThatThrownBy(() -> work(rig).begin(new Steps(rig, 1)))
                    .hasMessageContaining("steps is at work").hasMessageContaining("cancel");
            rig.settle();
            work(rig).begin(new Steps(rig, 1));
            rig.settle();
        }
    }

    @Test
    void itEndsWhenItIsCancelled() throws Exception {
        try (PloopRig rig = PloopRig.open(10)) {
            assertThatThrownBy(() -> rig.ploop.message(List.of("cancel")))
                    .hasMessageContaining("nothing is at work");
            Steps steps = new Steps(rig, 100);
            steps.next = LongWork.Step.WAIT;
            work(rig).begin(steps);
            rig.settle();
            rig.ploop.message(List.of("cancel"));
            rig.settle();
            assertThat(steps.end).isEqualTo("badly");
            assertThat(rig.text("last_work")).isEqualTo("steps: cancelled");
            assertThatThrownBy(() -> work(rig).await(steps, 1)).hasMessageContaining("cancelled");
            Steps sure = new Steps(rig, 2);
            sure.next = LongWork.Step.WAIT;
            sure.stops = false;
            work(rig).begin(sure);
            rig.settle();
            assertThatThrownBy(() -> rig.ploop.message(List.of("cancel")))
                    .hasMessageContaining("about to be done");
            work(rig).again();
            rig.settle();
            assertThat(sure.end).isEqualTo("well");
        }
    }

    @Test
    void itFailsWithASentence() throws Exception {
        try (PloopRig rig = PloopRig.open(10)) {
            Steps steps = new Steps(rig, 2);
            steps.fails = "there is no room";
            work(rig).begin(steps);
            rig.settle();
            assertThat(steps.end).isEqualTo("badly");
            assertThat(rig.text("last_work")).isEqualTo("steps: failed: there is no room");
            assertThatThrownBy(() -> work(rig).await(steps, 1)).hasMessage("there is no room");
        }
    }

    @Test
    void itEndsWithItsDevice() throws Exception {
        for (LongWork.Step next : List.of(LongWork.Step.WAIT, LongWork.Step.MORE)) {
            Steps steps;
            try (PloopRig rig = PloopRig.open(10)) {
                rig.write(0, 1, 1);
                rig.passMillis(1000);
                steps = new Steps(rig, 100);
                steps.next = next;
                work(rig).begin(steps);
                rig.settle();
                assertThat(rig.timer.size()).isEqualTo(next == LongWork.Step.MORE ? 1 : 0);
                rig.ploop.close();
                rig.ploop = null;
            }
            assertThat(steps.end).isEqualTo("badly");
            assertThat(steps.at).hasSize(1);
        }
    }
}
