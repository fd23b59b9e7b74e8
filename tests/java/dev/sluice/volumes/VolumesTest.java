package dev.sluice.volumes;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.catchThrowableOfType;

import dev.sluice.block.BlockException;
import dev.sluice.block.Errno;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.stream.Stream;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

/** The life of volumes in a system that is made up; every step of it can fail, or be the last. */
@Tag("unit")
@Timeout(120)
class VolumesTest {
    @TempDir
    Path temp;

    private final List<String> log = new ArrayList<>();
    private final Map<String, String> images = new HashMap<>();
    private FakeSystem system;
    private Folder folder;
    private Volumes volumes;

    private void start(String boot) throws BlockException {
        if (folder != null) {
            folder.close();
        }
        system = system == null ? new FakeSystem(temp.resolve("mountinfo"), images)
                : system.after();
        folder = Folder.open(temp.resolve("own"));
        FileSystems systems = new FileSystems(temp.resolve("dir"), system, system,
                temp.resolve("mountinfo"));
        volumes = new Volumes(new Volume.Tools(folder, system, systems, boot,
                (sentence, cause) -> log.add(sentence)));
        volumes.load();
    }

    @AfterEach
    void end() throws BlockException {
        if (folder != null) {
            folder.close();
        }
    }

    private void create(String name, String... options) throws BlockException {
        Map<String, String> all = new HashMap<>();
        for (int i = 0; i < options.length; i += 2) {
            all.put(options[i], options[i + 1]);
        }
        volumes.create(name, Spec.parse(all));
    }

    private boolean use(String name, String id) throws BlockException {
        return volumes.get(name).use(id, 3);
    }

    private BlockException fails(org.assertj.core.api.ThrowableAssert.ThrowingCallable what) {
        BlockException e = catchThrowableOfType(BlockException.class, what);
        assertThat(e).isNotNull();
        return e;
    }

    private void nothingIsLeft() throws Exception {
        assertThat(volumes.all()).isEmpty();
        assertThat(system.disks).isEmpty();
        assertThat(system.mounted).isEmpty();
        try (Stream<Path> files = Files.walk(temp.resolve("own"))) {
            assertThat(files.map(p -> temp.resolve("own").relativize(p).toString()))
                    .containsExactlyInAnyOrder("", "lock", "state", "images", "mounts", "said");
        }
    }

    @SuppressWarnings("unchecked")
    private Map<String, Object> status(String name) throws BlockException {
        return (Map<String, Object>) volumes.look(List.of(volumes.get(name))).get(0).get("Status");
    }

    @Test
    void theFirstUserBringsItUpAndTheLastTakesItDown() throws Exception {
        start("b");
        create("v", "write", "5ms");
        assertThat(system.done).containsExactly("open v", "close v");
        system.done.clear();
        assertThat(use("v", "1")).isTrue();
        assertThat(system.done).containsExactly("open v", "blkid", "mkfs.ext4", "debugfs",
                "e2fsck", "mount");
        assertThat(use("v", "2")).isTrue();
        assertThat(use("v", "2")).as("asked again").isFalse();
        assertThat(status("v")).containsEntry("users", 2).containsEntry("used", 40L * 4096);
        assertThat(status("v").get("delays")).isEqualTo("read=1ms");
        system.done.clear();
        volumes.leave("v", "1");
        volumes.leave("v", "1");
        assertThat(system.done).isEmpty();
        assertThat(fails(() -> volumes.remove("v")).errno()).isEqualTo(Errno.EBUSY);
        volumes.leave("v", "2");
        assertThat(system.done).containsExactly("umount", "close v");
        use("v", "1");
        assertThat(system.done).as("it has its file system").doesNotContain("mkfs.ext4");
        volumes.leave("v", "1");
        volumes.remove("v");
        volumes.remove("v");
        nothingIsLeft();
    }

    @Test
    void whatIsInMemoryStaysOpenUntilItIsRemoved() throws Exception {
        start("b");
        create("v", "target", "zram", "fs", "xfs");
        use("v", "1");
        volumes.leave("v", "1");
        assertThat(system.disks).containsKey("v");
        use("v", "1");
        assertThat(system.done).containsOnlyOnce("mkfs.xfs");
        volumes.leave("v", "1");
        volumes.remove("v");
        nothingIsLeft();
    }

