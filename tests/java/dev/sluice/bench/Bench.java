package dev.sluice.bench;

import java.io.IOException;
import picocli.CommandLine;
import picocli.CommandLine.Command;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Model.OptionSpec;
import picocli.CommandLine.Option;

/** The benchmarks by name; {@code scripts/bench NAME} starts this after it has built it. */
@Command(name = "scripts/bench", description = "Measures sluice beside what else could be used.",
        subcommands = {CgroupBench.class, DelayBench.class, ZramMemory.class, PloopFirst.class,
            PloopTable.class, PloopLife.class})
final class Bench {
    @Option(names = {"-h", "--help"}, usageHelp = true, description = "this text")
    private boolean help;

    private Bench() { }

    public static void main(String[] arguments) {
        System.exit(line().setExecutionExceptionHandler((e, command, parsed) -> report(e))
                .execute(arguments));
    }

    /** The command line of all of them. */
    static CommandLine line() {
        CommandLine all = new CommandLine(new Bench());
        beside(all, "transport", Plan.transport(), "Measures requests through the mounted file,"
                + " ours beside its peers.", "zero, null, ram, nbdkit, file, qraw, bare,"
                + " file-direct, qraw-direct, bare-direct");
        beside(all, "completion", Plan.completion(), "Measures overwrites completed by the thread"
                + " that ended them, and by a worker.", "caller, worker, auto");
        beside(all, "zram", Plan.zram(), "Measures compressed memory beside the kernel's and"
                + " nbdkit's.", "lz4, kernel, nbdkit-zstd, zstd, zstd-plain");
        beside(all, "ploop", PloopPlan.plan(), "Measures an image beside a raw file, and beside"
                + " qemu's driver of the format.", "ploop, file, bare, qploop, chain-1, chain-8,"
                + " chain-64, and each with -direct");
        return all;
    }

    /** A comparison of the same kind as the others, by its own name and sides. */
    private static void beside(CommandLine all, String name, Plan plan, String what,
            String sides) {
        CommandLine line = new CommandLine(new TransportBench(plan));
        CommandSpec spec = line.getCommandSpec().name(name);
        spec.usageMessage().description(what);
        OptionSpec option = spec.findOption("--sides");
        spec.remove(option);
        spec.addOption(OptionSpec.builder(option).description("only these of " + sides).build());
        all.addSubcommand(name, line);
    }

    /** What the outside world, or the user, did wrong takes a sentence; our own errors a trace. */
    private static int report(Exception e) throws Exception {
        if (!(e instanceof IOException) && !(e instanceof IllegalArgumentException)) {
            throw e;
        }
        System.err.println("bench: " + e.getMessage());
        for (Throwable other : e.getSuppressed()) {
            System.err.println("bench: and then " + other.getMessage());
        }
        return 1;
    }
}
