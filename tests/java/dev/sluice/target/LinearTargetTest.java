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
final class LinearTargetTest {
    private final TargetRig rig = new TargetRig();

    @AfterEach
    void close() throws Exception {
        rig.close();
    }

    private Device over(Device lower, long size, String... keys) throws Exception {
        return rig.open("linear", size, null, List.of(lower), keys);
    }

    @Test
    void showsTheWindowAndNothingElse() throws Exception {
        Device ram = rig.open("ram", 1 << 20);
        Device window = over(ram, 64 << 10, "offset=128k");
        TargetRig.Io io = rig.new Io(window);
        TargetRig.Io below = rig.new Io(ram);
        below.write((128 << 10) - 1, new byte[] {1, 2, 3});
        assertThat(io.read(0, 3)).containsExactly(2, 3, 0);
        assertThat(io.write((64 << 10) - 2, new byte[] {8, 9})).isEqualTo(Errno.OK);
        assertThat(below.read((192 << 10) - 2, 3)).containsExactly(8, 9, 0);
        assertThat(io.write((64 << 10) - 2, new byte[3])).isEqualTo(Errno.EINVAL);
        assertThat(io.run(Op.DISCARD, 0, 64 << 10)).isEqualTo(Errno.OK);
        assertThat(below.read((128 << 10) - 1, 2)).containsExactly(1, 0);
        assertThat(window.target().arguments()).isEqualTo("dev offset=128k");
    }

    @Test
    void aReadIsPassedUpWithoutACopy() throws Exception {
        Device ram = rig.open("ram", 1 << 20);
        TargetRig.Io io = rig.new Io(over(ram, -1, "offset=4k"));
        io.write(0, new byte[] {5});
        assertThat(io.read(0, 1)).containsExactly(5);
        assertThat(io.bio.answerMemory()).isNotSameAs(io.data);
    }

    @Test
    void sizeFollowsFromTheDeviceBelow() throws Exception {
        Device ram = rig.open("ram", 1 << 20, "block=4k");
        Device window = over(ram, -1, "offset=4k");
        assertThat(window.limits().size()).isEqualTo((1 << 20) - 4096);
        assertThat(window.limits().blockSize()).isEqualTo(4096);
        assertThat(window.limits().inherited()).isTrue();
        assertThat(over(ram, -1).target().arguments()).isEqualTo("dev");
    }

    @Test
    void flushAndFuaReachTheDeviceBelow() throws Exception {
        Device ram = rig.open("ram", 1 << 20);
        TargetRig.Io io = rig.new Io(over(over(ram, -1, "offset=4k"), -1, "offset=4k"));
        assertThat(io.run(Op.FLUSH, 0, 0)).isEqualTo(Errno.OK);
        assertThat(ram.ended(Op.FLUSH)).isEqualTo(1);
        assertThat(io.write(0, new byte[] {5}, true)).isEqualTo(Errno.OK);
        assertThat(ram.fuaWrites()).isEqualTo(1);
        assertThat(rig.new Io(ram).read(8192, 1)).containsExactly(5);
    }

    @Test
    void failuresPassThrough() throws Exception {
        Device error = rig.open("error", 1 << 20, "errno=ENOSPC", "on=writes");
        TargetRig.Io io = rig.new Io(over(error, -1));
        assertThat(io.write(0, new byte[1])).isEqualTo(Errno.ENOSPC);
        assertThat(io.read(0, 1)).containsExactly(0);
    }

    @Test
    void allocationIsThatOfTheWindow() throws Exception {
        Device ram = rig.open("ram", 1 << 20);
        Device window = over(ram, 64 << 10, "offset=128k");
        TargetRig.Io below = rig.new Io(ram);
        below.write(0, new byte[4096]);
        below.write(512 << 10, new byte[4096]);
        assertThat(window.target().allocated(0, 64 << 10)).isZero();
        assertThat(window.target().seek(0, true)).isEqualTo(64 << 10);
        assertThat(window.target().seek(5, false)).isEqualTo(5);
        below.write(132 << 10, new byte[4096]);
        assertThat(window.target().allocated(0, 64 << 10)).isEqualTo(4096);
        assertThat(window.target().seek(0, true)).isEqualTo(4096);
        assertThat(window.target().seek(4096, false)).isEqualTo(8192);
    }

    @Test
    void badArgumentsAreSentences() throws Exception {
        Device ram = rig.open("ram", 1 << 20, "block=4k");
        assertThatThrownBy(() -> over(ram, -1, "offset=512"))
                .hasMessage("offset=512 must be a multiple of dev's block size, 4k");
        assertThatThrownBy(() -> over(ram, -1, "offset=1M"))
                .hasMessage("offset=1M must be less than dev's size, 1M");
        assertThatThrownBy(() -> over(ram, 512))
                .hasMessage("size 512 must be a multiple of dev's block size, 4k");
        assertThatThrownBy(() -> over(ram, 2 << 20))
                .hasMessage("size 2M does not fit: it must be at most 1M, what dev has");
        assertThatThrownBy(() -> over(ram, 1 << 20, "offset=4k"))
                .hasMessage("size 1M does not fit: it must be at most 1020k, what dev has from"
                        + " offset=4k on");
    }
}
