package dev.sluice.ploop;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.catchThrowableOfType;

import dev.sluice.block.BlockException;
import dev.sluice.block.Device;
import dev.sluice.block.Errno;
import dev.sluice.block.Op;
import dev.sluice.sys.Arena;
import dev.sluice.testing.MemoryTarget;
import dev.sluice.testing.ParkTarget;
import dev.sluice.testing.SimHost;
import dev.sluice.testing.TestBio;
import dev.sluice.testing.TestQueues;
import dev.sluice.testing.VirtualClock;
import dev.sluice.work.Completions;
import dev.sluice.work.Host;
import dev.sluice.work.Timer;
import java.util.ArrayDeque;
import java.util.Deque;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

/** A hold whose time is over while another one begins: each ends its own, and only that. */
@Tag("unit")
@Timeout(60)
class TrackingHoldTest {
    private static final int CLUSTER = 4096;

    private final Arena arena = new Arena();
    private final VirtualClock time = new VirtualClock();
    private final Timer timer = new Timer((sentence, cause) -> { });
    private final Deque<Runnable> queue = new ArrayDeque<>();
    private final ParkTarget parked = new ParkTarget(new MemoryTarget(
            MemoryTarget.limits(16 * CLUSTER, 512, true, true)));
    /** What happens when the device looks at the clock, or something is logged. */
    private Runnable atClock = () -> { };
    private Runnable atLog = () -> { };
    private Device device;
    private Tracking tracking;

    @BeforeEach
    void start() throws BlockException {
        device = new Device("d", "test", parked, List.of(), this::now, SimHost::memory,
                (sentence, cause) -> { });
        Host host = new Host(time, arena, TestQueues.of(queue::add), new Completions(false),
                (sentence, cause) -> atLog.run(), timer);
        tracking = new Tracking(host, "a.hds", CLUSTER, () -> false);
        tracking.attached(device);
        say("tracking_start");
    }

    /** Nothing that is done at a look looks again. */
    private long now() {
        Runnable action = atClock;
        atClock = () -> { };
        action.run();
        return time.nanos();
    }

    private void say(String... words) throws BlockException {
        tracking.message(List.of(words), since -> index -> false);
    }

    private Errno refused(String... words) {
        BlockException e = catchThrowableOfType(BlockException.class, () -> say(words));
        return e == null ? Errno.OK : e.errno();
    }

    private void run() {
        while (!queue.isEmpty()) {
            queue.poll().run();
        }
    }

    /** The time of the present hold passes; that it is over is looked at later. */
    private void pass(long millis) {
        time.advance(millis * 1_000_000);
        timer.expire(time.nanos());
    }

    private String state() {
        Map<String, Object> all = new LinkedHashMap<>();
        tracking.status(all);
        return (String) all.get("tracking");
    }

    private TestBio write() {
        return TestBio.submit(device, Op.WRITE, 0, CLUSTER, 1);
    }

    private void holdsAndReleases() throws BlockException {
        assertThat(state()).isEqualTo("held");
        int before = parked.parked();
        TestBio late = write();
        assertThat(parked.parked()).as("a change begins while they are held").isEqualTo(before);
        say("tracking_release");
        assertThat(parked.parked()).isEqualTo(before + 1);
        parked.drain();
        assertThat(late.outcome()).isEqualTo(Errno.OK);
    }

    @AfterEach
    void end() {
        tracking.close();
        assertThat(device.inFlight()).isZero();
        assertThat(timer.size()).isZero();
        assertThat(arena.mappedBytes()).isZero();
        arena.close();
    }

    @Test
    void whoHoldsAnewWhenTheTimeIsOverIsNotLetGo() throws Exception {
        Errno[] again = {null, null};
        atLog = () -> {
            again[0] = refused("tracking_release");
            again[1] = refused("tracking_hold", "1m");
        };
        say("tracking_hold", "100ms");
        pass(100);
        run();
        assertThat(again).containsExactly(Errno.ETIMEDOUT, Errno.OK);
        holdsAndReleases();
    }

    @Test
    void aHoldThatBeginsIsNotEndedByOneThatIsOver() throws Exception {
        say("tracking_hold", "100ms");
        pass(100);
        say("tracking_release");
        TestBio under = write();
        atClock = () -> atClock = () -> {
            run();
            parked.drain();
        };
        say("tracking_hold", "1m");
        assertThat(under.outcome()).isEqualTo(Errno.OK);
        holdsAndReleases();
    }

    @Test
    void oneThatIsStoppedWhileItBeginsHoldsNothing() throws Exception {
        TestBio under = write();
        atClock = () -> atClock = () -> {
            assertThat(refused("tracking_stop")).isEqualTo(Errno.OK);
            parked.drain();
        };
        assertThat(refused("tracking_hold", "1m")).isEqualTo(Errno.EBUSY);
        assertThat(under.outcome()).isEqualTo(Errno.OK);
        assertThat(state()).isEqualTo("off");
        TestBio late = write();
        parked.drain();
        assertThat(late.outcome()).isEqualTo(Errno.OK);
        say("tracking_start");
        say("tracking_hold", "1m");
        holdsAndReleases();
    }

    @Test
    void whoIsNotHeldIsNotReleased() throws Exception {
        assertThat(refused("tracking_release")).isEqualTo(Errno.ETIMEDOUT);
        say("tracking_hold", "1m");
        assertThat(refused("tracking_hold", "1m")).isEqualTo(Errno.EEXIST);
        holdsAndReleases();
        assertThat(refused("tracking_release")).isEqualTo(Errno.ETIMEDOUT);
    }
}
