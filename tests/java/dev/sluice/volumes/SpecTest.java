package dev.sluice.volumes;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.catchThrowableOfType;

import dev.sluice.block.BlockException;
import dev.sluice.table.Table;
import dev.sluice.target.TargetTypes;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

/** What a volume can be asked to be, and what it must not name. */
@Tag("unit")
@Timeout(60)
class SpecTest {
    private static final Path IMAGES = Path.of("/a folder/images");

    private static List<String> lines(Map<String, String> options) throws BlockException {
        String text = Spec.parse(options).table("v", IMAGES);
        // What comes out can be read by those it is for.
        assertThat(Table.parse(text, TargetTypes.all()).text()).isEqualTo(text);
        return text.lines().toList();
    }

    @Test
    void optionsBecomeTableLines() throws Exception {
        assertThat(lines(Map.of())).containsExactly(
                "v - ploop \"/a folder/images/v.hds\" prealloc=16M");
        assertThat(lines(Map.of("target", "zram", "codec", "zstd", "size", "64M", "read", "5ms")))
                .containsExactly(".v 64M zram codec=zstd", "v - delay .v read=5ms");
        assertThat(lines(Map.of("target", "ram", "size", "64000000"))).containsExactly(
                "v 62M ram");
        assertThat(lines(Map.of("image", "raw@base.raw,top.hds", "prealloc", "1M")))
                .containsExactly("v - ploop \"image=raw@/a folder/images/base.raw,"
                        + "/a folder/images/top.hds\" prealloc=1M");
    }

    @Test
    void itsOptionsMakeAnEqualOne() throws Exception {
        for (Map<String, String> options : List.of(Map.<String, String>of(),
                Map.of("size", "100M", "fs", "ext4", "ephemeral", ""),
                Map.of("image", "raw@a,b", "write", "uniform(1ms,2ms)", "percent", "7"),
                Map.of("target", "zram", "size", "1G", "mem-limit", "64M", "fs", "xfs"))) {
            Spec spec = Spec.parse(options);
            assertThat(Spec.parse(spec.options())).isEqualTo(spec);
        }
    }

    @ParameterizedTest
    @CsvSource(delimiter = '|', value = {
        "colour| red| there is no option",
        "target| file| must be ploop or zram or ram",
        "fs| vfat| must be ext4 or xfs",
        "ephemeral| yes| must be false or true",
        "size| many| is not a size",
        "size| 1M| is too little for ext4",
        "size| 9223372036854775807| is too large",
        "image| ../a.hds| is not possible",
        "image| a/b.hds| is not possible",
        "image| .hds| is not possible",
        "image| raw@a| is not possible",
        "image| a,raw@b| is not possible",
        "backing-file| /etc/passwd| there is no option",
        "readonly| on| there is no option",
        "dict| x| there is no option",
        "read| histogram(/etc/passwd)| names a file",
        "read| histogram(x)| names a file",
        "write-device| x| there is no option",
        "offset| 0| there is no option",
    })
    void whatCannotBeIsRefused(String key, String value, String why) {
        assertThat(catchThrowableOfType(BlockException.class,
                () -> Spec.parse(Map.of(key, value)))).hasMessageContaining(why);
    }

    @Test
    void whatOnlyAnotherTargetKnowsIsRefused() {
        assertThat(catchThrowableOfType(BlockException.class, () -> Spec.parse(
                Map.of("target", "ram", "codec", "lz4")))).hasMessageContaining("no option");
        assertThat(catchThrowableOfType(BlockException.class, () -> Spec.parse(
                Map.of("target", "ram", "image", "a")))).hasMessageContaining("target=ploop");
        assertThat(catchThrowableOfType(BlockException.class, () -> Spec.parse(
                Map.of("target", "zram", "recompress", "zstd:dict=x")))).hasMessageContaining(
                        "names a file");
        assertThat(catchThrowableOfType(BlockException.class, () -> Spec.parse(
                Map.of("fs", "xfs", "size", "64M")))).hasMessageContaining("300M");
        assertThat(catchThrowableOfType(BlockException.class, () -> Spec.parse(
                Map.of("ephemeral", "true", "image", "a")))).hasMessageContaining("exclude");
    }

    @ParameterizedTest
    @ValueSource(strings = {"", ".", "..", "../x", "a/b", "/a", ".a", "-a", "a\0", "a b", "ä",
        "a\n", "a:disk"})
    void namesThatAreNoFileOfTheFolderAreRefused(String name) {
        assertThat(catchThrowableOfType(BlockException.class, () -> Spec.checkName("name", name)))
                .isNotNull();
    }

    @Test
    void namesAreBounded() throws Exception {
        assertThat(Spec.checkName("name", "a".repeat(128))).hasSize(128);
        BlockException e = catchThrowableOfType(BlockException.class,
                () -> Spec.checkName("name", "a".repeat(1 << 20)));
        assertThat(e.getMessage().length()).isLessThan(300);
    }
}
