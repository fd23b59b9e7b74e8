package dev.sluice.kernel;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.sluice.kernel.Shell.Result;
import dev.sluice.kernel.Shell.Running;
import dev.sluice.testing.Seeds;
import java.io.IOException;
import java.io.RandomAccessFile;
import java.nio.ByteBuffer;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Comparator;
import java.util.List;
import java.util.Random;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.concurrent.atomic.AtomicLong;
import java.util.stream.Stream;
import org.awaitility.Awaitility;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

/** Disks are sent and received, at rest and in use, and are what they were at one moment. */
@Tag("kernel")
@Timeout(400)
final class BackupKernelTest {
    private static final int BLOCK = 4096;
    private static final int BLOCKS = 2000;
    private static final String BASE = "{11111111-2222-3333-4444-555555555555}";
    private static final String TOP = "{5fbaabe3-6958-40ff-92a7-860e329aab41}";
    private static final String NOTHING = "{00000000-0000-0000-0000-000000000000}";

    /** In the build folder, on a real disk. */
    private Path folder;

    @BeforeEach
    void make() throws IOException {
        folder = Files.createTempDirectory(Path.of("target").toAbsolutePath(), "backup");
    }

    @AfterEach
    void clear() throws IOException {
        try (Stream<Path> all = Files.walk(folder)) {
            for (Path path : all.sorted(Comparator.reverseOrder()).toList()) {
                Files.delete(path);
            }
        }
    }

    /** A line of bash in the folder; $S is the program. */
    private Result bash(String line) {
        return Shell.bash("S=$1; cd \"$2\"; set -o pipefail; " + line, Shell.SLUICE, folder);
    }

    @Test
    void imagesOfQemuAndOfOursAreSentWhole() {
        bash("head -c 9000000 /dev/urandom > data; truncate -s 40M data;"
                + " qemu-img convert -f raw -O parallels data theirs.hds;"
                + " $S image create --cluster 64k ours.hds 40M;"
                + " qemu-io -f parallels -c 'write -P 3 5M 3M' ours.hds > log;"
                + " for i in theirs ours; do $S image send $i.hds | $S image receive got-$i.hds;"
                + " qemu-img check -f parallels got-$i.hds; qemu-img compare -f parallels -F"
                + " parallels $i.hds got-$i.hds || exit 1; done").ok();
        Result again = bash("$S image send ours.hds | $S image receive got-ours.hds");
        assertThat(again.exit()).isNotZero();
        assertThat(again.err()).contains("exists");
        Result damaged = bash("$S image send theirs.hds > stream; printf x | dd of=stream bs=1"
                + " seek=5000000 conv=notrunc status=none; $S image receive bad.hds < stream");
        assertThat(damaged.err()).contains("is damaged: its checksum").contains("--resume");
        assertThat(folder.resolve("bad.hds")).doesNotExist();
        bash("$S image send --resume $($S image receive --token bad.hds) theirs.hds"
                + " | $S image receive --resume bad.hds;"
                + " qemu-img compare -f parallels -F parallels theirs.hds bad.hds; ls -A").ok();
    }

    /** Its name means the disk, here as in a table, and not what its first file once was. */
    @Test
    void anImageThatHasSnapshotsIsSentAsItIsNow() {
        bash("$S image create --cluster 64k d.hds 4M; $S image snapshot d.hds;"
                + " qemu-io -f parallels -c 'write -P 7 1M 1M' d.hds.{*} > log;"
                + " $S image send d.hds | $S image receive got.hds;"
                + " $S image convert --to raw d.hds.xml d.raw;"
                + " qemu-img compare -f raw -F parallels d.raw got.hds").ok();
    }

    @Test
    void aChainIsSentBySnapshots() throws IOException {
        bash("qemu-img create -q -f parallels -o cluster_size=64k root.hds 32M;"
                + " qemu-img create -q -f parallels -o cluster_size=64k top.hds 32M;"
                + " qemu-io -f parallels -c 'write -P 7 1M 3M' root.hds > log;"
                + " qemu-io -f parallels -c 'write -P 8 2M 1M' -c 'write -z 3M 64k' top.hds > log")
                .ok();
        Files.writeString(folder.resolve("DiskDescriptor.xml"), "<?xml version=\"1.0\"?>\n"
                + "<Parallels_disk_image Version=\"1.0\"><Disk_Parameters>"
                + "<Disk_size>65536</Disk_size><Cylinders>128</Cylinders><Heads>16</Heads>"
                + "<Sectors>32</Sectors><Padding>0</Padding></Disk_Parameters><StorageData>"
                + "<Storage><Start>0</Start><End>65536</End><Blocksize>128</Blocksize>"
                + image(BASE, "root.hds") + image(TOP, "top.hds") + "</Storage></StorageData>"
                + "<Snapshots>" + shot(BASE, NOTHING) + shot(TOP, BASE)
                + "</Snapshots></Parallels_disk_image>\n");
        bash("mkdir to; D=DiskDescriptor.xml; $S image send --snapshot " + BASE + " $D | tee full"
                + " | $S image receive to/$D; $S image send --from " + BASE + " $D | tee more"
                + " | $S image receive to/$D; $S image check to/$D;"
                + " for i in $D to/$D; do $S image convert --to raw $i $i.raw; done;"
                + " cmp $D.raw to/$D.raw").ok();
        assertThat(Files.size(folder.resolve("full"))).isGreaterThan(3 << 20);
        assertThat(Files.size(folder.resolve("more"))).isLessThan(2 << 20);
        assertThat(bash("$S image list to/DiskDescriptor.xml").ok().lines().toList())
                .satisfies(lines -> assertThat(lines.get(1)).startsWith(BASE + "  root.hds"))
                .satisfies(lines -> assertThat(lines.get(2)).startsWith("  " + TOP)
                        .endsWith("current"));
        Result twice = bash("$S image receive to/DiskDescriptor.xml < more");
        assertThat(twice.err()).contains("already");
    }

