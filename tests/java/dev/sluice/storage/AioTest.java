package dev.sluice.storage;

import static org.assertj.core.api.Assertions.assertThat;

import dev.sluice.sys.Arena;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

@Tag("unit")
@Timeout(120)
final class AioTest {
    @Test
    void aSessionThreadThatComesLateFindsNothingAndNoHarm() {
        try (Arena arena = new Arena()) {
            Aio aio = Aio.open(arena);
            assertThat(aio).as("the system grants asynchronous I/O").isNotNull();
            assertThat(aio.reap()).isFalse();
            aio.close();
            // The kernel has taken its ring away.
            assertThat(aio.reap()).isFalse();
            assertThat(aio.underWay()).isFalse();
        }
    }
}
