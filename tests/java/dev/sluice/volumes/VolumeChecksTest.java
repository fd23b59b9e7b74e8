package dev.sluice.volumes;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.catchThrowableOfType;

import dev.sluice.block.BlockException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

/** What a volume finds when it comes up, and what it says of itself then. */
@Tag("unit")
@Timeout(60)
class VolumeChecksTest {
    @TempDir
    Path temp;

    private final List<String> log = new ArrayList<>();
    private FakeSystem system;
    private Folder folder;
    private Volumes volumes;

    @BeforeEach
    void start() throws BlockException {
        Path mounts = temp.resolve("mountinfo");
        system = new FakeSystem(mounts, new HashMap<>());
        folder = Folder.open(temp.resolve("own"));
        volumes = new Volumes(new Volume.Tools(folder, system,
                new FileSystems(temp.resolve("dir"), system, system, mounts), "b",
                (sentence, cause) -> log.add(sentence)));
    }

    @AfterEach
    void end() throws BlockException {
        folder.close();
    }

    private void used(String name) throws BlockException {
        volumes.get(name).use("1", 3);
        volumes.leave(name, "1");
    }

    @SuppressWarnings("unchecked")
    private Map<String, Object> status() throws BlockException {
        return (Map<String, Object>) volumes.look(List.of(volumes.get("v"))).get(0).get("Status");
    }

    @Test
    void aDamagedFileSystemIsNotMountedUnlessItRepairsItself() throws Exception {
        volumes.create("v", Spec.parse(Map.of()));
        used("v");
        for (int code : new int[] {4, 12}) {
            system.checked = code;
            BlockException e = catchThrowableOfType(BlockException.class, () -> used("v"));
            assertThat(e).hasMessageContaining("damaged").hasMessageContaining("12 errors");
            assertThat(status().get("state")).isEqualTo("failed");
            assertThat(system.disks).isEmpty();
        }
        // Where it could not be looked at, the mount says how it is.
        for (int code : new int[] {8, 1}) {
            system.checked = code;
            used("v");
        }
        assertThat(log).containsExactly("the file system of volume v was repaired: v: 12 errors");
        volumes.create("x", Spec.parse(Map.of("target", "ram", "fs", "xfs")));
        system.done.clear();
        used("x");
        assertThat(system.done).doesNotContain("e2fsck");
    }

    @Test
    void delaysThatWereSetLastWhileTheDeviceIsOpen() throws Exception {
        volumes.create("v", Spec.parse(Map.of("read", "1ms")));
        volumes.get("v").use("1", 3);
        assertThat(status()).doesNotContainKey("delays_when_opened_again");
        system.delays = "read=9ms";
        assertThat(status()).containsEntry("delays", "read=9ms")
                .containsEntry("delays_when_opened_again", "read=1ms");
        volumes.leave("v", "1");
        assertThat(status()).containsEntry("delays", "read=1ms")
                .doesNotContainKey("delays_when_opened_again");
    }
}
