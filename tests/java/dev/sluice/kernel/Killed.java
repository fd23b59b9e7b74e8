package dev.sluice.kernel;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.concurrent.TimeUnit;
import org.awaitility.Awaitility;

/** Kills the daemon of a mount in the midst of things. */
final class Killed {
    /** What is done before it is killed. */
    @FunctionalInterface
    interface Meanwhile {
        void run() throws Exception;
    }

    private Killed() {}

    /** While somebody writes to a device; whose writes fail from then on. */
    static void whileWriting(Mounted m, String device, AckedWriter writer, Meanwhile what)
            throws Exception {
        Throwable[] failure = {null};
        Thread thread = new Thread(
                () -> writer.write(m.file(device), Integer.MAX_VALUE), "writer");
        thread.setUncaughtExceptionHandler((t, e) -> failure[0] = e);
        long pid = m.pid();
        thread.start();
        what.run();
        now(pid);
        thread.join(60_000);
        assertThat(thread.isAlive()).as("the writer still runs").isFalse();
        assertThat(failure[0]).isNull();
    }

    /**
     * At once; back when the process has ended, and with it its locks on files. One that waits for
     * a slow disk ends no sooner.
     */
    static void now(long pid) {
        assertThat(ProcessHandle.of(pid).orElseThrow().destroyForcibly()).isTrue();
        Awaitility.await().atMost(60, TimeUnit.SECONDS).until(() -> Shell.ended(pid));
    }
}
