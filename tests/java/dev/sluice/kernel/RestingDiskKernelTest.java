package dev.sluice.kernel;

import static org.assertj.core.api.Assertions.assertThat;

import dev.sluice.kernel.Shell.Result;
import dev.sluice.kernel.Shell.Running;
import dev.sluice.testing.Seeds;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.Comparator;
import java.util.List;
import java.util.Random;
import java.util.stream.Stream;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

/** Snapshots come and go, and disks grow and shrink in storage, while no device shows them. */
@Tag("kernel")
@Timeout(900)
final class RestingDiskKernelTest {
    private static final String ONE = "{11111111-2222-3333-4444-555555555555}";
    private static final String TWO = "{22222222-2222-3333-4444-555555555555}";
    private static final String THREE = "{33333333-2222-3333-4444-555555555555}";

    /** In the build folder, on a real disk. */
    private Path folder;

    @BeforeEach
    void make() throws IOException {
        folder = Files.createTempDirectory(Path.of("target").toAbsolutePath(), "resting");
    }

    @AfterEach
    void clear() throws IOException {
        try (Stream<Path> all = Files.walk(folder)) {
            for (Path path : all.sorted(Comparator.reverseOrder()).toList()) {
                Files.delete(path);
            }
        }
    }

    /**
     * A line of bash in the folder. $S is the program; top prints the file that is written; put
     * writes a byte over a range of it and of the file model; same NAME has a state, or the top,
     * be as the model of that name; sound has qemu look at all images.
     */
    private Result bash(String line) {
        // It syncs dozens of times, and each sync may take seconds.
        return Shell.run(Duration.ofSeconds(240), "bash", "-c",
                "S=$1; cd \"$2\"; set -euo pipefail; D=disk.hds.xml;"
                + " top() { tr -d '\\n' < $D | sed 's/.*<GUID>{5fbaabe3[^<]*<.GUID> *<Type>Comp"
                + "ressed<.Type> *<File>\\([^<]*\\).*/\\1/'; };"
                + " put() { local f; f=$(top); qemu-io -f parallels -c \"write -P $1 $2\" \"$f\""
                + " >> log; qemu-io -f raw -c \"write -P $1 $2\" model >> log; };"
                + " same() { rm -f got; $S image convert --to raw ${2:+--snapshot $2} $D got"
                + " > /dev/null; cmp got $1; };"
                + " sound() { local f; for f in *.hds*; do [[ $f == *.xml ]] || qemu-img check -q"
                + " -f parallels $f; done; $S image check $D >> log; };" + line, "bash",
                Shell.SLUICE, folder.toString());
    }

    private void three(String create) {
        bash(create + "; truncate -s 64M model; $S image snapshot --guid " + ONE + " disk.hds;"
                + " cp model zero; put 1 '0 8M'; $S image snapshot --guid " + TWO + " $D;"
                + " cp model one; put 2 '4M 8M'; $S image snapshot --guid " + THREE + " $D;"
                + " cp model two; put 3 '10M 4M'; put 4 '2M 1M'; same zero " + ONE
                + "; same one " + TWO + "; same two " + THREE + "; same model; sound").ok();
    }

    @Test
    void snapshotsComeAndGo() {
        three("qemu-img create -q -f parallels -o cluster_size=1M disk.hds 64M");
        bash("$S image delete $D " + TWO + "; same zero " + ONE + "; same two " + THREE
                + "; same model; sound").ok();
        bash("$S image merge $D; same zero " + ONE + "; same model; sound; put 5 '20M 1M';"
                + " same model; $S image merge --json $D; same model; sound").ok();
        assertThat(bash("$S image list $D").ok().lines().toList()).hasSize(2);
        assertThat(bash("ls *.hds* | wc -l").ok()).isEqualTo("2");
        Result none = bash("$S image merge $D");
        assertThat(none.sentence()).contains("has no snapshot that could be merged");
    }

    @Test
    void whatIsAsleepAndWhatIsAwakeDoNotMeet() {
        three("$S image create --cluster 64k disk.hds 64M");
        try (Mounted m = Mounted.with("", "p - ploop " + folder.resolve("disk.hds.xml"))) {
            for (String command : List.of("snapshot $D", "merge $D", "delete $D " + ONE,
                    "delete $D " + TWO, "compact $D")) {
                Result refused = bash("$S image " + command);
                assertThat(refused.sentence()).as(command).contains("in use");
            }
            Shell.run("cmp", m.file("p").toString(), folder.resolve("model").toString()).ok();
            m.umount().ok();
        }
        assertThat(bash("$S image delete $D {5fbaabe3-6958-40ff-92a7-860e329aab41}").sentence())
                .contains("is what is written");
        bash("same model; sound").ok();
    }

    @Test
    void aFileIsAsLongAsItHasToBe() throws IOException {
        bash("$S image create --cluster 64k disk.hds 64M").ok();
        try (Mounted m = Mounted.with("", "p - ploop " + folder.resolve("disk.hds"))) {
            bash("cp /dev/null log; head -c 40M /dev/urandom > model; truncate -s 64M model; dd"
                    + " if=model of='" + m.file("p") + "' bs=1M conv=notrunc status=none;"
                    + " for i in 1 9 17; do for f in model '" + m.file("p") + "'; do fallocate -p"
                    + " -o ${i}M -l 7M \"$f\"; done; done").ok();
            m.umount().ok();
        }
        long before = Files.size(folder.resolve("disk.hds"));
        bash("$S image compact disk.hds; $S image resize disk.hds 96M; truncate -s 96M model;"
                + " qemu-img check -f parallels disk.hds; qemu-img compare -f"
                + " raw -F parallels model disk.hds").ok();
        assertThat(Files.size(folder.resolve("disk.hds"))).isLessThan(before - (15 << 20));
        assertThat(bash("$S image resize disk.hds 8M").sentence()).contains("8M");
        assertThat(bash("$S image info disk.hds").ok()).containsPattern("virtual-size +100663296");
    }

    private void kill(String command, int millis) throws InterruptedException {
        try (Running run = Shell.start("bash", "-c", "cd \"$1\"; D=disk.hds.xml; exec \"$0\" image "
                + command, Shell.SLUICE, folder.toString())) {
            Thread.sleep(millis);
            ProcessHandle.of(run.pid()).ifPresent(ProcessHandle::destroyForcibly);
            run.await(Shell.LIMIT);
        }
    }

    /** Ended anywhere, a command has done nothing, or can be given again. */
    @Test
    void commandsThatAreKilledLeaveADisk() throws Exception {
        Random random = new Random(Seeds.seed("RestingDiskKernelTest"));
        three("$S image create --cluster 64k disk.hds 64M");
        for (String command : List.of("delete $D " + TWO, "delete $D " + THREE, "compact $D",
                "snapshot $D")) {
            for (int i = 0; i < 2; i++) {
                kill(command, 400 + random.nextInt(800));
                // Whatever it was at is opened, and closed, and is what it was.
                bash("$S image compact $D; same model; $S image check $D > said;"
                        + " ! grep left said; ! grep unknown said; rm said; for f in *.hds*; do"
                        + " [[ $f == $D ]] || grep -F \"<File>$f<\" $D > log; done;"
                        + " ls -A > all; ! grep '^[.]' all; rm all").ok();
            }
        }
        bash("for g in " + TWO + " " + THREE + "; do $S image list $D | grep -q $g || continue;"
                + " $S image delete $D $g; done; same zero " + ONE + "; same model; sound").ok();
    }
}
