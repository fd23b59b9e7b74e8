package dev.sluice.control;

import dev.sluice.block.Op;
import io.prometheus.metrics.config.EscapingScheme;
import io.prometheus.metrics.expositionformats.PrometheusTextFormatWriter;
import io.prometheus.metrics.model.snapshots.ClassicHistogramBuckets;
import io.prometheus.metrics.model.snapshots.CounterSnapshot;
import io.prometheus.metrics.model.snapshots.CounterSnapshot.CounterDataPointSnapshot;
import io.prometheus.metrics.model.snapshots.GaugeSnapshot;
import io.prometheus.metrics.model.snapshots.GaugeSnapshot.GaugeDataPointSnapshot;
import io.prometheus.metrics.model.snapshots.HistogramSnapshot;
import io.prometheus.metrics.model.snapshots.HistogramSnapshot.HistogramDataPointSnapshot;
import io.prometheus.metrics.model.snapshots.InfoSnapshot;
import io.prometheus.metrics.model.snapshots.InfoSnapshot.InfoDataPointSnapshot;
import io.prometheus.metrics.model.snapshots.Labels;
import io.prometheus.metrics.model.snapshots.MetricSnapshots;
import io.prometheus.metrics.model.snapshots.Unit;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.charset.StandardCharsets;
import java.util.Arrays;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.function.ToDoubleFunction;

/** What devices have counted, as Prometheus has it: base units, totals, one label for a device. */
final class Metrics {
    /** Where the steps of latencies end, in nanoseconds. */
    static final long[] STEPS = {5_000, 20_000, 100_000, 250_000, 500_000, 1_000_000, 2_500_000,
        5_000_000, 10_000_000, 50_000_000, 100_000_000, 500_000_000, 1_000_000_000,
        10_000_000_000L};

    private static final String PREFIX = "sluice_device_";

    private final MetricSnapshots.Builder all = MetricSnapshots.builder();
    private final List<Map<String, Object>> devices;

    private Metrics(List<Map<String, Object>> devices) {
        this.devices = devices;
    }

    /**
     * @param devices what is known of each, with latencies by {@link #STEPS}
     */
    static MetricSnapshots of(String version, List<Map<String, Object>> devices) {
        Metrics metrics = new Metrics(devices);
        metrics.all.metricSnapshot(InfoSnapshot.builder().name("sluice_build")
                .help("The program that serves the mount.")
                .dataPoint(InfoDataPointSnapshot.builder()
                        .labels(Labels.of("version", version)).build()).build());
        metrics.facts();
        metrics.now();
        metrics.totals();
        metrics.requests();
        return metrics.all.build();
    }

