package dev.sluice.fuse;

import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.util.HashMap;
import java.util.List;
import java.util.Map;

/**
 * Whether a thread that sleeps in the kernel dies as soon as it is let go, by what
 * {@code /proc/TID/status} says. A signal that kills without a core dump makes the kernel put
 * SIGKILL to all threads of the process at once; one that dumps core waits until it is looked at.
 */
final class Dying {
    private static final int SIGKILL = 9;
    /** QUIT ILL TRAP ABRT BUS FPE SEGV XCPU XFSZ SYS. */
    private static final long DUMPING =
            mask(3) | mask(4) | mask(5) | mask(6) | mask(7) | mask(8) | mask(11) | mask(24)
            | mask(25) | mask(31);

    private Dying() {}

    private static long mask(int signal) {
        return 1L << signal - 1;
    }

    /** Whether the thread dies, or is gone. Reads a file. */
    static boolean is(int thread) {
        try {
            // In it is the thread's name, which may be cut off inside a letter.
            return says(Files.readAllLines(Path.of("/proc", Integer.toString(thread), "status"),
                    StandardCharsets.ISO_8859_1));
        } catch (NoSuchFileException e) {
            // Where others' processes are hidden nobody can tell.
            return Files.exists(Path.of("/proc/1"));
        } catch (IOException e) {
            // ESRCH: it went while it was read.
            return !Files.exists(Path.of("/proc", Integer.toString(thread)));
        }
    }

    /** Whether the lines are those of a thread that dies. */
    static boolean says(List<String> status) {
        Map<String, String> values = new HashMap<>();
        for (String line : status) {
            int colon = line.indexOf(':');
            if (colon > 0) {
                values.put(line.substring(0, colon), line.substring(colon + 1).strip());
            }
        }
        String state = values.getOrDefault("State", "");
        long pending = signals(values, "SigPnd") | signals(values, "ShdPnd");
        boolean traced = !values.getOrDefault("TracerPid", "0").equals("0");
        long spared = signals(values, "SigBlk") | signals(values, "SigIgn")
                | signals(values, "SigCgt");
        return state.startsWith("Z") || state.startsWith("X") || (pending & mask(SIGKILL)) != 0
                || !traced && (pending & DUMPING & ~spared) != 0;
    }

    private static long signals(Map<String, String> values, String name) {
        return Long.parseUnsignedLong(values.getOrDefault(name, "0"), 16);
    }
}
