package dev.sluice.ploop;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.catchThrowableOfType;

import dev.sluice.block.BlockException;
import dev.sluice.block.Errno;
import dev.sluice.ploop.DiskDescriptor.Image;
import dev.sluice.ploop.DiskDescriptor.Shot;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Random;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** Snapshots that come and go in a descriptor. */
@Tag("unit")
@Timeout(60)
class DescriptorChangesTest {
    private static final String TOP = DiskDescriptor.TOP;
    private static final String ONE = "{11111111-2222-3333-4444-555555555555}";
    private static final String TWO = "{22222222-2222-3333-4444-555555555555}";

    @TempDir
    Path folder;
    private DiskDescriptor first;

    @BeforeEach
    void make() throws Exception {
        first = DiskDescriptor.of(Header.create(64 << 20, 1 << 20),
                List.of(new Image("", false, "root.hds")));
    }

    private List<String> files(DiskDescriptor of) throws BlockException {
        return of.chain(of.top()).stream().map(Image::file).toList();
    }

    /** Only what is right can be written. */
    private DiskDescriptor stored(DiskDescriptor descriptor) throws BlockException {
        Path file = folder.resolve("DiskDescriptor.xml");
        descriptor.write(file);
        assertThat(DiskDescriptor.read(file)).isEqualTo(descriptor);
        return descriptor;
    }

    @Test
    void aNewOneHasAChain() throws Exception {
        DiskDescriptor chain = stored(DiskDescriptor.of(Header.create(64 << 20, 1 << 20),
                List.of(new Image("", true, "base.raw"), new Image("", false, "top.hds"))));
        assertThat(files(chain)).containsExactly("base.raw", "top.hds");
        assertThat(chain.top()).isEqualTo(TOP);
        assertThat(chain.shot(TOP).parent()).isNotEqualTo(TOP);
        assertThat(chain.sectors()).isEqualTo(131072);
        assertThat(chain.clusterSectors()).isEqualTo(2048);
    }

    @Test
    void aSnapshotTakesTheTopsImage() throws Exception {
        DiskDescriptor one = stored(first.snapshot(ONE, "root.hds.a"));
        DiskDescriptor two = stored(one.snapshot(TWO, "root.hds.b"));
        assertThat(files(two)).containsExactly("root.hds", "root.hds.a", "root.hds.b");
        assertThat(two.image(ONE).file()).isEqualTo("root.hds");
        assertThat(two.shot(TOP)).isEqualTo(new Shot(TOP, TWO, null));
        assertThat(two.on(ONE)).containsExactly(new Shot(TWO, ONE, null));
        assertThat(catchThrowableOfType(BlockException.class, () -> two.snapshot(ONE, "c"))
                .errno()).isEqualTo(Errno.EEXIST);
    }

    @Test
    void aTopOfAnyNameIsTheUsualOneAfterwards() throws Exception {
        DiskDescriptor other = new DiskDescriptor(first.root(), first.sectors(),
                first.clusterSectors(), 1, 1, 1, List.of(new Image(TWO, false, "x")), TWO,
                List.of(new Shot(TWO, DiskDescriptor.NOTHING, null)));
        DiskDescriptor one = stored(other.snapshot(ONE, "y"));
        assertThat(one.top()).isEqualTo(TOP);
        assertThat(one.image(ONE).file()).isEqualTo("x");
        assertThat(one.shots()).hasSize(2);
    }

    @Test
    void aSwitchDropsTheTop() throws Exception {
        DiskDescriptor two = first.snapshot(ONE, "a").snapshot(TWO, "b");
        DiskDescriptor back = stored(two.switched(ONE, "c"));
        assertThat(files(back)).containsExactly("root.hds", "c");
        assertThat(back.chain(TWO).stream().map(Image::file)).containsExactly("root.hds", "a");
        assertThat(catchThrowableOfType(BlockException.class, () -> two.switched(TOP, "c"))
                .errno()).isEqualTo(Errno.EINVAL);
        assertThat(catchThrowableOfType(BlockException.class,
                () -> back.switched(DiskDescriptor.newGuid(), "c"))
                .errno()).isEqualTo(Errno.ENOENT);
        assertThat(catchThrowableOfType(BlockException.class,
                () -> two.marked(ONE, "TemporaryZero").switched(ONE, "c")))
                .hasMessageContaining("TemporaryZero");
    }

