package dev.sluice.table;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.catchThrowableOfType;

import dev.sluice.block.BlockException;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.util.HashMap;
import java.util.Map;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

@Tag("unit")
@Timeout(60)
class PathUseTest {
    @TempDir
    Path folder;

    private Path dir;
    private Path sys;
    private Path file;
    private final Map<Path, PathUse.Stat> devices = new HashMap<>();
    private PathUse uses;

    @BeforeEach
    void begin() throws Exception {
        folder = folder.toRealPath();
        dir = Files.createDirectory(folder.resolve("mnt"));
        sys = Files.createDirectories(folder.resolve("sys/dev/block")).getParent().getParent();
        file = Files.createFile(folder.resolve("file"));
        uses = new PathUse(dir, sys, this::stat);
    }

    /** Made-up block devices; files as they are, known by the inode. */
    private PathUse.Stat stat(Path path) throws IOException {
        if (devices.containsKey(path)) {
            return devices.get(path);
        }
        if (!Files.exists(path)) {
            throw new NoSuchFileException(path.toString());
        }
        return new PathUse.Stat(5, (long) Files.getAttribute(path, "unix:ino"), false, 0);
    }

    private Path device(String name, int major, int minor) {
        Path path = folder.resolve("dev-" + name);
        long rdev = (minor & 0xffL) | (major & 0xfffL) << 8 | (minor & ~0xffL) << 12;
        devices.put(path, new PathUse.Stat(6, 100 + devices.size(), true, rdev));
        return path;
    }

    private Path disk(String name, int major, int minor) throws IOException {
        Path of = Files.createDirectories(sys.resolve("devices/" + name));
        Files.writeString(of.resolve("dev"), major + ":" + minor + "\n");
        Files.createSymbolicLink(sys.resolve("dev/block/" + major + ":" + minor), of);
        return device(name, major, minor);
    }

    private Path loop(String name, int minor, Path backing) throws IOException {
        Path path = disk(name, 7, minor);
        Path of = Files.createDirectories(sys.resolve("devices/" + name + "/loop"));
        Files.writeString(of.resolve("backing_file"), backing + "\n");
        return path;
    }

    private Path partition(String disk, int index, int minor) throws IOException {
        String name = disk + "p" + index;
        Path of = Files.createDirectories(sys.resolve("devices/" + disk + "/" + name));
        Files.writeString(of.resolve("partition"), index + "\n");
        Files.writeString(of.resolve("dev"), "259:" + minor + "\n");
        Files.createSymbolicLink(sys.resolve("dev/block/259:" + minor), of);
        return device(name, 259, minor);
    }

    private void fits(Path... paths) throws BlockException {
        PathUse fresh = new PathUse(dir, sys, this::stat);
        for (int i = 0; i < paths.length; i++) {
            fresh.add("d" + i, i + 1, paths[i].toString(), false);
        }
    }

    private void clashes(Path first, Path second) throws BlockException {
        PathUse fresh = new PathUse(dir, sys, this::stat);
        fresh.add("a", 3, first.toString(), false);
        assertThat(catchThrowableOfType(BlockException.class,
                () -> fresh.add("b", 4, second.toString(), false)))
                .hasMessage(second + " holds the same data as " + first + " of a in line 3; give"
                        + " each device a path of its own");
    }

    private void inside(String path, String way) {
        assertThat(catchThrowableOfType(BlockException.class, () -> uses.add("a", 1, path, false)))
                .hasMessage(way + " lies in the directory of the mount, " + dir
                        + "; name a path outside of it");
    }

    @Test
    void findsTheSameFile() throws Exception {
        Path link = Files.createSymbolicLink(folder.resolve("link"), file);
        Path hard = Files.createLink(folder.resolve("hard"), file);
        Path other = Files.createFile(folder.resolve("other"));

        clashes(file, file);
        clashes(file, folder.resolve("mnt/../file"));
        clashes(link, file);
        clashes(file, hard);
        fits(file, other);
    }

