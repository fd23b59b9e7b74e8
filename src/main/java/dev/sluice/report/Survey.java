package dev.sluice.report;

import dev.sluice.block.BlockException;
import dev.sluice.block.Clock;
import dev.sluice.block.Errno;
import dev.sluice.report.Fio.Job;
import dev.sluice.report.Fio.Result;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.function.IntConsumer;

/**
 * Measures devices, what they stand on, and a device that does nothing: what they could reach. A
 * device is measured once, however many others are compared with it.
 */
public final class Survey {
    static final int SMALL = 4096;
    static final int LARGE = 1 << 20;
    static final int LARGE_DEPTH = 4;
    private static final int WARM_DEPTH = 32;
    private static final String NOTHING = "an empty device";

    private final Fio fio;
    private final Wish wish;
    private final Map<String, Subject> subjects = new LinkedHashMap<>();
    private final List<Subject> chosen = new ArrayList<>();
    private final Subject nothing;
    private final Map<Subject, Figures> measured = new HashMap<>();

    /** Who is told how many runs of how many are done. */
    @FunctionalInterface
    public interface Progress {
        /** After each run. */
        void at(int done, int total);
    }

    /**
     * What to measure.
     *
     * @param quick few depths, half a second each
     * @param seconds of each run otherwise
     * @param writes what is on the devices is overwritten; else it is only read
     */
    public record Wish(Preset preset, boolean quick, int seconds, boolean writes) {
        List<Integer> depths() {
            return preset.depths(quick);
        }

        /** Runs a device, with those that warm up. */
        int runs() {
            return depths().size() + (depths().isEmpty() ? 0 : 1) + (preset.large() ? 2 : 0);
        }

        int runMillis() {
            return quick ? 500 : 1000 * seconds;
        }
    }

    /**
     * Of one device: small requests by how many are in flight, and large ones, as far as they were
     * measured.
     *
     * @param large may be null
     * @param codec blocks a second that its codec alone makes; 0 where none bounds it
     */
    record Figures(Map<Integer, Result> byDepth, Result large, double codec) {
        Result alone() {
            return byDepth.get(1);
        }
    }

    /**
     * A device beside what it is compared with.
     *
     * @param below what it stands on, or the device that does nothing
     * @param writes how the figures came about
     */
    record Comparison(Subject subject, Figures figures, String belowName, Figures below,
            boolean writes) {
        long[] asked() throws BlockException {
            return subject.asked(writes);
        }

        /** The most small requests a second that could be with so many in flight. */
        double iops(int depth) throws BlockException {
            return Theory.least(Theory.iops(depth, asked(), below.alone().percentile(50),
                    below.byDepth().get(depth).iops()), figures.codec);
        }

        /** The most bytes a second that large requests could make. */
        double bytes() throws BlockException {
            return Theory.least(Theory.bytes(LARGE_DEPTH, LARGE, asked(),
                    below.large().bytesPerSecond()), figures.codec * subject.blockSize());
        }
    }

    /**
     * Looks at the devices, and refuses what must not be.
     *
     * @param names the devices to measure; none for all of the mount
     * @param reference a mount with one device, which does nothing
     * @param scratch an empty folder
     */
    public Survey(Path mount, List<String> names, Path reference, Path scratch, Wish wish)
            throws BlockException {
        this.fio = new Fio(scratch);
        this.wish = wish;
        Subject.of(mount).forEach(s -> subjects.put(s.name(), s));
        this.nothing = Subject.of(reference).get(0);
        for (String name : names.isEmpty() ? shown() : new LinkedHashSet<>(names)) {
            Subject one = subjects.get(name);
            if (one == null) {
                throw new BlockException(Errno.ENOENT, "there is no device " + name + " on "
                        + mount + "; it has " + String.join(", ", subjects.keySet()));
            }
            refuse(one);
            chosen.add(one);
        }
    }

    private Set<String> shown() {
        Set<String> names = new LinkedHashSet<>(subjects.keySet());
        names.removeIf(name -> !Files.exists(subjects.get(name).file()));
        return names;
    }

    private void refuse(Subject one) throws BlockException {
        if (one.size() < LARGE) {
            throw new BlockException(Errno.EINVAL, one.name() + " is smaller than 1M; name the"
                    + " devices that are to be measured");
        }
        for (Subject other : wish.writes ? subjects.values() : List.<Subject>of()) {
            boolean same = other == one || below(one).contains(other.name())
                    || below(other).contains(one.name());
            if (same && other.opens() > 0) {
                throw new BlockException(Errno.EBUSY, one.name() + " is not overwritten: "
                        + other.name() + " is open; close it, or measure without --write");
            }
            if (same && other.readOnly()) {
                throw new BlockException(Errno.EROFS, one.name() + " cannot be overwritten: "
                        + other.name() + " is read-only; measure without --write");
            }
        }
    }

    private Set<String> below(Subject one) {
        Set<String> all = new LinkedHashSet<>();
        for (String name : one.lowers()) {
            all.add(name);
            all.addAll(below(subjects.get(name)));
        }
        return all;
    }

    /** Measures all, and writes a page about it. */
    public String run(Progress progress, Map<String, String> facts, Clock clock)
            throws BlockException, InterruptedException {
        Set<Subject> all = new LinkedHashSet<>();
        for (Subject one : chosen) {
            all.add(beneath(one));
            all.add(one);
        }
        int total = all.size() * wish.runs();
        int done = 0;
        progress.at(0, total);
        for (Subject one : all) {
            int before = done;
            measured.put(one, measure(one, n -> progress.at(before + n, total), clock));
            done += wish.runs();
        }
        List<Comparison> comparisons = new ArrayList<>();
        for (Subject one : chosen) {
            Subject below = beneath(one);
            comparisons.add(new Comparison(one, measured.get(one),
                    below == nothing ? NOTHING : below.name(), measured.get(below), wish.writes));
        }
        facts.put("load after", Machine.load());
        return new Page(comparisons, facts, fio.commands()).html();
    }

    private Figures measure(Subject one, IntConsumer runs, Clock clock)
            throws BlockException, InterruptedException {
        int done = 0;
        // Code that was not used yet is slow, and the first would pay for the others.
        if (!wish.depths().isEmpty()) {
            fio.run(one.file(), job(one, "rand", SMALL, WARM_DEPTH));
            runs.accept(++done);
        }
        if (wish.preset.large()) {
            fio.run(one.file(), large(one));
            runs.accept(++done);
        }
        double codec = one.codecCeiling(wish.writes, clock);
        Map<Integer, Result> byDepth = new LinkedHashMap<>();
        for (int depth : wish.depths()) {
            byDepth.put(depth, fio.run(one.file(), job(one, "rand", SMALL, depth)));
            runs.accept(++done);
        }
        Result large = null;
        if (wish.preset.large()) {
            large = fio.run(one.file(), large(one));
            runs.accept(++done);
        }
        return new Figures(byDepth, large, codec);
    }

    /** What a device stands on shows what it could do; where it is nothing, the mount itself. */
    private Subject beneath(Subject one) {
        Subject lower = one.lowers().isEmpty() ? null : subjects.get(one.lowers().get(0));
        // A hidden device has no file to measure.
        return lower == null || lower.size() < LARGE || !Files.exists(lower.file()) ? nothing
                : lower;
    }

    private Job large(Subject one) {
        return job(one, "", LARGE, LARGE_DEPTH);
    }

    private Job job(Subject one, String order, int bytes, int depth) {
        return new Job(order + (wish.writes ? "write" : "read"),
                Math.max(bytes, one.blockSize()), depth, one.size(), wish.runMillis());
    }
}
