package dev.sluice.ploop;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.catchThrowableOfType;

import dev.sluice.block.BlockException;
import dev.sluice.block.Errno;
import dev.sluice.block.Op;
import dev.sluice.testing.Seeds;
import dev.sluice.testing.TestBio;
import java.util.Arrays;
import java.util.List;
import java.util.Random;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

/** Somebody copies a disk in use by what tracking tells, and has all of it in the end. */
@Tag("unit")
@Timeout(120)
class TrackingTest {
    private static final int CLUSTER = PloopRig.CLUSTER;
    private static final int CLUSTERS = 40;
    private static final String[] KEYS = {"prealloc=64k", "dirty-timeout=1ms"};

    private static void say(PloopRig rig, String... words) throws BlockException {
        rig.ploop.message(List.of(words));
    }

    private static List<Integer> told(PloopRig rig) throws BlockException {
        return rig.ploop.attributes().get(0).read().content().lines().map(Integer::valueOf)
                .toList();
    }

    private static List<Integer> next(PloopRig rig, int count) throws BlockException {
        say(rig, "tracking_get_next", "" + count);
        return told(rig);
    }

    private static Errno refused(PloopRig rig, String... words) {
        return catchThrowableOfType(BlockException.class, () -> say(rig, words)).errno();
    }

    /** Random changes, some of which are under way at any time, and a copy that is brought up. */
    private static final class Copier {
        private final Random random;
        private final PloopRig rig = PloopRig.open(CLUSTERS, KEYS);
        private final byte[] copy = new byte[CLUSTERS * CLUSTER];

        Copier(long seed) throws Exception {
            random = new Random(seed);
        }

        private void change() {
            int from = random.nextInt(copy.length / 512 - 40) * 512;
            Op op = switch (random.nextInt(6)) {
                case 0 -> Op.DISCARD;
                case 1 -> Op.WRITE_ZEROES;
                default -> Op.WRITE;
            };
            int length = 512 * (1 + random.nextInt(op == Op.WRITE ? 16 : 40));
            rig.submit(op, from, length, random.nextInt(100), random.nextInt(8) == 0);
        }

        private byte[] read(int cluster) {
            TestBio bio = rig.submit(Op.READ, (long) cluster * CLUSTER, CLUSTER, 0, false);
            while (!bio.ended() && rig.step()) {
                continue;
            }
            return bio.bytes();
        }

        private void take(int count) throws BlockException {
            if (rig.status("tracking_left") > 0) {
                for (int cluster : next(rig, count)) {
                    System.arraycopy(read(cluster), 0, copy, cluster * CLUSTER, CLUSTER);
                }
            }
        }

        void run(boolean watched) throws Exception {
            for (int i = random.nextInt(30); i > 0; i--) {
                change();
            }
            if (random.nextBoolean()) {
                rig.settle();
                rig.over((long) CLUSTERS * CLUSTER, KEYS);
                change();
            }
            say(rig, "tracking_start");
            if (!watched) {
                rig.device.watch(null);
            }
            for (int i = 0; i < 400; i++) {
                switch (random.nextInt(4)) {
                    case 0 -> change();
                    case 1 -> take(1 + random.nextInt(4));
                    case 2 -> rig.passMillis(random.nextInt(3));
                    default -> rig.step();
                }
            }
            rig.settle();
            say(rig, "tracking_hold");
            TestBio late = rig.submit(Op.WRITE, 7 * CLUSTER, 512, 101, false);
            rig.settle();
            assertThat(late.ended()).as("a change begins while they are held").isFalse();
            while (rig.status("tracking_left") > 0) {
                take(8);
            }
            for (int i = 0; i < CLUSTERS; i++) {
                assertThat(Arrays.mismatch(read(i), Arrays.copyOfRange(copy, i * CLUSTER,
                        (i + 1) * CLUSTER))).as("first byte that is missed, of cluster " + i)
                        .isEqualTo(-1);
            }
            say(rig, "tracking_release");
            rig.settle();
            assertThat(late.outcome()).isEqualTo(Errno.OK);
            assertThat(next(rig, 9)).containsExactly(7);
            say(rig, "tracking_stop");
        }
    }

