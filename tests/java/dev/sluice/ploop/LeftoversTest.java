package dev.sluice.ploop;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.sluice.block.BlockException;
import dev.sluice.block.Memory;
import dev.sluice.storage.Backing;
import dev.sluice.storage.Drafts;
import dev.sluice.storage.FileBacking;
import dev.sluice.sys.Arena;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.FileTime;
import java.util.ArrayList;
import java.util.List;
import java.util.stream.Stream;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

/** Of the files beside a disk, what a crash left goes, and nothing else. */
@Tag("unit")
@Timeout(60)
class LeftoversTest {
    private static final String BASE = "root.hds";
    private static final String TOP = "root.hds.{33333333-2222-3333-4444-555555555555}";
    private static final String OTHER = "root.hds.{44444444-2222-3333-4444-555555555555}";
    private static final String XML = "root.hds.xml";
    private static final String NOTE = "." + XML + ".files";

    @TempDir
    Path dir;
    private final Arena arena = new Arena();
    private final List<String> log = new ArrayList<>();
    private DiskFolder folder;
    private Leftovers leftovers;

    @BeforeEach
    void make() throws Exception {
        folder = new DiskFolder(dir.resolve(XML), XML, false, arena,
                (sentence, cause) -> log.add(sentence));
        leftovers = new Leftovers(folder, arena);
        image(BASE);
        image(TOP);
        folder.write(DiskDescriptor.of(Header.create(1 << 20, 32768),
                List.of(new DiskDescriptor.Image("", false, BASE),
                        new DiskDescriptor.Image("", false, TOP))));
    }

    @AfterEach
    void free() {
        assertThat(arena.mappedBytes()).isZero();
        arena.close();
    }

    private String path(String file) {
        return dir.resolve(file).toString();
    }

    private void image(String file) throws Exception {
        Files.createFile(dir.resolve(file));
        try (Backing backing = FileBacking.open(path(file), false, false, arena,
                (sentence, cause) -> { })) {
            Image.create(file, Header.create(1 << 20, 32768), backing, arena);
            backing.reserve(0, 1 << 20);
        }
    }

    private List<String> clear() throws BlockException {
        return leftovers.clear(new Chain(List.of(new Chain.Part(path(BASE), false),
                new Chain.Part(path(TOP), false))));
    }

    private List<String> files() throws IOException {
        try (Stream<Path> all = Files.list(dir)) {
            return all.map(p -> p.getFileName().toString()).sorted().toList();
        }
    }

    @Test
    void nothingIsTouchedThatIsNotNoted() throws Exception {
        image(OTHER);
        Files.writeString(dir.resolve(".hidden"), "x");
        List<String> before = files();
        assertThat(clear()).isEmpty();
        folder.sweep();
        assertThat(files()).isEqualTo(before);
        assertThat(leftovers.pending()).isEmpty();
    }

    @Test
    void whatIsNamedStays() throws Exception {
        leftovers.making(path(TOP));
        leftovers.leaving(path(BASE));
        assertThat(files()).contains(NOTE);
        assertThat(clear()).isEmpty();
        assertThat(files()).containsExactly(BASE, XML, TOP);
    }

    /** The descriptor has another name for it. */
    @Test
    void whatIsNamedInAnotherWayStays() throws Exception {
        Files.createLink(dir.resolve(OTHER), dir.resolve(BASE));
        leftovers.leaving(path(OTHER));
        assertThat(clear()).isEmpty();
        assertThat(files()).contains(OTHER, BASE).doesNotContain(NOTE);
    }

    @Test
    void anEmptyImageThatWasMadeGoes() throws Exception {
        leftovers.making(path(OTHER));
        assertThat(clear()).as("not made yet").isEmpty();
        leftovers.making(path(OTHER));
        image(OTHER);
        assertThat(leftovers.pending()).containsExactly(path(OTHER));
        assertThat(clear()).singleElement().asString().contains(OTHER).contains("is removed");
        assertThat(files()).containsExactly(BASE, XML, TOP);
    }

