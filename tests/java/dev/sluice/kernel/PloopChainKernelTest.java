package dev.sluice.kernel;

import static org.assertj.core.api.Assertions.assertThat;

import dev.sluice.kernel.Shell.Result;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Comparator;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.stream.Stream;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** A chain of a raw base and images that qemu made, mounted by its DiskDescriptor.xml. */
@Tag("kernel")
@Timeout(420)
final class PloopChainKernelTest {
    private static final String TOP = "{5fbaabe3-6958-40ff-92a7-860e329aab41}";
    private static final String NOTHING = "{00000000-0000-0000-0000-000000000000}";

    /** In the build folder, on a real disk. */
    private Path folder;

    @BeforeEach
    void make() throws IOException {
        folder = Files.createTempDirectory(Path.of("target").toAbsolutePath(), "chain");
        Shell.bash("cd \"$1\"; head -c 100M /dev/urandom > base.raw;"
                + " qemu-img create -q -f parallels -o cluster_size=64k middle.hds 192M;"
                + " qemu-img create -q -f parallels -o cluster_size=64k top.hds 256M;"
                + " qemu-io -f parallels -c 'write -P 7 1M 3M' -c 'write -P 8 120M 1M' middle.hds"
                + " > middle.log; cp base.raw all; truncate -s 256M all;"
                + " qemu-io -f raw -c 'write -P 7 1M 3M' -c 'write -P 8 120M 1M' all > all.log",
                folder).ok();
        Files.writeString(folder.resolve("DiskDescriptor.xml"), descriptor());
    }

    @AfterEach
    void clear() throws IOException {
        try (Stream<Path> all = Files.walk(folder)) {
            for (Path path : all.sorted(Comparator.reverseOrder()).toList()) {
                Files.delete(path);
            }
        }
    }

    private static String descriptor() {
        String base = "{11111111-2222-3333-4444-555555555555}";
        String middle = "{22222222-2222-3333-4444-555555555555}";
        return "<?xml version=\"1.0\"?>\n<Parallels_disk_image Version=\"1.0\"><Disk_Parameters>"
                + "<Disk_size>524288</Disk_size><Cylinders>1024</Cylinders><Heads>16</Heads>"
                + "<Sectors>32</Sectors><Padding>0</Padding></Disk_Parameters><StorageData>"
                + "<Storage><Start>0</Start><End>524288</End><Blocksize>128</Blocksize>"
                + image(TOP, "Compressed", "top.hds") + image(base, "Plain", "base.raw")
                + image(middle, "Compressed", "middle.hds") + "</Storage></StorageData>"
                + "<Snapshots>" + shot(base, NOTHING) + shot(middle, base) + shot(TOP, middle)
                + "</Snapshots></Parallels_disk_image>\n";
    }

    private static String image(String guid, String type, String file) {
        return "<Image><GUID>" + guid + "</GUID><Type>" + type + "</Type><File>" + file
                + "</File></Image>";
    }

    private static String shot(String guid, String parent) {
        return "<Shot><GUID>" + guid + "</GUID><ParentGUID>" + parent + "</ParentGUID></Shot>";
    }

    private String sums() {
        return Shell.bash("cd \"$1\"; sha256sum base.raw middle.hds", folder).ok();
    }

    private void sound() {
        for (String name : List.of("middle.hds", "top.hds")) {
            Shell.run("qemu-img", "check", "-f", "parallels", folder.resolve(name).toString())
                    .ok();
        }
    }

    @ParameterizedTest
    @CsvSource({"session, on", "session, off", "stock, off"})
    void fioFindsWhatItWroteOverOtherFiles(String loop, String direct) {
        String before = sums();
        try (Mounted m = Mounted.with("loop=" + loop, "p - ploop "
                + folder.resolve("DiskDescriptor.xml") + " prealloc=4M direct=" + direct)) {
            Shell.run("cmp", m.file("p").toString(), folder.resolve("all").toString()).ok();
            Map<String, String> options = new HashMap<>(Map.of("rw", "randwrite",
                    "bsrange", "4k-1m", "ioengine", "libaio", "iodepth", "16", "verify", "crc32c",
                    "verify_fatal", "1", "size", "256M", "io_size", "300M", "randseed", "7"));
            options.put("blockalign", "4k");
            options.put("verify_backlog", "64");
            options.put("fsync", "64");
            Shell.fio(m.file("p"), options).ok();
            m.umount().ok();
        }
        sound();
        assertThat(sums()).as("what lies below is only read").isEqualTo(before);
    }

