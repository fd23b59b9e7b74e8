package dev.sluice.kernel;

import static org.assertj.core.api.Assertions.assertThat;

import java.nio.file.Path;
import java.time.Duration;
import java.util.concurrent.TimeUnit;
import org.awaitility.Awaitility;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

/** The Debian package under dpkg, mount(8) and a systemd that runs, in a view of this machine. */
@Tag("kernel")
@Timeout(600)
final class PackageKernelTest {
    /** Loop devices, cgroups and folders of its. */
    private static String left() {
        // Other tests make and remove cgroups meanwhile.
        return Shell.bash("cat /sys/block/loop*/loop/backing_file 2>/dev/null"
                + " | grep ^/run/sluice-volumes/ || true;"
                + " find /sys/fs/cgroup -ignore_readdir_race -name 'sluice-view.*';"
                + " find /tmp -maxdepth 1 -name 'sluice-view.*' -o -name 'sluice-package.*'").ok();
    }

    @Test
    void itInstallsRunsAndGoes() {
        Path check = Shell.HOME.resolve("scripts/package-check");
        String before = left();
        Shell.Result all = Shell.run(Duration.ofSeconds(480), check.toString());
        assertThat(all.ok()).contains("== mount(8)", "== systemd", "== Remove").endsWith("== Well");
        Awaitility.await().atMost(60, TimeUnit.SECONDS).until(() -> left().equals(before));
    }
}
