package dev.sluice.report;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import dev.sluice.block.BlockException;
import dev.sluice.block.Errno;
import java.io.File;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Iterator;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import java.util.concurrent.TimeUnit;

/** Runs fio over a device's file and reads what it says. What it started ends with it. */
final class Fio {
    /** What is written is half noise and half zeros in each piece of this size. */
    static final int CHUNK = 4096;
    private static final int GRACE_SECONDS = 60;

    private final Path scratch;
    private final List<String> commands = new ArrayList<>();

    private volatile Process running;

    /** Files of fio's own go to the folder. */
    Fio(Path scratch) {
        this.scratch = scratch;
        Runtime.getRuntime().addShutdownHook(new Thread(this::end, "end-fio"));
    }

    private void end() {
        Process process = running;
        if (process != null) {
            process.destroyForcibly();
        }
    }

    /** What to run. */
    record Job(String rw, long blockSize, int depth, long size, int millis) {
        boolean writes() {
            return rw.contains("write");
        }
    }

    /**
     * What a run did.
     *
     * @param latencies how many requests took so many nanoseconds, with what submitting them took
     * @param rates bytes a second, by the milliseconds since the start
     */
    record Result(long requests, double iops, double bytesPerSecond, double meanNanos,
            TreeMap<Long, Long> latencies, TreeMap<Long, Double> rates) {
        /** Nanoseconds that so many of a hundred requests did not take longer than. */
        double percentile(double percent) {
            long wanted = (long) Math.ceil(requests * percent / 100);
            long seen = 0;
            for (Map.Entry<Long, Long> one : latencies.entrySet()) {
                seen += one.getValue();
                if (seen >= wanted) {
                    return one.getKey();
                }
            }
            return latencies.isEmpty() ? 0 : latencies.lastKey();
        }
    }

    /** The command lines so far, as somebody would type them. */
    List<String> commands() {
        return List.copyOf(commands);
    }

    /** As fio has it: a colon would stand between the names of two files. */
    static String name(Path file) {
        return file.toString().replace(":", "\\:");
    }

    Result run(Path file, Job job) throws BlockException, InterruptedException {
        Path json = scratch.resolve("fio.json");
        Path log = scratch.resolve("rate");
        List<String> command = new ArrayList<>(List.of("fio", "--name=report",
                "--filename=" + name(file), "--rw=" + job.rw, "--bs=" + job.blockSize,
                "--iodepth=" + job.depth, "--size=" + job.size, "--runtime=" + job.millis + "ms",
                "--time_based", "--ioengine=libaio", "--direct=1", "--norandommap",
                "--randrepeat=0", "--invalidate=0", "--allow_file_create=0"));
        if (job.writes()) {
            command.addAll(List.of("--buffer_compress_percentage=50",
                    "--buffer_compress_chunk=" + CHUNK));
        } else {
            // It refuses to write then, whatever else it is told.
            command.add("--readonly");
        }
        commands.add(String.join(" ", command));
        command.addAll(List.of("--output-format=json+", "--output=" + json,
                "--lat_percentiles=1", "--clat_percentiles=0",
                "--write_bw_log=" + log,
                "--log_avg_msec=" + Math.max(100, Math.min(250, job.millis / 10))));
        try {
            execute(command, job.millis / 1000 + GRACE_SECONDS);
            return parse(Files.readString(json), job.writes(),
                    Files.readAllLines(Path.of(log + "_bw.1.log")));
        } catch (IOException e) {
            throw new BlockException(Errno.EIO, "fio over " + file + " failed ("
                    + e.getMessage() + "); its mount's status and log may say why", e);
        }
    }

    private void execute(List<String> command, int limit)
            throws IOException, InterruptedException {
        Path said = scratch.resolve("fio.said");
        Process process = new ProcessBuilder(command).redirectInput(new File("/dev/null"))
                .redirectErrorStream(true).redirectOutput(said.toFile())
                .directory(scratch.toFile()).start();
        running = process;
        try {
            if (!process.waitFor(limit, TimeUnit.SECONDS)) {
                throw new IOException("it did not end within " + limit + " s");
            }
        } finally {
            process.destroyForcibly();
        }
        if (process.exitValue() != 0) {
            throw new IOException(Files.readString(said).strip().replace('\n', ' '));
        }
    }

    /** Of fio's JSON with bins, and of the lines of its bandwidth log. */
    static Result parse(String json, boolean writes, List<String> log) throws IOException {
        JsonNode job = new ObjectMapper().readTree(json).path("jobs").path(0);
        if (job.path("error").asInt(-1) != 0) {
            throw new IOException("fio reports error " + job.path("error"));
        }
        JsonNode side = job.path(writes ? "write" : "read");
        TreeMap<Long, Long> bins = new TreeMap<>();
        Iterator<Map.Entry<String, JsonNode>> fields = side.at("/lat_ns/bins").fields();
        while (fields.hasNext()) {
            Map.Entry<String, JsonNode> one = fields.next();
            bins.merge(Long.parseLong(one.getKey()), one.getValue().asLong(), Long::sum);
        }
        long requests = side.path("total_ios").asLong();
        if (requests <= 0 || bins.isEmpty()) {
            throw new IOException("fio did not complete one request");
        }
        TreeMap<Long, Double> rates = new TreeMap<>();
        for (String line : log) {
            String[] words = line.split(",\\s*");
            if (words.length > 1) {
                rates.put(Long.parseLong(words[0].strip()), Double.parseDouble(words[1]) * 1024);
            }
        }
        return new Result(requests, side.path("iops").asDouble(),
                side.path("bw_bytes").asDouble(), side.at("/lat_ns/mean").asDouble(), bins,
                rates);
    }
}
