package dev.sluice.fuse;

import dev.sluice.block.BlockException;
import dev.sluice.block.Completion;
import dev.sluice.block.Errno;
import dev.sluice.block.Units;
import java.util.LinkedHashSet;
import java.util.Locale;
import java.util.Set;

/**
 * What stands behind {@code -o}.
 *
 * @param readOnly nobody may write to the files
 * @param allowOther other users may use the mount, as far as file modes let them
 * @param uid owner of the device files; -1 for the daemon's user
 * @param gid group of the device files; -1 for the daemon's
 * @param mode permission bits of the device files
 * @param stock jnr-fuse's own loop instead of ours
 * @param threads session threads
 * @param inline what ends at once is carried out by the session thread that reads it
 * @param workers the most threads that carry out what may block, besides the root worker's
 * @param depth threads that carry out what one cgroup asks of one device
 * @param charge a worker's threads enter the cgroup they work for
 * @param completion where a bio that ends later is completed
 * @param maxBackground requests the kernel keeps under way before it makes callers wait, at most
 * @param payload bytes of data that may be held for requests under way
 * @param lookNanos how long a session thread looks for the end of direct I/O before it sleeps
 * @param idle when CPUs without work are kept from sleeping
 * @param kernelArrivals requests count from when they came to the kernel, where it tells
 * @param metrics the port on the loopback address where metrics are served, 0 for any; -1 for none
 * @param spinNanos how long a thread stays awake before something is due, and after it
 */
public record MountOptions(
        boolean readOnly,
        boolean allowOther,
        int uid,
        int gid,
        int mode,
        boolean stock,
        int threads,
        boolean inline,
        int workers,
        int depth,
        boolean charge,
        Completion.Mode completion,
        int maxBackground,
        long payload,
        long lookNanos,
        IdleCpus.Mode idle,
        boolean kernelArrivals,
        int metrics,
        long spinNanos) {
    private static final long LONGEST_LOOK = 10_000_000;
    private static final long LONGEST_SPIN = 1_000_000;

    /** Parses comma-separated options; null or empty means none. */
    public static MountOptions parse(String text) throws BlockException {
        Parser p = new Parser();
        if (text != null && !text.isEmpty()) {
            for (String word : text.split(",", -1)) {
                p.take(word);
            }
        }
        return p.build();
    }

    private static final class Parser {
        private final Set<String> seen = new LinkedHashSet<>();
        private boolean readOnly;
        private boolean allowOther;
        private long uid = -1;
        private long gid = -1;
        private int mode = 0600;
        private boolean stock;
        private long threads = Math.min(4, Runtime.getRuntime().availableProcessors());
        private boolean inline = true;
        private long workers = 512;
        private long depth = 32;
        private boolean charge;
        private Completion.Mode completion = Completion.Mode.AUTO;
        private long maxBackground = 16384;
        private long payload = 1L << 30;
        private long lookNanos = 150_000;
        private long spinNanos = 15_000;
        private IdleCpus.Mode idle = IdleCpus.Mode.AUTO;
        private boolean kernelArrivals = true;
        private long metrics = -1;

        void take(String word) throws BlockException {
            int equals = word.indexOf('=');
            String key = equals < 0 ? word : word.substring(0, equals);
            String value = equals < 0 ? null : word.substring(equals + 1);
            if (!seen.add(key)) {
                throw wrong("option " + key + " is given twice; give it once");
            }
            if (key.equals("allow_other") || key.equals("ro")) {
                if (value != null) {
                    throw wrong("option " + key + " takes no value; write " + key + " alone");
                }
                allowOther |= key.equals("allow_other");
                readOnly |= key.equals("ro");
                return;
            }
            if (value == null) {
                throw wrong("option " + word + " is unknown; known are " + MountOption.forms());
            }
            switch (key) {
                case "uid" -> uid = number(key, value, 0, Integer.MAX_VALUE);
                case "gid" -> gid = number(key, value, 0, Integer.MAX_VALUE);
                case "mode" -> mode = mode(value);
                case "loop" -> stock = either(key, value, "stock", "session");
                case "threads" -> threads = number(key, value, 1, 64);
                case "inline" -> inline = either(key, value, "on", "off");
                case "depth" -> depth = number(key, value, 1, 1024);
                case "completion" -> completion = word(key, value,
                        Completion.Mode.values());
                case "charge" -> charge = either(key, value, "on", "off");
                case "workers" -> workers = number(key, value, 0, 4096);
                case "max_background" -> maxBackground = number(key, value, 1, 65535);
                case "look" -> lookNanos = atMost(key, value, LONGEST_LOOK);
                case "spin" -> spinNanos = atMost(key, value, LONGEST_SPIN);
                case "idle" -> idle = word(key, value, IdleCpus.Mode.values());
                case "arrival" -> kernelArrivals = either(key, value, "kernel", "read");
                case "metrics" -> metrics = number(key, value, 0, 65535);
                case "payload" -> payload = payload(value);
                default -> throw wrong("option " + key + " is unknown; known are "
                        + MountOption.forms());
            }
        }

        /** True for the first of two words. */
        private static boolean either(String key, String value, String yes, String no)
                throws BlockException {
            if (!value.equals(yes) && !value.equals(no)) {
                throw wrong("option " + key + "=" + value + " must be " + yes + " or " + no);
            }
            return value.equals(yes);
        }

        /** One of three. */
        private static <E extends Enum<E>> E word(String key, String value, E[] words)
                throws BlockException {
            String[] names = new String[words.length];
            for (int i = 0; i < words.length; i++) {
                names[i] = words[i].name().toLowerCase(Locale.ROOT);
                if (names[i].equals(value)) {
                    return words[i];
                }
            }
            throw wrong("option " + key + "=" + value + " must be " + names[0] + ", " + names[1]
                    + " or " + names[2]);
        }

        private static int mode(String value) throws BlockException {
            if (!value.matches("0?[0-7]{3}")) {
                throw wrong("option mode=" + value + " must be three octal digits, as in"
                        + " mode=0660");
            }
            return Integer.parseInt(value, 8);
        }

        private static long atMost(String key, String value, long most)
                throws BlockException {
            long nanos = Units.parseDuration("option " + key, value);
            if (nanos > most) {
                throw wrong("option " + key + "=" + value + " must be " + Units.duration(most)
                        + " or less");
            }
            return nanos;
        }

        private static long payload(String value) throws BlockException {
            long bytes = Units.parseSize("option payload", value);
            if (bytes < 8L << 20) {
                throw wrong("option payload=" + value + " must be 8M or more");
            }
            return bytes;
        }

        private static long number(String key, String value, long least, long most)
                throws BlockException {
            if (value.matches("\\d{1,10}")) {
                long n = Long.parseLong(value);
                if (n >= least && n <= most) {
                    return n;
                }
            }
            throw wrong("option " + key + "=" + value + " must be a number from " + least + " to "
                    + most);
        }

        private static BlockException wrong(String sentence) {
            return new BlockException(Errno.EINVAL, sentence);
        }

        /** A session thread has one slot of 1 MiB, and takes the next when that went along. */
        MountOptions build() throws BlockException {
            if (!stock && payload < threads * 2 * Wire.LARGEST_WRITE) {
                throw wrong("option payload=" + payload + " is too little for threads=" + threads
                        + ": it must be " + 2 * threads + "M or more");
            }
            return new MountOptions(readOnly, allowOther, (int) uid, (int) gid, mode, stock,
                    (int) threads, inline, (int) workers, (int) depth, charge, completion,
                    (int) maxBackground, payload, lookNanos, idle, kernelArrivals,
                    (int) metrics, spinNanos);
        }
    }
}
