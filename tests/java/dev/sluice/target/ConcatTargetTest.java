package dev.sluice.target;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.sluice.block.Device;
import dev.sluice.block.Errno;
import dev.sluice.block.Op;
import java.util.List;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

@Tag("unit")
@Timeout(120)
final class ConcatTargetTest {
    private final TargetRig rig = new TargetRig();

    @AfterEach
    void close() throws Exception {
        rig.close();
    }

    private Device of(long size, Device... lowers) throws Exception {
        return rig.open("concat", size, null, List.of(lowers));
    }

    @Test
    void aRequestGoesToEachDeviceItTouches() throws Exception {
        Device a = rig.open("ram", 4096);
        Device b = rig.open("ram", 512);
        Device c = rig.open("ram", 8192);
        Device all = of(-1, a, b, c);
        assertThat(all.limits().size()).isEqualTo(4096 + 512 + 8192);
        TargetRig.Io io = rig.new Io(all);
        byte[] bytes = new byte[1024];
        java.util.Arrays.fill(bytes, (byte) 7);
        assertThat(io.write(4096 - 256, bytes)).isEqualTo(Errno.OK);
        assertThat(rig.new Io(a).read(4096 - 257, 257)).startsWith(0, 7).endsWith(7);
        assertThat(rig.new Io(b).read(0, 512)).containsOnly(7);
        assertThat(rig.new Io(c).read(0, 257)).startsWith(7).endsWith(7, 0);
        assertThat(io.read(4096 - 257, 1026)).startsWith(0, 7).endsWith(7, 0)
                .satisfies(found -> assertThat(found[512]).isEqualTo((byte) 7));
        assertThat(io.run(Op.DISCARD, 4096 - 256, 1024)).isEqualTo(Errno.OK);
        assertThat(io.read(4096 - 257, 1026)).containsOnly(0);
    }

    @Test
    void aFlushGoesToAllOnce() throws Exception {
        Device a = rig.open("ram", 4096);
        Device b = rig.open("ram", 4096);
        assertThat(rig.new Io(of(12288, a, b, a)).run(Op.FLUSH, 0, 0)).isEqualTo(Errno.OK);
        assertThat(a.ended(Op.FLUSH)).isEqualTo(1);
        assertThat(b.ended(Op.FLUSH)).isEqualTo(1);
    }

    @Test
    void oneFailureFailsTheWhole() throws Exception {
        Device good = rig.open("ram", 4096);
        Device bad = rig.open("error", 4096, "errno=ENOSPC");
        TargetRig.Io io = rig.new Io(of(-1, good, bad));
        assertThat(io.write(4095, new byte[2])).isEqualTo(Errno.ENOSPC);
        assertThat(io.write(4094, new byte[2])).isEqualTo(Errno.OK);
        assertThat(io.run(Op.FLUSH, 0, 0)).isEqualTo(Errno.ENOSPC);
    }

    @Test
    void holesAreThoseOfEach() throws Exception {
        Device a = rig.open("ram", 16384);
        Device b = rig.open("ram", 16384);
        Device all = of(-1, a, b);
        assertThat(all.target().seek(0, true)).isEqualTo(32768);
        assertThat(all.target().seek(9, false)).isEqualTo(9);
        rig.new Io(b).write(4096, new byte[] {1});
        rig.new Io(a).write(0, new byte[] {1});
        assertThat(all.target().seek(1, true)).isEqualTo(1);
        assertThat(all.target().seek(4096, true)).isEqualTo(16384 + 4096);
        assertThat(all.target().seek(16384 + 4096, false)).isEqualTo(16384 + 8192);
        assertThat(all.target().seek(32767, true)).isEqualTo(32768);
        assertThat(all.target().allocated(0, 32768)).isEqualTo(8192);
        assertThat(all.target().allocated(4096, 16384 + 4096)).isEqualTo(4096);
    }

    @Test
    void badArgumentsAreSentences() throws Exception {
        Device a = rig.open("ram", 4096, "block=4k");
        Device b = rig.open("ram", 512);
        assertThatThrownBy(() -> of(8192, b, b))
                .hasMessage("size 8k must be that of all devices below together, 1k, or -");
        assertThatThrownBy(() -> of(-1, a, b)).hasMessage("dev's size, 512, must be a multiple of"
                + " the largest block size below, 4k");
        assertThat(of(-1, b, b).target().arguments()).isEqualTo("dev dev");
    }
}
