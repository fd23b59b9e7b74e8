package dev.sluice.target;

import dev.sluice.block.BlockException;
import dev.sluice.block.Errno;
import dev.sluice.block.Units;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Locale;

/**
 * How long operations are delayed: always the same, or as chance has it. Immutable; draws nothing
 * itself but is given two numbers of chance, so that it can be tested like any function.
 */
abstract class Distribution {
    /** The longest delay, in nanoseconds: an hour. What would be longer is that. */
    static final long LONGEST = 3_600_000_000_000L;

    static final String VALUES = "DURATION | uniform(A,B) | normal(MEAN,SD)"
            + " | lognormal(MEDIAN,SIGMA) | exp(MEAN) | histogram(FILE)";

    private static final int MOST_LINES = 4096;
    private static final double LARGEST_SIGMA = 10;

    private final String text;

    private Distribution(String text) {
        this.text = text;
    }

    /** A delay before it is clamped, of two numbers from 0 to less than 1 by chance. */
    abstract double draw(double u, double v);

    /** A delay in nanoseconds, from 0 to {@link #LONGEST}. */
    final long sample(double u, double v) {
        return (long) Math.min(LONGEST, Math.max(0, draw(u, v)));
    }

    /** As it would be written in a table. */
    final String text() {
        return text;
    }

    /** Reads one; {@code key} names it in the sentence. */
    static Distribution parse(String key, String text) throws BlockException {
        int open = text.indexOf('(');
        if (open < 0 || !text.endsWith(")")) {
            return constant(duration(key, text));
        }
        String kind = text.substring(0, open);
        String inside = text.substring(open + 1, text.length() - 1);
        String[] words = inside.split(",", -1);
        int wanted = kind.equals("exp") || kind.equals("const") ? 1 : 2;
        if (!kind.equals("histogram") && words.length != wanted) {
            throw TargetArgs.bad(key, text, VALUES);
        }
        return switch (kind) {
            case "const" -> constant(duration(key, words[0]));
            case "uniform" -> uniform(key, text, duration(key, words[0]),
                    duration(key, words[1]));
            case "normal" -> normal(duration(key, words[0]), duration(key, words[1]));
            case "lognormal" -> lognormal(duration(key, words[0]), sigma(key, words[1]));
            case "exp" -> exp(duration(key, words[0]));
            case "histogram" -> histogram(key, inside);
            default -> throw TargetArgs.bad(key, text, VALUES);
        };
    }

    private static long duration(String key, String text) throws BlockException {
        long nanos = Units.parseDuration(key, text);
        if (nanos > LONGEST) {
            throw new BlockException(Errno.EINVAL, key + " " + text + " is too long: a delay"
                    + " must be at most 1h");
        }
        return nanos;
    }

    private static double sigma(String key, String text) throws BlockException {
        if (text.matches("\\d{1,3}(\\.\\d{1,9})?")) {
            double sigma = Double.parseDouble(text);
            if (sigma <= LARGEST_SIGMA) {
                return sigma;
            }
        }
        throw new BlockException(Errno.EINVAL, key + ": the sigma " + text
                + " of lognormal must be a plain number from 0 to 10, as in lognormal(5ms,0.5)");
    }

    static Distribution constant(long nanos) {
        return new Distribution(Units.duration(nanos)) {
            @Override
            double draw(double u, double v) {
                return nanos;
            }
        };
    }

    private static Distribution uniform(String key, String text, long from, long until)
            throws BlockException {
        if (from > until) {
            throw TargetArgs.bad(key, text, "uniform(A,B) with A at most B");
        }
        return new Distribution("uniform(" + Units.duration(from) + "," + Units.duration(until)
                + ")") {
            @Override
            double draw(double u, double v) {
                return from + u * (until - from);
            }
        };
    }

    /** What lies below 0 is 0: with a wide deviation the mean is then higher than given. */
    private static Distribution normal(long mean, long deviation) {
        return new Distribution("normal(" + Units.duration(mean) + ","
                + Units.duration(deviation) + ")") {
            @Override
            double draw(double u, double v) {
                return mean + deviation * gauss(u, v);
            }
        };
    }

    private static Distribution lognormal(long median, double sigma) {
        return new Distribution("lognormal(" + Units.duration(median) + ","
                + String.format(Locale.ROOT, "%s", sigma) + ")") {
            @Override
            double draw(double u, double v) {
                return median * Math.exp(sigma * gauss(u, v));
            }
        };
    }

    private static Distribution exp(long mean) {
        return new Distribution("exp(" + Units.duration(mean) + ")") {
            @Override
            double draw(double u, double v) {
                return -mean * Math.log1p(-u);
            }
        };
    }

    /** Box and Muller's way from two even numbers to a normal one. */
    private static double gauss(double u, double v) {
        return Math.sqrt(-2 * Math.log1p(-u)) * Math.cos(2 * Math.PI * v);
    }

    /** Each line of the file is a duration and how often it is to come, in relation to others. */
    private static Distribution histogram(String key, String file) throws BlockException {
        Path path = Path.of(file).toAbsolutePath();
        List<String> lines = lines(key, path);
        List<Long> durations = new ArrayList<>();
        List<Double> until = new ArrayList<>();
        double sum = 0;
        for (int i = 0; i < lines.size(); i++) {
            String line = lines.get(i).replaceFirst("#.*", "").strip();
            if (!line.isEmpty()) {
                String[] words = line.split("\\s+");
                String place = key + ": " + path + " line " + (i + 1) + ":";
                if (words.length != 2 || !words[1].matches("\\d{1,12}(\\.\\d{1,9})?")) {
                    throw new BlockException(Errno.EINVAL, place + " " + line
                            + " must be a duration and a weight, as in 5ms 12");
                }
                durations.add(duration(place, words[0]));
                sum += Double.parseDouble(words[1]);
                until.add(sum);
            }
        }
        if (sum == 0) {
            throw new BlockException(Errno.EINVAL, key + ": " + path + " gives no duration a"
                    + " weight; write lines as 5ms 12");
        }
        return histogram("histogram(" + path + ")",
                durations.stream().mapToLong(Long::longValue).toArray(),
                until.stream().mapToDouble(Double::doubleValue).toArray());
    }

    private static Distribution histogram(String text, long[] durations, double[] until) {
        double sum = until[until.length - 1];
        return new Distribution(text) {
            @Override
            double draw(double u, double v) {
                int at = Arrays.binarySearch(until, u * sum);
                // What ends just there, and what has no weight, has had its share.
                int i = at < 0 ? -at - 1 : at + 1;
                while (i < until.length - 1 && until[i] <= u * sum) {
                    i++;
                }
                return durations[Math.min(i, until.length - 1)];
            }
        };
    }

    private static List<String> lines(String key, Path path) throws BlockException {
        try {
            if (Files.isRegularFile(path) && Files.size(path) <= 64L * MOST_LINES) {
                List<String> lines = Files.readAllLines(path, StandardCharsets.UTF_8);
                if (lines.size() <= MOST_LINES) {
                    return lines;
                }
            }
        } catch (IOException e) {
            throw new BlockException(Errno.EIO, key + ": the histogram " + path
                    + " cannot be read (" + e.getMessage() + "); name a text file", e);
        }
        throw new BlockException(Errno.EINVAL, key + ": the histogram " + path + " must be a text"
                + " file of at most " + MOST_LINES + " lines");
    }
}
