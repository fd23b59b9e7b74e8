package dev.sluice.cli;

import dev.sluice.block.BlockException;
import dev.sluice.block.Errno;
import dev.sluice.block.Units;
import dev.sluice.watch.Column;
import dev.sluice.watch.Counters;
import dev.sluice.watch.Rates;
import dev.sluice.watch.Screen;
import java.io.IOException;
import java.io.PrintWriter;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Iterator;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.Callable;
import java.util.concurrent.TimeUnit;
import picocli.CommandLine.Command;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.Parameters;
import picocli.CommandLine.Spec;

/** Shows what the devices of a mount do, as iostat does for disks. */
@Command(name = "top", description = {"Shows what the devices of a mount do, again and again.",
    "On a terminal q ends it. Elsewhere it prints one table after the other."})
final class TopCommand implements Callable<Integer> {
    private static final long SHORTEST_MILLIS = 100;
    private static final long LONGEST_MILLIS = TimeUnit.HOURS.toMillis(1);
    /** Nobody wants to look at an empty screen. */
    private static final long FIRST_MILLIS = 300;

    @Spec
    private CommandSpec spec;

    @Option(names = {"-i", "--interval"}, paramLabel = "DURATION", defaultValue = "2s",
            description = "how long each look lasts: from 100ms to 1h; ${DEFAULT-VALUE} if not"
                    + " given")
    private String interval;

    @Option(names = {"-s", "--sort"}, paramLabel = "COLUMN",
            completionCandidates = Columns.class,
            description = "sorts by a column, figures downwards; else as in the table")
    private String sort;

    @Option(names = "--once", description = "looks once, for one interval, and ends")
    private boolean once;

    @Option(names = "--json", description = "one line of JSON for each look")
    private boolean json;

    @Option(names = {"-h", "--help"}, usageHelp = true, description = "this text")
    private boolean help;

    @Parameters(index = "0", paramLabel = "DIR", description = "the mount")
    private Path dir;

    private long millis;
    private Screen screen;
    private volatile List<Rates> shown = List.of();

    /** What can be sorted by, for who completes a command line. */
    private static final class Columns implements Iterable<String> {
        @Override
        public Iterator<String> iterator() {
            return Arrays.stream(Column.values()).map(Column::head).iterator();
        }
    }

    @Override
    public Integer call() throws BlockException, IOException, InterruptedException {
        millis = millis();
        screen = new Screen(column());
        Map<String, Counters> before = look();
        try (LiveScreen live = once || json ? null : LiveScreen.open()) {
            if (live == null) {
                print(before);
            } else {
                live.whenResized(() -> draw(live));
                show(live, before);
            }
        }
        return 0;
    }

    private long millis() throws BlockException {
        long wanted = TimeUnit.NANOSECONDS.toMillis(Units.parseDuration("--interval", interval));
        if (wanted < SHORTEST_MILLIS || wanted > LONGEST_MILLIS) {
            throw new BlockException(Errno.EINVAL, "--interval " + interval + " must be from 100ms"
                    + " to 1h");
        }
        return wanted;
    }

    private Column column() throws BlockException {
        if (sort != null && Column.of(sort) == null) {
            throw new BlockException(Errno.EINVAL, "there is no column " + sort + " to sort by;"
                    + " there are " + Column.names());
        }
        return sort == null ? null : Column.of(sort);
    }

    private Map<String, Counters> look() throws BlockException {
        Path file = dir.resolve(".sluice").resolve("stats");
        try {
            return Counters.parse(Files.readString(file));
        } catch (IOException e) {
            throw new BlockException(Errno.EIO, file + " cannot be read any more (" + e.getMessage()
                    + "); " + dir + " must be a mount that is served", e);
        }
    }

    /** On the terminal, until somebody ends it. */
    private void show(LiveScreen live, Map<String, Counters> first)
            throws BlockException, IOException {
        Map<String, Counters> before = first;
        draw(live);
        long wait = Math.min(FIRST_MILLIS, millis);
        while (!live.quits(wait)) {
            Map<String, Counters> now = look();
            shown = Rates.between(before, now);
            draw(live);
            before = now;
            wait = millis;
        }
    }

    private void draw(LiveScreen live) {
        List<Rates> rows = shown;
        List<String> lines = new ArrayList<>();
        StringBuilder title = new StringBuilder(dir.toString());
        for (String part : List.of(rows.size() + (rows.size() == 1 ? " device" : " devices"),
                "every " + interval, sort == null ? "" : "by " + sort, "q ends it")) {
            if (!part.isEmpty() && title.length() + 2 + part.length() <= live.width()) {
                title.append("  ").append(part);
            }
        }
        lines.add(title.toString());
        lines.addAll(screen.lines(rows, live.width(), live.height() - 1));
        live.draw(lines);
    }

    /** Where there is no terminal. */
    private void print(Map<String, Counters> first) throws BlockException, InterruptedException {
        PrintWriter out = spec.commandLine().getOut();
        Map<String, Counters> before = first;
        do {
            Thread.sleep(millis);
            Map<String, Counters> now = look();
            List<Rates> rows = screen.sorted(Rates.between(before, now));
            if (json) {
                out.println(Json.line(facts(rows)));
            } else {
                screen.lines(rows, Screen.WIDE, Screen.WIDE).forEach(out::println);
                out.print(once ? "" : "\n");
            }
            before = now;
        } while (!once && !out.checkError());
        out.flush();
    }

    private Map<String, Object> facts(List<Rates> rows) {
        Map<String, Object> all = new LinkedHashMap<>();
        all.put("mount", dir.toString());
        all.put("devices", rows.stream().map(Rates::facts).toList());
        return all;
    }
}
