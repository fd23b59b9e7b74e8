package dev.sluice.target;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.sluice.block.Device;
import dev.sluice.block.Errno;
import dev.sluice.block.Op;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

@Tag("unit")
@Timeout(120)
final class ErrorTargetTest {
    private final TargetRig rig = new TargetRig();

    @AfterEach
    void close() throws Exception {
        rig.close();
    }

    @ParameterizedTest
    @CsvSource({
        "all,    READ WRITE DISCARD WRITE_ZEROES FLUSH",
        "reads,  READ",
        "writes, WRITE DISCARD WRITE_ZEROES",
        "flush,  FLUSH",
        "none,   ''"
    })
    void failsWhatIsChosen(String on, String failing) throws Exception {
        for (Op op : Op.values()) {
            // A device of its own for each: a failed flush would refuse what follows.
            Device error = rig.open("error", 1 << 20, "errno=ENODATA", "on=" + on);
            Errno right = (" " + failing + " ").contains(" " + op + " ")
                    ? Errno.ENODATA : Errno.OK;
            int length = op == Op.FLUSH ? 0 : 4096;
            assertThat(rig.new Io(error).run(op, 0, length)).as("%s", op).isEqualTo(right);
        }
    }

    @Test
    void isAsZeroOtherwise() throws Exception {
        Device error = rig.open("error", 1 << 20, "on=flush");
        TargetRig.Io io = rig.new Io(error);
        assertThat(io.write(0, new byte[] {1, 2})).isEqualTo(Errno.OK);
        assertThat(io.read(0, 2)).containsExactly(0, 0);
        assertThat(error.target().allocated(0, 1 << 20)).isZero();
        assertThat(error.target().seek(7, true)).isEqualTo(1 << 20);
        assertThat(error.target().seek(7, false)).isEqualTo(7);
    }

    @Test
    void failsEverythingWithEioAtFirst() throws Exception {
        Device error = rig.open("error", 1 << 20);
        assertThat(rig.new Io(error).run(Op.READ, 0, 1)).isEqualTo(Errno.EIO);
        assertThat(error.target().arguments()).isEqualTo("errno=EIO on=all");
    }

    @Test
    void changesWhileInUseAllOrNothing() throws Exception {
        Device error = rig.open("error", 1 << 20);
        error.target().set(TargetRig.map("errno=ENOSPC", "on=writes"));
        assertThat(error.target().arguments()).isEqualTo("errno=ENOSPC on=writes");
        assertThat(rig.new Io(error).run(Op.READ, 0, 1)).isEqualTo(Errno.OK);
        assertThat(rig.new Io(error).run(Op.WRITE, 0, 1)).isEqualTo(Errno.ENOSPC);
        for (String wrong : new String[] {"on=sometimes", "depth=1"}) {
            assertThatThrownBy(() -> error.target().set(TargetRig.map("errno=EIO", wrong)))
                    .hasMessageContaining(wrong.substring(0, wrong.indexOf('=')));
            assertThat(error.target().arguments()).isEqualTo("errno=ENOSPC on=writes");
        }
    }

    @Test
    void badArgumentsAreSentences() {
        assertThatThrownBy(() -> rig.open("error", 512, "on=some"))
                .hasMessage("on=some must be one of all|reads|writes|flush|none");
        assertThatThrownBy(() -> rig.open("error", 512, "errno=OK"))
                .hasMessageStartingWith("errno=OK must be one of EPERM ENOENT EINTR EIO ");
    }
}
