package dev.sluice.cli;

import dev.sluice.block.BlockException;
import dev.sluice.ploop.Findings;
import dev.sluice.ploop.Header;
import dev.sluice.ploop.Image;
import dev.sluice.ploop.Lower;
import java.io.PrintWriter;
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

/** What an image is. */
@Command(name = "info", description = "Shows what an image is.")
final class ImageInfo implements Callable<Integer> {
    @Spec
    private CommandSpec spec;

    @Option(names = "--json", description = "says it in JSON")
    private boolean json;

    @Parameters(index = "0", paramLabel = OpenChain.LABEL, description = OpenChain.MEANING)
    private String path;

    @Override
    public Integer call() throws BlockException {
        PrintWriter out = spec.commandLine().getOut();
        try (OpenChain chain = OpenChain.open(path, null)) {
            Map<String, Object> all = facts(chain);
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
                : String.join("; ", list.stream().map(ImageInfo::text).toList())
                : value instanceof Map<?, ?> map ? String.join(", ", map.values().stream()
                        .map(Object::toString).toList())
                : value.toString();
    }

    private static Map<String, Object> facts(OpenChain chain) throws BlockException {
        Lower file = chain.top();
        Image image = chain.stack().top();
        Header header = image.header();
        Findings found = image.findings();
        Map<String, Object> all = new LinkedHashMap<>();
        all.put("filename", file.path());
        all.put("format", "ploop");
        all.put("version", header.version());
        all.put("virtual-size", header.diskBytes());
        all.put("cluster-size", header.clusterBytes());
        all.put("file-size", file.backing().size());
        all.put("actual-size", file.backing().allocated());
        all.put("data-offset", header.dataStart());
        all.put("total-clusters", found.total());
        all.put("allocated-clusters", found.allocated());
        all.put("fragmented-clusters", found.fragmented());
        all.put("image-end-offset", found.imageEnd());
        all.put("in-use", header.dirty());
        all.put("format-extension", header.extension() != 0);
        all.put("corruptions", found.count(Findings.Grade.CORRUPT));
        all.put("leaks", found.count(Findings.Grade.LEAK));
        all.put("not-for-openvz", header.obstacles(file.backing().size()));
        if (chain.files.size() > 1) {
            all.put("below", below(chain));
        }
        return all;
    }

    /** The other files of a chain, from the upper ones down. */
    private static List<Map<String, Object>> below(OpenChain chain) {
        List<Map<String, Object>> all = new ArrayList<>();
        for (int i = chain.files.size() - 2; i >= 0; i--) {
            Lower file = chain.files.get(i);
            Map<String, Object> one = new LinkedHashMap<>();
            one.put("filename", file.path());
            one.put("format", file.raw() ? "raw" : "ploop");
            one.put("file-size", file.backing().size());
            one.put("actual-size", file.backing().allocated());
            all.add(one);
        }
        return all;
    }
}
