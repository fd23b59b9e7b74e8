package dev.sluice.fuse;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

/** Which descriptor is read next. */
@Tag("unit")
@Timeout(120)
final class ChannelsTest {
    private static final int LISTS = 256;

    private final List<Channel> all = new ArrayList<>(List.of(new Channel(0)));
    private int most = 1000;
    private int asked;
    private final Channels channels = new Channels(all.get(0), this::open);

    private Channel open() {
        asked++;
        if (all.size() == most) {
            return null;
        }
        all.add(new Channel(all.size()));
        return all.get(all.size() - 1);
    }

    private Channel hold(int count) {
        Channel last = channels.first();
        for (int i = 0; i < count; i++) {
            last = channels.next(last);
            last.holds();
        }
        return last;
    }

    @Test
    void whereFewAreHeldOneIsRead() {
        assertThat(hold(LISTS)).isSameAs(channels.first());
        assertThat(asked).isZero();
    }

    @Test
    void asThousandsComeNoListGetsLong() {
        hold(5000);
        assertThat(all).hasSize(20).extracting(Channel::held).allMatch(n -> n <= LISTS);
    }

    @Test
    void oneThatHasRoomAgainIsReadBeforeAnotherIsOpened() {
        Channel last = hold(2 * LISTS);
        Channel first = channels.first();
        first.ends();
        assertThat(channels.next(last)).isSameAs(first);
        assertThat(channels.next(first)).as("stays where there is room").isSameAs(first);
        assertThat(asked).isEqualTo(1);
    }

    @Test
    void atTheLimitTheListsGrowAlike() {
        hold(65 * LISTS);
        assertThat(all).hasSize(64).extracting(Channel::held).containsOnly(260);
    }

    @Test
    void whereNoMoreAreToBeHadNobodyAsksAgain() {
        most = 3;
        hold(10 * LISTS);
        assertThat(all).hasSize(3).extracting(Channel::held).allMatch(n -> n < 4 * LISTS);
        assertThat(asked).isEqualTo(3);
    }

    /** Who ends a request may be faster than who says that it is held. */
    @Test
    void anEndThatCameTooEarlyIsMadeUpFor() {
        Channel channel = channels.first();
        channel.ends();
        channel.holds();
        assertThat(channel.held()).isZero();
    }
}