    private static String image(String guid, String file) {
        return "<Image><GUID>" + guid + "</GUID><Type>Compressed</Type><File>" + file
                + "</File></Image>";
    }

    private static String shot(String guid, String parent) {
        return "<Shot><GUID>" + guid + "</GUID><ParentGUID>" + parent + "</ParentGUID></Shot>";
    }

    /** Writes blocks one after the other, each with its number, until it is told to end. */
    private static Thread writer(Path file, long seed, AtomicLong written, AtomicBoolean end) {
        Thread thread = new Thread(() -> {
            Random random = new Random(seed);
            try (RandomAccessFile out = new RandomAccessFile(file.toFile(), "rw")) {
                for (long n = 1; !end.get(); n++) {
                    out.seek((long) random.nextInt(BLOCKS) * BLOCK);
                    out.write(block(n));
                    written.set(n);
                }
            } catch (IOException e) {
                throw new java.io.UncheckedIOException(e);
            }
        });
        thread.start();
        return thread;
    }

    private static byte[] block(long number) {
        ByteBuffer block = ByteBuffer.allocate(BLOCK);
        for (int i = 0; i < BLOCK; i += 8) {
            block.putLong(i, number);
        }
        return block.array();
    }

    /** What is there is what was there after one of the writes, and before the next. */
    private static long ofOneMoment(Path raw, long seed) throws IOException {
        byte[] all = new byte[BLOCKS * BLOCK];
        try (RandomAccessFile in = new RandomAccessFile(raw.toFile(), "r")) {
            in.readFully(all);
        }
        ByteBuffer found = ByteBuffer.wrap(all);
        long last = 0;
        for (int i = 0; i < BLOCKS; i++) {
            last = Math.max(last, found.getLong(i * BLOCK));
        }
        long[] right = new long[BLOCKS];
        Random random = new Random(seed);
        for (long n = 1; n <= last; n++) {
            right[random.nextInt(BLOCKS)] = n;
        }
        for (int i = 0; i < BLOCKS; i++) {
            for (int at = 0; at < BLOCK; at += 8) {
                assertThat(found.getLong(i * BLOCK + at)).as("block %d after write %d", i, last)
                        .isEqualTo(right[i]);
            }
        }
        return last;
    }

    /** Has a block be what it was one write earlier. */
    private static void age(Path raw, long last) throws IOException {
        try (RandomAccessFile file = new RandomAccessFile(raw.toFile(), "rw")) {
            for (int i = 0; i < BLOCKS; i++) {
                file.seek((long) i * BLOCK);
                long number = file.readLong();
                if (number > 0 && number < last) {
                    file.seek((long) i * BLOCK);
                    file.write(block(number - 1));
                    return;
                }
            }
        }
    }

    /** One writes in order, fio writes all over the rest, and a copy is made three times. */
    @Test
    void aDiskInUseIsSentAsItWasAtOneMoment() throws Exception {
        long seed = Seeds.seed("BackupKernelTest");
        bash("$S image create --cluster 64k disk.hds 256M").ok();
        AtomicBoolean end = new AtomicBoolean();
        AtomicLong written = new AtomicLong();
        try (Mounted m = Mounted.with("", "p - ploop " + folder.resolve("disk.hds"))) {
            Path file = m.file("p");
            Thread writer = writer(file, seed, written, end);
            try (Running fio = Shell.start("fio", "--name=load", "--filename=" + file,
                    "--rw=randwrite", "--bsrange=4k-256k", "--offset=64m", "--size=192m",
                    "--direct=1", "--ioengine=libaio", "--iodepth=16", "--time_based",
                    "--runtime=60", "--rate_iops=1500")) {
                long before = 0;
                for (int i = 0; i < 3; i++) {
                    long last = before;
                    Awaitility.await().atMost(Shell.LIMIT).until(() -> written.get() > last);
                    long least = written.get();
                    bash("$S image send '" + file + "' | $S image receive got" + i + ".hds;"
                            + " qemu-img check -q -f parallels got" + i + ".hds;"
                            + " qemu-img convert -f parallels -O raw got" + i + ".hds raw" + i)
                            .ok();
                    long now = ofOneMoment(folder.resolve("raw" + i), seed);
                    assertThat(now).as("writes in copy %d", i)
                            .isBetween(least, written.get() + 1);
                    before = now;
                }
                age(folder.resolve("raw2"), before);
                assertThatThrownBy(() -> ofOneMoment(folder.resolve("raw2"), seed))
                        .isInstanceOf(AssertionError.class);
            } finally {
                end.set(true);
                writer.join(20_000);
            }
            assertThat(Shell.sluice("status", m.dir.toString(), "p").ok())
                    .containsPattern("tracking +off");
            bash("$S image send '" + file + "' | $S image receive end.hds; qemu-img compare -f raw"
                    + " -F parallels '" + file + "' end.hds").ok();
            m.umount().ok();
        }
    }

