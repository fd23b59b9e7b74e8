package dev.sluice.target;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.sluice.block.BlockException;
import dev.sluice.block.Device;
import dev.sluice.block.Errno;
import dev.sluice.block.Limits;
import dev.sluice.block.Memory;
import dev.sluice.block.Op;
import dev.sluice.block.Target;
import dev.sluice.testing.PassTarget;
import dev.sluice.testing.TestBio;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

/**
 * What every target must do. A subclass says how to make one; where it does not keep what is
 * written, or fails by design, it says so, and the same tests expect that.
 */
@Tag("contract")
@Timeout(480)
abstract class TargetContract {
    /** The size to make targets of, in bytes. */
    static final long SIZE = 4 << 20;

    final ContractRig rig = new ContractRig();
    Target target;
    Device device;

    /** A fresh target of {@link #SIZE}; what else must be closed is given to the rig. */
    abstract Target open(ContractRig rig) throws Exception;

    /** False where writes are forgotten and all reads find zeros. */
    boolean keeps() {
        return true;
    }

    /** What bios of this kind end with. */
    Errno expected(Op op) {
        return Errno.OK;
    }

    /** Bytes that are written or zeroed as one, whatever overlaps. */
    int atom() {
        return 512;
    }

    @BeforeEach
    void openOne() throws Exception {
        target = open(rig);
        device = rig.device("d", target);
    }

    @AfterEach
    void closeAll() throws Exception {
        // Where bios are left in flight, their memory must stay: it goes with the process.
        assertThat(device.inFlight()).isZero();
        assertThat(rig.log).isEmpty();
        target.close();
        rig.close();
    }

    private void ask(Op op, long offset, long length, int fill) {
        TestBio bio = rig.submit(device, op, offset, length, fill);
        assertThat(bio.outcome()).as(bio.bio().toString()).isEqualTo(expected(op));
    }

    /** Reads and compares; a target that forgets has zeros instead. */
    private void expect(Device from, long offset, byte[] bytes) {
        TestBio bio = rig.submit(from, Op.READ, offset, bytes.length, 0);
        assertThat(bio.outcome()).isEqualTo(expected(Op.READ));
        if (expected(Op.READ) == Errno.OK) {
            int differs = Arrays.mismatch(bio.bytes(), keeps() ? bytes : new byte[bytes.length]);
            assertThat(differs).as("first difference behind " + offset).isEqualTo(-1);
        }
    }

    private void expectAll(byte[] all) {
        for (int at = 0; at < all.length; at += Limits.MAX_DATA) {
            expect(device, at, Arrays.copyOfRange(all, at,
                    Math.min(all.length, at + Limits.MAX_DATA)));
        }
    }

    private static byte[] filled(int length, int fill) {
        byte[] bytes = new byte[length];
        Arrays.fill(bytes, (byte) fill);
        return bytes;
    }

    @Test
    void limitsAreSaneAndStay() {
        Limits limits = target.limits();
        assertThat(limits.size()).isEqualTo(SIZE);
        ask(Op.WRITE, 0, 4096, 1);
        ask(Op.DISCARD, 0, 4096, 1);
        assertThat(target.limits()).isEqualTo(limits);
        assertThat(limits.readOnly()).isFalse();
    }

    @Test
    void aFreshDeviceReadsZeros() {
        expectAll(new byte[(int) SIZE]);
    }

    @Test
    void whatIsWrittenIsReadBack() {
        byte[] all = new byte[(int) SIZE];
        int fill = 1;
        for (int length : new int[] {512, 4096, 65536, 131072, Limits.MAX_DATA}) {
            for (long at : new long[] {0, SIZE / 2, SIZE - length}) {
                ask(Op.WRITE, at, length, ++fill);
                Arrays.fill(all, (int) at, (int) at + length, (byte) fill);
            }
        }
        expectAll(all);
    }

    @Test
    void anyRangeOfBytesIsExact() {
        int[] marks = {0, 1, 511, 513, 4095, 4096, 5000, 8192, 12287, 65536, 131073};
        byte[] all = new byte[(int) SIZE];
        int fill = 0;
        for (Op op : new Op[] {Op.WRITE, Op.DISCARD, Op.WRITE, Op.WRITE_ZEROES, Op.WRITE}) {
            for (int from : marks) {
                for (int until : marks) {
                    if (from < until) {
                        fill = fill % 100 + 1;
                        ask(op, from, until - from, fill);
                        Arrays.fill(all, from, until, op == Op.WRITE ? (byte) fill : 0);
                        expect(device, from, Arrays.copyOfRange(all, from, until));
                    }
                }
            }
            expect(device, 0, Arrays.copyOf(all, 200_000));
        }
    }