    @Test
    void whatIsEphemeralIsNewForEachFirstUser() throws Exception {
        start("b");
        for (String target : List.of("ram", "ploop")) {
            create("v", "target", target, "ephemeral", "true");
            use("v", "1");
            volumes.leave("v", "1");
            assertThat(system.disks).isEmpty();
            assertThat(folder.images).isEmptyDirectory();
            images.clear();
            use("v", "2");
            assertThat(system.done).filteredOn("mkfs.ext4"::equals).hasSize(2);
            system.done.clear();
            volumes.leave("v", "2");
            volumes.remove("v");
            nothingIsLeft();
        }
    }

    @Test
    void whatIsCreatedTwiceMustBeTheSame() throws Exception {
        start("b");
        create("v", "size", "64M", "target", "ram");
        system.done.clear();
        create("v", "size", "65536k", "target", "ram");
        assertThat(system.done).isEmpty();
        assertThat(fails(() -> create("v", "target", "ram")).getMessage())
                .contains("other options", "size=64M");
    }

    @Test
    void whatCannotBeMadeLeavesNothing() throws Exception {
        start("b");
        assertThat(fails(() -> create("v", "target", "zram", "codec", "bad")).getMessage())
                .contains("no codec");
        nothingIsLeft();
        assertThat(fails(() -> create("v", "image", "none.hds")).getMessage())
                .contains("no image none.hds", "size=");
        nothingIsLeft();
        Files.createFile(folder.images.resolve("v.hds"));
        assertThat(fails(() -> create("v")).getMessage()).contains("of no volume", "image=v.hds");
        assertThat(folder.images.resolve("v.hds")).exists();
        assertThat(fails(() -> create("w", "image", "v.hds", "size", "64M")).getMessage())
                .contains("size=64M");
        assertThat(folder.images.resolve("v.hds")).exists();
        assertThat(volumes.all()).isEmpty();
    }

    @Test
    void anImageThatWasThereIsKept() throws Exception {
        start("b");
        Path image = Files.createFile(folder.images.resolve("old.hds"));
        images.put(image.toString(), "xfs");
        create("v", "image", "old.hds");
        use("v", "1");
        assertThat(system.done).contains("mount").doesNotContain("mkfs.ext4");
        assertThat(status("v").get("fs")).isEqualTo("xfs");
        volumes.leave("v", "1");
        volumes.remove("v");
        assertThat(image).exists();
        create("w", "image", "new.hds", "size", "1G");
        volumes.remove("w");
        assertThat(folder.images.resolve("new.hds")).doesNotExist();
    }

    /** What nobody knows may be a file system that is damaged, or no file system at all. */
    @Test
    void noFileSystemIsMadeOverWhatIsInAnImageThatWasThere() throws Exception {
        start("b");
        Files.createFile(folder.images.resolve("old.hds"));
        create("v", "image", "old.hds");
        assertThat(fails(() -> use("v", "1")).getMessage()).contains("no file system").contains(
                "4k");
        assertThat(system.done).doesNotContain("mkfs.ext4");
        assertThat(system.disks).isEmpty();
        system.stored = 0;
        use("v", "1");
        assertThat(system.done).contains("mkfs.ext4");
    }

    @Test
    void aFileSystemThatIsGoneIsNotMadeAnew() throws Exception {
        start("b");
        create("v");
        use("v", "1");
        volumes.leave("v", "1");
        images.replaceAll((file, fs) -> "");
        assertThat(fails(() -> use("v", "1")).getMessage()).contains("wrong fs type");
        assertThat(status("v").get("state")).isEqualTo("failed");
        assertThat(status("v").get("failure").toString()).contains("wrong fs type");
    }

    @Test
    void aBusyMountIsToldAndTriedAgain() throws Exception {
        start("b");
        create("v");
        use("v", "1");
        String at = folder.mounts.resolve("v").toString();
        system.busy.add(at);
        assertThat(fails(() -> volumes.leave("v", "1")).getMessage()).contains("target is busy");
        assertThat(fails(() -> volumes.remove("v")).getMessage()).contains("target is busy");
        assertThat(use("v", "2")).isTrue();
        system.busy.clear();
        volumes.leave("v", "2");
        assertThat(system.mounted).isEmpty();
        assertThat(Path.of(at)).doesNotExist();
    }

