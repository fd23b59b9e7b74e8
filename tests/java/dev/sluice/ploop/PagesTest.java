package dev.sluice.ploop;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.sluice.testing.Seeds;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Random;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

/** When a page of the table is to be written. */
@Tag("unit")
@Timeout(60)
final class PagesTest {
    private static final long MS = 1_000_000;

    private final Pages pages = new Pages(100);

    private static Tuning tuning(String... keys) throws Exception {
        Map<String, String> map = new java.util.HashMap<>();
        for (String key : keys) {
            map.put(key.substring(0, key.indexOf('=')), key.substring(key.indexOf('=') + 1));
        }
        return Tuning.USUAL.with(map);
    }

    private void write(int page) {
        pages.begin(page, page + 1);
        pages.end(true, 0);
    }

    @Test
    void aChangePutsThePageOff() {
        pages.dirty(3, 100 * MS);
        assertThat(pages.due(Tuning.USUAL)).isEqualTo(120 * MS);
        pages.dirty(3, 110 * MS);
        assertThat(pages.due(Tuning.USUAL)).isEqualTo(130 * MS);
        assertThat(pages.duePage(Tuning.USUAL, 129 * MS)).isEqualTo(-1);
        assertThat(pages.duePage(Tuning.USUAL, 130 * MS)).isEqualTo(3);
        write(3);
        assertThat(pages.due(Tuning.USUAL)).isEqualTo(Pages.NEVER);
        assertThat(pages.duePage(Tuning.USUAL, 1000 * MS)).isEqualTo(-1);
    }

    @Test
    void notForEver() {
        for (int i = 0; i < 21; i++) {
            pages.dirty(3, (100 + 10 * i) * MS);
        }
        assertThat(pages.due(Tuning.USUAL)).isEqualTo(300 * MS);
        assertThat(pages.duePage(Tuning.USUAL, 300 * MS)).isEqualTo(3);
    }

    @Test
    void eachPageHasItsOwnTime() throws Exception {
        pages.dirty(1, 100 * MS);
        pages.dirty(2, 105 * MS);
        pages.dirty(1, 110 * MS);
        assertThat(pages.duePage(Tuning.USUAL, 125 * MS)).isEqualTo(2);
        write(2);
        assertThat(pages.duePage(Tuning.USUAL, 125 * MS)).isEqualTo(-1);
        assertThat(pages.due(tuning("dirty-timeout=5ms"))).isEqualTo(115 * MS);
        assertThat(pages.due(tuning("dirty-max-age=20ms"))).isEqualTo(120 * MS);
    }

    @Test
    void inCommonAllAreWrittenTogether() throws Exception {
        Tuning common = tuning("dirty-policy=common");
        pages.dirty(1, 100 * MS);
        pages.dirty(2, 119 * MS);
        pages.dirty(1, 119 * MS);
        assertThat(pages.duePage(common, 119 * MS)).isEqualTo(-1);
        assertThat(pages.due(common)).isEqualTo(120 * MS);
        assertThat(pages.duePage(common, 120 * MS)).isEqualTo(1);
    }

    @Test
    void aboveTheRatioTheOldestGo() {
        for (int i = 0; i < 50; i++) {
            pages.dirty(i, i);
        }
        assertThat(pages.duePage(Tuning.USUAL, 60)).isEqualTo(-1);
        pages.dirty(70, 50);
        assertThat(pages.duePage(Tuning.USUAL, 60)).isEqualTo(0);
        write(0);
        assertThat(pages.duePage(Tuning.USUAL, 60)).isEqualTo(-1);
    }

    @Test
    void aSmallTableMayBeAllDirty() {
        Pages few = new Pages(3);
        for (int i = 0; i < 3; i++) {
            few.dirty(i, 100 * MS);
        }
        assertThat(few.duePage(Tuning.USUAL, 101 * MS)).isEqualTo(-1);
    }

    @Test
    void whatIsHastenedIsDueAtOnce() {
        pages.dirty(1, 100 * MS);
        pages.dirty(2, 100 * MS);
        pages.hasten(2);
        assertThat(pages.duePage(Tuning.USUAL, 100 * MS)).isEqualTo(2);
        pages.begin(2, 3);
        assertThat(pages.urgentLeft()).isTrue();
        pages.end(true, 0);
        assertThat(pages.urgentLeft()).isFalse();
    }

