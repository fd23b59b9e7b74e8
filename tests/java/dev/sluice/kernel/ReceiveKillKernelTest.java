package dev.sluice.kernel;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.lang.ProcessBuilder.Redirect;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.concurrent.Callable;
import java.util.concurrent.TimeUnit;
import java.util.stream.Stream;
import org.awaitility.Awaitility;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

/**
 * A receiver that is killed between the steps which make a state of a disk of what has come. It is
 * at work on a file system whose flushes take long, so that the steps are far apart.
 */
@Tag("kernel")
@Timeout(420)
final class ReceiveKillKernelTest {
    private static final String XML = "DiskDescriptor.xml";

    private static Shell.Result bash(Mounted m, String line) {
        return Shell.bash("S=$1; D=disk0/to/" + XML + "; cd \"$2\"; " + line, Shell.SLUICE,
                m.folder);
    }

    /** What is in the folder, but for drafts of the descriptor, which the next opening clears. */
    private static List<String> names(Path folder) throws IOException {
        try (Stream<Path> all = Files.list(folder)) {
            return all.map(p -> p.getFileName().toString())
                    .filter(name -> !name.matches("\\." + XML + "\\d+\\.new")).sorted().toList();
        }
    }

    /** A disk with a snapshot, whose base is there already, and a stream of the rest. */
    private static void make(Mounted m) {
        bash(m, "$S image create --cluster 64k d.hds 16M;"
                + " qemu-io -f parallels -c 'write -P 7 1M 3M' d.hds >log;"
                + " $S image snapshot d.hds;"
                + " qemu-io -f parallels -c 'write -P 8 2M 5M' d.hds.{*} >log;"
                + " $S image list d.hds.xml | sed -n 's/^\\({[^}]*}\\).*/\\1/p;T;q' >base;"
                + " mkdir disk0/to; $S image send --snapshot $(<base) d.hds.xml"
                + " | $S image receive $D; $S image send --from $(<base) d.hds.xml >rest;"
                + " cp -a disk0/to before; $S image convert --to raw d.hds.xml d.raw").ok();
    }

    private static void killedWhen(Mounted m, Callable<Boolean> is) throws Exception {
        Shell.sluice("set", m.file("slow").toString(), "flush=500ms").ok();
        Process receive = new ProcessBuilder(Shell.SLUICE, "image", "receive",
                m.folder.resolve("disk0/to/" + XML).toString())
                .redirectInput(m.folder.resolve("rest").toFile())
                .redirectOutput(Redirect.DISCARD).redirectError(Redirect.DISCARD).start();
        try {
            Awaitility.await().atMost(Duration.ofSeconds(60)).pollInSameThread()
                    .pollDelay(Duration.ZERO).pollInterval(Duration.ofMillis(2)).until(is);
        } finally {
            receive.destroyForcibly();
        }
        assertThat(receive.waitFor(30, TimeUnit.SECONDS)).isTrue();
        assertThat(receive.exitValue()).as("killed").isEqualTo(137);
        Shell.sluice("set", m.file("slow").toString(), "flush=0").ok();
    }

    private static void endsRight(Mounted m, Path to, List<String> names) throws IOException {
        assertThat(bash(m, "$S image receive $D <rest").err()).containsAnyOf("--resume", "already");
        bash(m, "$S image send --resume $($S image receive --token $D) --from $(<base) d.hds.xml"
                + " | $S image receive --resume $D; $S image check $D;"
                + " $S image convert --to raw $D got.raw; cmp d.raw got.raw; rm got.raw").ok();
        assertThat(names(to)).containsExactlyElementsOf(names);
        // Nothing is in the way of what comes next.
        assertThat(bash(m, "$S image receive $D <rest").err()).contains("already");
    }

    @Test
    void whatHadComeIsThereInTheEndWhereverItWasKilled() throws Exception {
        try (Mounted m = Mounted.with("", "disk 96M ram", "slow - delay disk flush=0")) {
            Path loop = m.attach("slow");
            Shell.run("mkfs.ext4", "-q", "-F", loop.toString()).ok();
            Path to = m.disk(loop).resolve("to");
            make(m);
            String text = Files.readString(to.resolve(XML));

            killedWhen(m, () -> names(to).stream().anyMatch(n -> n.startsWith("root.hds.")));
            assertThat(Files.readString(to.resolve(XML))).as("not written down").isEqualTo(text);
            List<String> left = names(to);
            assertThat(left).hasSize(5).startsWith("." + XML + ".part", "." + XML + ".part.token");
            List<String> names = left.subList(2, 5);
            endsRight(m, to, names);

            bash(m, "rm -r disk0/to; cp -a before disk0/to").ok();
            killedWhen(m, () -> !Files.readString(to.resolve(XML)).equals(text));
            assertThat(names(to)).isEqualTo(left);
            endsRight(m, to, names);
            m.umountDisk(to.getParent()).ok();
            m.detach(loop).ok();
        }
    }
}