    /** In any steps from snapshot to snapshot, while it is in use. */
    @Test
    void aDiskInUseIsSentFromAnyOfItsSnapshots() throws Exception {
        String two = "{22222222-2222-3333-4444-555555555555}";
        bash("$S image create --cluster 64k disk.hds 64M").ok();
        try (Mounted m = Mounted.with("", "p - ploop " + folder.resolve("disk.hds"))) {
            String p = "'" + m.file("p") + "'";
            String put = "put() { head -c $2M /dev/urandom | dd of=" + p + " bs=1M seek=$1"
                    + " conv=notrunc iflag=fullblock status=none; }; ";
            bash(put + "put 0 20; $S message " + p + " snapshot " + BASE + "; cp " + p + " base;"
                    + " put 5 3; $S message " + p + " snapshot " + two + "; cp " + p + " then;"
                    + " put 6 1; put 30 2; fallocate -p -o 1M -l 1M " + p).ok();
            bash("mkdir a b; D=DiskDescriptor.xml; set -e;"
                    + " $S image send --snapshot " + BASE + " " + p + " | $S image receive a/$D;"
                    + " cp a/* b; $S image send --from " + BASE + " " + p
                    + " | tee more | $S image receive a/$D;"
                    + " $S image send --from " + BASE + " --snapshot " + two + " " + p
                    + " | $S image receive b/$D; $S image send --from " + two + " " + p
                    + " | tee last | $S image receive b/$D;"
                    + " for i in a b; do $S image check $i/$D; $S image convert --to raw $i/$D"
                    + " $i.raw; cmp $i.raw " + p + "; done;"
                    + " for i in a b; do $S image convert --snapshot " + BASE + " --to raw $i/$D"
                    + " $i.base; cmp $i.base base; done;"
                    + " $S image convert --snapshot " + two + " --to raw b/$D b.then;"
                    + " cmp b.then then").ok();
            assertThat(Files.size(folder.resolve("more"))).isLessThan(9 << 20);
            assertThat(Files.size(folder.resolve("last"))).isLessThan(5 << 20);
            Result none = bash("$S image send --from " + TOP + " " + p + " | $S image receive no");
            assertThat(none.err()).contains("the disk stands on " + BASE + ", " + two);
            m.umount().ok();
        }
    }

    /** The pipe breaks, the disk goes on, and so does the transfer. */
    @Test
    void aTransferOfADiskInUseGoesOn() throws Exception {
        bash("$S image create --cluster 64k disk.hds 64M").ok();
        try (Mounted m = Mounted.with("", "p - ploop " + folder.resolve("disk.hds"))) {
            String file = "'" + m.file("p") + "'";
            bash("head -c 40M /dev/urandom | dd of=" + file + " bs=1M conv=notrunc iflag=fullblock"
                    + " status=none").ok();
            Result cut = bash("$S image send " + file + " 2> said | head -c 20M"
                    + " | $S image receive got.hds");
            assertThat(cut.err()).contains("is cut off")
                    .contains("to go on: sluice image send --resume ");
            assertThat(folder.resolve("got.hds")).doesNotExist();
            assertThat(Files.readString(folder.resolve("said"))).contains("still tracked");
            bash("head -c 3M /dev/urandom | dd of=" + file + " bs=1M seek=2 conv=notrunc"
                    + " iflag=fullblock status=none; fallocate -p -o 8M -l 1M " + file + ";"
                    + " head -c 1M /dev/urandom | dd of=" + file + " bs=1M seek=50 conv=notrunc"
                    + " iflag=fullblock status=none").ok();
            bash("$S image send --resume $($S image receive --token got.hds) " + file
                    + " | tee rest | $S image receive --resume got.hds;"
                    + " qemu-img compare -f raw -F parallels " + file + " got.hds;"
                    + " qemu-img check -f parallels got.hds").ok();
            assertThat(Files.size(folder.resolve("rest"))).isLessThan(30 << 20);
            try (Stream<Path> left = Files.list(folder)) {
                assertThat(left.map(p -> p.getFileName().toString()).toList())
                        .containsExactlyInAnyOrderElementsOf(List.of("disk.hds", "got.hds", "rest",
                                "said"));
            }
            m.umount().ok();
        }
    }
}
