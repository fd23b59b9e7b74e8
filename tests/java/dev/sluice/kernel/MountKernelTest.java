package dev.sluice.kernel;

import static org.assertj.core.api.Assertions.assertThat;

import java.nio.file.Files;
import java.nio.file.Path;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

/** What cannot be mounted is refused with one sentence; what may not be used, with an errno. */
@Tag("kernel")
@Timeout(150)
final class MountKernelTest {
    /** What others mount would stay in use as long as this namespace has it as well. */
    private static final String OTHERS = "while read -r _ _ _ _ at _; do"
            + " [[ $at != \"${1%/*}\"/* ]] || umount -il \"$at\" 2>/dev/null || true; done"
            + " < <(cat /proc/self/mountinfo); ";
    private static final String NOBODY =
            "setpriv --reuid 65534 --regid 65534 --clear-groups timeout 40 ";

    @Test
    void aSecondMountOnTheSameDirectoryIsRefused() {
        try (Mounted m = Mounted.with("", "disk 64M ram")) {
            assertThat(m.mount("").sentence()).contains("is a sluice mount already");
            assertThat(Shell.run("ls", m.dir.toString()).ok()).isEqualTo("disk");
        }
    }

    @Test
    void aDirectoryThatIsNoneOrNotEmptyIsRefused() {
        try (Mounted m = Mounted.prepared("disk 64M ram")) {
            String table = m.table.toString();
            assertThat(Shell.sluice("mount", table, m.folder.resolve("none").toString())
                    .sentence()).contains("no directory");
            assertThat(Shell.sluice("mount", table, table).sentence())
                    .contains("is not a directory");
            assertThat(Shell.sluice("mount", table, m.folder.toString()).sentence())
                    .contains("is not empty");
            assertThat(Shell.sluice("mount", m.folder.resolve("none").toString(),
                    m.dir.toString()).sentence()).contains("there is no table");
        }
    }

    @Test
    void aBadTableOrOptionMountsNothing() {
        try (Mounted m = Mounted.prepared("disk 64M ram", "other 64M nothing")) {
            assertThat(m.mount("").sentence()).contains("line 2", "nothing");
            assertThat(m.mount("threads=none").sentence()).contains("threads");
            assertThat(m.isMounted()).isFalse();
            assertThat(m.runtime()).doesNotExist();
        }
    }

    @Test
    void withoutTheFuseDeviceOneSentenceSaysSo() {
        try (Mounted m = Mounted.prepared("disk 64M ram")) {
            Shell.Result r = apart(m, "mkdir \"$1/dev\"; mount -t tmpfs dev \"$1/dev\";"
                    + " mknod \"$1/dev/null\" c 1 3; ln -s /proc/self/fd \"$1/dev/fd\";"
                    + " mount --bind \"$1/dev\" /dev; \"$2\" mount \"$1/table\" \"$1/m\"");
            assertThat(r.sentence()).contains("no /dev/fuse");
        }
    }

    @Test
    void withoutPermissionOneSentenceSaysSo() {
        try (Mounted m = Mounted.prepared("disk 64M ram")) {
            Shell.Result r = apart(m, home() + NOBODY
                    + "\"$1/home/scripts/sluice\" mount \"$1/table\" \"$1/m\"");
            assertThat(r.sentence()).contains("may not write to");
            r = apart(m, "chown 65534 \"$1/m\"; " + fuseDevice(600) + home() + NOBODY
                    + "\"$1/home/scripts/sluice\" mount \"$1/table\" \"$1/m\"");
            assertThat(r.sentence()).contains("/dev/fuse cannot be opened");
        }
    }

    @Test
    void anOrdinaryUserMountsThroughFusermount() {
        try (Mounted m = Mounted.prepared("disk 64M ram")) {
            Shell.Result r = apart(m, fuseDevice(666) + home()
                    + "chown -R 65534 \"$1/m\"; s=\"$1/home/scripts/sluice\";"
                    + NOBODY + "\"$s\" mount \"$1/table\" \"$1/m\";"
                    + NOBODY + "cat \"$1/m/.sluice/table\";"
                    + NOBODY + "dd if=/dev/zero of=\"$1/m/disk\" bs=1M count=64 conv=notrunc"
                    + " status=none;" + NOBODY + "\"$s\" umount \"$1/m\"");
            assertThat(r.ok()).isEqualTo("disk 64M ram");
            assertThat(r.err()).isEmpty();
        }
    }

