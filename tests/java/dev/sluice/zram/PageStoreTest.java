package dev.sluice.zram;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.sluice.sys.Arena;
import dev.sluice.testing.Seeds;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Random;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

/** Where compressed pages are kept. */
@Tag("unit")
@Timeout(60)
class PageStoreTest {
    private static final int PAGE = 4096;

    private final Arena arena = new Arena();
    private final PageStore store = new PageStore(arena, PAGE);
    private final Map<Long, Long> places = new HashMap<>();
    private final Map<Long, Integer> lengths = new HashMap<>();
    private final Random random = new Random(Seeds.seed("PageStoreTest"));

    @AfterEach
    void end() {
        store.close();
        assertThat(arena.mappedBytes()).isZero();
        arena.close();
    }

    /** Moves what it owns, as slots do; refuses some. */
    private final class Owners implements PageStore.Owners {
        private int moved;
        private int refused;

        @Override
        public boolean hold(long owner, long place) {
            assertThat(places.get(owner)).isEqualTo(place);
            if (random.nextInt(50) == 0) {
                refused++;
                return false;
            }
            return true;
        }

        @Override
        public void moved(long owner, long place) {
            places.put(owner, place);
            moved++;
        }
    }

    private void put(long owner, int length) {
        long place = store.allocate(length, owner);
        assertThat(place).isNotEqualTo(PageStore.FULL);
        for (int i = 0; i < length; i++) {
            store.memory(place).bytes().put(PageStore.at(place) + i, (byte) (owner + i));
        }
        places.put(owner, place);
        lengths.put(owner, length);
    }

    private void check(long owner) {
        long place = places.get(owner);
        for (int i = 0; i < lengths.get(owner); i++) {
            if (store.memory(place).bytes().get(PageStore.at(place) + i) != (byte) (owner + i)) {
                throw new AssertionError("byte " + i + " of " + owner + " is another");
            }
        }
    }

    private void remove(long owner) {
        check(owner);
        store.free(places.remove(owner), lengths.remove(owner));
    }

    @Test
    void nothingIsMixedUpAndAllComesBack() {
        List<Long> owners = new ArrayList<>();
        Owners movers = new Owners();
        long next = 0;
        for (int i = 0; i < 60_000; i++) {
            boolean grows = i / 10_000 % 2 == 0;
            if (owners.isEmpty() || random.nextInt(100) < (grows ? 60 : 40)) {
                owners.add(next);
                put(next++, 1 + 160 * random.nextInt(PAGE / 160));
            } else {
                remove(owners.remove(random.nextInt(owners.size())));
            }
            if (i % 5_000 == 4_999) {
                store.compact(movers);
                owners.forEach(this::check);
            }
        }
        assertThat(movers.moved).isPositive();
        assertThat(movers.refused).isPositive();
        owners.forEach(this::remove);
        assertThat(store.usedBytes()).isZero();
        assertThat(store.mostBytes()).isPositive();
    }

    /** Four in a hundred are stored as they came; the rest are of a mixed disk's lengths. */
    private int mixed() {
        return random.nextInt(100) < 4 ? PAGE
                : (int) Math.min(3263, Math.abs(1500 + 900 * random.nextGaussian()) + 20);
    }

    @Test
    void littleIsWasted() {
        long sum = 0;
        for (long owner = 0; owner < 65_536; owner++) {
            int length = mixed();
            assertThat(store.allocate(length, owner)).isNotEqualTo(PageStore.FULL);
            sum += length;
        }
        double waste = (double) store.usedBytes() / sum - 1;
        assertThat(waste).isBetween(0.0, 0.025);
        // What each object is rounded up to would show if the store counted too little.
        assertThat(store.usedBytes()).isGreaterThan(sum + 65_536L * PageStore.HEADER);
    }

    @Test
    void compactionWinsBackWhatIsSpreadOut() {
        for (long owner = 0; owner < 20_000; owner++) {
            put(owner, mixed());
        }
        long before = store.usedBytes();
        for (long owner = 0; owner < 20_000; owner++) {
            if (owner % 4 != 0) {
                remove(owner);
            }
        }
        long spread = store.usedBytes();
        long won = store.compact(new Owners());
        assertThat(store.usedBytes()).isEqualTo(spread - won * Arena.PAGE)
                .isLessThan(before / 2);
        places.keySet().forEach(this::check);
    }

    @Test
    void theLimitHoldsAndFreePlacesAreUsedUpToIt() {
        store.limit(100 * Arena.PAGE - 1);
        assertThat(store.limitBytes()).isEqualTo(100 * Arena.PAGE);
        long owner = 0;
        long place;
        List<Long> all = new ArrayList<>();
        while ((place = store.allocate(2000, owner)) != PageStore.FULL) {
            all.add(place);
            owner++;
        }
        assertThat(store.usedBytes()).isEqualTo(100 * Arena.PAGE);
        store.free(all.remove(10), 2000);
        assertThat(store.allocate(2000, 7)).isNotEqualTo(PageStore.FULL);
        assertThat(store.allocate(2000, 8)).isEqualTo(PageStore.FULL);
        assertThat(store.allocate(500, 9)).isEqualTo(PageStore.FULL);
        store.limit(0);
        assertThat(store.allocate(500, 9)).isNotEqualTo(PageStore.FULL);
        assertThat(store.mostBytes()).isEqualTo(store.usedBytes());
    }

    /** After compaction several spans have room to grow and none that is free. */
    @Test
    void atTheLimitAFreedPlaceIsFoundInWhateverSpanItIs() {
        for (long owner = 0; owner < 3000; owner++) {
            put(owner, 2000);
        }
        for (long owner = 0; owner < 3000; owner++) {
            if (owner % 5 != 0) {
                remove(owner);
            }
        }
        store.compact(new Owners());
        store.limit(store.usedBytes());
        long more = 5000;
        for (long place; (place = store.allocate(2000, more)) != PageStore.FULL; more++) {
            assertThat(more).isLessThan(10_000);
        }
        for (long owner = 0; owner < 3000; owner += 5) {
            long used = store.usedBytes();
            remove(owner);
            long place = store.allocate(2000, more);
            assertThat(place).as("for %d, %d used", owner, used).isNotEqualTo(PageStore.FULL);
        }
        store.limit(Long.MAX_VALUE);
        assertThat(store.allocate(2000, more)).isNotEqualTo(PageStore.FULL);
    }

    @Test
    void aPlaceIsFreedOnce() {
        long place = store.allocate(100, 1);
        store.allocate(100, 2);
        store.free(place, 100);
        assertThatThrownBy(() -> store.free(place, 100)).isInstanceOf(AssertionError.class);
    }

    @Test
    void largePagesHaveStoresOfTheirOwn() {
        PageStore large = new PageStore(arena, 65_536);
        long sum = 0;
        for (int i = 0; i < 1000; i++) {
            int length = 1 + random.nextInt(65_536);
            long place = large.allocate(length, 0xffff_fff0L);
            large.memory(place).bytes().put(PageStore.at(place) + length - 1, (byte) 1);
            sum += length;
        }
        // Few objects and many classes: each has begun a page.
        assertThat((double) large.usedBytes() / sum).isBetween(1.0, 1.04);
        large.close();
    }
}
