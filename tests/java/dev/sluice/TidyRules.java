package dev.sluice;

import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Deque;
import java.util.List;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/** Rules about the text of one Java file. Each answers what is wrong, with the line. */
final class TidyRules {
    static final int COLUMNS = 100;
    static final int METHOD_LINES = 70;
    static final int FILE_LINES = 500;

    private static final Pattern TYPE = Pattern.compile("\\b(class|interface|enum|record)\\b");
    private static final Pattern PUBLIC_TYPE =
            Pattern.compile("(?m)^public .*\\b(class|interface|enum|record) (\\w+)");
    /** The end of a comment, and annotations with at most one level of parentheses inside. */
    private static final Pattern DOCUMENTED = Pattern.compile(
            "\\*/\\s*(@\\w+\\s*(\\((?:[^()]|\\([^()]*\\))*\\))?\\s*)*$");
    // In pieces, so that this file keeps its own rules.
    private static final Pattern LATER = Pattern.compile("\\b(TO" + "DO|FIX" + "ME|XX" + "X)\\b");
    private static final Pattern MACHINE = Pattern.compile(
            "(?<!\\w)/(wo" + "rk|ho" + "me|ro" + "ot)/\\w");
    private static final Pattern THREAD = Pattern.compile("new Thread\\b|\\bExecutors\\b"
            + "|\\bForkJoin|\\b(run|supply)Async\\b|\\bjava\\.util\\.Timer\\b");
    private static final Pattern CLOCK = Pattern.compile("System(\\.|::)(nanoTime|current"
            + "TimeMillis)|\\b(Instant|LocalDateTime|ZonedDateTime)(\\.|::)now");
    private static final Pattern TEST = Pattern.compile("(?m)^ *@(Parameterized|Repeated)?Test\\b");
    private static final Pattern RING = Pattern.compile(
            "(?m)^@Tag\\(\"(unit|contract|kernel)\"\\)$");
    /** Also conditions: on a system, a variable, a property. */
    private static final Pattern SKIPS = Pattern.compile(
            "@(Dis|En)" + "abled|\\bassu" + "m(e|ing)[A-Z]|Test" + "AbortedException");
    private static final Pattern EXIT = Pattern.compile("\\.(exit|halt)\\(");

    private TidyRules() {}

    /** What holds for all files, of tests too. */
    static List<String> everywhere(String text) {
        List<String> found = new ArrayList<>();
        String[] lines = text.split("\n", -1);
        for (int i = 0; i < lines.length; i++) {
            String line = lines[i];
            String at = "line " + (i + 1) + ": ";
            add(found, line.length() > COLUMNS, at + "more than " + COLUMNS + " columns");
            add(found, line.indexOf('\t') >= 0, at + "a tab");
            add(found, !line.equals(line.stripTrailing()), at + "trailing blanks");
            add(found, LATER.matcher(line).find(), at + "a note for later");
            add(found, MACHINE.matcher(line).find(), at + "a path of some machine");
        }
        add(found, lines.length - 1 > FILE_LINES, "more than " + FILE_LINES + " lines");
        add(found, !text.endsWith("}\n") || text.endsWith("\n\n"), "no single newline at the end");
        found.addAll(longMethods(text));
        return found;
    }

    /** What holds for the program: {@code place} is the package behind dev.sluice, or empty. */
    static List<String> program(String place, String text) {
        List<String> found = new ArrayList<>();
        String code = code(text);
        String unhooked = code.replace("addShutdownHook(new Thread", "");
        boolean threads = place.equals("work") || place.equals("fuse");
        add(found, !threads && THREAD.matcher(unhooked).find(), "a thread outside work and fuse");
        add(found, !place.equals("work") && CLOCK.matcher(code).find(), "a clock outside work");
        boolean top = place.isEmpty() || place.equals("cli");
        add(found, !top && EXIT.matcher(code).find(), "an exit outside Main and cli");
        found.addAll(bareTypes(text));
        return found;
    }

    /** What holds for a file of tests: it runs in one ring, always, and not for ever. */
    static List<String> tests(String text) {
        List<String> found = new ArrayList<>();
        String code = code(text);
        boolean tests = TEST.matcher(code).find();
        add(found, tests && RING.matcher(text).results().count() != 1, "not in one ring");
        add(found, tests && !code.contains("@Timeout(") && !code.contains("assertTimeout"),
                "no limit to its time");
        add(found, SKIPS.matcher(code).find(), "a test that may not run");
        return found;
    }

    private static void add(List<String> found, boolean wrong, String what) {
        if (wrong) {
            found.add(what);
        }
    }

    private static List<String> bareTypes(String text) {
        List<String> found = new ArrayList<>();
        Matcher m = PUBLIC_TYPE.matcher(text);
        while (m.find()) {
            if (!DOCUMENTED.matcher(text.substring(0, m.start())).find()) {
                found.add("no Javadoc for " + m.group(2));
            }
        }
        return found;
    }

    private record Block(boolean type, boolean method, String header, int line) {}

    private static List<String> longMethods(String text) {
        List<String> found = new ArrayList<>();
        Deque<Block> open = new ArrayDeque<>();
        StringBuilder header = new StringBuilder();
        int headerLine = 1;
        int line = 1;
        for (char c : code(text).toCharArray()) {
            if (c == '\n') {
                line++;
            }
            if (header.toString().isBlank()) {
                headerLine = line;
            }
            if (c == '{') {
                open.push(block(header.toString(), open.peek(), headerLine));
            } else if (c == '}' && !open.isEmpty()) {
                Block b = open.pop();
                if (b.method && line - b.line + 1 > METHOD_LINES) {
                    found.add("line " + b.line + ": a method of " + (line - b.line + 1)
                            + " lines, more than " + METHOD_LINES);
                }
            }
            header = c == '{' || c == '}' || c == ';' ? new StringBuilder() : header.append(c);
        }
        return found;
    }

    private static Block block(String header, Block in, int line) {
        boolean type = TYPE.matcher(header.replaceAll("\\(.*", "")).find()
                || header.contains("new ") && header.strip().endsWith(")");
        boolean method = !type && (in == null || in.type) && !header.contains("=");
        return new Block(type, method, header, line);
    }

    /** The text with comments and literals blanked out, line for line. */
    static String code(String text) {
        Matcher m = Pattern.compile("/\\*[\\s\\S]*?\\*/|//[^\n]*|\"\"\"[\\s\\S]*?\"\"\""
                + "|\"(?:\\\\.|[^\"\\\\\n])*\"|'(?:\\\\.|[^'\\\\\n])+'").matcher(text);
        return m.replaceAll(r -> Matcher.quoteReplacement(r.group().replaceAll("[^\n]", " ")));
    }
}
