package dev.sluice;

import dev.sluice.cli.Commands;

/** The program: arguments to a command. */
public final class Main {
    private Main() {}

    /** Exits with 0, 1 for what went wrong, 2 for wrong usage. */
    public static void main(String[] args) {
        System.exit(Commands.run(args));
    }
}
