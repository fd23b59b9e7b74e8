package dev.sluice.cli;

import dev.sluice.block.BlockException;
import dev.sluice.ploop.Extents;
import java.io.PrintWriter;
import java.nio.file.Path;
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

    @Parameters(index = "0", paramLabel = "FILE")
    private Path path;

    private String between = "[";

    @Override
    public Integer call() throws BlockException {
        PrintWriter out = spec.commandLine().getOut();
        try (OpenFile file = OpenFile.open(path, true)) {
            Extents extents = new Extents(file.path, file.image());
            if (json) {
                extents.each((start, length, at) -> line(out, start, length, at));
                out.println("]");
            } else {
                out.printf("%-15s %-15s %-15s %s%n", "Offset", "Length", "Mapped to", "File");
                extents.each((start, length, at) -> {
                    if (at >= 0) {
                        out.printf("%-15s %-15s %-15s %s%n", hex(start), hex(length), hex(at),
                                path);
                    }
                });
            }
        }
        out.flush();
        return 0;
    }

    private void line(PrintWriter out, long start, long length, long at) {
        out.print(between);
        boolean data = at >= 0;
        out.print("{ \"start\": " + start + ", \"length\": " + length + ", \"depth\": 0,"
                + " \"present\": " + data + ", \"zero\": " + (!data && length > 0)
                + ", \"data\": " + data + (data ? ", \"offset\": " + at : "") + "}");
        between = ",\n";
    }

    private static String hex(long number) {
        return number == 0 ? "0" : "0x" + Long.toHexString(number);
    }
}