    /** The text format 0.0.4. */
    static String text(MetricSnapshots snapshots) {
        ByteArrayOutputStream out = new ByteArrayOutputStream();
        try {
            PrometheusTextFormatWriter.create().write(out, snapshots,
                    EscapingScheme.UNDERSCORE_ESCAPING);
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
        return out.toString(StandardCharsets.UTF_8);
    }

    private static Labels labels(Map<String, Object> device) {
        return Labels.of("device", (String) device.get("name"));
    }

    private static double number(Map<?, ?> of, String key) {
        return ((Number) of.get(key)).doubleValue();
    }

    private static double seconds(Map<?, ?> of, String key) {
        return number(of, key) / 1e9;
    }

    private void facts() {
        InfoSnapshot.Builder info = InfoSnapshot.builder().name("sluice_device")
                .help("What stands behind a device.");
        devices.forEach(d -> info.dataPoint(InfoDataPointSnapshot.builder()
                .labels(labels(d).add("target", (String) d.get("type"))).build()));
        all.metricSnapshot(info.build());
        gauge("size", Unit.BYTES, "Size of the device.", d -> number(d, "size"));
        gauge("opens", null, "How often its file is open.",
                d -> d.get("opens") instanceof Number n ? n.doubleValue() : 0);
        gauge("failed", null, "1 when a failed flush or a fault of its own keeps changes out.",
                d -> Boolean.TRUE.equals(d.get("failed")) ? 1 : 0);
    }

    private void now() {
        gauge("requests_in_flight", null, "Requests taken and not yet ended.",
                d -> number(d, "in_flight"));
        gauge("requests_held", null, "Requests that the target keeps waiting.",
                d -> number(d, "held"));
        gauge("oldest_request_age", Unit.SECONDS,
                "Age of the oldest request that has not ended.", d -> number(d, "oldest_us") / 1e6);
        List<Map<String, Object>> packed = devices.stream()
                .filter(d -> d.containsKey("stored_bytes")).toList();
        if (!packed.isEmpty()) {
            gauge(packed, "data", Unit.BYTES, "Data that is kept, before it is compressed.",
                    d -> number(d, "data_bytes"));
            gauge(packed, "stored", Unit.BYTES, "What keeping that data takes.",
                    d -> number(d, "stored_bytes"));
        }
    }

    private void gauge(String name, Unit unit, String help,
            ToDoubleFunction<Map<String, Object>> value) {
        gauge(devices, name, unit, help, value);
    }

    private void gauge(List<Map<String, Object>> of, String name, Unit unit, String help,
            ToDoubleFunction<Map<String, Object>> value) {
        GaugeSnapshot.Builder gauge = GaugeSnapshot.builder().name(name(name, unit)).unit(unit)
                .help(help);
        of.forEach(d -> gauge.dataPoint(GaugeDataPointSnapshot.builder().labels(labels(d))
                .value(value.applyAsDouble(d)).build()));
        all.metricSnapshot(gauge.build());
    }

    private static String name(String name, Unit unit) {
        return PREFIX + name + (unit == null ? "" : "_" + unit);
    }

    private void totals() {
        counter("io_time", Unit.SECONDS, "Time during which any request was in flight.",
                d -> seconds(d, "busy_ns"));
        counter("io_time_weighted", Unit.SECONDS,
                "The same, each moment as often as requests were in flight.",
                d -> seconds(d, "weighted_ns"));
        counter("fua_writes", null, "Writes that were durable when they ended.",
                d -> number(d, "fua_writes"));
        counter("rewrites", null, "Changes that covered a block in part.",
                d -> number(d, "rewrites"));
    }

    private void counter(String name, Unit unit, String help,
            ToDoubleFunction<Map<String, Object>> value) {
        CounterSnapshot.Builder counter = CounterSnapshot.builder().name(name(name, unit))
                .unit(unit).help(help);
        devices.forEach(d -> counter.dataPoint(CounterDataPointSnapshot.builder()
                .labels(labels(d)).value(value.applyAsDouble(d)).build()));
        all.metricSnapshot(counter.build());
    }

    private void requests() {
        CounterSnapshot.Builder bytes = CounterSnapshot.builder()
                .name(name("transferred", Unit.BYTES)).unit(Unit.BYTES)
                .help("Bytes of requests that went well.");
        CounterSnapshot.Builder failures = CounterSnapshot.builder()
                .name(name("request_failures", null)).help("Requests that ended with an error.");
        HistogramSnapshot.Builder took = HistogramSnapshot.builder()
                .name(name("request_duration", Unit.SECONDS)).unit(Unit.SECONDS)
                .help("How long requests took from their arrival at the device to their end.");
        double[] bounds = Arrays.copyOf(Arrays.stream(STEPS).mapToDouble(n -> n / 1e9).toArray(),
                STEPS.length + 1);
        bounds[STEPS.length] = Double.POSITIVE_INFINITY;
        for (Map<String, Object> device : devices) {
            for (Op op : Op.values()) {
                String kind = op.name().toLowerCase(Locale.ROOT);
                Map<?, ?> one = (Map<?, ?>) device.get(kind);
                Labels labels = labels(device).add("op", kind);
                bytes.dataPoint(CounterDataPointSnapshot.builder().labels(labels)
                        .value(number(one, "bytes")).build());
                failures.dataPoint(CounterDataPointSnapshot.builder().labels(labels)
                        .value(number(one, "failed")).build());
                took.dataPoint(HistogramDataPointSnapshot.builder().labels(labels)
                        .sum(seconds(one, "time_ns")).classicHistogramBuckets(
                                ClassicHistogramBuckets.of(bounds, (long[]) one.get("latencies")))
                        .build());
            }
        }
        all.metricSnapshot(bytes.build());
        all.metricSnapshot(failures.build());
        all.metricSnapshot(took.build());
    }
}