    private static void run(long seed, boolean watched) throws Exception {
        Copier copier = new Copier(seed);
        try (PloopRig rig = copier.rig) {
            copier.run(watched);
        } catch (AssertionError | RuntimeException e) {
            throw new AssertionError("-Dseed=" + seed + ": " + e.getMessage(), e);
        }
    }

    @Test
    void whatIsToldAndReadIsAllThereIs() throws Exception {
        long seed = Seeds.seed("TrackingTest");
        for (int i = 0; i < 200; i++) {
            run(seed + i, true);
        }
    }

    @Test
    void aChangeThatIsNotToldIsSeen() {
        assertThatThrownBy(() -> {
            for (int seed = 0; seed < 20; seed++) {
                run(seed, false);
            }
        }).isInstanceOf(AssertionError.class).hasMessageContaining("that is missed");
    }

    @Test
    void eachIsToldOnceAndAgainAfterAChange() throws Exception {
        try (PloopRig rig = PloopRig.open(CLUSTERS, KEYS)) {
            rig.write(3, 2, 1);
            rig.write(20, 1, 1);
            assertThat(refused(rig, "tracking_get_next")).isEqualTo(Errno.ENOENT);
            assertThat(refused(rig, "tracking_stop")).isEqualTo(Errno.ENOENT);
            say(rig, "tracking_start");
            assertThat(refused(rig, "tracking_start")).isEqualTo(Errno.EEXIST);
            say(rig, "tracking_get_next");
            assertThat(told(rig)).containsExactly(3);
            assertThat(next(rig, 100)).containsExactly(4, 20);
            assertThat(refused(rig, "tracking_get_next")).isEqualTo(Errno.EAGAIN);
            assertThat(told(rig)).isEmpty();
            rig.write(20, 1, 1);
            rig.write(2, 1, 5);
            rig.discard(4, 1);
            assertThat(next(rig, 100)).containsExactly(2, 4, 20);
            say(rig, "tracking_rewind", "20");
            assertThat(next(rig, 100)).as("what changed, and what is there from 20 on")
                    .containsExactly(2, 4, 20);
            say(rig, "tracking_rewind");
            assertThat(next(rig, 100)).containsExactly(2, 3, 4, 20);
            say(rig, "tracking_stop");
            assertThat(rig.text("tracking")).isEqualTo("off");
        }
    }

    /** Whatever was merged since, or was made a snapshot of. */
    @Test
    void whatChangedSinceAnySnapshotIsTold() throws Exception {
        try (PloopRig rig = PloopRig.open(CLUSTERS, KEYS)) {
            rig.write(1, 2, 1);
            String one = rig.snapshot();
            rig.write(2, 2, 2);
            String two = rig.snapshot();
            rig.write(5, 1, 3);
            rig.discard(1, 1);
            String three = rig.snapshot();
            assertThat(since(rig, one)).containsExactly(1, 2, 3, 5);
            assertThat(since(rig, two)).containsExactly(1, 5);
            assertThat(since(rig, three)).isEmpty();
            assertThat(since(rig, null)).containsExactly(1, 2, 3, 5);
            assertThat(refused(rig, "tracking_start", DiskDescriptor.TOP)).isEqualTo(Errno.ENOENT);
            assertThat(refused(rig, "tracking_start", DiskDescriptor.newGuid()))
                    .isEqualTo(Errno.ENOENT);
            say(rig, "tracking_start", three);
            rig.ploop.merge();
            rig.settle();
            rig.passMillis(1000);
            assertThat(rig.text("last_work")).isEqualTo("merge: done");
            rig.snapshot();
            say(rig, "tracking_rewind");
            assertThat(next(rig, 100)).as("what came up may have changed").contains(1, 5);
            say(rig, "tracking_stop");
            assertThat(since(rig, two)).containsExactly(1, 5);
            assertThat(since(rig, one)).containsExactly(1, 2, 3, 5);
        }
    }

    private static List<Integer> since(PloopRig rig, String guid) throws Exception {
        if (guid == null) {
            say(rig, "tracking_start");
        } else {
            say(rig, "tracking_start", guid);
        }
        List<Integer> all = rig.status("tracking_left") == 0 ? List.of() : next(rig, 100);
        say(rig, "tracking_stop");
        return all;
    }

