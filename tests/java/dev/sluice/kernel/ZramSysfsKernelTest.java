package dev.sluice.kernel;

import static java.nio.charset.StandardCharsets.US_ASCII;
import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Random;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** The kernel's attributes of zram through a mount, as scripts for /sys/block/zram0 use them. */
@Tag("kernel")
@Timeout(300)
final class ZramSysfsKernelTest {
    private static final int PAGE = 4096;

    /** $1 the folder of the attributes, $2 the device, $3 what is written to it. */
    private static final String SCRIPT = """
            set -eu
            cd "$1"
            refused() {
                local said
                said=$({ echo "$2" >"$1"; } 2>&1) && said=taken
                echo "$1 $2: ${said##*: }"
            }
            reset() {
                for ((i = 0; i < 300; i++)); do
                    if { echo 1 >reset; } 2>/dev/null; then return; fi
                    sleep 0.1
                done
                return 1
            }
            reset
            cat initstate disksize
            echo lz4 >comp_algorithm
            grep -o '\\[.*\\]' comp_algorithm
            refused comp_algorithm none-such
            refused disksize 0
            refused idle all
            refused compact 1
            echo 8M >disksize
            cat initstate disksize
            refused disksize 8M
            refused comp_algorithm lz4
            refused idle often
            refused mem_used_max 1
            dd if="$3" of="$2" bs=1M oflag=direct conv=notrunc status=none
            stat() {
                read -r orig _ _ limit _ same _ huge since <mm_stat
                echo "mm $orig $limit $same $huge $since"
                read -r reads writes third freed <io_stat
                echo "io $reads $writes $third $freed"
            }
            stat
            echo all >idle
            echo 4M >mem_limit
            if [[ -b $2 ]]; then
                blkdiscard -o 1M -l 1M "$2"
            else
                fallocate -p -o 1M -l 1M "$2"
            fi
            echo 0 >mem_used_max
            echo 1 >compact
            stat
            cmp <(dd if="$2" bs=1M count=1 iflag=direct status=none) <(head -c 1M "$3")
            reset
            cat initstate disksize
            """;

    /** What Linux 6.18 says to the script, with /sys/block/zram0 and /dev/zram0, word for word. */
    private static final String KERNEL = """
            0
            0
            [lz4]
            comp_algorithm none-such: Invalid argument
            disksize 0: Invalid argument
            idle all: Invalid argument
            compact 1: Invalid argument
            1
            8388608
            disksize 8M: Device or resource busy
            comp_algorithm lz4: Device or resource busy
            idle often: Invalid argument
            mem_used_max 1: Invalid argument
            mm 4194304 0 256 256 256
            io 0 0 0 0
            mm 3145728 4194304 192 192 256
            io 0 0 0 256
            0
            0""";

    /** Zeros, text, and what cannot be compressed, a page of each in turn. */
    private static Path source(Path folder) throws IOException {
        byte[] all = new byte[4 << 20];
        Random random = new Random(1);
        byte[] noise = new byte[PAGE];
        for (int at = 0; at < all.length; at += 4 * PAGE) {
            random.nextBytes(noise);
            System.arraycopy(noise, 0, all, at, PAGE);
            System.arraycopy(noise, 0, all, at + PAGE, PAGE / 2);
            for (int i = 0; i < PAGE; i += 8) {
                byte[] word = ("word" + (1000 + random.nextInt(200))).getBytes(US_ASCII);
                System.arraycopy(word, 0, all, at + 2 * PAGE + i, 8);
            }
        }
        return Files.write(folder.resolve("source"), all);
    }

    private static String run(Path attributes, Path device, Path source) {
        return Shell.bash(SCRIPT, attributes, device, source).ok();
    }

    @Test
    void aScriptForTheKernelsDoesForOurs() throws Exception {
        try (Mounted m = Mounted.with("", "disk 4M zram")) {
            assertThat(run(m.control("disk", "reset").getParent(), m.file("disk"),
                    source(m.folder))).isEqualTo(KERNEL);
        }
    }

