package dev.sluice.cli;

import dev.sluice.block.BlockException;
import dev.sluice.block.Errno;
import dev.sluice.ploop.Chain;
import dev.sluice.ploop.DiskDescriptor;
import dev.sluice.ploop.Findings;
import dev.sluice.ploop.Findings.Grade;
import dev.sluice.ploop.Header;
import dev.sluice.ploop.Image;
import dev.sluice.ploop.Repair;
import java.io.PrintWriter;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.EnumSet;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Set;
import java.util.concurrent.Callable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.Parameters;
import picocli.CommandLine.Spec;

/** Looks for what is wrong with an image, and puts it right where that is wanted. */
@Command(name = "check", description = {"Looks for what is wrong with an image.",
    "Ends with 0 when it is sound, 2 when data is damaged, 3 when only storage is lost, 1 when it"
            + " could not be checked."},
        exitCodeOnInvalidInput = 1)
final class ImageCheck implements Callable<Integer> {
    private static final int DAMAGED = 2;
    private static final int LEAKS = 3;

    /** What the command line says. */
    enum Allowed {
        SAFE, LOSSY, COPY
    }

    @Spec
    private CommandSpec spec;

    @Option(names = "--json", description = "says it in JSON")
    private boolean json;

    @Option(names = "--repair", arity = "0..1", split = ",", paramLabel = "CLASS",
            fallbackValue = "SAFE", description = {"repairs it; CLASS is one or more of:",
                "safe: what loses nothing that can be read (always done)",
                "lossy: what cannot be read becomes zeros",
                "copy: what two clusters share is copied"})
    private List<Allowed> repair;

    @Parameters(index = "0", paramLabel = OpenChain.LABEL, description = OpenChain.MEANING)
    private String word;

    private Path path;
    private final List<Map<String, Object>> checked = new ArrayList<>();

    @Override
    public Integer call() throws BlockException {
        PrintWriter out = spec.commandLine().getOut();
        Chain chain = OpenChain.named(word, null);
        boolean leaks = false;
        boolean damaged = false;
        for (Chain.Part file : chain.files()) {
            if (!file.raw()) {
                path = Path.of(file.path());
                int found = check(out);
                damaged |= found == DAMAGED;
                leaks |= found == LEAKS;
            }
        }
        String wrong = damaged || chain.files().size() == 1 ? null : wrong(chain);
        LeftFiles left = Chain.described(word) ? LeftFiles.of(word)
                : new LeftFiles(List.of(), List.of());
        if (chain.files().size() == 1) {
            checked.forEach(facts -> out.println(Json.text(facts)));
        } else if (json) {
            Map<String, Object> all = new LinkedHashMap<>();
            all.put("filename", word);
            all.put("chain", wrong == null ? "sound" : wrong);
            all.put("files", checked);
            left.put(all);
            out.println(Json.text(all));
        } else if (!damaged) {
            out.println(word + ": " + (wrong == null ? "a sound chain of " + chain.files().size()
                    + " files" : "no sound chain: " + wrong));
        }
        if (!json) {
            left.lines().forEach(out::println);
        }
        return damaged || wrong != null ? DAMAGED : leaks ? LEAKS : 0;
    }

    /** Why files that are sound each make no chain; null where they do. */
    private String wrong(Chain chain) throws BlockException {
        try (OpenChain open = OpenChain.open(chain, Chain.described(word))) {
            Header top = open.stack().top().header();
            if (!Chain.described(word)) {
                return null;
            }
            DiskDescriptor said = DiskDescriptor.read(Path.of(word));
            return said.sectors() != top.sectors() ? "Disk_size is " + said.sectors() + ", and "
                    + open.top().path() + " has " + top.sectors() + " sectors"
                    : said.clusterSectors() != top.clusterSectors() ? "Blocksize is "
                    + said.clusterSectors() + ", and " + open.top().path() + " has clusters of "
                    + top.clusterSectors() + " sectors" : null;
        } catch (BlockException e) {
            if (e.errno() == Errno.EINVAL || e.errno() == Errno.EIO) {
                return e.getMessage();
            }
            throw e;
        }
    }

