package dev.sluice.fuse;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.List;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

@Tag("unit")
@Timeout(120)
final class DyingTest {
    /** Lines as /proc shows them; the signal masks are bits from signal 1 on. */
    private static boolean says(String state, String tracer, String pending, String shared,
            String blocked, String ignored, String caught) {
        return Dying.says(List.of("Name:\tfio: 1", "State:\t" + state, "TracerPid:\t" + tracer,
                "SigPnd:\t" + pending, "ShdPnd:\t" + shared, "SigBlk:\t" + blocked,
                "SigIgn:\t" + ignored, "SigCgt:\t" + caught));
    }

    private static final String NONE = "0000000000000000";
    private static final String KILL = "0000000000000100";
    private static final String QUIT = "0000000000000004";
    private static final String ALARM = "0000000000002000";
    private static final String ALL = "ffffffffffffffff";

    @Test
    void aThreadWithSigkillDiesAndSoDoesOneThatIsGone() {
        assertThat(says("D (disk sleep)", "0", KILL, NONE, NONE, NONE, NONE)).isTrue();
        assertThat(says("D (disk sleep)", "0", NONE, KILL, ALL, ALL, ALL)).isTrue();
        assertThat(says("D (disk sleep)", "7", KILL, NONE, NONE, NONE, NONE)).isTrue();
        assertThat(says("Z (zombie)", "0", NONE, NONE, NONE, NONE, NONE)).isTrue();
        assertThat(says("X (dead)", "0", NONE, NONE, NONE, NONE, NONE)).isTrue();
        assertThat(Dying.is(Integer.MAX_VALUE)).isTrue();
    }

    @Test
    void aThreadThatDumpsCoreDiesUnlessTheSignalIsSpared() {
        assertThat(says("D (disk sleep)", "0", NONE, QUIT, NONE, NONE, NONE)).isTrue();
        assertThat(says("D (disk sleep)", "0", NONE, QUIT, QUIT, NONE, NONE)).isFalse();
        assertThat(says("D (disk sleep)", "0", NONE, QUIT, NONE, QUIT, NONE)).isFalse();
        assertThat(says("D (disk sleep)", "0", NONE, QUIT, NONE, NONE, QUIT)).isFalse();
        assertThat(says("D (disk sleep)", "7", NONE, QUIT, NONE, NONE, NONE)).isFalse();
    }

    @Test
    void anyOtherThreadLives() {
        assertThat(says("D (disk sleep)", "0", ALARM, ALARM, NONE, NONE, NONE)).isFalse();
        assertThat(says("S (sleeping)", "0", NONE, NONE, NONE, NONE, NONE)).isFalse();
        assertThat(Dying.is((int) ProcessHandle.current().pid())).isFalse();
    }
}
