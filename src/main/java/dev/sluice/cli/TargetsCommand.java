package dev.sluice.cli;

import dev.sluice.target.TargetType;
import dev.sluice.target.TargetTypes;
import java.io.PrintWriter;
import java.util.concurrent.Callable;
import java.util.stream.Collectors;
import picocli.CommandLine.Command;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Parameters;
import picocli.CommandLine.Spec;

/** Lists the target types, or what one of them takes. */
@Command(name = "targets", description = "Lists the target types and their parameters.")
final class TargetsCommand implements Callable<Integer> {
    @Spec
    private CommandSpec spec;

    @Parameters(index = "0", arity = "0..1", paramLabel = "NAME", description = "one type")
    private String name;

    @Override
    public Integer call() {
        PrintWriter out = spec.commandLine().getOut();
        if (name == null) {
            TargetTypes.all().forEach(t -> out.printf("%-8s %s%n", t.name(), t.summary()));
            return 0;
        }
        for (TargetType type : TargetTypes.all()) {
            if (type.name().equals(name)) {
                show(type, out);
                return 0;
            }
        }
        spec.commandLine().getErr().println("sluice: there is no target " + name + "; there are "
                + TargetTypes.all().stream().map(TargetType::name)
                        .collect(Collectors.joining(", ")));
        return 1;
    }

    private static void show(TargetType type, PrintWriter out) {
        StringBuilder line = new StringBuilder("NAME ");
        line.append(type.sizeFollows() ? "SIZE|- " : "SIZE ").append(type.name());
        line.append(" LOWER".repeat(type.lowers()))
                .append(type.moreLowers() ? " …" : "").append(type.takesPath() ? " PATH" : "");
        type.parameters().forEach(p -> line.append(" [").append(p.key()).append("=…]"));
        out.println(line);
        out.println("    " + type.summary());
        type.parameters().forEach(p -> out.printf("    %s=%s%s%n        %s%n", p.key(), p.values(),
                p.initial().isEmpty() ? "" : "  (" + p.initial() + ")", p.meaning()));
    }
}
