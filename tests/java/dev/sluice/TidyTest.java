package dev.sluice;

import static com.tngtech.archunit.lang.syntax.ArchRuleDefinition.classes;
import static com.tngtech.archunit.lang.syntax.ArchRuleDefinition.noClasses;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import com.tngtech.archunit.base.DescribedPredicate;
import com.tngtech.archunit.core.domain.JavaClass;
import com.tngtech.archunit.core.domain.JavaClasses;
import com.tngtech.archunit.core.importer.ClassFileImporter;
import com.tngtech.archunit.core.importer.ImportOption;
import com.tngtech.archunit.lang.ArchRule;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.stream.Stream;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

/** What STYLE.md says and a machine can see. */
@Tag("unit")
@Timeout(120)
class TidyTest {
    private static final String BASE = "dev.sluice.";
    private static final JavaClasses PROGRAM = new ClassFileImporter()
            .withImportOption(new ImportOption.DoNotIncludeTests()).importPackages("dev.sluice");
    private static final Path MAIN = Path.of("src", "main", "java", "dev", "sluice");
    private static final Path TESTS = Path.of("tests", "java", "dev", "sluice");

    /** For each package, what it may use of ours: all that is to its right. */
    private static final Map<String, Set<String>> MAY_USE = Map.ofEntries(
            Map.entry("block", Set.of()),
            Map.entry("sys", Set.of("block")),
            Map.entry("work", Set.of("sys", "block")),
            Map.entry("storage", Set.of("sys", "block")),
            Map.entry("file", Set.of("storage", "work", "sys", "block")),
            Map.entry("ploop", Set.of("file", "storage", "work", "sys", "block")),
            Map.entry("zram", Set.of("file", "storage", "work", "sys", "block")),
            Map.entry("target", Set.of("zram", "ploop", "file", "storage", "work", "sys",
                    "block")),
            Map.entry("table", Set.of("target", "zram", "ploop", "file", "storage", "work",
                    "sys", "block")),
            Map.entry("control", Set.of("table", "target", "zram", "ploop", "file", "storage",
                    "work", "sys", "block")),
            Map.entry("watch", Set.of("block")),
            Map.entry("report", Set.of("target", "zram", "block")),
            Map.entry("fuse", Set.of("control", "table", "target", "zram", "ploop", "file",
                    "storage", "work", "sys", "block")),
            Map.entry("volumes", Set.of("fuse", "control", "table", "target", "zram", "ploop",
                    "file", "storage", "work", "sys", "block")),
            Map.entry("cli", Set.of("volumes", "fuse", "watch", "report", "control", "table",
                    "target", "zram", "ploop", "file", "storage", "work", "sys", "block")));

    private static String place(JavaClass c) {
        String name = c.getPackageName();
        return name.startsWith(BASE) ? name.substring(BASE.length()).split("\\.")[0] : "";
    }

    private static DescribedPredicate<JavaClass> oursBut(String from, Set<String> allowed) {
        return DescribedPredicate.describe("what is not to the right of " + from,
                c -> c.getPackageName().startsWith("dev.sluice") && !place(c).equals(from)
                        && !allowed.contains(place(c)));
    }

    private static ArchRule direction(String from, Set<String> allowed) {
        return noClasses().that().resideInAPackage(BASE + from + "..")
                .should().dependOnClassesThat(oursBut(from, allowed))
                .allowEmptyShould(true);
    }

    @Test
    void packagesUseOnlyWhatIsToTheirRight() {
        assertThat(PROGRAM.size()).isGreaterThan(10);
        assertThat(PROGRAM).allMatch(c -> place(c).isEmpty() || MAY_USE.containsKey(place(c)));
        MAY_USE.forEach((from, allowed) -> direction(from, allowed).check(PROGRAM));
    }

    @Test
    void aWrongDirectionIsFound() {
        assertThatThrownBy(() -> direction("sys", Set.of()).check(PROGRAM))
                .isInstanceOf(AssertionError.class).hasMessageContaining("dev.sluice.block");
    }

