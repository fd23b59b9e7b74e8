package dev.sluice.cli;

import dev.sluice.fuse.MountOption;
import dev.sluice.target.TargetType;
import dev.sluice.target.TargetTypes;
import java.util.List;
import picocli.CommandLine.Model.ArgSpec;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Model.OptionSpec;
import picocli.CommandLine.Model.PositionalParamSpec;

/** The man page sluice(1), made from the definitions of commands and targets. */
final class ManPage {
    private final StringBuilder text = new StringBuilder();

    private ManPage() {}

    static String of(CommandSpec program) {
        ManPage page = new ManPage();
        page.macro(".TH SLUICE 1 \"\" \"" + Version.TEXT + "\" \"User Commands\"");
        page.macro(".SH NAME");
        page.line("sluice - virtual block files");
        page.macro(".SH SYNOPSIS");
        page.macro(".B sluice");
        page.macro(".I COMMAND");
        page.line("…");
        page.macro(".SH DESCRIPTION");
        page.line("A FUSE mount shows each device of a table as a file. The file can be attached to"
                + " a loop device, formatted and mounted. Behind each file stands a stack of"
                + " targets, as with device-mapper. A table has one device a line:");
        page.macro(".PP");
        page.line("NAME SIZE TARGET [LOWER … | PATH] [KEY=VALUE …]");
        page.macro(".SH COMMANDS");
        program.subcommands().values().forEach(c -> page.command("", c.getCommandSpec()));
        page.macro(".SH MOUNT OPTIONS");
        page.line("Behind -o, comma-separated:");
        MountOption.ALL.forEach(o -> page.item(o.form()
                + (o.initial().isEmpty() ? "" : " (" + o.initial() + ")"), o.meaning()));
        page.macro(".SH TARGETS");
        TargetTypes.all().forEach(page::target);
        page.macro(".SH EXIT STATUS");
        page.line("0 when it was done; 1 when it failed, with one sentence on standard error; 2 for"
                + " a wrong command line. \"image check\" has numbers of its own.");
        page.macro(".SH FILES");
        page.item("DIR/.sluice", "what a mount is doing, and how it is steered, as text files");
        page.item("/run/sluice-0, /run/user/UID/sluice-UID", "log, pid and result of each mount");
        page.item("/etc/sluice/NAME.table, NAME.conf", "the table of the service sluice@NAME, and"
                + " OPTIONS=, as behind -o");
        page.item("/etc/sluice/volumes.conf", "OPTIONS= of the service sluice-volumes");
        page.item("/run/docker/plugins/sluice.sock", "where that is asked for volumes");
        page.examples();
        page.macro(".SH SEE ALSO");
        page.line("mount.fuse.sluice(8), losetup(8), fuse(4)");
        return page.text.toString();
    }

    private void examples() {
        macro(".SH EXAMPLES");
        line("A disk of memory, each write to which takes 5 ms, with a file system on it:");
        macro(".PP");
        macro(".nf");
        line("printf 'disk 512M ram\\nslow - delay disk write=5ms\\n' >table");
        line("mkdir devices");
        line("sluice mount table devices");
        line("loop=$(sluice attach devices/slow)");
        line("mkfs.ext4 $loop && mount $loop /mnt");
        macro(".fi");
        macro(".PP");
        line("and away with it:");
        macro(".PP");
        macro(".nf");
        line("umount /mnt && sluice detach $loop && sluice umount devices");
        macro(".fi");
    }

    private void command(String before, CommandSpec spec) {
        if (spec.usageMessage().hidden()) {
            return;
        }
        String name = before + spec.name();
        StringBuilder synopsis = new StringBuilder(name);
        spec.options().stream().filter(o -> !isHelp(o)).forEach(o ->
                synopsis.append(' ').append(o.required() ? "" : "[").append(form(o))
                        .append(o.required() ? "" : "]"));
        spec.positionalParameters().forEach(p -> synopsis.append(' ').append(form(p)));
        synopsis.append(spec.subcommands().isEmpty() ? "" : " COMMAND …");
        macro(".SS \"" + escape(synopsis.toString()).replace("\"", "\\(dq") + "\"");
        for (String sentence : spec.usageMessage().description()) {
            line(sentence);
        }
        spec.options().stream().filter(o -> !isHelp(o)).forEach(o -> item(names(o), o));
        spec.positionalParameters().stream().filter(p -> p.description().length > 0)
                .forEach(p -> item(p.paramLabel(), p));
        spec.subcommands().values().forEach(c -> command(name + " ", c.getCommandSpec()));
    }

    private static boolean isHelp(OptionSpec option) {
        return option.usageHelp() || option.versionHelp();
    }

    /** With its short name in front. */
    private static String names(OptionSpec option) {
        return option.names().length == 1 ? form(option)
                : option.shortestName() + ", " + form(option);
    }

    private static String form(OptionSpec option) {
        String name = option.longestName();
        String label = option.paramLabel();
        return option.arity().max() == 0 ? name
                : option.arity().min() == 0 ? name + "[=" + label + "]"
                : name + (name.startsWith("--") ? "=" : " ") + label;
    }

    private static String form(PositionalParamSpec parameter) {
        boolean needed = parameter.arity().min() > 0;
        String label = parameter.paramLabel() + (parameter.isMultiValue() ? " …" : "");
        return needed ? label : "[" + label + "]";
    }

    private void item(String head, ArgSpec argument) {
        String initial = argument.defaultValue();
        macro(".TP");
        macro("\\fB" + escape(head) + "\\fR");
        String before = "";
        for (String sentence : argument.description()) {
            text.append(before);
            line(initial == null ? sentence : sentence.replace("${DEFAULT-VALUE}", initial));
            before = ".br\n";
        }
    }

    private void target(TargetType type) {
        item(type.name(), type.summary());
        List<TargetType.Parameter> parameters = type.parameters();
        if (!parameters.isEmpty()) {
            macro(".RS");
            parameters.forEach(p -> item(p.key() + "=" + p.values()
                    + (p.initial().isEmpty() ? "" : " (" + p.initial() + ")"), p.meaning()));
            macro(".RE");
        }
    }

    private void item(String head, String body) {
        macro(".TP");
        macro("\\fB" + escape(head) + "\\fR");
        line(body);
    }

    private void macro(String line) {
        text.append(line).append('\n');
    }

    /** Text, of which nothing is taken for a request. */
    private void line(String words) {
        String escaped = escape(words);
        boolean request = escaped.startsWith(".") || escaped.startsWith("'");
        text.append(request ? "\\&" : "").append(escaped).append('\n');
    }

    private static String escape(String words) {
        return words.replace("\\", "\\e").replace("-", "\\-").replace("…", "...")
                .replace('\n', ' ');
    }
}
