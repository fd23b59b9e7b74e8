package dev.sluice.target;

import static org.assertj.core.api.Assertions.assertThat;

import dev.sluice.block.Bio;
import dev.sluice.block.Device;
import dev.sluice.block.Errno;
import dev.sluice.block.Limits;
import dev.sluice.block.Op;
import dev.sluice.block.Target;
import dev.sluice.testing.AsyncTarget;
import dev.sluice.testing.CheckedTarget;
import dev.sluice.testing.FaultyTarget;
import dev.sluice.testing.FaultyTarget.Fault;
import dev.sluice.testing.Oracle;
import dev.sluice.testing.PassTarget;
import dev.sluice.testing.RandomBios;
import dev.sluice.testing.RandomBios.Door;
import dev.sluice.testing.Seeds;
import java.util.List;
import java.util.Random;
import java.util.concurrent.ThreadLocalRandom;
import java.util.concurrent.TimeUnit;

/**
 * The large test of a target: bios of any size and place from four threads, through its own device
 * and through two layers that cut them into parts; some end at once and some later in other
 * threads, some fail by plan, and every other one is watched.
 */
final class Storm {
    private static final int THREADS = 4;
    private static final int UNIT = 512;

    private final TargetContract contract;
    private final ContractRig rig;
    private final CheckedTarget checked;
    private final FaultyTarget faulty;
    private final long seed;

    Storm(TargetContract contract) {
        this.contract = contract;
        this.rig = contract.rig;
        this.seed = Seeds.seed(contract.getClass().getSimpleName());
        this.checked = new CheckedTarget(contract.target, rig.arena::map);
        this.faulty = new FaultyTarget(new AsyncTarget(new EveryOther(), this::soonOrLater));
    }

    /** Every other bio goes to the target unwatched, so that answers reach the reader uncopied. */
    private final class EveryOther implements Target {
        @Override
        public Limits limits() {
            return contract.target.limits();
        }

        @Override
        public void submit(Bio bio) {
            if (ThreadLocalRandom.current().nextBoolean()) {
                checked.submit(bio);
            } else {
                contract.target.submit(bio);
            }
        }

        @Override
        public String arguments() {
            return "";
        }
    }

    void run(int bios) throws Exception {
        Device bottom = rig.device("b", faulty);
        Device middle = rig.device("m", new PassTarget(bottom), bottom);
        long base = 256 << 10;
        Device top = rig.device("t", new PassTarget(middle, base, 2 << 20, 24576), middle);
        Oracle oracle = new Oracle(TargetContract.SIZE, UNIT, contract.atom(), false);
        if (!contract.keeps()) {
            oracle.forgets();
        }
        RandomBios random = new RandomBios(seed, oracle, rig.arena::map,
                List.of(new Door(bottom, 0), new Door(top, base))).depth(8);
        plan();
        random.run(bios, THREADS);
        faulty.heal();
        random.sweep(new Door(bottom, 0));
        verify(bios, oracle, random, bottom);
        assertThat(middle.inFlight() + top.inFlight()).isZero();
    }

    private void plan() {
        Random chance = new Random(seed);
        for (Fault fault : new Fault[] {Fault.REFUSED, Fault.DONE_BUT_FAILED, Fault.HALF_DONE}) {
            faulty.when(fault, b -> b.op() != Op.FLUSH && chance.nextInt(300) == 0);
        }
        faulty.when(Fault.THROWS, b -> b.op() != Op.FLUSH && chance.nextInt(3000) == 0);
    }

    private void soonOrLater(Runnable task) {
        int micros = ThreadLocalRandom.current().nextInt(-100, 50);
        if (micros < 0) {
            task.run();
        } else {
            rig.threads.schedule(task, micros, TimeUnit.MICROSECONDS);
        }
    }

    private static long ended(Device device) {
        long sum = 0;
        for (Op op : Op.values()) {
            sum += device.ended(op);
        }
        return sum;
    }

    private void verify(int bios, Oracle oracle, RandomBios random, Device bottom) {
        assertThat(oracle.complaints()).as("seed " + seed).isEmpty();
        assertThat(checked.complaints()).filteredOn(c -> !c.contains("planted")).isEmpty();
        assertThat(bottom.inFlight()).isZero();
        assertThat(bottom.failed()).isFalse();
        assertThat(ended(bottom)).isGreaterThanOrEqualTo(bios);
        assertThat(faulty.injected()).isPositive();
        assertThat(random.failed()).isPositive();
        if (contract.expected(Op.READ) == Errno.OK) {
            assertThat(oracle.judged()).isGreaterThan(100_000);
        }
        assertThat(rig.log).allMatch(l -> l.contains("planted"));
        rig.log.clear();
    }
}
