package dev.sluice.zram;

import static org.assertj.core.api.Assertions.assertThat;

import dev.sluice.work.SystemClock;
import java.util.Random;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

/** What a codec makes by itself: which pages count, and that it is a figure at all. */
@Tag("unit")
@Timeout(60)
class CodecSpeedTest {
    private static final int PAGE = 4096;

    /** So many pages, of which the first ones are noise in so many of their bytes. */
    private static byte[] pages(int count, int noisy, int noise) {
        byte[] all = new byte[count * PAGE];
        byte[] bytes = new byte[noise];
        for (int i = 0; i < noisy; i++) {
            new Random(i).nextBytes(bytes);
            System.arraycopy(bytes, 0, all, i * PAGE, noise);
        }
        return all;
    }

    private static double speed(String codec, byte[] pages, boolean compressed) throws Exception {
        return new CodecSpeed(codec, 0, "", PAGE)
                .pagesASecond(pages, compressed, 2, new SystemClock());
    }

    @Test
    void isAsFastAsACodecCanBe() throws Exception {
        for (String codec : Codec.NAMES) {
            for (boolean compressed : new boolean[] {true, false}) {
                assertThat(speed(codec, pages(16, 16, PAGE / 2), compressed)).as(codec)
                        .isBetween(1.0, 1e9);
            }
        }
    }

    @Test
    void pagesThatNeedNoCodecTakeNoTime() throws Exception {
        assertThat(speed("lz4", pages(16, 0, 0), true)).isZero();
        assertThat(speed("lz4", pages(16, 0, 0), false)).isZero();
        assertThat(speed("lz4", pages(16, 16, PAGE), false)).as("stored as they came").isZero();
        assertThat(speed("lz4", pages(16, 16, PAGE), true)).isPositive();
        assertThat(speed("lz4", pages(0, 0, 0), true)).isZero();
        // One page of many: all others are for nothing.
        double one = speed("zstd", pages(64, 1, PAGE / 2), true);
        assertThat(one).isGreaterThan(4 * speed("zstd", pages(64, 64, PAGE / 2), true));
    }
}
