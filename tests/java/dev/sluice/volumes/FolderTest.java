package dev.sluice.volumes;

import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.databind.node.JsonNodeFactory;
import com.fasterxml.jackson.databind.node.ObjectNode;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFilePermission;
import java.nio.file.attribute.PosixFilePermissions;
import java.util.ArrayList;
import java.util.List;
import java.util.Set;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

/** States on disk: whole or not there, and nothing that cannot be read is lost. */
@Tag("unit")
@Timeout(150)
class FolderTest {
    @TempDir
    Path temp;

    private final List<String> log = new ArrayList<>();

    private static ObjectNode state(int n) {
        return JsonNodeFactory.instance.objectNode().put("n", n);
    }

    @Test
    void whatWasSavedIsLoaded() throws Exception {
        try (Folder folder = Folder.open(temp.resolve("a/b"))) {
            folder.save("v", state(1));
            folder.save("v", state(2));
            folder.save("w.json", state(3));
            folder.save("x", state(4));
            folder.delete("x");
            folder.delete("x");
        }
        try (Folder folder = Folder.open(temp.resolve("a/b"))) {
            assertThat(folder.load((s, e) -> log.add(s))).hasSize(2)
                    .containsEntry("v", state(2)).containsEntry("w.json", state(3));
            assertThat(folder.has("v")).isTrue();
            assertThat(folder.has("x")).isFalse();
        }
        assertThat(log).isEmpty();
    }

    /** What is in the images is nobody's but those who use the volumes. */
    @Test
    void nobodyElseSeesWhatIsInIt() throws Exception {
        Path own = temp.resolve("a/own");
        Folder.open(own).close();
        assertThat(PosixFilePermissions.toString(Files.getPosixFilePermissions(own)))
                .isEqualTo("rwx------");
        Path given = Files.createDirectory(temp.resolve("given"));
        Set<PosixFilePermission> before = PosixFilePermissions.fromString("rwxr-x---");
        Files.setPosixFilePermissions(given, before);
        Folder.open(given).close();
        assertThat(Files.getPosixFilePermissions(given)).isEqualTo(before);
    }

    @Test
    void aSaveThatDidNotEndIsForgottenAndWhatIsDamagedIsLeftAsItIs() throws Exception {
        try (Folder folder = Folder.open(temp)) {
            folder.save("v", state(1));
            Path states = temp.resolve("state");
            Files.writeString(states.resolve(".v"), "{\"n\":");
            Files.writeString(states.resolve("bad.json"), "{\"n\":");
            Files.writeString(states.resolve("list.json"), "[]");
            assertThat(folder.load((s, e) -> log.add(s))).hasSize(1).containsKey("v");
            assertThat(states.resolve(".v")).doesNotExist();
            assertThat(states.resolve("bad.json")).exists();
            assertThat(log).hasSize(2).allMatch(s -> s.contains("is left as it is"));
        }
    }
}