    /** A container may keep a mount of which we know nothing. */
    @Test
    void whatSomebodyStillHasOpenIsNeitherMountedNorRemoved() throws Exception {
        start("b");
        create("v");
        use("v", "1");
        system.disks.get("v").opens++;
        assertThat(fails(() -> volumes.leave("v", "1")).getMessage()).contains("cannot be closed");
        assertThat(fails(() -> use("v", "2")).getMessage()).contains("still open");
        assertThat(fails(() -> volumes.remove("v")).errno()).isEqualTo(Errno.EBUSY);
        system.disks.get("v").opens--;
        use("v", "2");
        volumes.leave("v", "2");
        volumes.remove("v");
        nothingIsLeft();
    }

    @Test
    void whatWasInUseIsMountedAgainAfterACrash() throws Exception {
        start("b");
        create("v");
        create("w", "target", "ram");
        use("v", "1");
        use("w", "1");
        start("b");
        assertThat(system.done).as("dead mounts are cleared").filteredOn("umount"::equals)
                .hasSize(2);
        for (Volume volume : volumes.all()) {
            volume.again();
        }
        assertThat(system.mounted.values()).containsExactlyInAnyOrder("v", "w");
        assertThat(system.done).as("what was in memory is gone").contains("mkfs.ext4");
        assertThat(use("v", "2")).isTrue();
        assertThat(fails(() -> volumes.remove("v")).getMessage()).contains("in use by 1");
        volumes.leave("v", "2");
        assertThat(system.mounted).as("1 may be there still").containsValue("v");
        volumes.remove("v");
        volumes.remove("w");
        nothingIsLeft();
    }

    @Test
    void whoUsedItBeforeTheSystemWasStartedAnewHasGone() throws Exception {
        start("b");
        create("v");
        use("v", "1");
        system.mounted.clear();
        start("c");
        volumes.get("v").again();
        assertThat(system.mounted).isEmpty();
        assertThat(status("v").get("users")).isEqualTo(0);
        volumes.remove("v");
        nothingIsLeft();
    }

    @Test
    void theEndUnmountsAndRemembersUsers() throws Exception {
        start("b");
        create("v");
        use("v", "1");
        String at = folder.mounts.resolve("v").toString();
        system.busy.add(at);
        volumes.get("v").end();
        assertThat(system.done).contains("sync", "umount");
        assertThat(system.mounted).isEmpty();
        start("b");
        volumes.get("v").again();
        assertThat(system.mounted).containsKey(at);
    }

    /** One who was told no does not say that he leaves. */
    @Test
    void whoWasNotWrittenDownIsNoUser() throws Exception {
        start("b");
        create("v");
        Path draft = temp.resolve("own/state/.v");
        use("v", "1");
        volumes.leave("v", "1");
        Files.createDirectory(draft);
        assertThat(fails(() -> use("v", "1")).getMessage()).contains("cannot be saved");
        Files.delete(draft);
        assertThat(system.mounted).isEmpty();
        assertThat(status("v")).containsEntry("users", 0);
        use("v", "2");
        Files.createDirectory(draft);
        assertThat(fails(() -> use("v", "1")).getMessage()).contains("cannot be saved");
        Files.delete(draft);
        assertThat(system.mounted).containsValue("v");
        volumes.leave("v", "2");
        volumes.remove("v");
        nothingIsLeft();
    }

    /** Whoever made it has what is in it. */
    @Test
    void anImageThatSomebodyElseMadeMeanwhileStays() throws Exception {
        start("b");
        Path image = folder.images.resolve("v.hds");
        // It is not seen before it is to be made.
        Files.createSymbolicLink(image, Path.of("elsewhere"));
        assertThat(fails(() -> create("v")).errno()).isEqualTo(Errno.EEXIST);
        assertThat(Files.isSymbolicLink(image)).isTrue();
        Files.delete(image);
        nothingIsLeft();
    }

    @Test
    void anImageThatAnotherVolumeHasIsNotDeleted() throws Exception {
        start("b");
        create("v");
        use("v", "1");
        volumes.leave("v", "1");
        create("w", "image", "v.hds");
        use("w", "1");
        assertThat(fails(() -> volumes.remove("v")).getMessage()).contains("volume w");
        assertThat(folder.images.resolve("v.hds")).exists();
        volumes.leave("w", "1");
        volumes.remove("w");
        volumes.remove("v");
        nothingIsLeft();
    }