    /** Of what was written on the chain, and what shows through, each where it belongs. */
    @Test
    void theDiskIsWhatAFileWouldBe() {
        String list = "image=raw@" + folder.resolve("base.raw") + "," + folder.resolve("middle.hds")
                + "," + folder.resolve("top.hds");
        String change = "for f in \"$1\" \"$2\"; do for i in 3 77 1009 5000 60000; do"
                + " head -c $((i * 17 + 100)) \"$3\" | dd of=\"$f\" bs=512 seek=$((i * 8 + 1))"
                + " conv=notrunc status=none; done; fallocate -p -o 2000000 -l 1500000 \"$f\";"
                + " fallocate -z -o 125800000 -l 200000 \"$f\"; sync \"$f\"; done; cmp \"$1\""
                + " \"$2\"";
        try (Mounted m = Mounted.with("", "p - ploop " + list)) {
            Result changed = Shell.bash(change, m.file("p"), folder.resolve("all"),
                    folder.resolve("base.raw"));
            changed.ok();
            assertThat(Shell.run("qemu-io", "-f", "parallels", "-c", "write 0 512",
                    folder.resolve("middle.hds").toString()).exit()).isNotZero();
            m.umount().ok();
        }
        sound();
        try (Mounted m = Mounted.with("", "p - ploop " + list + " readonly=on")) {
            Shell.run("cmp", m.file("p").toString(), folder.resolve("all").toString()).ok();
            m.umount().ok();
        }
    }

    @Test
    void twoDisksShareWhatLiesBelow() {
        Shell.bash("cd \"$1\"; cp top.hds other.hds", folder).ok();
        String below = "image=raw@" + folder.resolve("base.raw") + ","
                + folder.resolve("middle.hds") + ",";
        try (Mounted m = Mounted.with("", "p - ploop " + below + folder.resolve("top.hds"),
                "q - ploop " + below + folder.resolve("other.hds"))) {
            Shell.bash("printf x | dd of=\"$1\" bs=1 seek=9000000 conv=notrunc status=none;"
                    + " ! cmp -s \"$1\" \"$2\"; cmp \"$2\" \"$3\"", m.file("p"), m.file("q"),
                    folder.resolve("all")).ok();
            m.umount().ok();
        }
        try (Mounted m = Mounted.prepared("p - ploop " + below + folder.resolve("top.hds"),
                "q - ploop " + folder.resolve("middle.hds"))) {
            Result refused = m.mount("");
            assertThat(refused.exit()).isNotZero();
            assertThat(refused.toString()).contains("holds the same data as");
        }
    }

    /** What the commands say of a chain is what a device of it shows. */
    @Test
    void chainsAreReadWithoutADevice() throws IOException {
        String xml = folder.resolve("DiskDescriptor.xml").toString();
        String list = "raw@" + folder.resolve("base.raw") + "," + folder.resolve("middle.hds") + ","
                + folder.resolve("top.hds");
        Shell.run("qemu-io", "-f", "parallels", "-c", "write -P 9 64k 64k",
                folder.resolve("top.hds").toString()).ok();
        Shell.run("qemu-io", "-f", "raw", "-c", "write -P 9 64k 64k",
                folder.resolve("all").toString()).ok();
        for (String name : List.of(xml, list)) {
            Shell.sluice("image", "check", name).ok();
            Path made = folder.resolve("made");
            Shell.sluice("image", "convert", "--to", "raw", name, made.toString()).ok();
            assertThat(Files.mismatch(made, folder.resolve("all"))).isEqualTo(-1);
            Files.delete(made);
            assertThat(Shell.sluice("image", "map", "--json", name).ok())
                    .contains("{ \"start\": 0, \"length\": 65536, \"depth\": 2, \"present\"",
                            "{ \"start\": 65536, \"length\": 65536, \"depth\": 0",
                            "{ \"start\": 1048576, \"length\": 3145728, \"depth\": 1")
                    .endsWith("\"present\": false, \"zero\": true, \"data\": false}]");
            assertThat(Shell.sluice("image", "info", name).ok()).contains("middle.hds, ploop",
                    "base.raw, raw");
        }
        String middle = "{22222222-2222-3333-4444-555555555555}";
        Shell.sluice("image", "convert", "--to", "raw", "--snapshot", middle, xml,
                folder.resolve("earlier").toString()).ok();
        Shell.bash("cd \"$1\"; qemu-io -f raw -c 'read -P 7 1M 3M' earlier | grep -q"
                + " '^read 3145728'; cmp -n 1M earlier base.raw", folder).ok();
        assertThat(Shell.sluice("image", "list", xml).ok().lines().toList()).hasSize(4)
                .anySatisfy(line -> assertThat(line).startsWith("{1111").endsWith("  raw"))
                .anySatisfy(line -> assertThat(line).startsWith("    " + TOP).endsWith("current"));
        Shell.run("qemu-img", "create", "-q", "-f", "parallels", "-o", "cluster_size=128k",
                folder.resolve("odd.hds").toString(), "256M").ok();
        Result odd = Shell.sluice("image", "check", list + "," + folder.resolve("odd.hds"));
        assertThat(odd.exit()).isEqualTo(2);
        assertThat(odd.out()).contains("no sound chain: ").contains("all images of a chain have");
    }
}
