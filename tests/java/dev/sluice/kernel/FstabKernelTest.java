package dev.sluice.kernel;

import static org.assertj.core.api.Assertions.assertThat;

import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

/**
 * mount(8) and umount(8) by lines of an fstab. The helpers are seen in /usr/sbin in a mount
 * namespace of the test alone, so that the machine stays as it is.
 */
@Tag("kernel")
@Timeout(240)
final class FstabKernelTest {
    /** Runs a script in such a namespace; $1 is the fstab, $2 the directory, $3 a file. */
    private static Shell.Result withHelpers(Mounted m, String options, Path table, Path file,
            String script) throws Exception {
        Path helpers = Files.createDirectory(m.folder.resolve("sbin"));
        for (String name : List.of("mount.fuse.sluice", "umount.fuse.sluice")) {
            Files.createSymbolicLink(helpers.resolve(name), Shell.HOME.resolve("scripts/" + name));
        }
        Path fstab = Files.writeString(m.folder.resolve("fstab"),
                table + " " + m.dir + " fuse.sluice " + options + " 0 0\n");
        return Shell.run("unshare", "--mount", "--propagation", "slave", "bash", "-c",
                "set -euo pipefail\n"
                // What others mount would stay in use as long as this namespace has it as well.
                + "while read -r _ _ _ _ at _; do [[ $at != \"${2%/*/*}\"/sluice-* ]] ||"
                + " umount -il \"$at\" 2>/dev/null || true; done"
                + " < <(cat /proc/self/mountinfo)\n"
                + "mount -t overlay -o lowerdir=" + helpers
                + ":/usr/sbin overlay /usr/sbin\n"
                // Whatever happens, no daemon stays.
                + "trap 'umount -l \"$2\" 2>/dev/null || true' EXIT\n" + script,
                "bash", fstab.toString(), m.dir.toString(), file.toString());
    }

    /** The daemon writes back nothing by itself: what is in the image then was flushed. */
    @Test
    void aLineMountsAndUmountAloneFlushes() throws Exception {
        try (Scratch image = new Scratch("fstab", 0); Mounted m = Mounted.prepared()) {
            Files.delete(image.path);
            Shell.sluice("image", "create", image.path.toString(), "64M").ok();
            Files.writeString(m.table, "disk - ploop " + image.path + "\n");
            String options = "noauto,nofail,_netdev,user,exec,x-systemd.requires=a.service,"
                    + "x-systemd.device-timeout=5s,defaults,mode=0640,dev,suid,noatime";
            Shell.Result r = withHelpers(m, options, m.table, image.path, """
                    mount -T "$1" "$2"
                    findmnt -n -o FSTYPE "$2"
                    stat -c %a "$2/disk"
                    echo good | dd of="$2/disk" bs=4096 seek=3 conv=notrunc status=none
                    umount "$2"
                    # Nobody has it open or locked any more, and it is clean.
                    """ + Shell.SLUICE + """
                     image check "$3" >/dev/null
                    """ + Shell.SLUICE + """
                     image convert "$3" "$2/raw" --to raw >/dev/null
                    dd if="$2/raw" bs=4096 skip=3 count=1 status=none | head -c 4
                    rm "$2/raw"
                    """);
            assertThat(r.ok()).isEqualTo("fuse.sluice\n640\ngood");
            assertThat(m.runtime()).doesNotExist();
        }
    }

    @Test
    void linesOfDmsetupCanBeMountedReadOnly() throws Exception {
        try (Scratch disk = new Scratch("fstab", 1 << 20); Mounted m = Mounted.prepared()) {
            Files.writeString(m.table, "0 2048 linear " + disk.path + " 0\n");
            Shell.Result r = withHelpers(m, "ro,dm,name=slow", m.table, disk.path, """
                    mount -T "$1" "$2"
                    ls "$2"
                    head -c 1 "$2/slow" | wc -c
                    ! { echo x >"$2/slow"; } 2>/dev/null
                    umount "$2"
                    """);
            assertThat(r.ok()).isEqualTo("slow\n1");
        }
    }

    @Test
    void aMistakeIsMountsOwnFailureAndOneSentence() throws Exception {
        try (Mounted m = Mounted.prepared("disk 1M nothing")) {
            Shell.Result r = withHelpers(m, "noauto,colour", m.table, m.table, """
                    rc=0
                    mount -T "$1" "$2" || rc=$?
                    sed -i s/,colour// "$1"
                    mount -T "$1" "$2" || rc+=" $?"
                    echo "$rc"
                    """);
            assertThat(r.ok()).isEqualTo("1 32");
            assertThat(r.err().lines()).hasSize(2).satisfiesExactly(
                    first -> assertThat(first).startsWith("sluice: the mount option colour is"),
                    second -> assertThat(second).startsWith(
                            "sluice: line 1: disk: there is no target nothing"));
        }
    }

    @Test
    void umountClearsADeadDaemonAwayAndRefusesWhatIsInUse() throws Exception {
        try (Mounted m = Mounted.prepared("disk 1M ram")) {
            Shell.Result r = withHelpers(m, "noauto", m.table, m.table, """
                    mount -T "$1" "$2"
                    exec 7<"$2/disk"
                    rc=0
                    umount "$2" || rc=$?
                    exec 7<&-
                    pid=$(cat "$2/.sluice/pid")
                    kill -KILL "$pid"
                    until [[ $(LC_ALL=C stat "$2/.sluice/pid" 2>&1) == *' connect'* ]]; do
                        sleep 0.1
                    done
                    umount "$2"
                    echo "$rc"
                    ! findmnt "$2"
                    """);
            assertThat(r.ok()).isEqualTo("32");
            assertThat(r.err()).contains("is in use by pid", "the daemon of " + m.dir
                    + " is gone; what it had not flushed is lost");
        }
    }
}
