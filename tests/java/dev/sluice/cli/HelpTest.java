package dev.sluice.cli;

import static org.assertj.core.api.Assertions.assertThat;

import dev.sluice.fuse.MountOption;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Set;
import java.util.TreeSet;
import java.util.concurrent.TimeUnit;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import java.util.stream.Collectors;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;
import picocli.CommandLine;
import picocli.CommandLine.Model.CommandSpec;

/** The script, its help, the man page and the completion know the same commands and options. */
@Tag("unit")
@Timeout(150)
final class HelpTest {
    private static final Pattern OPTION = Pattern.compile("(?<![\\w/-])--?[a-z][a-z-]*");

    @TempDir
    Path folder;

    private final CommandLine program = new CommandLine(new Commands());

    private List<CommandSpec> commands() {
        return program.getSubcommands().values().stream().map(CommandLine::getCommandSpec)
                .filter(c -> !c.usageMessage().hidden()).toList();
    }

    private static Set<String> options(CommandSpec spec) {
        return spec.options().stream().filter(o -> !o.usageHelp() && !o.versionHelp())
                .map(o -> o.longestName()).collect(Collectors.toCollection(TreeSet::new));
    }

    private static String script() throws Exception {
        return Files.readString(Path.of("scripts/sluice"));
    }

    /** The lines of the script's help that say how a command is written. */
    private static List<String> helpOf(String command) throws Exception {
        return script().lines().filter(l -> l.matches("  " + command + "( .*|$)")).toList();
    }

    @Test
    void theScriptDoesTheCommandsThatAreDefined() throws Exception {
        Set<String> done = new TreeSet<>();
        Matcher cases = Pattern.compile("(?m)^    ([a-z][a-z |]*)(\\| -h \\| --help)?\\) ")
                .matcher(script());
        while (cases.find()) {
            for (String word : cases.group(1).split("\\|")) {
                done.add(word.strip());
            }
        }
        assertThat(done).containsExactlyInAnyOrderElementsOf(
                commands().stream().map(CommandSpec::name).toList());
    }

    @Test
    void theScriptsHelpNamesEachCommandAndItsOptions() throws Exception {
        for (CommandSpec command : commands()) {
            Set<String> told = new TreeSet<>();
            List<String> lines = helpOf(command.name());
            assertThat(lines).as(command.name()).isNotEmpty();
            for (String line : lines) {
                Matcher option = OPTION.matcher(line.split("   ")[0]);
                while (option.find()) {
                    told.add(option.group());
                }
            }
            if (lines.stream().noneMatch(line -> line.contains("[OPTION …]"))) {
                assertThat(told).as(command.name()).isEqualTo(options(command));
            }
        }
    }

    @Test
    void theManPageHasEverything() throws Exception {
        String page = ManPage.of(program.getCommandSpec());
        List<CommandSpec> all = new ArrayList<>(commands());
        all.addAll(program.getSubcommands().get("image").getSubcommands().values().stream()
                .map(CommandLine::getCommandSpec).toList());
        for (CommandSpec command : all) {
            assertThat(page).contains(command.name());
            options(command).forEach(o -> assertThat(page).contains(o.replace("-", "\\-")));
        }
        String docs = Files.readString(Path.of("docs/command-line.md"));
        for (MountOption option : MountOption.ALL) {
            String key = option.form().replaceFirst("=.*", "");
            assertThat(page).contains("\\fB" + option.form().split("[=-]")[0]);
            assertThat(docs).containsPattern("`" + key + "[`=]");
        }
        assertThat(page).contains("\\-i, \\-\\-interval")
                .doesNotContain("FOLDER", "DEFAULT", "…").contains("flakey", "concat");
        // Each line is text or a request that man(7) has.
        Pattern request = Pattern.compile("\\.(TH|SH|SS|TP|RS|RE|B|I|PP|br|nf|fi)( .*)?");
        assertThat(page.lines()).allMatch(l -> !l.startsWith("'")
                && (!l.startsWith(".") || request.matcher(l).matches()));
    }

    @Test
    void theCompletionIsAScriptThatKnowsThem() throws Exception {
        assertThat(program.execute("pages", folder.toString())).isZero();
        Path completion = folder.resolve("completion/sluice");
        assertThat(folder.resolve("man/sluice.1")).isRegularFile();
        Process bash = new ProcessBuilder("bash", "-c", "set -e; source \"$1\"; COMP_WORDS=(sluice"
                + " u); COMP_CWORD=1; _complete_sluice; echo \"${COMPREPLY[@]}\"", "bash",
                completion.toString()).redirectErrorStream(true).start();
        assertThat(bash.waitFor(60, TimeUnit.SECONDS)).isTrue();
        assertThat(new String(bash.getInputStream().readAllBytes()).strip()).isEqualTo("umount");
    }
}