    @Test
    void findsTheSameFileByRealStat() throws Exception {
        Path hard = Files.createLink(folder.resolve("hard"), file);
        PathUse host = PathUse.ofHost(dir);
        host.add("a", 1, file.toString(), false);
        assertThat(catchThrowableOfType(BlockException.class,
                () -> host.add("b", 2, hard.toString(), false))).isNotNull();
        host.add("c", 3, Files.createFile(folder.resolve("other")).toString(), false);
        // A character device is not taken for a block device.
        host.add("d", 4, "/dev/null", false);
    }

    @Test
    void knowsWhatIsNotThereByItsName() throws Exception {
        clashes(folder.resolve("none"), folder.resolve("mnt/../none"));
        fits(folder.resolve("none"), folder.resolve("more"));
    }

    @Test
    void knowsBlockDevicesByTheirNumber() throws Exception {
        Path one = disk("one", 8, 300);
        Path again = device("again", 8, 300);
        Path other = disk("other", 8, 44);

        clashes(one, again);
        fits(one, other);
    }

    @Test
    void takesALoopDeviceForItsFile() throws Exception {
        Path loop0 = loop("loop0", 0, file);
        Path loop1 = loop("loop1", 1, file);
        Path above = loop("loop2", 2, loop1);
        Path other = loop("loop3", 3, Files.createFile(folder.resolve("other")));
        Path unbound = disk("loop4", 7, 4);

        clashes(file, loop0);
        clashes(loop0, file);
        clashes(loop0, loop1);
        clashes(above, file);
        fits(loop0, other, unbound);
    }

    @Test
    void takesAPartitionForAPartOfItsDisk() throws Exception {
        Path disk = disk("disk", 8, 0);
        Path first = partition("disk", 1, 1);
        Path second = partition("disk", 2, 2);
        Path loop = loop("loop0", 0, file);
        Path onLoop = partition("loop0", 1, 7);
        Path above = loop("loop1", 1, onLoop);
        loop("loop2", 2, first);
        Path deep = partition("loop2", 1, 9);

        clashes(disk, first);
        clashes(disk, deep);
        clashes(deep, first);
        fits(second, deep);
        clashes(second, disk);
        clashes(first, first);
        fits(first, second);
        clashes(loop, onLoop);
        clashes(onLoop, file);
        clashes(above, onLoop);
        clashes(above, file);
    }

    @Test
    void refusesWhatLiesUnderTheMount() throws Exception {
        Path under = Files.createFile(dir.resolve("x"));
        Path link = Files.createSymbolicLink(folder.resolve("link"), under);
        Path dirLink = Files.createSymbolicLink(folder.resolve("dirlink"), dir);
        Path loop = loop("loop0", 0, under);
        Path above = loop("loop1", 1, loop);
        Path part = partition("loop0", 1, 7);

        inside(dir.toString(), dir.toString());
        inside(under.toString(), under.toString());
        inside(dir + "/none", dir + "/none");
        inside(folder + "/y/../mnt/x", folder + "/y/../mnt/x");
        inside(link.toString(), link.toString());
        inside(dirLink + "/none", dirLink + "/none");
        inside(loop.toString(), loop + ", a loop device on " + under);
        inside(above.toString(), above + ", a loop device on " + loop + ", a loop device on "
                + under);
        inside(part.toString(), part + ", a loop device on " + under);
        uses.add("a", 1, dir + "x", false);
    }

    @Test
    void seesThroughALinkToTheMount() throws Exception {
        Path dirLink = Files.createSymbolicLink(folder.resolve("dirlink"), dir);
        PathUse linked = new PathUse(dirLink, sys, this::stat);
        assertThat(catchThrowableOfType(BlockException.class,
                () -> linked.add("a", 1, dir + "/x", false))).isNotNull();
    }

    @Test
    void needsNoMount() throws Exception {
        new PathUse(null, sys, this::stat).add("a", 1, dir + "/x", false);
    }

    @Test
    void asksNothingOfWhatLiesUnderTheMountByName() {
        PathUse strict = new PathUse(dir, sys, path -> {
            throw new AssertionError("it may hang");
        });
        assertThat(catchThrowableOfType(BlockException.class,
                () -> strict.add("a", 1, dir + "/x", false))).isNotNull();
    }
}