    @Test
    void othersSeeNothingUnlessAllowed() {
        try (Mounted m = Mounted.with("", "disk 64M ram")) {
            assertThat(other(m, "ls \"$1/m\"").err()).contains("Permission denied");
        }
    }

    @Test
    void othersThatAreAllowedAreKeptToTheModes() {
        try (Mounted m = Mounted.with("allow_other", "disk 64M ram")) {
            assertThat(other(m, "ls \"$1/m\"").ok()).isEqualTo("disk");
            assertThat(other(m, "cat \"$1/m/.sluice/table\"").ok()).isEqualTo("disk 64M ram");
            for (String denied : new String[] {
                "head -c 1 \"$1/m/disk\"",
                "dd if=/dev/null of=\"$1/m/disk\" conv=notrunc status=none",
                "dd if=/dev/null of=\"$1/m/.sluice/disk/set\" conv=notrunc status=none",
                "dd if=/dev/null of=\"$1/m/.sluice/disk/message\" conv=notrunc status=none"}) {
                Shell.Result r = other(m, denied);
                assertThat(r.exit()).as(denied).isEqualTo(1);
                assertThat(r.err()).as(denied).contains("Permission denied");
            }
        }
        try (Mounted m = Mounted.with("allow_other,mode=0604", "disk 64M ram")) {
            assertThat(other(m, "head -c 1 \"$1/m/disk\" | wc -c").ok()).isEqualTo("1");
        }
    }

    @Test
    void commandsOutsideOfAMountAreRefused() {
        try (Mounted m = Mounted.prepared("disk 64M ram")) {
            String file = m.file("disk").toString();
            for (String[] command : new String[][] {{"status", m.dir.toString()},
                {"set", file, "a=b"}, {"message", file, "word"}, {"attach", file}}) {
                assertThat(Shell.sluice(command).sentence()).contains("not on a sluice mount");
            }
            assertThat(m.umount().sentence()).contains("is not a sluice mount");
            assertThat(m.umount("--force").sentence()).contains("is not a sluice mount");
        }
    }

    @Test
    void aRefusedSettingSaysWhy() {
        try (Mounted m = Mounted.with("", "disk 64M ram")) {
            String file = m.file("disk").toString();
            assertThat(Shell.sluice("set", file, "colour=red").sentence()).contains("colour");
            assertThat(Shell.read(m.control("disk", "error"))).contains("colour");
            assertThat(Shell.sluice("message", file, "good", "morning").sentence())
                    .contains("message");
            assertThat(Shell.sluice("status", m.dir.toString(), "none").sentence())
                    .contains("no device none", "disk");
            assertThat(Shell.sluice("status", "--json", m.dir.toString(), "disk").ok())
                    .startsWith("{\"name\":\"disk\"").endsWith("}");
        }
    }

    /** Runs a line where mounts are this process's alone; $1 is the folder, $2 the script. */
    private static Shell.Result apart(Mounted m, String line) {
        return Shell.run("unshare", "-m", "--propagation", "slave", "bash", "-c",
                "set -e; " + OTHERS + line, "bash", m.folder.toString(), Shell.SLUICE);
    }

    /** Another user's look at a mount; $1 is the folder. */
    private static Shell.Result other(Mounted m, String line) {
        Shell.run("chmod", "755", m.folder.toString()).ok();
        return Shell.bash("cd /; " + NOBODY + line, m.folder);
    }

    private static String fuseDevice(int mode) {
        return "mknod -m " + mode + " \"$1/fuse" + mode + "\" c 10 229;"
                + " mount --bind \"$1/fuse" + mode + "\" /dev/fuse;";
    }

    /** What runs, where every user may read it, and a place for the user's runtime folder. */
    private static String home() {
        Path from = Shell.HOME;
        assertThat(Files.exists(from.resolve("target/sluice.jar"))).isTrue();
        return "chmod 755 \"$1\"; mkdir -p \"$1/home/target\"; cp -r " + from.resolve("scripts")
                + " " + from.resolve("native-config") + " \"$1/home\"; cp -r "
                + from.resolve("target/sluice.jar") + " " + from.resolve("target/lib")
                + " \"$1/home/target\"; install -d -o 65534 \"$1/run\";"
                + " export XDG_RUNTIME_DIR=\"$1/run\"; cd /;";
    }
}