    @Test
    void whatChangesWhileItIsWrittenIsDirtyAfterwards() {
        pages.dirty(1, 100 * MS);
        pages.begin(1, 2);
        assertThat(pages.isDirty(1)).isFalse();
        pages.dirty(1, 101 * MS);
        assertThatThrownBy(() -> pages.begin(1, 2)).isInstanceOf(AssertionError.class);
        pages.end(true, 102 * MS);
        assertThat(pages.isDirty(1)).isTrue();
        assertThat(pages.due(Tuning.USUAL)).isEqualTo(121 * MS);
    }

    @Test
    void whatWasNotWrittenIsDirtyAndInAHurryAsBefore() {
        pages.dirty(1, 100 * MS);
        pages.hasten(1);
        pages.begin(1, 2);
        pages.end(false, 105 * MS);
        assertThat(pages.isDirty(1)).isTrue();
        assertThat(pages.urgent()).isEqualTo(1);
        assertThat(pages.written()).isZero();
        assertThat(pages.check()).isTrue();
    }

    @Test
    void whatLiesSideBySideIsWrittenTogether() {
        for (int page : new int[] {2, 4, 3, 7}) {
            pages.dirty(page, 100 * MS);
        }
        pages.hasten(3);
        pages.begin(2, 5);
        assertThat(pages.isWriting(4)).isTrue();
        assertThat(pages.isWriting(5)).isFalse();
        assertThat(pages.dirtyCount()).isEqualTo(1);
        pages.dirty(4, 101 * MS);
        pages.end(true, 102 * MS);
        assertThat(pages.isWriting(4)).isFalse();
        assertThat(pages.dirty().stream()).containsExactly(4, 7);
        assertThat(pages.urgentLeft()).isFalse();
        assertThat(pages.written()).isEqualTo(3);
        pages.hasten(4);
        pages.begin(4, 5);
        pages.end(false, 103 * MS);
        assertThat(pages.dirty().stream()).containsExactly(4, 7);
        assertThat(pages.urgent()).isEqualTo(4);
        assertThat(pages.check()).isTrue();
    }

    @Test
    void whoGoesAlongWouldGoAnyhow() throws Exception {
        pages.dirty(1, 100 * MS);
        pages.dirty(2, 110 * MS);
        assertThat(pages.goesAlong(2, Tuning.USUAL, 120 * MS)).isFalse();
        assertThat(pages.goesAlong(2, Tuning.USUAL, 130 * MS)).isTrue();
        pages.dirty(2, 300 * MS);
        assertThat(pages.goesAlong(2, Tuning.USUAL, 309 * MS)).isFalse();
        assertThat(pages.goesAlong(2, Tuning.USUAL, 310 * MS)).as("its age").isTrue();
        assertThat(pages.goesAlong(2, tuning("dirty-policy=common"), 309 * MS)).isTrue();
        pages.hasten(2);
        assertThat(pages.goesAlong(2, Tuning.USUAL, 309 * MS)).isTrue();
    }

    /** One page of the model: its first and its last change; -1 where it is clean. */
    private static final class Model {
        long first = -1;
        long last = -1;
    }

    @Test
    void anyRowOfEventsAgreesWithAModel() throws Exception {
        long seed = Seeds.seed("PagesTest");
        Random random = new Random(seed);
        Tuning tuning = tuning("dirty-timeout=20ns", "dirty-max-age=70ns", "dirty-ratio=90");
        List<Model> model = new ArrayList<>();
        for (int i = 0; i < 100; i++) {
            model.add(new Model());
        }
        long now = 0;
        int wrote = 0;
        for (int i = 0; i < 100_000; i++) {
            now += random.nextInt(10);
            int page = random.nextInt(10) == 0 ? random.nextInt(100) : random.nextInt(5);
            Model m = model.get(page);
            pages.dirty(page, now);
            m.first = m.first < 0 ? now : m.first;
            m.last = now;
            for (int due = pages.duePage(tuning, now); due >= 0;
                    due = pages.duePage(tuning, now)) {
                Model d = model.get(due);
                assertThat(d.last + 20 <= now || d.first + 70 <= now)
                        .as("page %d at %d, seed %d", due, now, seed).isTrue();
                write(due);
                d.first = -1;
                d.last = -1;
                wrote++;
            }
            long then = now;
            assertThat(model).as("seed " + seed).allMatch(d -> d.first < 0
                    || d.last + 20 > then && d.first + 70 > then);
            assertThat(pages.check()).isTrue();
        }
        assertThat(wrote).isGreaterThan(1000);
        assertThat(pages.written()).isEqualTo(wrote);
    }

    @Test
    void theCheckFindsWhatIsWrong() {
        pages.hasten(4);
        assertThatThrownBy(pages::check).isInstanceOf(AssertionError.class)
                .hasMessageContaining("urgent but not dirty");
    }
}