    @Test
    void zeroingReachesEveryByteAndNoOther() {
        int length = 300_000;
        for (Op op : new Op[] {Op.DISCARD, Op.WRITE_ZEROES}) {
            for (int from : new int[] {0, 1, 511, 4096, 4097, 65535}) {
                for (int cut : new int[] {0, 1, 4095, 4096, 50_001}) {
                    ask(Op.WRITE, 0, length, 9);
                    ask(op, from, length - cut - from, 0);
                    byte[] all = filled(length, 9);
                    Arrays.fill(all, from, length - cut, (byte) 0);
                    expect(device, 0, all);
                }
            }
        }
    }

    @Test
    void theWholeDeviceCanBeZeroedAndWrittenAgain() {
        for (Op op : new Op[] {Op.DISCARD, Op.WRITE_ZEROES}) {
            for (long at = 0; at < SIZE; at += Limits.MAX_DATA) {
                ask(Op.WRITE, at, Limits.MAX_DATA, 5);
            }
            ask(op, 0, SIZE, 0);
            expectAll(new byte[(int) SIZE]);
            ask(Op.WRITE, SIZE - 4096, 4096, 6);
            byte[] all = new byte[(int) SIZE];
            Arrays.fill(all, (int) SIZE - 4096, (int) SIZE, (byte) 6);
            expectAll(all);
        }
    }

    @Test
    void flushAndFuaEndWell() {
        ask(Op.FLUSH, 0, 0, 0);
        for (Op op : new Op[] {Op.WRITE, Op.DISCARD, Op.WRITE_ZEROES}) {
            TestBio bio = rig.submit(device, op, 4000, 10_000, 3, true);
            Errno flush = target.limits().fua() ? Errno.OK : expected(Op.FLUSH);
            assertThat(bio.outcome())
                    .isEqualTo(expected(op) == Errno.OK ? flush : expected(op));
        }
        expect(device, 0, new byte[20_000]);
        assertThat(device.fuaWrites()).isEqualTo(3);
    }

    @Test
    void aReadTouchesItsRangeOfMemoryOnly() {
        ask(Op.WRITE, 0, 65536, 7);
        Memory data = rig.arena.map(65536);
        for (int at : new int[] {512, 1024, 4096, 777}) {
            data.bytes().put(0, filled(65536, 0x55));
            TestBio whole = TestBio.submit(device, Op.READ, 8192, 4096, false, data, () -> { });
            TestBio moved = at(data, at);
            assertThat(moved.outcome()).isEqualTo(expected(Op.READ));
            assertThat(whole.outcome()).isEqualTo(expected(Op.READ));
            for (int i = Math.max(4096, at + 4096); i < 65536; i++) {
                assertThat(data.bytes().get(i)).isEqualTo((byte) 0x55);
            }
        }
    }

    private TestBio at(Memory data, int dataAt) {
        return TestBio.submit(device, Op.READ, 4096, 4096, false,
                dev.sluice.sys.Native.view(data.address() + dataAt, 4096), () -> { });
    }

    @Test
    void manyBiosMayBeInFlight() {
        List<TestBio> all = new ArrayList<>();
        for (int i = 0; i < 500; i++) {
            all.add(rig.submit(device, Op.WRITE, i * 8192L, 8192, i));
        }
        for (TestBio bio : all) {
            assertThat(bio.outcome()).isEqualTo(expected(Op.WRITE));
        }
        for (int i = 0; i < 500; i++) {
            expect(device, i * 8192L, filled(8192, i));
        }
    }

    @Test
    void layersAndPartsSeeTheSameBytes() {
        Device window = rig.device("w", new PassTarget(device, 65536, 1 << 20, 5120), device);
        Device top = rig.device("t", new PassTarget(window), window);
        TestBio bio = rig.submit(top, Op.WRITE, 1000, 100_000, 8);
        assertThat(bio.outcome()).isEqualTo(expected(Op.WRITE));
        expect(device, 65536 + 1000, filled(100_000, 8));
        expect(top, 1000, filled(100_000, 8));
        bio = rig.submit(top, Op.DISCARD, 5000, 50_000, 0);
        assertThat(bio.outcome()).isEqualTo(expected(Op.DISCARD));
        byte[] all = filled(100_000, 8);
        Arrays.fill(all, 4000, 54_000, (byte) 0);
        expect(device, 65536 + 1000, all);
        assertThat(rig.submit(top, Op.FLUSH, 0, 0, 0).outcome()).isEqualTo(expected(Op.FLUSH));
    }

