package dev.sluice.block;

import static dev.sluice.block.Completion.ALLOCATED;
import static dev.sluice.block.Completion.CACHED;
import static dev.sluice.block.Completion.SHARED;
import static dev.sluice.block.Completion.SIZE;
import static dev.sluice.block.Completion.SYNC;
import static dev.sluice.block.Completion.UNWRITTEN;
import static org.assertj.core.api.Assertions.assertThat;

import dev.sluice.testing.SimHost;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** Where a completion runs, row by row of the kernel's rules; and that what is owed adds up. */
@Tag("unit")
@Timeout(120)
class CompletionTest {
    /** From fs/iomap/direct-io.c: the first rules, and those that took their place. */
    @ParameterizedTest(name = "{0}")
    @CsvSource({
        "overwrite of mapped written unshared blocks inside the size, , true",
        "the same with O_DSYNC where all parts went out with FUA, , true",
        "the same with O_DSYNC on a device without a volatile cache, , true",
        "a read, , true",
        "unwritten extent, UNWRITTEN, false",
        "newly allocated extent, ALLOCATED, false",
        "shared extent, SHARED, false",
        "write that ends behind the size at submission, SIZE, false",
        "O_SYNC or O_DSYNC that needs a cache flush or metadata, SYNC, false",
        "O_DSYNC of which one part could not have FUA, SYNC, false",
        "pages of the file are cached, CACHED, false",
        "two reasons at once, ALLOCATED SYNC, false",
    })
    void aRowOfTheRules(String row, String owed, boolean inCaller) {
        int flags = 0;
        for (String word : owed == null ? new String[0] : owed.split(" ")) {
            flags |= switch (word) {
                case "UNWRITTEN" -> UNWRITTEN;
                case "ALLOCATED" -> ALLOCATED;
                case "SHARED" -> SHARED;
                case "SIZE" -> SIZE;
                case "SYNC" -> SYNC;
                case "CACHED" -> CACHED;
                default -> throw new AssertionError(word);
            };
        }
        assertThat(auto(Errno.OK, flags, false)).isEqualTo(inCaller);
        assertThat(auto(Errno.EIO, flags, false)).as("any error").isFalse();
        assertThat(auto(Errno.OK, flags, true)).as("a worker, which may block").isTrue();
        assertThat(auto(Errno.EIO, flags, true)).as("a worker, with an error").isTrue();
        for (boolean worker : new boolean[] {false, true}) {
            assertThat(Completion.inCaller(Completion.Mode.CALLER, Errno.EIO, flags, worker))
                    .isTrue();
            assertThat(Completion.inCaller(Completion.Mode.WORKER, Errno.OK, flags, worker))
                    .isFalse();
        }
    }

    private static boolean auto(Errno outcome, int owed, boolean worker) {
        return Completion.inCaller(Completion.Mode.AUTO, outcome, owed, worker);
    }

    @Test
    void whatAPartOwesTheWholeOwes() {
        Bio bio = new Bio(b -> { });
        bio.set(Op.WRITE, 0, 8192, false, SimHost.memory(8192), 0, 0);
        Bio one = bio.part(0, 4096, 0);
        Bio two = bio.part(4096, 4096, 4096);
        bio.complete();
        one.owe(ALLOCATED);
        one.complete();
        two.owe(SHARED);
        two.complete();
        assertThat(bio.release()).isTrue();
        assertThat(bio.owed()).isEqualTo(ALLOCATED | SHARED);
        bio.set(Op.WRITE, 0, 4096, false, SimHost.memory(4096), 0, 0);
        assertThat(bio.owed()).as("made anew").isZero();
        bio.complete();
        assertThat(bio.release()).isTrue();
    }
}
