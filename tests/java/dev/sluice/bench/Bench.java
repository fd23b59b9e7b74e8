package dev.sluice.bench;

import picocli.CommandLine;
import picocli.CommandLine.Command;

/** The benchmarks by name; {@code scripts/bench NAME} starts this after it has built it. */
@Command(name = "bench", mixinStandardHelpOptions = true,
        description = "Measures sluice beside what else could be used.",
        subcommands = TransportBench.class)
final class Bench {
    private Bench() { }

    public static void main(String[] arguments) {
        System.exit(new CommandLine(new Bench()).execute(arguments));
    }
}