    @Test
    void whatIsEphemeralGoesWithItsUsersAlsoWhenTheSystemStops() throws Exception {
        start("b");
        create("v", "ephemeral", "true");
        use("v", "1");
        start("b");
        assertThat(folder.images.resolve("v.hds")).as("the users are there").exists();
        system.mounted.clear();
        start("c");
        assertThat(folder.images).isEmptyDirectory();
        volumes.remove("v");
        nothingIsLeft();
    }

    @Test
    void aStateThatCannotBeHidesNoOther() throws Exception {
        start("b");
        create("v");
        create("w");
        Path state = temp.resolve("own/state/v.json");
        Files.writeString(state, Files.readString(state)
                .replaceFirst("\"created\":\\d+", "\"created\":9000000000000000000"));
        start("b");
        assertThat(volumes.look(volumes.all())).extracting(v -> v.get("Name"))
                .containsExactly("w");
        assertThat(log).singleElement().asString().contains("v is left as it is");
    }

    /** It may be gone by the time its turn comes. */
    @Test
    void whatWasRemovedIsNotMountedAgain() throws Exception {
        start("b");
        create("v");
        use("v", "1");
        start("b");
        volumes.remove("v");
        volumes.again("v");
        nothingIsLeft();
    }

    @Test
    void usersAreBounded() throws Exception {
        start("b");
        create("v", "target", "ram");
        for (int i = 0; i < 3; i++) {
            use("v", "" + i);
        }
        assertThat(fails(() -> use("v", "3")).getMessage()).contains("3 users");
        assertThat(use("v", "2")).isFalse();
    }

    @Test
    void anythingThatFailsIsToldAndCanBeDoneAgain() throws Exception {
        start("b");
        create("v");
        for (String program : List.of("blkid", "mkfs.ext4", "debugfs", "mount")) {
            system.failing.add(program);
            assertThat(fails(() -> use("v", "1")).getMessage()).contains("it does not work");
            assertThat(system.disks).as(program).isEmpty();
            assertThat(folder.mounts).isEmptyDirectory();
            system.failing.clear();
        }
        use("v", "1");
        system.failing.add("umount");
        fails(() -> volumes.leave("v", "1"));
        system.failing.clear();
        volumes.leave("v", "1");
        volumes.remove("v");
        nothingIsLeft();
    }

    @Test
    void anImageThatIsInUseForAMomentIsWaitedFor() throws Exception {
        start("b");
        create("v");
        system.locked = 2;
        use("v", "1");
        assertThat(system.pauses).isEqualTo(2);
        volumes.leave("v", "1");
        system.locked = 1000;
        assertThat(fails(() -> use("v", "1")).getMessage()).contains("another program");
    }

    private void life(String name, String target) throws BlockException {
        create(name, "target", target);
        use(name, "1");
        use(name, "2");
        volumes.leave(name, "1");
        volumes.leave(name, "2");
        use(name, "3");
        volumes.leave(name, "3");
        volumes.remove(name);
    }

    /** The process ends after every number of steps; the next one finds a way on from there. */
    @Test
    void anyStepCanBeTheLast() throws Exception {
        for (String target : List.of("ploop", "ram")) {
            int crashes = 0;
            boolean crashed = true;
            for (int steps = 0; crashed; steps++) {
                start("b");
                system.steps = steps;
                crashed = false;
                try {
                    life("v", target);
                } catch (FakeSystem.Crash e) {
                    crashed = true;
                    crashes++;
                }
                start("b");
                for (Volume volume : volumes.all()) {
                    volume.again();
                }
                life("v", target);
                nothingIsLeft();
            }
            assertThat(crashes).isGreaterThan(6);
        }
        assertThat(log).isEmpty();
    }

    /** The made-up system notices what must not be. */
    @Test
    void plantedFaultsAreFound() throws Exception {
        start("b");
        create("v", "target", "ram");
        use("v", "1");
        assertThatThrownBy(() -> system.run(1, "mkfs.ext4", "v"))
                .isInstanceOf(AssertionError.class).hasMessageContaining("over another");
        assertThatThrownBy(() -> system.run(1, "sh", "-c", "", "sh", "v", "elsewhere", "ext4"))
                .isInstanceOf(AssertionError.class).hasMessageContaining("two mounts");
        assertThatThrownBy(this::nothingIsLeft).isInstanceOf(AssertionError.class);
    }
}