    @Test
    void aTurnEndsWhereNumbersBeginAnew() throws Exception {
        try (PloopRig rig = PloopRig.open(CLUSTERS, KEYS)) {
            rig.write(0, 4, 1);
            say(rig, "tracking_start");
            assertThat(next(rig, 2)).containsExactly(0, 1);
            rig.write(0, 1, 2);
            assertThat(next(rig, 9)).containsExactly(2, 3);
            assertThat(next(rig, 9)).containsExactly(0);
        }
    }

    @Test
    void aHoldEndsWithItsTimeAndSaysSo() throws Exception {
        try (PloopRig rig = PloopRig.open(CLUSTERS, KEYS)) {
            assertThat(refused(rig, "tracking_hold")).isEqualTo(Errno.ENOENT);
            say(rig, "tracking_start");
            assertThat(refused(rig, "tracking_hold", "2m")).isEqualTo(Errno.EINVAL);
            say(rig, "tracking_hold", "100ms");
            assertThat(refused(rig, "tracking_hold")).isEqualTo(Errno.EEXIST);
            assertThat(rig.text("tracking")).isEqualTo("held");
            TestBio write = rig.submit(Op.WRITE, 0, CLUSTER, 1, false);
            TestBio flush = rig.submit(Op.FLUSH, 0, 0, 0, false);
            rig.settle();
            assertThat(flush.outcome()).isEqualTo(Errno.OK);
            rig.passMillis(99);
            assertThat(write.ended()).isFalse();
            rig.passMillis(1);
            assertThat(write.outcome()).isEqualTo(Errno.OK);
            assertThat(refused(rig, "tracking_release")).isEqualTo(Errno.ETIMEDOUT);
            say(rig, "tracking_hold", "1s");
            TestBio other = rig.submit(Op.DISCARD, 0, CLUSTER, 1, false);
            rig.settle();
            assertThat(other.ended()).isFalse();
            say(rig, "tracking_stop");
            rig.settle();
            assertThat(other.outcome()).isEqualTo(Errno.OK);
            assertThat(rig.log).anyMatch(line -> line.contains("until their time was over"));
        }
    }

    /** The device is closed while it is looked at which clusters have data. */
    @Test
    void whereItEndsTheDiskIsLookedAtNoMore() throws Exception {
        try (PloopRig rig = PloopRig.open(CLUSTERS, KEYS)) {
            Tracking tracking = new Tracking(rig.host, "a.hds", CLUSTER, () -> false);
            tracking.attached(rig.device);
            int[] asked = {0};
            tracking.message(List.of("tracking_start"), since -> index -> {
                if (++asked[0] == 3) {
                    tracking.close();
                }
                return true;
            });
            assertThat(asked[0]).isEqualTo(3);
            assertThat(catchThrowableOfType(BlockException.class, () -> tracking.message(
                    List.of("tracking_start"), since -> index -> true)).errno())
                    .isEqualTo(Errno.EBUSY);
        }
    }

    @Test
    void aDiskThatGrowsIsNotTracked() throws Exception {
        try (PloopRig rig = PloopRig.open(CLUSTERS, KEYS)) {
            rig.ploop.grow(2 * CLUSTERS * CLUSTER);
            assertThat(refused(rig, "tracking_start")).isEqualTo(Errno.EBUSY);
            rig.settle();
            rig.passMillis(1000);
            say(rig, "tracking_start");
            assertThat(catchThrowableOfType(BlockException.class,
                    () -> rig.ploop.grow(3 * CLUSTERS * CLUSTER)).errno()).isEqualTo(Errno.EBUSY);
        }
    }

    @Test
    void aDeviceThatIsClosedHoldsNothing() throws Exception {
        try (PloopRig rig = PloopRig.open(CLUSTERS, KEYS)) {
            say(rig, "tracking_start");
            say(rig, "tracking_hold", "1m");
            TestBio write = rig.submit(Op.WRITE, 0, CLUSTER, 1, false);
            rig.device.leave();
            rig.settle();
            assertThat(write.outcome()).isEqualTo(Errno.OK);
            assertThat(refused(rig, "tracking_get_next", "x")).isEqualTo(Errno.EINVAL);
            assertThat(refused(rig, "tracking_stop", "x")).isEqualTo(Errno.EINVAL);
            assertThat(refused(rig, "tracking_on")).isEqualTo(Errno.EINVAL);
        }
    }
}
