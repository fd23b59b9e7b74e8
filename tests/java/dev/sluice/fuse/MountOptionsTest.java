package dev.sluice.fuse;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.sluice.block.BlockException;
import dev.sluice.block.Completion;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

/** What stands behind -o, and what is said of mistakes. */
@Tag("unit")
@Timeout(120)
class MountOptionsTest {
    @Test
    void nothingMeansTheDefaults() throws BlockException {
        MountOptions none = MountOptions.parse(null);
        assertThat(none).isEqualTo(MountOptions.parse(""));
        assertThat(none.allowOther()).isFalse();
        assertThat(none.mode()).isEqualTo(0600);
        assertThat(none.uid()).isEqualTo(-1);
        assertThat(none.stock()).isFalse();
        assertThat(none.maxBackground()).isEqualTo(16384);
    }

    @Test
    void everyOptionIsTaken() throws BlockException {
        MountOptions all = MountOptions.parse("ro,allow_other,uid=5,gid=6,mode=0640,loop=stock,"
                + "threads=3,inline=off,workers=7,depth=2,charge=on,"
                + "completion=worker,max_background=12,"
                + "payload=64M,look=10us,spin=7us,idle=poll,arrival=read,metrics=9100");
        assertThat(all).isEqualTo(new MountOptions(true, true, 5, 6, 0640, true, 3, false,
                7, 2, true, Completion.Mode.WORKER, 12, 64L << 20, 10_000, IdleCpus.Mode.POLL,
                false, 9100, 7_000));
    }

    @Test
    void everyMistakeIsOneSentence() {
        refused("allow_others", "option allow_others is unknown; known are "
                + MountOption.forms());
        refused("speed=1", "option speed is unknown; known are " + MountOption.forms());
        refused("allow_other=1", "option allow_other takes no value; write allow_other alone");
        refused("uid=1,uid=1", "option uid is given twice; give it once");
        refused("uid=root", "option uid=root must be a number from 0 to 2147483647");
        refused("mode=999", "option mode=999 must be three octal digits, as in mode=0660");
        refused("loop=fast", "option loop=fast must be stock or session");
        refused("threads=0", "option threads=0 must be a number from 1 to 64");
        refused("depth=0", "option depth=0 must be a number from 1 to 1024");
        refused("completion=me", "option completion=me must be auto, caller or worker");
        refused("idle=busy", "option idle=busy must be auto, poll or sleep");
        refused("arrival=late", "option arrival=late must be kernel or read");
        refused("inline=no", "option inline=no must be on or off");
        refused("max_background=65536",
                "option max_background=65536 must be a number from 1 to 65535");
        refused("payload=1k", "option payload=1k must be 8M or more");
        refused("look=1s", "option look=1s must be 10ms or less");
    }

    private static void refused(String options, String sentence) {
        assertThatThrownBy(() -> MountOptions.parse(options)).isInstanceOf(BlockException.class)
                .hasMessage(sentence);
    }
}
