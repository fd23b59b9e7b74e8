package dev.sluice.bench;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import java.io.IOException;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.stream.IntStream;

/** What was measured beside a crowd of held requests, and what was to come out. */
final class CrowdFigures {
    private static final double KEPT = 0.9;
    private static final double MOST_MILLIS = 1000;

    private final List<Double> alone = new ArrayList<>();
    private final List<Double> beside = new ArrayList<>();
    private final Map<String, List<Double>> calls = new LinkedHashMap<>();
    private final Map<String, long[]> counts = new LinkedHashMap<>();

    /** One repetition: another device's requests a second without the crowd and beside it. */
    void speed(double without, double with) {
        alone.add(without);
        beside.add(with);
    }

    /** How long a control call took. */
    void call(String name, double millis) {
        calls.computeIfAbsent(name, n -> new ArrayList<>()).add(millis);
    }

    /** Requests that were to be somewhere, or to end well, and those that did. */
    void count(String name, long wanted, long found) {
        long[] sums = counts.computeIfAbsent(name, n -> new long[2]);
        sums[0] += wanted;
        sums[1] += found;
    }

    /** The requests that fio had answered without an error, in what it printed. */
    static long answered(String printed) throws IOException {
        if (printed.indexOf('{') < 0) {
            throw new IOException("fio printed no result: " + printed.strip());
        }
        JsonNode job = new ObjectMapper().readTree(printed.substring(printed.indexOf('{')))
                .path("jobs").path(0);
        return job.path("error").asInt(-1) != 0 ? 0
                : job.path("read").path("total_ios").asLong()
                + job.path("write").path("total_ios").asLong();
    }

    /** Each goal with its figure, what was wanted, and the verdict. */
    List<String[]> goals() {
        List<String[]> rows = new ArrayList<>();
        double[] kept = IntStream.range(0, alone.size())
                .mapToDouble(i -> beside.get(i) / alone.get(i)).sorted().toArray();
        double ratio = Results.median(sorted(beside)) / Results.median(sorted(alone));
        rows.add(new String[] {"speed of another device", "kept", spread(2, ratio, kept),
            format("≥ %.2f", KEPT), verdict(ratio >= KEPT)});
        calls.forEach((name, all) -> {
            double[] millis = sorted(all);
            rows.add(new String[] {name, "ms", spread(0, Results.median(millis), millis),
                format("≤ %.0f", MOST_MILLIS), verdict(millis[millis.length - 1] <= MOST_MILLIS)});
        });
        counts.forEach((name, sums) -> rows.add(new String[] {name, "requests", "" + sums[1],
            "" + sums[0], verdict(sums[0] == sums[1])}));
        return rows;
    }

    /** The section of the report; there was at least one repetition. */
    String report(int held) {
        List<String[]> rows = new ArrayList<>();
        rows.add(new String[] {"beside " + held + " held", "unit", "median [least–most]", "wanted",
            "verdict"});
        rows.addAll(goals());
        return "\n### Beside " + held + " requests held for an hour\n\n" + Report.table(rows)
                + "\n4k random reads at QD32 of another device, in thousands a second: alone "
                + thousands(alone) + ", beside them " + thousands(beside) + ".\n";
    }

    private static String thousands(List<Double> rates) {
        double[] all = sorted(rates.stream().map(r -> r / 1000).toList());
        return spread(1, Results.median(all), all);
    }

    private static double[] sorted(List<Double> values) {
        return values.stream().mapToDouble(d -> d).sorted().toArray();
    }

    private static String spread(int digits, double middle, double[] sorted) {
        String each = "%." + digits + "f";
        return format(each + " [" + each + "–" + each + "]", middle, sorted[0],
                sorted[sorted.length - 1]);
    }

    private static String format(String format, Object... values) {
        return String.format(Locale.ROOT, format, values);
    }

    private static String verdict(boolean met) {
        return met ? "pass" : "FAIL";
    }
}