    @Test
    void aLevelIsDroppedWithItsImageOrHandsItOn() throws Exception {
        DiskDescriptor two = first.snapshot(ONE, "a").snapshot(TWO, "b");
        assertThat(files(stored(two.without(TWO)))).containsExactly("root.hds", "b");
        assertThat(files(stored(two.without(ONE)))).containsExactly("a", "b");
        assertThat(files(stored(two.mergedInto(TWO)))).containsExactly("root.hds", "a");
        assertThat(files(stored(two.mergedInto(ONE)))).containsExactly("root.hds", "b");
        DiskDescriptor fork = two.switched(ONE, "c");
        assertThat(catchThrowableOfType(BlockException.class, () -> fork.mergedInto(ONE)))
                .hasMessageContaining(TWO).hasMessageContaining(TOP);
        assertThat(catchThrowableOfType(BlockException.class, () -> fork.mergedInto(TWO)))
                .hasMessageContaining("no others");
    }

    @Test
    void aNewFileHasTheLowestOnesName() throws Exception {
        assertThat(first.newFile()).matches("root\\.hds\\.\\{[-0-9a-f]{36}}");
        DiskDescriptor on = DiskDescriptor.of(Header.create(64 << 20, 1 << 20),
                List.of(new Image("", false, "/a/x.{1}/root.hds" + first.newFile().substring(8))));
        assertThat(on.newFile()).matches("/a/x\\.\\{1}/root\\.hds\\.\\{[-0-9a-f]{36}}");
    }

    @ParameterizedTest
    @ValueSource(strings = {"", "x", "{00000000-0000-0000-0000-000000000000}",
        "704718e1-2314-44c8-9087-d78ed36b0f4e", "{11111111-2222-3333-4444-555555555555"})
    void whatIsNoGuidIsRefused(String text) {
        assertThat(catchThrowableOfType(BlockException.class, () -> DiskDescriptor.guid(text)))
                .hasMessageContaining("is no GUID");
    }

    @Test
    void aGuidMayBeWrittenInOtherWays() throws Exception {
        assertThat(DiskDescriptor.guid("1111AAAA-2222-3333-4444-555555555555"))
                .isEqualTo("{1111aaaa-2222-3333-4444-555555555555}");
        assertThat(DiskDescriptor.guid(ONE)).isEqualTo(ONE);
        assertThat(stored(first.sized(262144)).sectors()).isEqualTo(262144);
    }

    /** Whatever is done, the tree is one, and has each image once. */
    @Test
    void anyChangesLeaveATree() throws Exception {
        Random random = new Random(7);
        DiskDescriptor now = first;
        for (int i = 0; i < 400; i++) {
            List<String> others = new ArrayList<>(now.shots().stream().map(Shot::guid).toList());
            others.remove(TOP);
            String some = others.isEmpty() ? null : others.get(random.nextInt(others.size()));
            int what = some == null ? 0 : random.nextInt(4);
            if (what == 0 && others.size() < 20) {
                now = now.snapshot(DiskDescriptor.newGuid(), now.newFile());
            } else if (what == 1) {
                now = now.switched(some, now.newFile());
            } else if (what == 2) {
                now = now.without(some);
            } else if (some != null && now.on(some).size() == 1) {
                now = now.mergedInto(some);
            }
            stored(now);
            assertThat(now.images().stream().map(Image::file).distinct()).hasSameSizeAs(
                    now.shots());
        }
    }
}
