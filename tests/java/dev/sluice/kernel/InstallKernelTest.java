package dev.sluice.kernel;

import static org.assertj.core.api.Assertions.assertThat;

import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Locale;
import java.util.stream.Collectors;
import java.util.stream.Stream;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

/** The program installed into a prefix of the test's own, its units, and all gone again. */
@Tag("kernel")
@Timeout(240)
final class InstallKernelTest {
    private static Path install(Mounted m, String... options) {
        Path prefix = m.folder.resolve("prefix");
        Shell.bash("\"$1\" --prefix \"$2\" ${3+\"$3\"}", Stream.concat(
                Stream.of(Shell.HOME.resolve("scripts/install"), prefix), Stream.of(options))
                .toArray()).ok();
        return prefix;
    }

    @Test
    void itRunsWhereItIsInstalledAndGoesWithoutATrace() {
        try (Mounted m = Mounted.prepared("disk 1M ram")) {
            Path prefix = install(m);
            String sluice = prefix.resolve("bin/sluice").toString();
            assertThat(Shell.run(sluice, "help").ok()).startsWith("usage: sluice COMMAND");
            Shell.run(sluice, "mount", m.table.toString(), m.dir.toString()).ok();
            assertThat(Shell.run(sluice, "mount", m.table.toString(), m.dir.toString()).sentence())
                    .endsWith("; sluice umount " + m.dir + " ends it");
            Shell.run(sluice, "umount", m.dir.toString()).ok();
            Shell.run(prefix.resolve("sbin/mount.fuse.sluice").toString(), m.table.toString(),
                    m.dir.toString(), "-o", "rw,nofail,uid=0").ok();
            Shell.run(prefix.resolve("sbin/umount.fuse.sluice").toString(), m.dir.toString()).ok();
            assertThat(m.isMounted()).isFalse();
            for (String page : new String[] {"man1/sluice.1", "man8/mount.fuse.sluice.8"}) {
                assertThat(Shell.run("gzip", "-dc", prefix + "/share/man/" + page + ".gz").ok())
                        .startsWith(".TH ");
            }
            Shell.run("bash", "-n", prefix + "/share/bash-completion/completions/sluice").ok();
            // Again over itself, and a file of somebody else's stays.
            install(m);
            Shell.run("touch", prefix + "/lib/others").ok();
            install(m, "--uninstall");
            assertThat(Shell.bash("cd \"$1\"; find . -type f -o -type l", prefix).ok())
                    .isEqualTo("./lib/others");
            assertThat(prefix.resolve("share/sluice")).doesNotExist();
        }
    }

    @Test
    void systemdUnderstandsTheUnits() throws Exception {
        try (Mounted m = Mounted.prepared()) {
            Path units = install(m).resolve("lib/systemd/system");
            Files.copy(units.resolve("sluice@.service"), units.resolve("sluice@x.service"));
            Shell.Result r = Shell.bash("cd \"$1\"; systemd-analyze verify --man=no"
                    + " ./sluice@x.service ./sluice-volumes.service ./sluice-volumes.socket",
                    units);
            assertThat(r.ok()).isEmpty();
            assertThat(r.err()).isEmpty();
            // It would tell of a mistake.
            Files.writeString(units.resolve("sluice@x.service"), Files.readString(
                    units.resolve("sluice@.service")).replace("ExecStart=", "ExecStart=/none"));
            assertThat(Shell.bash("systemd-analyze verify --man=no \"$1\"/sluice@x.service", units)
                    .exit()).isNotZero();
        }
    }

    /** As the unit starts it: with no more capabilities, and whoever starts it is told. */
    @Test
    void theServiceSaysWhenItIsReady() throws Exception {
        try (Scratch disk = new Scratch("unit", 1 << 20);
                Mounted m = Mounted.prepared("disk - file " + disk.path, "ram 1M ram")) {
            Path notify = Files.writeString(m.folder.resolve("systemd-notify"),
                    "#!/bin/sh\necho \"$*\" >>" + m.folder + "/told\n");
            Shell.run("chmod", "755", notify.toString()).ok();
            String hardening = Shell.read(Shell.HOME.resolve("native-config/systemd/hardening"));
            String capabilities = hardening.lines()
                    .filter(l -> l.startsWith("CapabilityBoundingSet="))
                    .flatMap(l -> Stream.of(l.substring(l.indexOf('=') + 1).split(" ")))
                    .map(c -> "+" + c.toLowerCase(Locale.ROOT).replaceFirst("^cap_", ""))
                    .collect(Collectors.joining(","));
            try (Shell.Running service = Shell.start("setpriv", "--no-new-privs",
                    "--bounding-set=-all," + capabilities, "env", "NOTIFY_SOCKET=/none",
                    "PATH=" + m.folder + ":" + System.getenv("PATH"), Shell.SLUICE, "mount",
                    "-f", "-o", "", m.table.toString(), m.dir.toString())) {
                Shell.bash("for i in $(seq 500); do [[ -s $1 ]] && exit; sleep 0.1; done; exit 1",
                        m.folder.resolve("told")).ok();
                assertThat(Shell.read(m.folder.resolve("told"))).isEqualTo("--ready\n");
                assertThat(m.isMounted()).isTrue();
                Shell.bash("echo x | dd of=\"$1\" conv=notrunc,fsync status=none",
                        m.file("disk")).ok();
                m.umount().ok();
                assertThat(service.await(Shell.LIMIT).exit()).isZero();
            }
        }
    }
}
