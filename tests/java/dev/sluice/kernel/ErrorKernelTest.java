package dev.sluice.kernel;

import static org.assertj.core.api.Assertions.assertThat;

import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** What a target fails with is what the caller gets, and what fails can be changed in use. */
@Tag("kernel")
@Timeout(240)
final class ErrorKernelTest {
    private static final String READ = "if=FILE of=/dev/null bs=4k count=1 iflag=direct";
    private static final String WRITE = "if=/dev/zero of=FILE bs=4k count=1 oflag=direct"
            + " conv=notrunc";

    @ParameterizedTest
    @ValueSource(strings = {"session", "stock"})
    void theErrnoReachesTheCaller(String loop) {
        try (Mounted m = Mounted.with("loop=" + loop, "bad 64M error errno=EIO on=all")) {
            fails(m, READ, "Input/output error");
            fails(m, WRITE, "Input/output error");
            set(m, "errno=ENOSPC", "on=writes");
            works(m, READ);
            fails(m, WRITE, "No space left on device");
            refused(m, "fallocate -p -o 0 -l 4k FILE", "No space left on device");
            set(m, "errno=ETIMEDOUT", "on=reads");
            works(m, WRITE);
            fails(m, READ, "Connection timed out");
            assertThat(m.stat("bad", "read.failed")).isGreaterThanOrEqualTo(2);
            assertThat(m.stat("bad", "write.failed")).isEqualTo(2);
        }
    }

    @Test
    void aSettingIsSeenAndABadOneChangesNothing() {
        try (Mounted m = Mounted.with("", "bad 64M error")) {
            set(m, "on=reads");
            String line = "bad 64M error errno=EIO on=reads";
            assertThat(Shell.read(m.control("bad", "table"))).isEqualTo(line + "\n");
            String file = m.file("bad").toString();
            String why = Shell.sluice("set", file, "on=none", "errno=ENOTHING").sentence();
            assertThat(why).contains("bad: ", "ENOTHING", "ENOSPC");
            assertThat(Shell.read(m.control("bad", "error"))).isEqualTo(why + "\n");
            assertThat(Shell.read(m.control("bad", "table"))).isEqualTo(line + "\n");
            fails(m, READ, "Input/output error");
            assertThat(Shell.sluice("message", file, "hello").sentence()).contains("no messages");
            assertThat(Shell.read(m.control("bad", "error"))).contains("no messages");
            set(m, "on=none");
            assertThat(Shell.read(m.control("bad", "error"))).isEqualTo("\n");
            works(m, READ);
        }
    }

    /** The kernel tells a failed fsync once; the device remembers it until it is opened anew. */
    @ParameterizedTest
    @ValueSource(strings = {"session", "stock"})
    void aFailedFlushIsRememberedUntilTheFileIsOpenedAnew(String loop) {
        try (Mounted m = Mounted.with("loop=" + loop, "bad 64M error on=flush")) {
            Shell.Result r = Shell.bash("exec 3<>\"$1\"; echo x >&3; ! sync \"$1\";"
                    + " \"$2\" set \"$1\" on=none; ! echo y >&3; ! sync \"$1\"",
                    m.file("bad"), Shell.SLUICE);
            r.ok();
            assertThat(m.stat("bad", "write.failed")).isEqualTo(1);
            assertThat(m.stat("bad", "flush.failed")).isEqualTo(2);
            works(m, WRITE + ",fsync");
        }
    }

    private static void set(Mounted m, String... changes) {
        String[] command = new String[changes.length + 2];
        command[0] = "set";
        command[1] = m.file("bad").toString();
        System.arraycopy(changes, 0, command, 2, changes.length);
        Shell.sluice(command).ok();
    }

    private static Shell.Result dd(Mounted m, String words) {
        return run(m, "dd status=none " + words);
    }

    private static Shell.Result run(Mounted m, String line) {
        return Shell.bash("LC_ALL=C timeout 50 " + line.replace("FILE", "\"$1\""), m.file("bad"));
    }

    private static void works(Mounted m, String words) {
        dd(m, words).ok();
    }

    private static void fails(Mounted m, String words, String why) {
        Shell.Result r = dd(m, words);
        assertThat(r.exit()).as(words).isEqualTo(1);
        assertThat(r.err()).as(words).contains(why);
    }

    private static void refused(Mounted m, String line, String why) {
        Shell.Result r = run(m, line);
        assertThat(r.exit()).as(line).isEqualTo(1);
        assertThat(r.err()).as(line).contains(why);
    }
}
