package dev.sluice.bench;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;

/** Runs fio and reads its JSON. */
final class Fio {
    private final Shell shell;
    private final long size;
    private final List<String> data;

    /** Every run covers the first size bytes of its file. */
    Fio(Shell shell, long size) {
        this(shell, size, List.of());
    }

    /** The same; {@code data} are options that say what is written. */
    Fio(Shell shell, long size, List<String> data) {
        this.shell = shell;
        this.size = size;
        this.data = data;
    }

    /** What one run did; the rate is in requests, or bytes, per second of fio's own clock. */
    record Result(long requests, double iops, double bytesPerSecond) {
        /** In the cell's unit. */
        double rate(Cell cell) {
            return cell.small() ? iops / 1e3 : bytesPerSecond / (1 << 20);
        }
    }

    /** Runs the cell for whole seconds: fio reads a fraction of one as none. */
    Result run(Cell cell, Path file, boolean direct, int seconds)
            throws IOException, InterruptedException {
        return parse(fio(seconds + 30, file, direct, List.of("--rw=" + cell.rw(),
                "--bs=" + cell.blockSize(), "--ioengine=" + cell.engine(),
                "--iodepth=" + cell.depth(), "--numjobs=" + cell.jobs(), "--group_reporting",
                "--time_based", "--runtime=" + seconds, "--norandommap", "--randrepeat=0")),
                cell.writes());
    }

    /**
     * Writes all of the file once, so that reads find data and writes overwrite. In small pieces:
     * the page cache keeps what one call writes in one folio, and is slow to write into large ones,
     * so that otherwise a side would be measured by how its file was filled.
     */
    Result fill(Path file, boolean direct) throws IOException, InterruptedException {
        return write(file, direct, "64k", 16);
    }

    /** Writes all of the file once, 1 MiB each. */
    Result first(Path file, boolean direct) throws IOException, InterruptedException {
        return write(file, direct, "1m", 4);
    }

    private Result write(Path file, boolean direct, String blockSize, int depth)
            throws IOException, InterruptedException {
        return parse(fio(300, file, direct, List.of("--rw=write", "--bs=" + blockSize,
                "--ioengine=libaio", "--iodepth=" + depth, "--end_fsync=1")), true);
    }

    /**
     * How the requests of a run were answered.
     *
     * @param p50 of their latency in nanoseconds, as p99 and most
     * @param gapMillis the longest time in which none was answered
     * @param stillMillis the longest time for which the machine itself stood still
     */
    record Latency(long p50, long p99, long most, long gapMillis, long stillMillis) { }

    /** The cell for whole seconds within a part of the file. */
    Latency latency(Cell cell, Path file, int seconds, long bytes)
            throws IOException, InterruptedException {
        Path folder = Files.createTempDirectory(shell.scratch(), "fio");
        try (Standstill machine = new Standstill()) {
            JsonNode side = new ObjectMapper().readTree(fio(seconds + 30, file, true, List.of(
                    "--rw=" + cell.rw(), "--bs=" + cell.blockSize(), "--ioengine=libaio",
                    "--iodepth=" + cell.depth(), "--time_based", "--runtime=" + seconds,
                    "--norandommap", "--randrepeat=0", "--size=" + bytes,
                    "--percentile_list=50:99", "--write_lat_log=" + folder.resolve("one"))))
                    .path("jobs").path(0).path(cell.writes() ? "write" : "read").path("clat_ns");
            return new Latency(side.at("/percentile/50.000000").asLong(),
                    side.at("/percentile/99.000000").asLong(), side.path("max").asLong(),
                    gap(Files.readAllLines(folder.resolve("one_clat.1.log"))), machine.millis());
        } finally {
            shell.run(10, "rm", "-r", folder.toString());
        }
    }

    /** The longest time between two lines of fio's log, each the end of a request. */
    static long gap(List<String> log) {
        long[] ends = log.stream()
                .mapToLong(line -> Long.parseLong(line.substring(0, line.indexOf(','))))
                .sorted().toArray();
        long longest = 0;
        for (int i = 1; i < ends.length; i++) {
            longest = Math.max(longest, ends[i] - ends[i - 1]);
        }
        return longest;
    }

    private String fio(int limit, Path file, boolean direct, List<String> options)
            throws IOException, InterruptedException {
        Path json = Files.createTempFile(shell.scratch(), "fio", ".json");
        try {
            List<String> command = new ArrayList<>(List.of("fio", "--name=bench",
                    "--filename=" + file, "--size=" + size, "--direct=" + (direct ? 1 : 0),
                    // A cached file stays cached; nothing is laid out before the clock runs.
                    "--invalidate=0", "--fallocate=none", "--allow_file_create=0",
                    "--output-format=json", "--output=" + json));
            command.addAll(data);
            command.addAll(options);
            shell.run(limit, command);
            return Files.readString(json);
        } finally {
            Files.delete(json);
        }
    }

    /** The result of the one group in fio's JSON. */
    static Result parse(String json, boolean writes) throws IOException {
        JsonNode job = new ObjectMapper().readTree(json).path("jobs").path(0);
        if (job.path("error").asInt(-1) != 0) {
            throw new IOException("fio reports error " + job.path("error"));
        }
        JsonNode side = job.path(writes ? "write" : "read");
        Result result = new Result(side.path("total_ios").asLong(),
                side.path("iops").asDouble(), side.path("bw_bytes").asDouble());
        if (result.requests() <= 0) {
            throw new IOException("fio did not complete one request");
        }
        return result;
    }
}