    private int check(PrintWriter out) throws BlockException {
        List<String> done = new ArrayList<>();
        try (OpenFile file = OpenFile.open(path, repair == null)) {
            Image image = file.image();
            Findings before = image.findings();
            if (repair != null) {
                try (Bar bar = new Bar("repair", !json)) {
                    Repair.run(file.path, image, file.file, file.arena, allowed(), done::add, bar);
                }
                image = file.again();
            }
            Findings found = image.findings();
            if (json) {
                checked.add(facts(file, repair == null ? found : before, found, done));
            } else {
                say(out, repair == null ? found : before, found, done);
            }
            return found.count(Grade.CORRUPT) > 0 ? DAMAGED
                    : found.count(Grade.LEAK) > 0 ? LEAKS : 0;
        }
    }

    private Set<Findings.Repair> allowed() {
        Set<Findings.Repair> all = EnumSet.of(Findings.Repair.SAFE);
        repair.forEach(r -> all.add(Findings.Repair.valueOf(r.name())));
        return all;
    }

    private void say(PrintWriter out, Findings before, Findings now, List<String> done) {
        before.list().forEach(f -> out.println(word(f.kind().grade()) + ": " + f.sentence()
                + advice(f.kind().repair())));
        done.forEach(what -> out.println("repaired: " + what));
        if (!done.isEmpty()) {
            now.list().forEach(f -> out.println("left: " + f.sentence()));
        }
        out.println(path + ": " + (now.count(Grade.CORRUPT) > 0
                ? now.count(Grade.CORRUPT) + " things are damaged"
                : now.count(Grade.LEAK) > 0 ? "only storage is lost" : "sound") + "; "
                + now.allocated() + " of " + now.total() + " clusters allocated, "
                + now.fragmented() + " of them fragmented, " + now.count(Grade.LEAK)
                + " lost");
    }

    private String advice(Findings.Repair by) {
        return repair != null || by == Findings.Repair.NONE ? ""
                : " (--repair=" + by.name().toLowerCase(Locale.ROOT) + ")";
    }

    private static String word(Grade grade) {
        return switch (grade) {
            case CORRUPT -> "damaged";
            case LEAK -> "lost storage";
            case NOTE -> "note";
        };
    }

    private static Map<String, Object> facts(OpenFile file, Findings before, Findings now,
            List<String> done) {
        Map<String, Object> all = new LinkedHashMap<>();
        all.put("filename", file.path);
        all.put("format", "ploop");
        all.put("check-errors", 0);
        all.put("corruptions", now.count(Grade.CORRUPT));
        all.put("leaks", now.count(Grade.LEAK));
        all.put("corruptions-fixed", before.count(Grade.CORRUPT) - now.count(Grade.CORRUPT));
        all.put("leaks-fixed", before.count(Grade.LEAK) - now.count(Grade.LEAK));
        all.put("total-clusters", now.total());
        all.put("allocated-clusters", now.allocated());
        all.put("fragmented-clusters", now.fragmented());
        all.put("image-end-offset", now.imageEnd());
        all.put("findings", before.list().stream().map(ImageCheck::entry).toList());
        all.put("repaired", done);
        return all;
    }

    private static Map<String, Object> entry(Findings.Finding finding) {
        Map<String, Object> all = new LinkedHashMap<>();
        all.put("kind", name(finding.kind()));
        all.put("grade", name(finding.kind().grade()));
        all.put("repair", name(finding.kind().repair()));
        if (finding.index() >= 0) {
            all.put("cluster", finding.index());
        }
        all.put("text", finding.sentence());
        return all;
    }

    private static String name(Enum<?> value) {
        return value.name().toLowerCase(Locale.ROOT).replace('_', '-');
    }
}
