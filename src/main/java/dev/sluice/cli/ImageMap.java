package dev.sluice.cli;

import dev.sluice.block.BlockException;
import dev.sluice.ploop.Extents;
import dev.sluice.ploop.Stack;
import java.io.PrintWriter;
import java.util.concurrent.Callable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.Parameters;
import picocli.CommandLine.Spec;

/** Where the data of the disk is in the file, as qemu-img map says it. */
@Command(name = "map", description = "Shows where the data of the disk is in the file.")
final class ImageMap implements Callable<Integer> {
    @Spec
    private CommandSpec spec;

    @Option(names = "--json", description = "says it in JSON, as qemu-img map does")
    private boolean json;

    @Option(names = "--snapshot", paramLabel = "GUID", description = "of this state of the disk")
    private String snapshot;

    @Parameters(index = "0", paramLabel = OpenChain.LABEL, description = OpenChain.MEANING)
    private String path;

    private String between = "[";

    @Override
    public Integer call() throws BlockException {
        PrintWriter out = spec.commandLine().getOut();
        try (OpenChain chain = OpenChain.open(path, snapshot)) {
            Stack stack = chain.stack();
            Extents extents = new Extents(stack);
            if (json) {
                int top = stack.levels() - 1;
                extents.each((start, length, at, level) -> line(out, start, length, at,
                        at < 0 ? 0 : top - level));
                out.println("]");
            } else {
                out.printf("%-15s %-15s %-15s %s%n", "Offset", "Length", "Mapped to", "File");
                extents.each((start, length, at, level) -> {
                    if (at >= 0) {
                        out.printf("%-15s %-15s %-15s %s%n", hex(start), hex(length), hex(at),
                                stack.name(level));
                    }
                });
            }
        }
        out.flush();
        return 0;
    }

    private void line(PrintWriter out, long start, long length, long at, int depth) {
        out.print(between);
        boolean data = at >= 0;
        out.print("{ \"start\": " + start + ", \"length\": " + length + ", \"depth\": "
                + depth + ", \"present\": " + data + ", \"zero\": " + (!data && length > 0)
                + ", \"data\": " + data + (data ? ", \"offset\": " + at : "") + "}");
        between = ",\n";
    }

    private static String hex(long number) {
        return number == 0 ? "0" : "0x" + Long.toHexString(number);
    }
}
