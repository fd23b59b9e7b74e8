package dev.sluice.ploop;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.catchThrowableOfType;

import dev.sluice.block.BlockException;
import dev.sluice.ploop.DiskDescriptor.Image;
import dev.sluice.ploop.DiskDescriptor.Shot;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFilePermissions;
import java.util.List;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** DiskDescriptor.xml: what is taken, what is refused, and how it is replaced. */
@Tag("unit")
@Timeout(60)
class DiskDescriptorTest {
    private static final String ONE = "{11111111-2222-3333-4444-555555555555}";
    private static final String TWO = "{22222222-2222-3333-4444-555555555555}";

    /** Two states in a line and one beside, as OpenVZ's tools write it. */
    private static final String TEXT = """
            <?xml version="1.0"?>
            <Virtuozzo_disk_image>
              <Disk_Parameters>
                <Disk_size>131072</Disk_size><Cylinders>260</Cylinders><Heads>16</Heads>
                <Sectors>32</Sectors><Padding>0</Padding>
              </Disk_Parameters>
              <StorageData><Storage>
                <Start>0</Start><End>131072</End><Blocksize>2048</Blocksize>
                <Preallocated>0</Preallocated>
                <Image><GUID>{5fbaabe3-6958-40ff-92a7-860e329aab41}</GUID><Type>Compressed</Type>
                  <File>root.hds.{5fbaabe3}</File></Image>
                <Image><GUID>ONE</GUID><Type>Plain</Type><File>root.raw</File></Image>
                <Image><GUID>TWO</GUID><Type>Compressed</Type><File>/other/b&amp;c</File></Image>
              </Storage></StorageData>
              <Snapshots>
                <TopGUID>{5fbaabe3-6958-40ff-92a7-860e329aab41}</TopGUID>
                <Shot><GUID>TWO</GUID><ParentGUID>ONE</ParentGUID></Shot>
                <Shot><GUID>ONE</GUID>
                  <ParentGUID>{00000000-0000-0000-0000-000000000000}</ParentGUID></Shot>
                <Shot><GUID>{5FBAABE3-6958-40ff-92a7-860e329aab41}</GUID>
                  <ParentGUID>TWO</ParentGUID></Shot>
              </Snapshots>
            </Virtuozzo_disk_image>
            """.replace("ONE", ONE).replace("TWO", TWO);

    @TempDir
    Path folder;
    private Path file;

    @BeforeEach
    void name() {
        file = folder.resolve("DiskDescriptor.xml");
    }

    private DiskDescriptor read(String text) throws Exception {
        Files.writeString(file, text);
        return DiskDescriptor.read(file);
    }

    @Test
    void theImagesOfAStateStandOnEachOther() throws Exception {
        DiskDescriptor descriptor = read(TEXT);
        assertThat(descriptor.chain(DiskDescriptor.TOP)).containsExactly(
                new Image(ONE, true, "root.raw"), new Image(TWO, false, "/other/b&c"),
                new Image(DiskDescriptor.TOP, false, "root.hds.{5fbaabe3}"));
        assertThat(descriptor.chain(ONE)).hasSize(1);
        assertThat(Chain.at(file.toString()).files()).containsExactly(
                new Chain.Part(folder.resolve("root.raw").toString(), true),
                new Chain.Part("/other/b&c", false),
                new Chain.Part(folder.resolve("root.hds.{5fbaabe3}").toString(), false));
        assertThat(Chain.at("/a/b.hds").files()).containsExactly(
                new Chain.Part("/a/b.hds", false));
    }

    @ParameterizedTest
    @CsvSource(delimiter = '|', value = {
        "Virtuozzo_disk_image | Parallels_disk_image",
        "<TopGUID>{5fbaabe3-6958-40ff-92a7-860e329aab41}</TopGUID> | ''",
        "<Padding>0</Padding> | ''",
        "<Cylinders>260</Cylinders> | <Max_delta_size>9</Max_delta_size>"
    })
    void whatMayDifferMay(String from, String to) throws Exception {
        assertThat(read(TEXT.replace(from, to)).chain(DiskDescriptor.TOP)).hasSize(3);
    }

