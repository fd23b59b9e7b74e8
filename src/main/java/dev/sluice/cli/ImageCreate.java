package dev.sluice.cli;

import dev.sluice.block.BlockException;
import dev.sluice.block.Errno;
import dev.sluice.block.Units;
import dev.sluice.ploop.Header;
import dev.sluice.ploop.Image;
import java.io.PrintWriter;
import java.nio.file.Path;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.concurrent.Callable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.Parameters;
import picocli.CommandLine.Spec;

/** Makes an empty image that everybody who reads the format takes. */
@Command(name = "create", description = "Makes an empty image.")
final class ImageCreate implements Callable<Integer> {
    private static final long LEAST = 32 << 10;
    private static final long MOST = 64 << 20;

    @Spec
    private CommandSpec spec;

    @Option(names = "--cluster", paramLabel = "SIZE", defaultValue = "1M",
            description = "bytes that are allocated at once, 32k to 64M (1M)")
    private String cluster;

    @Option(names = "--json", description = "says it in JSON")
    private boolean json;

    @Parameters(index = "0", paramLabel = "FILE", description = "does not exist yet")
    private Path path;

    @Parameters(index = "1", paramLabel = "SIZE", description = "of the disk, as 10G")
    private String size;

    @Override
    public Integer call() throws BlockException {
        Header header = header("SIZE", Units.parseSize("SIZE", size), cluster);
        try (NewFile made = new NewFile(path)) {
            try (OpenFile file = OpenFile.open(made.draft(), false)) {
                Image.create(path.toString(), header, file.file, file.arena);
            }
            made.publish();
        }
        PrintWriter out = spec.commandLine().getOut();
        if (json) {
            Map<String, Object> all = new LinkedHashMap<>();
            all.put("filename", path.toString());
            all.put("virtual-size", header.diskBytes());
            all.put("cluster-size", header.clusterBytes());
            out.println(Json.text(all));
        } else {
            out.println(path + ": a disk of " + header.diskBytes() + " bytes in clusters of "
                    + header.clusterBytes());
        }
        return 0;
    }

    /** The header of an image for so many bytes, rounded up to clusters. */
    static Header header(String what, long bytes, String cluster) throws BlockException {
        long unit = Units.parseSize("--cluster", cluster);
        if (unit < LEAST || unit > MOST || Long.bitCount(unit) != 1) {
            throw new BlockException(Errno.EINVAL, "--cluster " + cluster + " must be a power of"
                    + " two from 32k to 64M, as OpenVZ's tools take it");
        }
        if (bytes <= 0 || bytes > Long.MAX_VALUE - unit) {
            throw new BlockException(Errno.EINVAL, what + " is " + bytes
                    + " bytes; a disk has one at least");
        }
        return Header.create((bytes + unit - 1) / unit * unit, unit);
    }
}
