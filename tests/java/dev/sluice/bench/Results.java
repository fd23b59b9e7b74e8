package dev.sluice.bench;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.function.ToDoubleFunction;
import java.util.stream.LongStream;

/** The samples of every side and cell, and the figures made of them. */
final class Results {
    /**
     * One measured run.
     *
     * @param rate in the cell's unit
     * @param cpuMicros of the server's CPU for each request, NaN where there is no server
     * @param switches of the server's context for each request, NaN where there is no server
     * @param collections of the server's garbage during the run, negative where it has none
     */
    record Sample(double rate, double cpuMicros, double switches, long collections) {
        /** Of several runs as long as each other; collections are added up. */
        static Sample mean(List<Sample> all) {
            return new Sample(mean(all, Sample::rate), mean(all, Sample::cpuMicros),
                    mean(all, Sample::switches), sum(all.stream()
                            .mapToLong(Sample::collections)));
        }

        private static double mean(List<Sample> all, ToDoubleFunction<Sample> figure) {
            return all.stream().mapToDouble(figure).average().orElse(Double.NaN);
        }
    }

    /** Median, least and most. */
    record Spread(double median, double least, double most) { }

    private final Map<String, Map<Cell, List<Sample>>> samples = new LinkedHashMap<>();

    void add(Side side, Cell cell, Sample sample) {
        samples.computeIfAbsent(side.name(), name -> new LinkedHashMap<>())
                .computeIfAbsent(cell, c -> new ArrayList<>()).add(sample);
    }

    Map<String, Map<Cell, List<Sample>>> samples() {
        return samples;
    }

    private List<Sample> of(String side, Cell cell) {
        return samples.getOrDefault(side, Map.of()).getOrDefault(cell, List.of());
    }

    boolean has(String side, Cell cell) {
        return !of(side, cell).isEmpty();
    }

    /** There is at least one sample. */
    Spread spread(String side, Cell cell, ToDoubleFunction<Sample> figure) {
        double[] sorted = of(side, cell).stream().mapToDouble(figure).sorted().toArray();
        return new Spread(median(sorted), sorted[0], sorted[sorted.length - 1]);
    }

    /** The quotient of the two medians. */
    double ratio(String first, String second, Cell cell) {
        return spread(first, cell, Sample::rate).median()
                / spread(second, cell, Sample::rate).median();
    }

    /** All collections of the side in its measured runs, negative where it has none. */
    long collections(String side) {
        return sum(samples.getOrDefault(side, Map.of()).values().stream().flatMap(List::stream)
                .mapToLong(Sample::collections));
    }

    private static long sum(LongStream collections) {
        return collections.reduce(0, (a, b) -> a < 0 || b < 0 ? -1 : a + b);
    }

    static double median(double[] sorted) {
        int middle = sorted.length / 2;
        return sorted.length % 2 == 1 ? sorted[middle]
                : (sorted[middle - 1] + sorted[middle]) / 2;
    }

    static double geometricMean(double... values) {
        return Math.exp(Arrays.stream(values).map(Math::log).average().orElse(Double.NaN));
    }
}
