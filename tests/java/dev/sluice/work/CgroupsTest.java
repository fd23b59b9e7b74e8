package dev.sluice.work;

import static org.assertj.core.api.Assertions.assertThat;

import dev.sluice.testing.VirtualClock;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

/** Whose request it is, on hosts of every kind, in time and after it. */
@Tag("unit")
@Timeout(120)
class CgroupsTest {
    @TempDir
    Path proc;

    private final VirtualClock clock = new VirtualClock();

    private void thread(int id, String text) throws IOException {
        Files.createDirectories(proc.resolve(Integer.toString(id)));
        Files.writeString(proc.resolve(id + "/cgroup"), text);
    }

    @Test
    void theHierarchyThatThrottlesCounts() {
        assertThat(Cgroups.parse("0::/user.slice/a\n")).as("v2").isEqualTo("/user.slice/a");
        assertThat(Cgroups.parse("3:cpu,cpuacct:/x\n2:blkio:/docker/1\n1:name=systemd:/s\n"))
                .as("v1").isEqualTo("/docker/1");
        assertThat(Cgroups.parse("2:memory,blkio:/m\n0::/unified\n")).as("hybrid")
                .isEqualTo("/m");
        assertThat(Cgroups.parse("2:blkio:/\n0::/unified\n")).as("hybrid, not throttled")
                .isEqualTo("/unified");
        assertThat(Cgroups.parse("0::/with:colon\n")).isEqualTo("/with:colon");
        assertThat(Cgroups.parse("2:blkiofoo:/x\n")).isEqualTo("/");
        assertThat(Cgroups.parse("")).isEqualTo("/");
    }

    @Test
    void whoIsUnknownIsRoot() throws IOException {
        Cgroups cgroups = new Cgroups(proc, clock);
        assertThat(cgroups.cgroup(0)).isEqualTo("/");
        assertThat(cgroups.cgroup(-1)).isEqualTo("/");
        assertThat(cgroups.cgroup(77)).as("gone").isEqualTo("/");
    }

    @Test
    void aNumberThatAnotherHasByNowIsMisplacedNoLongerThanTheAge() throws IOException {
        Cgroups cgroups = new Cgroups(proc, clock);
        thread(5, "0::/a\n");
        assertThat(cgroups.cgroup(5)).isEqualTo("/a");
        thread(5, "0::/b\n");
        clock.advance(Cgroups.AGE_NANOS - 1);
        assertThat(cgroups.cgroup(5)).isEqualTo("/a");
        clock.advance(1);
        assertThat(cgroups.cgroup(5)).isEqualTo("/b");
        Files.delete(proc.resolve("5/cgroup"));
        clock.advance(Cgroups.AGE_NANOS);
        assertThat(cgroups.cgroup(5)).isEqualTo("/");
    }

    @Test
    void threadsThatShareAPlaceAreNotMixedUp() throws IOException {
        Cgroups cgroups = new Cgroups(proc, clock);
        thread(6, "0::/six\n");
        thread(6 + 1024, "0::/other\n");
        for (int i = 0; i < 3; i++) {
            assertThat(cgroups.cgroup(6)).isEqualTo("/six");
            assertThat(cgroups.cgroup(6 + 1024)).isEqualTo("/other");
        }
    }

    @Test
    void aThreadIsChargedInEveryHierarchyThatAccounts() throws IOException {
        Path v1 = Files.createDirectories(proc.resolve("v1/a"));
        Path memory = Files.createDirectories(proc.resolve("memory/a"));
        Path home = Files.createDirectories(proc.resolve("v1/home"));
        Path v2 = Files.createDirectories(proc.resolve("v2/a"));
        String mounts = "cgroup " + v1.getParent() + " cgroup rw,blkio 0 0\n"
                + "cgroup " + memory.getParent() + " cgroup rw,memory 0 0\n"
                + "cgroup2 " + v2.getParent() + " cgroup2 rw 0 0\n";
        List<String> log = new ArrayList<>();
        Charge charge = new Charge(mounts, "/home", () -> 4711, (s, c) -> log.add(s));
        assertThat(charge.possible()).isTrue();
        charge.enter("/a");
        assertThat(text(v1.resolve("tasks"))).isEqualTo("4711");
        assertThat(text(v2.resolve("cgroup.threads"))).isEqualTo("4711");
        assertThat(memory.resolve("tasks")).doesNotExist();
        charge.enter("/");
        assertThat(text(home.resolve("tasks"))).isEqualTo("4711");
        assertThat(log).isEmpty();
    }

    @Test
    void aCgroupThatTakesNoThreadIsToldOnce() throws IOException {
        Path dir = Files.createDirectories(proc.resolve("v2/a/cgroup.threads")).getParent();
        List<String> log = new ArrayList<>();
        Charge charge = new Charge("cgroup2 " + dir.getParent() + " cgroup2 rw 0 0\n",
                "/", () -> 4711, (s, c) -> log.add(s));
        charge.enter("/a");
        charge.enter("/a");
        assertThat(log).hasSize(1);
        assertThat(log.get(0)).contains("charge=on").contains("/a in " + dir.getParent());
        assertThat(charge.refused()).containsExactly("/a");
        assertThat(new Charge("proc /proc proc rw 0 0\n", "/", () -> 1, (s, c) -> { }).possible())
                .isFalse();
    }

    private static String text(Path file) throws IOException {
        return Files.readString(file, StandardCharsets.UTF_8);
    }
}