    @Test
    void onlyFuseAndSysUseTheBinding() {
        ArchRule rule = noClasses().that().resideInAPackage("dev.sluice..")
                .and().resideOutsideOfPackages(BASE + "fuse..", BASE + "sys..")
                .should().dependOnClassesThat().resideInAnyPackage("jnr..", "com.kenai..",
                        "ru.serce..");
        rule.check(PROGRAM);
        assertThatThrownBy(() -> noClasses().that().resideInAPackage(BASE + "sys..").should()
                .dependOnClassesThat().resideInAnyPackage("jnr..").check(PROGRAM))
                .isInstanceOf(AssertionError.class);
    }

    @Test
    void theVocabularyUsesJavaAndHistogramsOnly() {
        classes().that().resideInAPackage(BASE + "block..").should()
                .onlyDependOnClassesThat().resideInAnyPackage(BASE + "block..", "java..",
                        "org.HdrHistogram..")
                .check(PROGRAM);
    }

    private static List<Path> files(Path folder) throws IOException {
        try (Stream<Path> all = Files.walk(folder)) {
            return all.filter(f -> f.toString().endsWith(".java")).sorted().toList();
        }
    }

    @Test
    void textIsTidy() throws IOException {
        List<String> found = new ArrayList<>();
        for (Path folder : List.of(MAIN, TESTS)) {
            List<Path> files = files(folder);
            assertThat(files).hasSizeGreaterThan(10);
            for (Path file : files) {
                String text = Files.readString(file);
                List<String> wrong = new ArrayList<>(TidyRules.everywhere(text));
                if (folder == MAIN) {
                    Path parent = MAIN.relativize(file).getParent();
                    String place = parent == null ? "" : parent.getName(0).toString();
                    wrong.addAll(TidyRules.program(place, text));
                } else {
                    wrong.addAll(TidyRules.tests(text));
                }
                wrong.forEach(w -> found.add(file + ": " + w));
            }
        }
        assertThat(found).isEmpty();
    }

    private static final String GOOD = "package x;\n\n/** Good. */\npublic final class A {\n}\n";

    private static void caughtEverywhere(String text, String what) {
        assertThat(TidyRules.everywhere(text)).singleElement().asString().contains(what);
    }

    @Test
    void plantedViolationsOfFormAreFound() {
        assertThat(TidyRules.everywhere(GOOD)).isEmpty();
        assertThat(TidyRules.everywhere("// " + "x".repeat(97) + "\n" + GOOD)).isEmpty();
        caughtEverywhere("// " + "x".repeat(98) + "\n" + GOOD, "more than 100 columns");
        caughtEverywhere(GOOD.replace("x;", "\tx;"), "line 1: a tab");
        caughtEverywhere(GOOD.replace("x;", "x; "), "line 1: trailing blanks");
        caughtEverywhere("\n".repeat(496) + GOOD, "more than 500 lines");
        caughtEverywhere(GOOD + "\n", "newline at the end");
        caughtEverywhere("// TO" + "DO later\n" + GOOD, "a note for later");
        caughtEverywhere("// FIX" + "ME\n" + GOOD, "a note for later");
        caughtEverywhere("// /ho" + "me/somebody\n" + GOOD, "a path of some machine");
    }

    @Test
    void aMethodThatIsTooLongIsFound() {
        for (String head : new String[] {"void a()", "A(int b)", "static", "int a()\n throws B"}) {
            int lines = head.split("\n").length;
            String fits = "class A {\n" + head + " {\n" + "a();\n".repeat(69 - lines) + "}\n}\n";
            String not = "class A {\n" + head + " {\n" + "a();\n".repeat(70 - lines) + "}\n}\n";
            String inner = "class A {\nB b = new B() {\n" + head + " {\n"
                    + "a();\n".repeat(70 - lines) + "}\n};\n}\n";
            assertThat(TidyRules.everywhere(fits)).isEmpty();
            caughtEverywhere(not, "line 2: a method of 71 lines");
            caughtEverywhere(inner, "line 3: a method of 71 lines");
        }
    }

