package dev.sluice;

import java.util.ArrayList;
import java.util.List;
import java.util.regex.MatchResult;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/** Sentences that users see: behind what is wrong stands what would be right. */
final class SentenceRules {
    private static final Pattern CALL = Pattern.compile("(new BlockException|\\bwrong)\\(");
    private static final Pattern LITERAL = Pattern.compile("\"((?:\\\\.|[^\"\\\\\n])*)\"");
    private static final Pattern NEXT = Pattern.compile(";|\\bmust\\b");
    /** Somebody else's sentence is passed on, as with his number. */
    private static final Pattern PASSED = Pattern.compile("\\.(errno|failure)\\(\\)");

    private SentenceRules() {}

    /** Those of a file that leave their reader alone. */
    static List<String> without(String text) {
        return of(text).stream().filter(sentence -> !NEXT.matcher(sentence).find())
                .map(sentence -> "nothing to do: " + sentence).toList();
    }

    /** All sentences of a file, without what is put into them. */
    static List<String> of(String text) {
        List<String> found = new ArrayList<>();
        String code = TidyRules.code(text);
        Matcher call = CALL.matcher(code);
        while (call.find()) {
            int end = end(code, call.end());
            StringBuilder sentence = new StringBuilder();
            LITERAL.matcher(text.substring(call.end(), end)).results()
                    .map((MatchResult m) -> m.group(1)).forEach(sentence::append);
            boolean passed = PASSED.matcher(code.substring(call.end(), end)).find();
            if (!sentence.toString().isBlank() && !passed) {
                found.add(sentence.toString());
            }
        }
        return found;
    }

    /** Behind the bracket that closes what was opened before this place. */
    private static int end(String code, int from) {
        int open = 1;
        int at = from;
        for (; open > 0 && at < code.length(); at++) {
            char c = code.charAt(at);
            open += c == '(' ? 1 : c == ')' ? -1 : 0;
        }
        return at;
    }
}