    @ParameterizedTest
    @CsvSource(delimiter = '|', value = {
        "Virtuozzo_disk_image | disk | outermost element is disk",
        "<Padding>0 | <Padding>1 | Padding is 1",
        "<Start>0 | <Start>8 | goes from 8",
        "<End>131072 | <End>8 | goes from 0 to 8",
        "<Disk_size>131072 | <Disk_size>-8 | Disk_size is -8",
        "<Blocksize>2048 | <Blocksize>2047 | Blocksize is 2047",
        "<Blocksize>2048 | <Blocksize>32 | Blocksize is 32",
        "Plain | Compact | the Type Compact",
        "<Type>Compressed | <Type>Plain | is Plain and stands on another",
        "<ParentGUID>{22222222-2222 | <ParentGUID>{22222223-2222 | which is no Shot",
        "<TopGUID>{5fbaabe3 | <TopGUID>{6fbaabe3 | the top {6fbaabe3",
        "<TopGUID>{5fbaabe3-6958-40ff-92a7-860e329aab41} | <TopGUID>x | the top x is no Shot",
        "<ParentGUID>{11111111 | <ParentGUID>{22222222 | stands on itself",
        "<Shot><GUID>{22222222 | <Shot><GUID>{22222223 | is no Shot",
        "<File>root.raw | <File> | has no File",
        "<Disk_Parameters> | <Disk_Parameters/><Disk_Parameters> | 2 times Disk_Parameters",
        "<StorageData><Storage> | <StorageData><Storage/><Storage> | 2 times Storage",
        "<Padding> | <Encryption><KeyId>k</KeyId></Encryption><Padding> | encrypted",
        "<ParentGUID>{22222222 | <Temporary/><ParentGUID>{22222222 | is Temporary",
        "<Snapshots> | <Snapshots2> | no sound XML",
        "<Virtuozzo_disk_image> | <!DOCTYPE a [<!ENTITY b SYSTEM \"/etc/passwd\">]>"
                + "<Virtuozzo_disk_image> | DOCTYPE"
    })
    void whatIsWrongIsRefusedWithTheReason(String from, String to, String why) {
        assertThat(TEXT).contains(from);
        assertThat(catchThrowableOfType(BlockException.class,
                () -> read(TEXT.replace(from, to == null ? "" : to)))).isNotNull()
                .hasMessageContaining(why).hasMessageStartingWith(file.toString());
    }

    @Test
    void aFileIsReadOnlySoFar() throws Exception {
        String blank = " ".repeat(DescriptorReader.MOST_BYTES);
        assertThat(catchThrowableOfType(BlockException.class, () -> read(TEXT + blank)))
                .hasMessageContaining("has more than");
        assertThat(catchThrowableOfType(BlockException.class,
                () -> DiskDescriptor.read(folder.resolve("none.xml"))))
                .hasMessageContaining("does not exist");
        assertThat(catchThrowableOfType(BlockException.class, () -> DiskDescriptor.read(folder)))
                .hasMessageContaining("no regular file");
    }

    @Test
    void whatIsWrittenReadsBackAndReplacesAsAWhole() throws Exception {
        DiskDescriptor descriptor = read(TEXT.replace("<ParentGUID>" + ONE, "<Temporary"
                + "Zero/><ParentGUID>" + ONE));
        assertThat(descriptor.shots()).contains(new Shot(TWO, ONE, "TemporaryZero"));
        Files.setPosixFilePermissions(file, PosixFilePermissions.fromString("rw-rw----"));
        Path link = Files.createSymbolicLink(folder.resolve("link.xml"), file);
        descriptor.write(link);
        assertThat(DiskDescriptor.read(file)).isEqualTo(descriptor);
        assertThat(link).isSymbolicLink();
        assertThat(PosixFilePermissions.toString(Files.getPosixFilePermissions(file)))
                .isEqualTo("rw-rw----");
        Path other = folder.resolve("other.xml");
        descriptor.write(other);
        assertThat(DiskDescriptor.read(other)).isEqualTo(descriptor);
        try (var files = Files.list(folder)) {
            assertThat(files).hasSize(3);
        }
        DiskDescriptor wrong = new DiskDescriptor(descriptor.root(), 8, 3, 0, 0, 0, List.of(),
                DiskDescriptor.TOP, List.of());
        assertThat(catchThrowableOfType(BlockException.class, () -> wrong.write(file)))
                .hasMessageContaining("Blocksize is 3");
        assertThat(DiskDescriptor.read(file)).isEqualTo(descriptor);
    }
}
