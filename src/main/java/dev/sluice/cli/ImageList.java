package dev.sluice.cli;

import dev.sluice.block.BlockException;
import dev.sluice.block.Units;
import dev.sluice.ploop.DiskDescriptor;
import java.io.IOException;
import java.io.PrintWriter;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.Callable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.Parameters;
import picocli.CommandLine.Spec;

/** The states of a disk that a DiskDescriptor.xml names, as a tree. */
@Command(name = "list", description = "Shows the snapshots of a disk, each below what it stands"
        + " on.")
final class ImageList implements Callable<Integer> {
    @Spec
    private CommandSpec spec;

    @Option(names = "--json", description = "says it in JSON")
    private boolean json;

    @Parameters(index = "0", paramLabel = "DESCRIPTOR", description = "a DiskDescriptor.xml")
    private Path path;

    private final List<Map<String, Object>> rows = new ArrayList<>();

    @Override
    public Integer call() throws BlockException {
        DiskDescriptor descriptor = DiskDescriptor.read(path);
        add(descriptor, DiskDescriptor.NOTHING, 0);
        LeftFiles left = LeftFiles.of(path.toString());
        PrintWriter out = spec.commandLine().getOut();
        if (json) {
            Map<String, Object> all = new LinkedHashMap<>();
            all.put("filename", path.toString());
            all.put("virtual-size", descriptor.sectors() * 512);
            all.put("cluster-size", descriptor.clusterSectors() * 512);
            all.put("current", descriptor.top());
            all.put("snapshots", rows);
            left.put(all);
            out.println(Json.text(all));
        } else {
            out.println(path + ": a disk of " + Units.size(descriptor.sectors() * 512));
            rows.forEach(row -> out.println(line(row)));
            left.lines().forEach(out::println);
        }
        return 0;
    }

    private void add(DiskDescriptor descriptor, String parent, int depth) {
        for (DiskDescriptor.Shot shot : descriptor.shots()) {
            if (shot.parent().equals(parent)) {
                DiskDescriptor.Image image = descriptor.images().stream()
                        .filter(i -> i.guid().equals(shot.guid())).findFirst().orElseThrow();
                Map<String, Object> row = new LinkedHashMap<>();
                row.put("guid", shot.guid());
                row.put("parent", shot.parent());
                row.put("depth", depth);
                row.put("current", shot.guid().equals(descriptor.top()));
                row.put("file", image.file());
                row.put("format", image.plain() ? "raw" : "ploop");
                row.put("file-size", size(image.file()));
                if (shot.temporary() != null) {
                    row.put("unfinished", shot.temporary());
                }
                rows.add(row);
                add(descriptor, shot.guid(), depth + 1);
            }
        }
    }

    /** Bytes of a file, -1 where it is not there. */
    private long size(String file) {
        try {
            return Files.size(path.toAbsolutePath().resolveSibling(file));
        } catch (IOException e) {
            return -1;
        }
    }

    private static String line(Map<String, Object> row) {
        long size = (long) row.get("file-size");
        return "  ".repeat((int) row.get("depth")) + row.get("guid") + "  " + row.get("file")
                + "  " + (size < 0 ? "missing" : Units.size(size))
                + (row.get("format").equals("raw") ? "  raw" : "")
                + (row.containsKey("unfinished") ? "  " + row.get("unfinished") : "")
                + ((boolean) row.get("current") ? "  current" : "");
    }
}
