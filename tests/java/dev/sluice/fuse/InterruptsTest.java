package dev.sluice.fuse;

import static org.assertj.core.api.Assertions.assertThat;

import dev.sluice.block.Bio;
import dev.sluice.block.Device;
import dev.sluice.block.Limits;
import dev.sluice.block.Target;
import dev.sluice.sys.Native;
import dev.sluice.testing.SimHost;
import dev.sluice.testing.TestQueues;
import dev.sluice.testing.VirtualClock;
import dev.sluice.work.Timer;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

/** Whose request ends by a signal, and when somebody looks. */
@Tag("unit")
@Timeout(120)
class InterruptsTest {
    /** No thread has this number: the kernel's numbers end at 2^22. */
    private static final int GONE = 1 << 24;

    private final VirtualClock clock = new VirtualClock();
    private final List<String> log = new ArrayList<>();
    private final Timer timer = new Timer((s, c) -> log.add(s));
    private final Holding target = new Holding();
    private final Device device = new SimHost(1).device("disk", target);
    private final Interrupts interrupts = new Interrupts(
            look -> look.test(List.of(device)), timer, TestQueues.of(Runnable::run).of("i"), clock,
            (s, c) -> log.add(s));

    /** Holds requests back that are never carried out. */
    private static final class Holding implements Target {
        private final Map<Long, Integer> held = new HashMap<>();
        private final List<Long> ended = new ArrayList<>();
        private int asked;

        @Override
        public Limits limits() {
            return Limits.memory(1 << 20);
        }

        @Override
        public void submit(Bio bio) {
            bio.complete();
        }

        @Override
        public int heldFor(long request) {
            asked++;
            return held.getOrDefault(request, -1);
        }

        @Override
        public void interrupt(long request) {
            held.remove(request);
            ended.add(request);
        }

        @Override
        public String arguments() {
            return "";
        }
    }

    @BeforeEach
    void use() {
        timer.use();
    }

    /** A mount without delays: nobody would look at the timer, nor sleep while it is due. */
    @Test
    void whereNothingIsHeldBackNobodyIsToLook() {
        Timer unused = new Timer((s, c) -> log.add(s));
        new Interrupts(look -> look.test(List.of(device)), unused,
                TestQueues.of(Runnable::run).of("i"), clock, (s, c) -> log.add(s)).add(7);
        assertThat(unused.size()).isZero();
        assertThat(unused.earliest()).isEqualTo(Timer.NEVER);
    }

    private void pass(int steps) {
        for (int i = 0; i < steps; i++) {
            timer.expire(clock.nanos());
            clock.advance(50_000_000);
        }
    }

    @Test
    void theRequestOfADeadCallerEndsAtOnce() {
        target.held.put(7L, GONE);
        target.held.put(8L, GONE);
        interrupts.add(7);
        pass(1);
        assertThat(target.ended).containsExactly(7L);
        assertThat(target.held).as("nobody told of this one").containsKey(8L);
    }

    @Test
    void theRequestOfOneThatLivesGoesOnUntilItDies() {
        target.held.put(7L, Native.threadId());
        interrupts.add(7);
        pass(100);
        assertThat(target.ended).isEmpty();
        target.held.put(7L, GONE);
        pass(1);
        assertThat(target.ended).containsExactly(7L);
    }

    @Test
    void whoMayNotBeKnownIsLeftAlone() {
        target.held.put(7L, 0);
        interrupts.add(7);
        pass(10);
        assertThat(target.ended).isEmpty();
    }

    /** A request on its way to where it is held is found; one that has ended is forgotten. */
    @Test
    void aRequestThatIsNotHeldIsLookedForAWhile() {
        interrupts.add(7);
        pass(2);
        target.held.put(7L, GONE);
        pass(1);
        assertThat(target.ended).containsExactly(7L);
        interrupts.add(9);
        pass(20);
        assertThat(target.asked).isLessThan(20);
        assertThat(timer.size()).as("nobody looks any more").isZero();
        assertThat(log).isEmpty();
    }
}
