package dev.sluice.cli;

import dev.sluice.block.BlockException;
import dev.sluice.block.Errno;
import dev.sluice.report.Machine;
import dev.sluice.report.Preset;
import dev.sluice.report.Survey;
import dev.sluice.work.SystemClock;
import java.io.IOException;
import java.io.PrintWriter;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Instant;
import java.util.Iterator;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.Callable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.Parameters;
import picocli.CommandLine.Spec;

/** Measures devices with fio and writes a page about what they reach and what they could. */
@Command(name = "report", sortOptions = false, description = {
    "Measures devices with fio, and writes one HTML page: how long requests took, how many a second"
            + " by how many in flight, large requests over time; beside what was asked for and what"
            + " the device below reaches.",
    "Devices are only read, unless --write is given, which destroys what is on them."})
final class ReportCommand implements Callable<Integer> {
    private static final int LONGEST_SECONDS = 600;

    @Spec
    private CommandSpec spec;

    @Option(names = {"-o", "--output"}, paramLabel = "FILE", required = true,
            description = "the page")
    private Path output;

    @Option(names = "--preset", paramLabel = "NAME", defaultValue = "all",
            completionCandidates = Presets.class,
            description = "what to measure: latency (small requests, one at a time), depth (small"
                    + " ones by how many in flight), throughput (large ones), or ${DEFAULT-VALUE}")
    private String preset;

    @Option(names = "--quick", description = "three depths at most, half a second each")
    private boolean quick;

    @Option(names = "--seconds", paramLabel = "N", defaultValue = "3",
            description = "how long each run takes; ${DEFAULT-VALUE} if not given")
    private int seconds;

    @Option(names = "--write", description = "writes instead of reading: WHAT IS ON THE DEVICES"
            + " IS LOST; refused while one of them, or one on which it stands, is open")
    private boolean write;

    @Option(names = {"-h", "--help"}, usageHelp = true, description = "this text")
    private boolean help;

    @Parameters(index = "0", paramLabel = "DIR|TABLE",
            description = "a mount; or a table, which is mounted for it")
    private Path dir;

    @Parameters(index = "1..*", paramLabel = "DEVICE", description = "all, if none is named")
    private List<String> devices = List.of();

    /** For who completes a command line. */
    private static final class Presets implements Iterable<String> {
        @Override
        public Iterator<String> iterator() {
            return List.of(Preset.names().split(", ")).iterator();
        }
    }

    @Override
    public Integer call() throws BlockException, InterruptedException {
        String folder = System.getProperty("sluice.report");
        if (folder == null) {
            throw new BlockException(Errno.EINVAL, "report needs a mount to compare with;"
                    + " scripts/sluice report makes one");
        }
        if (seconds < 1 || seconds > LONGEST_SECONDS) {
            throw new BlockException(Errno.EINVAL, "--seconds " + seconds + " must be from 1 to "
                    + LONGEST_SECONDS);
        }
        Survey survey = new Survey(dir, devices, Path.of(folder, "nothing"),
                Path.of(folder, "fio"),
                new Survey.Wish(Preset.of(preset), quick, seconds, write));
        Map<String, String> facts = new LinkedHashMap<>();
        facts.put("sluice", Version.TEXT);
        facts.put("when", Instant.ofEpochSecond(SystemClock.epochSeconds()).toString());
        facts.putAll(Machine.facts());
        facts.put("fio", System.getProperty("sluice.report.fio", "unknown"));
        facts.put("each run", (quick ? "0.5" : seconds) + " s");
        facts.put("load before", Machine.load());
        String page;
        try (Bar bar = new Bar("measuring", true, "runs", 1)) {
            page = survey.run(bar::at, facts, new SystemClock());
        }
        try {
            Files.writeString(output, page);
        } catch (IOException e) {
            throw new BlockException(Errno.EIO, output + " cannot be written (" + e.getMessage()
                    + "); name a file in a folder that you may write to", e);
        }
        PrintWriter out = spec.commandLine().getOut();
        out.println(output);
        return 0;
    }
}
