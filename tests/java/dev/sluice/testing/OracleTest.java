package dev.sluice.testing;

import static org.assertj.core.api.Assertions.assertThat;

import dev.sluice.block.Device;
import dev.sluice.block.Errno;
import dev.sluice.block.Memory;
import dev.sluice.block.Op;
import dev.sluice.testing.BrokenTarget.Bug;
import dev.sluice.testing.FaultyTarget.Fault;
import dev.sluice.testing.RandomBios.Door;
import java.util.List;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

/** The oracle finds what is wrong, and nothing else. */
@Tag("unit")
@Timeout(120)
class OracleTest {
    private static final int SIZE = 256 << 10;
    private static final int UNIT = 512;

    private final Oracle oracle = new Oracle(16 * UNIT, UNIT, UNIT, false);
    private final Memory data = SimHost.memory(16 * UNIT);
    private final Memory other = SimHost.memory(16 * UNIT);

    /** The suite that targets run, over a target with a bug; until it shows, at most so long. */
    private List<String> complaints(Bug bug) {
        boolean crash = bug == Bug.FLUSH_LOST || bug == Bug.FUA_LOST;
        for (long seed = 1; seed <= 5; seed++) {
            SimHost host = new SimHost(seed);
            BrokenTarget broken = new BrokenTarget(bug, SIZE, seed, host::later);
            Device device = host.device("d", new AsyncTarget(broken, host::later));
            Oracle judge = new Oracle(SIZE, UNIT, UNIT, crash);
            RandomBios bios = new RandomBios(seed, judge, SimHost::memory,
                    List.of(new Door(device, 0))).maxBytes(32 << 10).in(host);
            bios.run(3000);
            if (crash) {
                crash(device, broken.memory(), judge);
            } else {
                bios.sweep(new Door(device, 0));
            }
            assertThat(judge.judged()).isGreaterThan(10_000);
            if (!judge.complaints().isEmpty()) {
                return judge.complaints();
            }
        }
        return List.of();
    }

    private static void crash(Device device, MemoryTarget memory, Oracle judge) {
        assertThat(device.inFlight()).isZero();
        memory.crash();
        Memory all = SimHost.memory(SIZE);
        all.bytes().put(0, memory.bytes());
        judge.crashed(0, SIZE, all, 0);
    }

    @ParameterizedTest
    @EnumSource(mode = EnumSource.Mode.EXCLUDE, names = "NONE")
    void everyPlantedBugIsFound(Bug bug) {
        assertThat(complaints(bug)).isNotEmpty();
    }

    @Test
    void noBugIsFoundWhereThereIsNone() {
        assertThat(complaints(Bug.NONE)).isEmpty();
    }

    @Test
    void whatWasMadeDurableSurvivesACrashAndTheRestMayGo() {
        for (long seed = 1; seed <= 5; seed++) {
            SimHost host = new SimHost(seed);
            boolean fua = seed % 2 == 0;
            MemoryTarget memory = new MemoryTarget(MemoryTarget.limits(SIZE, 4096, fua, true));
            Device device = host.device("d", new AsyncTarget(memory, host::later));
            Oracle judge = new Oracle(SIZE, UNIT, UNIT, true);
            new RandomBios(seed, judge, SimHost::memory, List.of(new Door(device, 0)))
                    .maxBytes(32 << 10).in(host).run(2000);
            crash(device, memory, judge);
            assertThat(judge.complaints()).isEmpty();
        }
    }

    @ParameterizedTest
    @EnumSource(names = {"REFUSED", "DONE_BUT_FAILED", "HALF_DONE"})
    void failedBiosLeaveOldOrNew(Fault fault) {
        for (long seed = 1; seed <= 5; seed++) {
            SimHost host = new SimHost(seed);
            MemoryTarget memory = new MemoryTarget(MemoryTarget.limits(SIZE, 4096, true, true));
            FaultyTarget faulty = new FaultyTarget(memory);
            double[] share = {0.1};
            faulty.when(fault, b -> b.op() != Op.FLUSH && host.random.nextDouble() < share[0]);
            Device device = host.device("d", new AsyncTarget(faulty, host::later));
            Oracle judge = new Oracle(SIZE, UNIT, UNIT, false);
            RandomBios bios = new RandomBios(seed, judge, SimHost::memory,
                    List.of(new Door(device, 0))).maxBytes(32 << 10).in(host);
            bios.run(2000);
            share[0] = 0;
            bios.sweep(new Door(device, 0));
            assertThat(judge.complaints()).isEmpty();
            assertThat(bios.failed()).isPositive();
            assertThat(judge.settled()).isPositive();
        }
    }

    private void end(Oracle.Ticket ticket, Errno outcome) {
        oracle.end(ticket, outcome, null, 0);
    }

    private void read(Memory found, int at, int length) {
        Oracle.Ticket t = oracle.begin(Op.READ, 0, length, false, null, 0);
        oracle.end(t, Errno.OK, found, at);
    }

    @Test
    void overlappingWritesLeaveEither() {
        Oracle.Ticket a = oracle.begin(Op.WRITE, 0, UNIT, false, data, 0);
        Oracle.Ticket b = oracle.begin(Op.WRITE, 0, UNIT, false, other, 0);
        end(b, Errno.OK);
        end(a, Errno.OK);
        read(other, 0, UNIT);
        assertThat(oracle.complaints()).isEmpty();
        read(data, 0, UNIT);
        assertThat(oracle.complaints()).as("the first read settled it").hasSize(1);
    }

    @Test
    void aReadThatAWriteOverlapsFindsOldOrNewButNoMix() {
        Memory mix = SimHost.memory(UNIT);
        Oracle.Ticket r = oracle.begin(Op.READ, 0, UNIT, false, null, 0);
        Oracle.Ticket w = oracle.begin(Op.WRITE, 0, UNIT, false, data, 0);
        mix.copyFrom(0, data, 0, 8);
        oracle.end(r, Errno.OK, mix, 0);
        assertThat(oracle.complaints()).hasSize(1);
        end(w, Errno.OK);
        Oracle coarse = new Oracle(UNIT, UNIT, 8, false);
        r = coarse.begin(Op.READ, 0, UNIT, false, null, 0);
        coarse.begin(Op.WRITE, 0, UNIT, false, data, 0);
        mix.copyFrom(0, data, 0, 8);
        coarse.end(r, Errno.OK, mix, 0);
        assertThat(coarse.complaints()).isEmpty();
    }

    @Test
    void aReadAfterAWriteFindsNothingOlder() {
        end(oracle.begin(Op.WRITE, 0, UNIT, false, data, 0), Errno.OK);
        end(oracle.begin(Op.WRITE, 0, UNIT, false, other, 0), Errno.OK);
        read(data, 0, UNIT);
        assertThat(oracle.complaints()).singleElement().asString()
                .contains("READ found at 0").contains("version 1, not 2");
        end(oracle.begin(Op.DISCARD, 0, UNIT, false, null, 0), Errno.OK);
        read(other, 0, UNIT);
        assertThat(oracle.complaints()).hasSize(2);
    }
}
