package dev.sluice.fuse;

import static org.assertj.core.api.Assertions.assertThat;

import dev.sluice.block.Errno;
import dev.sluice.block.Op;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

/** fallocate(2) by the rules of a block device's file. */
@Tag("unit")
@Timeout(120)
class FallocTest {
    private static final long SIZE = 1 << 20;
    private static final int KEEP = 1;
    private static final int PUNCH = 2;
    private static final int ZERO = 0x10;

    @Test
    void holesAndZerosBecomeTheirOperations() {
        assertThat(Falloc.of(PUNCH | KEEP, 100, 200, SIZE))
                .isEqualTo(new Falloc(Op.DISCARD, 200, null));
        assertThat(Falloc.of(ZERO, 0, SIZE, SIZE))
                .isEqualTo(new Falloc(Op.WRITE_ZEROES, SIZE, null));
        assertThat(Falloc.of(ZERO | KEEP, 5, 1, SIZE))
                .isEqualTo(new Falloc(Op.WRITE_ZEROES, 1, null));
    }

    @Test
    void whatAllocatesOrMovesIsNotSupported() {
        for (int mode : new int[] {0, KEEP, PUNCH, 8, 8 | KEEP, 0x20, 0x40, PUNCH | ZERO | KEEP}) {
            assertThat(Falloc.of(mode, 0, 4096, SIZE).errno()).as("mode %x", mode)
                    .isEqualTo(Errno.EOPNOTSUPP);
        }
    }

    @Test
    void theEndIsTheSize() {
        assertThat(Falloc.of(PUNCH | KEEP, SIZE - 10, 100, SIZE))
                .isEqualTo(new Falloc(Op.DISCARD, 10, null));
        assertThat(Falloc.of(ZERO, SIZE - 10, 11, SIZE).errno()).isEqualTo(Errno.EINVAL);
        assertThat(Falloc.of(PUNCH | KEEP, SIZE, 1, SIZE).errno()).isEqualTo(Errno.EINVAL);
        assertThat(Falloc.of(PUNCH | KEEP, -1, 1, SIZE).errno()).isEqualTo(Errno.EINVAL);
        assertThat(Falloc.of(PUNCH | KEEP, 1, Long.MAX_VALUE, SIZE).length()).isEqualTo(SIZE - 1);
        assertThat(Falloc.of(ZERO, 1, Long.MAX_VALUE, SIZE).errno()).isEqualTo(Errno.EINVAL);
    }
}