    @Test
    void storageIsCountedWithinBounds() {
        ask(Op.DISCARD, 0, SIZE, 0);
        long empty = target.allocated(0, SIZE);
        ask(Op.WRITE, 65536, 131072, 1);
        ask(Op.FLUSH, 0, 0, 0);
        assertThat(target.allocated(0, SIZE)).isBetween(empty, SIZE);
        assertThat(target.allocated(65536, 131072)).isBetween(0L, 131072L);
        assertThat(target.allocated(70_001, 1)).isBetween(0L, 1L);
    }

    @Test
    void dataAndHolesTakeTurnsAndNoDataIsInAHole() {
        ask(Op.DISCARD, 0, SIZE, 0);
        byte[] all = new byte[(int) SIZE];
        for (int at : new int[] {4096, 70_000, 1_000_000, 2_500_000, (int) SIZE - 3000}) {
            ask(Op.WRITE, at, 3000, 1);
            Arrays.fill(all, at, at + 3000, (byte) 1);
        }
        if (keeps()) {
            assertThat(target.seek(4096, true)).isEqualTo(4096);
        }
        long at = 0;
        boolean data = target.seek(0, true) == 0;
        while (at < SIZE) {
            long next = target.seek(at, !data);
            assertThat(next).as("where " + (data ? "data" : "a hole") + " from " + at + " ends")
                    .isBetween(at + 1, SIZE);
            assertThat(target.seek(at, data)).isEqualTo(at);
            assertThat(target.seek(next - 1, data)).isEqualTo(next - 1);
            for (long i = at; !data && keeps() && i < next; i++) {
                assertThat(all[(int) i]).as("in a hole at " + i).isZero();
            }
            at = next;
            data = !data;
        }
        assertThat(target.seek(SIZE - 1, true)).isBetween(SIZE - 1, SIZE);
        assertThat(target.seek(SIZE - 1, false)).isBetween(SIZE - 1, SIZE);
    }

    @Test
    void statusHasTheSameNamesAndPlainValues() {
        List<String> names = List.copyOf(target.status().keySet());
        ask(Op.WRITE, 0, 65536, 1);
        Map<String, Object> status = target.status();
        assertThat(List.copyOf(status.keySet())).isEqualTo(names);
        assertThat(status.values()).allMatch(v -> v instanceof String || v instanceof Number
                || v instanceof Boolean || v instanceof List || v instanceof Map);
        assertThat(names).allMatch(n -> n.matches("[a-z][a-z0-9_]*"));
    }

    @Test
    void argumentsAreOneLineAndStay() {
        String arguments = target.arguments();
        assertThat(arguments).doesNotContain("\n").isEqualTo(arguments.strip());
        ask(Op.WRITE, 0, 4096, 1);
        assertThat(target.arguments()).isEqualTo(arguments);
    }

    @Test
    void anUnknownParameterOrMessageIsRefusedWithASentence() {
        String arguments = target.arguments();
        assertThatThrownBy(() -> target.set(Map.of("no-such-key", "1")))
                .isInstanceOf(BlockException.class).hasMessageMatching(".*(;|\\bmust\\b).*");
        assertThatThrownBy(() -> target.message(List.of("no-such-word")))
                .isInstanceOf(BlockException.class).hasMessageMatching(".*(;|\\bmust\\b).*");
        assertThat(target.arguments()).isEqualTo(arguments);
    }

    @Test
    void drainEndsWhatIsInFlight() throws Exception {
        List<TestBio> all = new ArrayList<>();
        for (int i = 0; i < 50; i++) {
            all.add(rig.submit(device, Op.WRITE, i * 5000L, 3000, i));
        }
        assertThat(device.drain(20_000)).isTrue();
        assertThat(all).allMatch(b -> b.outcome() == expected(Op.WRITE));
        ask(Op.WRITE, 0, 4096, 1);
    }

    @Test
    void closingGivesAllMemoryBack() throws Exception {
        ContractRig other = new ContractRig();
        Target once = open(other);
        Memory data = other.arena.map(4096);
        Errno outcome = TestBio.submit(other.device("o", once), Op.WRITE, 0, 4096, false, data,
                () -> { }).outcome();
        assertThat(outcome).isEqualTo(expected(Op.WRITE));
        other.arena.unmap(data);
        once.close();
        other.closeTargets();
        assertThat(other.arena.mappedBytes()).isZero();
        other.close();
    }

    @Test
    void twoHundredThousandRandomBiosAgreeWithTheOracle() throws Exception {
        new Storm(this).run(200_000);
    }
}