    @Test
    void plantedViolationsOfPlaceAreFound() {
        assertThat(TidyRules.program("target", GOOD)).isEmpty();
        for (String code : new String[] {"new Thread(a);", "Executors.newCachedThreadPool();",
            "ForkJoinPool.commonPool();", "CompletableFuture.runAsync(a);"}) {
            onlyIn(code, "work", "fuse");
        }
        for (String code : new String[] {"System.nanoTime();", "b(System::nanoTime);",
            "System.currentTimeMillis();", "Instant.now();"}) {
            onlyIn(code, "work");
        }
        onlyIn("System.exit(1);", "", "cli");
        onlyIn("Runtime.getRuntime().halt(1);", "", "cli");
        assertThat(TidyRules.program("target", GOOD.replace("/** Good. */\n", "")))
                .containsExactly("no Javadoc for A");
        String annotated = "@B(c = 1,\n    d = 2)\npublic final";
        assertThat(TidyRules.program("target", GOOD.replace("public final", annotated)))
                .isEmpty();
        assertThat(TidyRules.program("target", "// System.nanoTime\n" + GOOD)).isEmpty();
    }

    private static void onlyIn(String code, String... places) {
        String text = GOOD.replace("{\n", "{\n" + code + "\n");
        Set<String> allowed = Set.of(places);
        for (String place : List.of("", "cli", "fuse", "work", "target", "block")) {
            assertThat(TidyRules.program(place, text)).as(place + ": " + code)
                    .hasSize(allowed.contains(place) ? 0 : 1);
        }
    }

    /** Those that are shown to who mounts, attaches, asks, sends: any may be. */
    @Test
    void sentencesSayWhatWouldBeRight() throws IOException {
        List<String> found = new ArrayList<>();
        int sentences = 0;
        for (Path file : files(MAIN)) {
            String text = Files.readString(file);
            sentences += SentenceRules.of(text).size();
            SentenceRules.without(text).forEach(w -> found.add(file + ": " + w));
        }
        assertThat(sentences).isGreaterThan(300);
        assertThat(found).isEmpty();
        String good = "throw new BlockException(E, a(\"x\") + \" is no (b); write\"\n"
                + " + \" one\", e);";
        assertThat(SentenceRules.without(good)).isEmpty();
        assertThat(SentenceRules.without(good.replace(';', ',')))
                .containsExactly("nothing to do: x is no (b), write one");
        assertThat(SentenceRules.without("throw wrong(\"it is \" + x);")).hasSize(1);
        assertThat(SentenceRules.without("throw wrong(sentence); // \"a\"")).isEmpty();
        String passed = "throw new BlockException(e.errno(), \"a: \" + e.getMessage(), e);";
        assertThat(SentenceRules.without(passed)).isEmpty();
        assertThat(SentenceRules.without(passed.replace("e.errno()", "errno"))).hasSize(1);
    }

    @Test
    void plantedViolationsOfTestsAreFound() {
        String good = "@Tag(\"unit\")\n@Timeout(9)\nclass A {\n    @Test\n    void a() {}\n}\n";
        assertThat(TidyRules.tests(good)).isEmpty();
        assertThat(TidyRules.tests(GOOD)).isEmpty();
        caughtInTests(good.replace("unit", "units"), "not in one ring");
        caughtInTests(good.replace("@Tag(\"unit\")", ""), "not in one ring");
        caughtInTests(good.replace("@Timeout(9)\n", ""), "no limit");
        caughtInTests(good.replace("@Test", "@Parameterized" + "Test").replace("unit", ""),
                "not in one ring");
        // In pieces: who searches the tests for what may not run finds nothing.
        for (String condition : new String[] {"Dis" + "abled", "Enabl" + "edOnOs(X)"}) {
            caughtInTests(good.replace("@Test", "@" + condition + " @Test"), "may not run");
        }
        for (String call : new String[] {"True(b)", "That(b)"}) {
            caughtInTests(good.replace("{}", "{ assu" + "me" + call + "; }"), "may not run");
        }
        caughtInTests(good.replace("{}", "{ assu" + "mingThat(b, c); }"), "may not run");
    }

    private static void caughtInTests(String text, String what) {
        assertThat(TidyRules.tests(text)).singleElement().asString().contains(what);
    }
}