    @Test
    void oneThatHoldsAnythingStays() throws Exception {
        leftovers.making(path(OTHER));
        image(OTHER);
        try (Backing backing = FileBacking.open(path(OTHER), false, false, arena,
                (sentence, cause) -> { })) {
            Memory memory = arena.map(4096);
            memory.bytes().put(77, (byte) 1);
            backing.write((1 << 20) - 4096, memory, 0, 4096);
            arena.unmap(memory);
        }
        assertThat(clear()).singleElement().asString().contains("it is not empty");
        assertThat(files()).containsExactly(NOTE, BASE, XML, TOP, OTHER);
        assertThat(clear()).as("it is said again").hasSize(1);
        Files.delete(dir.resolve(OTHER));
        assertThat(clear()).isEmpty();
        assertThat(files()).containsExactly(BASE, XML, TOP);
    }

    @Test
    void whatWasToGoGoes() throws Exception {
        image(OTHER);
        leftovers.leaving(path(OTHER));
        assertThat(clear()).singleElement().asString().contains("is removed");
        assertThat(files()).containsExactly(BASE, XML, TOP);
    }

    @Test
    void anotherFileOfTheSameNameStays() throws Exception {
        image(OTHER);
        leftovers.leaving(path(OTHER));
        Files.move(dir.resolve(OTHER), dir.resolve("moved"));
        image(OTHER);
        assertThat(clear()).singleElement().asString().contains("another file than it was");
        assertThat(files()).contains(OTHER, "moved");
    }

    @Test
    void whatSomebodyHasOpenStays() throws Exception {
        image(OTHER);
        leftovers.leaving(path(OTHER));
        try (Backing backing = FileBacking.open(path(OTHER), false, true, arena,
                (sentence, cause) -> { })) {
            assertThat(clear()).singleElement().asString().contains("it is in use");
            assertThat(backing.readOnly()).isTrue();
        }
        assertThat(files()).contains(OTHER);
        assertThat(clear()).singleElement().asString().contains("is removed");
    }

    @Test
    void whatIsInAnotherFolderStays(@TempDir Path far) throws Exception {
        Path there = Files.createFile(far.resolve("base.hds"));
        leftovers.leaving(there.toString());
        assertThat(clear()).singleElement().asString().contains("in another folder");
        assertThat(there).exists();
    }

    @Test
    void aNoteThatIsDamagedRemovesNothing() throws Exception {
        Files.writeString(dir.resolve(NOTE), "goes root.hds.x 1:2\nwhatever\n");
        Files.createFile(dir.resolve("root.hds.x"));
        assertThatThrownBy(this::clear).hasMessageContaining("whatever");
        assertThat(files()).contains("root.hds.x");
    }

    @Test
    void namesOfAnyKindAreNoted() throws Exception {
        String odd = "a b\n%20+.hds";
        image(odd);
        leftovers.leaving(path(odd));
        assertThat(leftovers.pending()).containsExactly(path(odd));
        clear();
        assertThat(files()).containsExactly(BASE, XML, TOP);
    }

    @Test
    void draftsOfTheDescriptorGo() throws Exception {
        for (String draft : List.of("." + XML + "123.new", "." + NOTE + "456.new")) {
            Files.createFile(dir.resolve(draft));
        }
        for (String mine : List.of(".mine.new", "." + XML + "x.new", ".other.xml123.new")) {
            Files.createFile(dir.resolve(mine));
        }
        folder.sweep();
        assertThat(files()).containsExactly(".mine.new", ".other.xml123.new", "." + XML + "x.new",
                BASE, XML, TOP);
    }

    /** Of a process that is gone, of a later one of the same number, and of one that is at it. */
    @Test
    void draftsGoWhoseProcessIsGone() throws Exception {
        Process gone = new ProcessBuilder("true").start();
        assertThat(gone.waitFor()).isZero();
        Path dead = Files.createFile(dir.resolve(".a.raw.sluice-" + gone.pid()));
        Path reused = Files.createFile(dir.resolve(".b.raw.sluice-"
                + ProcessHandle.current().pid()));
        Files.setLastModifiedTime(reused, FileTime.fromMillis(1000));
        Path mine = Files.createFile(Drafts.of(dir.resolve("c.raw")));
        Path locked = Files.createFile(dir.resolve(".d.raw.sluice-" + gone.pid()));
        try (Backing backing = FileBacking.open(locked.toString(), false, false, arena,
                (sentence, cause) -> { })) {
            assertThat(backing.size()).isZero();
            folder.sweep();
            assertThat(List.of(dead, reused)).noneMatch(Files::exists);
            assertThat(List.of(mine, locked)).allMatch(Files::exists);
        }
        assertThat(Drafts.sweep(dir, (sentence, cause) -> log.add(sentence)))
                .containsExactly(locked);
        assertThat(log).isEmpty();
    }
}
