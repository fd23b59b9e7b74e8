package dev.sluice.bench;

import java.io.IOException;
import picocli.CommandLine;
import picocli.CommandLine.Command;
import picocli.CommandLine.Option;

/** The benchmarks by name; {@code scripts/bench NAME} starts this after it has built it. */
@Command(name = "bench", description = "Measures sluice beside what else could be used.",
        subcommands = {TransportBench.class, CgroupBench.class, DelayBench.class,
            ZramMemory.class, PloopFirst.class, PloopTable.class,
            PloopLife.class})
final class Bench {
    @Option(names = {"-h", "--help"}, usageHelp = true, description = "this text")
    private boolean help;

    private Bench() { }

    public static void main(String[] arguments) {
        System.exit(new CommandLine(new Bench())
                .addSubcommand("completion", completion())
                .addSubcommand("zram", zram())
                .addSubcommand("ploop", ploop())
                .setExecutionExceptionHandler((e, command, parsed) -> report(e))
                .execute(arguments));
    }

    private static CommandLine completion() {
        CommandLine line = new CommandLine(new TransportBench(Plan.completion()));
        line.getCommandSpec().usageMessage().description(
                "Measures overwrites completed by the thread that ended them, and by a worker.");
        return line;
    }

    private static CommandLine zram() {
        CommandLine line = new CommandLine(new TransportBench(Plan.zram()));
        line.getCommandSpec().usageMessage().description(
                "Measures compressed memory beside the kernel's and nbdkit's.");
        return line;
    }

    private static CommandLine ploop() {
        CommandLine line = new CommandLine(new TransportBench(PloopPlan.plan()));
        line.getCommandSpec().usageMessage().description(
                "Measures an image beside a raw file, and beside qemu's driver of the format.");
        return line;
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
