package dev.sluice.target;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.catchThrowableOfType;

import dev.sluice.block.BlockException;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

@Tag("unit")
@Timeout(120)
class WordsTest {
    @Test
    void splitsAtSpaces() throws Exception {
        assertThat(Words.split(" a\tb\r\n c\u000bd\f")).containsExactly("a", "b", "c", "d");
        assertThat(Words.split(" \n")).isEmpty();
    }

    @Test
    void keepsWhatIsQuoted() throws Exception {
        assertThat(Words.split("\"a b\" k=\"c # d\" \"\" \"e\\\"\\\\\\n\" f\\g"))
                .containsExactly("a b", "k=c # d", "", "e\"\\\\n", "f\\g");
    }

    @Test
    void onlyALineHasComments() throws Exception {
        assertThat(Words.split("a #b c#")).containsExactly("a", "#b", "c#");
        assertThat(Words.splitLine("a c# \"#d\" #b \"")).containsExactly("a", "c#", "#d");
        assertThat(Words.splitLine("#a")).isEmpty();
    }

    @Test
    void refusesAnOpenQuote() {
        assertThat(catchThrowableOfType(BlockException.class, () -> Words.split("a b\"c d ")))
                .hasMessage("the quote that opens in b\"c d never closes; put a second \""
                        + " behind it");
        assertThat(catchThrowableOfType(BlockException.class, () -> Words.split("\"a\\\"")))
                .isNotNull();
    }

    @Test
    void quotesWhatNeedsIt() throws Exception {
        assertThat(Words.quote("a=b\\'#")).isEqualTo("a=b\\'#");
        for (String word : new String[] {"", "#a", "a b", "a\tb", "a\"b", "\\ \"", "a\nb"}) {
            assertThat(Words.quote(word)).startsWith("\"");
            assertThat(Words.splitLine(Words.quote(word))).containsExactly(word);
        }
    }
}
