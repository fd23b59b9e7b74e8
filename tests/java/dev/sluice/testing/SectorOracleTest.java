package dev.sluice.testing;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatCode;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.sluice.block.Errno;
import dev.sluice.block.Memory;
import dev.sluice.block.Op;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

/** What may be found after which bios. */
@Tag("unit")
@Timeout(120)
class SectorOracleTest {
    private static final int SECTOR = MemoryFile.SECTOR;

    private final SectorOracle oracle = new SectorOracle(8 * SECTOR);

    private record Written(SectorOracle.Ticket ticket, byte[] bytes) {}

    private Written begin(long sector, boolean fua) {
        Memory data = SimHost.memory(SECTOR);
        SectorOracle.Ticket ticket =
                oracle.begin(Op.WRITE, sector * SECTOR, SECTOR, fua, data, false);
        byte[] bytes = new byte[SECTOR];
        data.bytes().get(0, bytes);
        return new Written(ticket, bytes);
    }

    private Written write(long sector, boolean fua) {
        Written w = begin(sector, fua);
        oracle.end(w.ticket, Errno.OK, null, 0);
        return w;
    }

    private void run(Op op, long sector, long sectors) {
        SectorOracle.Ticket t =
                oracle.begin(op, sector * SECTOR, sectors * SECTOR, false, null, false);
        oracle.end(t, Errno.OK, null, 0);
    }

    private void good(int sector, byte[] bytes) {
        assertThatCode(() -> oracle.crashed(sector, bytes, 0, false)).doesNotThrowAnyException();
    }

    private void bad(int sector, byte[] bytes, String why) {
        assertThatThrownBy(() -> oracle.crashed(sector, bytes, 0, false))
                .isInstanceOf(AssertionError.class).hasMessageContaining(why);
    }

    @Test
    void whatWasNotFlushedMayBeThereOrNot() {
        Written one = write(3, false);
        Written two = write(3, false);
        good(3, null);
        good(3, one.bytes);
        good(3, two.bytes);
        assertThatThrownBy(() -> oracle.crashed(3, one.bytes, 0, true))
                .hasMessageContaining("sector 3 holds write 1, expected one of (0 durable) (1) 2");
        run(Op.FLUSH, 0, 0);
        good(3, two.bytes);
        bad(3, one.bytes, "sector 3 holds write 1, expected one of 2 durable");
        bad(3, null, "holds write 0");
        assertThat(oracle.flushed()).isEqualTo(1);
    }

    @Test
    void aFlushCoversWhatEndedBeforeItBegan() {
        Written one = begin(0, false);
        SectorOracle.Ticket flush = oracle.begin(Op.FLUSH, 0, 0, false, null, false);
        oracle.end(one.ticket, Errno.OK, null, 0);
        oracle.end(flush, Errno.OK, null, 0);
        good(0, null);
        run(Op.FLUSH, 0, 0);
        bad(0, null, "holds write 0, expected one of 1 durable");
    }

    @Test
    void fuaIsDurableAtOnceAndSoIsWhatIsClosed() {
        Written one = write(1, true);
        bad(1, null, "expected one of 1 durable");
        Written two = write(1, false);
        good(1, one.bytes);
        assertThat(oracle.stricter()).isTrue();
        assertThat(oracle.stricter()).isFalse();
        oracle.closed();
        assertThat(oracle.stricter()).isTrue();
        bad(1, one.bytes, "holds write 1");
        good(1, two.bytes);
    }

    @Test
    void foreignDataIsNamed() {
        Written one = write(1, false);
        bad(2, one.bytes, "what is of no write: write 1 of sector 1");
        one.bytes[300]++;
        bad(1, one.bytes, "what is of no write");
        bad(1, junk(), "begins with");
    }

    private static byte[] junk() {
        byte[] junk = new byte[SECTOR];
        junk[511] = 1;
        return junk;
    }

    @Test
    void discardsAreZerosAndMayBeUndone() {
        Written one = write(4, true);
        run(Op.DISCARD, 4, 2);
        good(4, null);
        good(4, one.bytes);
        run(Op.FLUSH, 0, 0);
        bad(4, one.bytes, "holds write 1, expected one of 0 durable");
    }

    @Test
    void readsFindWhatIsThere() {
        Written one = write(5, false);
        Memory found = SimHost.memory(SECTOR);
        SectorOracle.Ticket read = oracle.begin(Op.READ, 5 * SECTOR, SECTOR, false, null, false);
        assertThatThrownBy(() -> oracle.end(read, Errno.OK, found, 0))
                .hasMessageContaining("sector 5 holds write 0");
        found.bytes().put(0, one.bytes);
        oracle.end(oracle.begin(Op.READ, 5 * SECTOR, SECTOR, false, null, false), Errno.OK,
                found, 0);
        assertThat(oracle.reads()).isEqualTo(1);
    }

    @Test
    void afterACrashItGoesOnFromWhatWasFound() {
        Written one = write(6, false);
        begin(6, false);
        oracle.adopt(6, one.bytes, 0);
        good(6, one.bytes);
        bad(6, null, "holds write 0, expected one of 1 durable");
    }
}
