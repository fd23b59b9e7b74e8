package dev.sluice.kernel;

import static org.assertj.core.api.Assertions.assertThat;

import dev.sluice.report.PageRules;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.stream.Stream;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.w3c.dom.Document;
import org.w3c.dom.Element;

/** A report of real devices: what is in it, what it leaves behind, what it refuses. */
@Tag("kernel")
@Timeout(300)
final class ReportKernelTest {
    private static List<Path> leftovers() throws IOException {
        try (Stream<Path> all = Files.list(Path.of("/tmp"))) {
            return all.filter(p -> p.getFileName().toString().startsWith("sluice-report."))
                    .toList();
        }
    }

    @Test
    void aPageOfAMountHasPlotsForTheDevicesNamed() throws Exception {
        try (Mounted m = Mounted.with("", "disk 64M ram",
                "slow - delay disk read=uniform(2ms,4ms)")) {
            List<Path> before = leftovers();
            Path page = m.folder.resolve("page.html");
            Shell.sluice("report", "--quick", "-o", page.toString(), m.dir.toString(), "slow").ok();
            Document html = PageRules.check(Shell.read(page));
            List<Element> sections = PageRules.all(html, "section");
            assertThat(sections).hasSize(1);
            assertThat(PageRules.all(sections.get(0), "svg")).hasSize(3);
            assertThat(PageRules.text(sections.get(0), "code"))
                    .containsExactly("slow 64M delay disk read=uniform(2ms,4ms)");
            List<String> cells = PageRules.text(html, "td");
            assertThat(cells).contains("slow", "delay", "3 ms");
            // By Little's law 333 a second; slower is the machine's business, faster cannot be.
            assertThat(Integer.parseInt(cells.get(3))).isBetween(1, 345);
            assertThat(PageRules.text(html, "th")).contains("kernel", "fio", "java", "processor");
            // Reading is all it does.
            assertThat(m.stat("disk", "write.ended")).isZero();
            assertThat(m.stat("slow", "write.ended")).isZero();
            assertThat(m.stat("slow", "read.ended")).isPositive();
            assertThat(leftovers()).isEqualTo(before);
        }
    }

    @Test
    void writesOnlyWhereNobodyLooks() {
        try (Mounted m = Mounted.with("", "disk 64M ram", "half 32M linear disk")) {
            String page = m.folder.resolve("page.html").toString();
            String dir = m.dir.toString();
            Path loop = m.attach("disk");
            assertThat(Shell.sluice("report", "--quick", "--write", "-o", page, dir).sentence())
                    .contains("is not overwritten: " + loop + " holds disk");
            m.detach(loop).ok();
            try (Shell.Running holder = Shell.start("bash", "-c", "exec 3<\"$0\"; sleep 100",
                    m.file("half").toString())) {
                Shell.bash("for ((i = 0; i < 300; i++)); do"
                        + " grep -q '^opens *1' \"$1\" && exit; sleep 0.1; done; exit 1",
                        m.control("half", "status")).ok();
                assertThat(Shell.sluice("report", "--quick", "--write", "-o", page, dir, "disk")
                        .sentence()).startsWith("disk is not overwritten: half is open");
                assertThat(holder.runs()).isTrue();
            }
            assertThat(m.stat("disk", "write.ended")).isZero();
            assertThat(Shell.sluice("report", "-o", page, dir, "none").sentence())
                    .startsWith("there is no device none on ");
            assertThat(Shell.sluice("report", "-o", page, "/nowhere").sentence())
                    .startsWith("there is no /nowhere; name a mount or a table");
        }
    }

    @Test
    void aTableIsMountedForItAndLeftAsItWas() throws Exception {
        try (Mounted m = Mounted.prepared("packed 16M zram")) {
            List<Path> before = leftovers();
            Path page = m.folder.resolve("page.html");
            Shell.sluice("report", "--quick", "--write", "-o", page.toString(),
                    m.table.toString()).ok();
            Document html = PageRules.check(Shell.read(page));
            assertThat(PageRules.text(html, "td")).contains("packed", "zram");
            assertThat(PageRules.text(html, "pre").get(0)).contains("--rw=randwrite")
                    .doesNotContain("--readonly");
            assertThat(leftovers()).isEqualTo(before);
            assertThat(Shell.read(Path.of("/proc/self/mounts"))).doesNotContain("sluice-report.");
        }
    }
}