    private static final String LATER = """
            set -eu
            trap 'echo "failed: $BASH_COMMAND"; cat mm_stat bd_stat' ERR
            cd "$1"
            echo 1 >reset
            echo lz4 >comp_algorithm
            echo "algo=zstd priority=1" >recomp_algorithm
            echo "algo=zstd level=5" >algorithm_params
            grep -q '#1: .*\\[zstd\\]' recomp_algorithm
            echo "$4" >backing_dev
            [[ $(<backing_dev) == "$4" ]]
            echo 8M >disksize
            dd if="$3" of="$2" bs=1M oflag=direct conv=notrunc status=none
            read -r _ before _ <mm_stat
            echo all >idle
            echo "type=idle max_pages=1000" >recompress
            read -r _ after _ <mm_stat
            ((after < before))
            [[ $(grep -c '\\....r\\.$' block_state) -gt 200 ]]
            echo 1 >writeback_limit_enable
            echo 100 >writeback_limit
            ! { echo type=huge >writeback; } 2>/dev/null
            [[ $(tr -s ' ' <bd_stat) == " 100 0 100" ]]
            echo 0 >writeback_limit_enable
            echo type=huge >writeback
            [[ $(tr -s ' ' <bd_stat) == " 256 0 256" ]]
            [[ $(grep -c ' \\.w....$' block_state) == 256 ]]
            cmp -n 4194304 "$2" "$3"
            [[ $(tr -s ' ' <bd_stat) == " 256 256 256" ]]
            fallocate -p -o 0 -l 2M "$2"
            [[ $(tr -s ' ' <bd_stat) == " 128 256 256" ]]
            """;

    /** To a file that is chosen by its path, or to a device of the table that does direct I/O. */
    @ParameterizedTest
    @CsvSource({"session, path", "session, device", "stock, path", "stock, device"})
    void pagesAreRecompressedAndWrittenBack(String loop, String backing) throws Exception {
        Path spill = Files.createTempFile(Shell.HOME.resolve("target"), "spill", "");
        Shell.run("truncate", "-s", "4M", spill.toString()).ok();
        boolean device = backing.equals("device");
        String[] table = device ? new String[] {"disk 4M zram backing=spill",
            "spill - file " + spill + " direct=on"} : new String[] {"disk 4M zram"};
        try (Mounted m = Mounted.with("loop=" + loop, table)) {
            Shell.bash(LATER, m.control("disk", "reset").getParent(), m.file("disk"),
                    source(m.folder), device ? "spill" : spill).ok();
            m.umount().ok();
        } finally {
            Files.delete(spill);
        }
    }

    /** Backing on another device of the table, by policy, and read back through a loop device. */
    @Test
    void pagesLeaveByThemselvesAndComeBack() throws Exception {
        try (Mounted m = Mounted.with("", "disk 8M zram recompress=zstd:after=1s"
                + " writeback=after=4s backing=spill", "spill 8M ram")) {
            Path source = source(m.folder);
            Path loop = m.attach("disk");
            Shell.bash("dd if=\"$1\" of=\"$2\" bs=1M oflag=direct status=none", source, loop)
                    .ok();
            Shell.bash("for ((i = 0; i < 450; i++)); do read -r n _ <\"$1\";"
                    + " if ((n == 768)); then exit 0; fi; sleep 0.1; done; cat \"$1\"; exit 1",
                    m.control("disk", "bd_stat")).ok();
            assertThat(m.stat("disk", "codec.0.pages")).isZero();
            Shell.bash("cmp -n 4194304 \"$1\" \"$2\"", loop, source).ok();
            Shell.sluice("set", m.file("disk").toString(), "writeback=off").ok();
            assertThat(Shell.bash("cat \"$1\"", m.control("disk", "table")).ok())
                    .contains("recompress=zstd:after=1s backing=spill");
            m.detach(loop).ok();
            m.umount().ok();
        }
    }
}
