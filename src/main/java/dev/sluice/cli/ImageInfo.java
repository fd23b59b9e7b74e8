package dev.sluice.cli;

import dev.sluice.block.BlockException;
import dev.sluice.ploop.Findings;
import dev.sluice.ploop.Header;
import dev.sluice.ploop.Image;
import java.io.PrintWriter;
import java.nio.file.Path;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.Callable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.Parameters;
import picocli.CommandLine.Spec;

/** What an image is. */
@Command(name = "info", description = "Shows what an image is.")
final class ImageInfo implements Callable<Integer> {
    @Spec
    private CommandSpec spec;

    @Option(names = "--json", description = "says it in JSON")
    private boolean json;

    @Parameters(index = "0", paramLabel = "FILE")
    private Path path;

    @Override
    public Integer call() throws BlockException {
        PrintWriter out = spec.commandLine().getOut();
        try (OpenFile file = OpenFile.open(path, true)) {
            Map<String, Object> all = facts(file);
            if (json) {
                out.println(Json.text(all));
            } else {
                all.forEach((key, value) -> out.printf("%-20s %s%n", key, text(value)));
            }
        }
        return 0;
    }

    private static String text(Object value) {
        return value instanceof List<?> list ? list.isEmpty() ? "nothing"
                : String.join("; ", list.stream().map(Object::toString).toList())
                : value.toString();
    }

    private static Map<String, Object> facts(OpenFile file) throws BlockException {
        Image image = file.image();
        Header header = image.header();
        Findings found = image.findings();
        Map<String, Object> all = new LinkedHashMap<>();
        all.put("filename", file.path);
        all.put("format", "ploop");
        all.put("version", header.version());
        all.put("virtual-size", header.diskBytes());
        all.put("cluster-size", header.clusterBytes());
        all.put("file-size", file.file.size());
        all.put("actual-size", file.file.allocated());
        all.put("data-offset", header.dataStart());
        all.put("total-clusters", found.total());
        all.put("allocated-clusters", found.allocated());
        all.put("fragmented-clusters", found.fragmented());
        all.put("image-end-offset", found.imageEnd());
        all.put("in-use", header.dirty());
        all.put("format-extension", header.extension() != 0);
        all.put("corruptions", found.count(Findings.Grade.CORRUPT));
        all.put("leaks", found.count(Findings.Grade.LEAK));
        all.put("not-for-openvz", header.obstacles(file.file.size()));
        return all;
    }
}
