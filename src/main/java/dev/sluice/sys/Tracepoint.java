package dev.sluice.sys;

import dev.sluice.block.Memory;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/**
 * One of the kernel's tracepoints, watched on all CPUs: when it was passed, and one field of what
 * it says (perf_event_open(2)). It takes CAP_SYS_ADMIN, also to look it up in a tracefs that no
 * name leads to. Nothing stays behind of a process that was killed.
 *
 * <p>One thread at a time.
 */
public final class Tracepoint implements Trace {
    /** Room for some 140 records, a power of two of pages. */
    private static final int RING = 2 * Arena.PAGE;

    private static final int PERF_TYPE_TRACEPOINT = 2;
    private static final int ATTR_BYTES = 112;
    private static final long SAMPLE_TIME_RAW = 1 << 2 | 1 << 10;
    /** Wakes nobody before the ring is full; the time is CLOCK_MONOTONIC's. */
    private static final long WATERMARK_CLOCKID = 1 << 14 | 1 << 25;
    private static final int CLOCK_MONOTONIC = 1;
    private static final long ENABLE = 0x2400;
    private static final long DISABLE = 0x2401;
    private static final long SET_FILTER = 0x40082406L;
    private static final int TEXT = 4096;
    private static final Path ONLINE = Path.of("/sys/devices/system/cpu/online");
    private static final Path TIME_OFFSETS = Path.of("/proc/self/timens_offsets");
    private static final Libc LIBC = Libc.LIBC;

    private final List<Integer> fds = new ArrayList<>();
    private final List<Memory> memories = new ArrayList<>();
    private TraceRing[] rings = {};

    private Tracepoint() {}

    /**
     * Watches it from now on; null where the kernel has no such tracepoint or does not let us.
     *
     * @param name as tracefs has it: {@code fuse/fuse_request_send}
     * @param field the field of eight bytes that is wanted
     * @param filter which records are wanted, in the words of tracefs
     */
    public static Tracepoint open(String name, String field, String filter) {
        Memory text = Native.map(TEXT);
        try {
            return sameTime() ? open(name, field, filter, text) : null;
        } catch (IOException e) {
            return null;
        } finally {
            Native.unmap(text);
        }
    }

    /** In a time namespace of its own this process counts from another instant than the kernel. */
    private static boolean sameTime() throws IOException {
        return !Files.exists(TIME_OFFSETS) || Files.readAllLines(TIME_OFFSETS).stream()
                .noneMatch(line -> line.startsWith("monotonic") && line.matches(".*[1-9].*"));
    }

    private static Tracepoint open(String name, String field, String filter, Memory text)
            throws IOException {
        int root = Native.detachedMount("tracefs", text);
        if (root < 0) {
            return null;
        }
        String id = read(root, "events/" + name + "/id", text);
        String format = read(root, "events/" + name + "/format", text);
        LIBC.close(root);
        Matcher at = Pattern.compile("\\b" + field + ";\\s+offset:(\\d+);\\s+size:8;")
                .matcher(format);
        if (id.isEmpty() || !at.find()) {
            return null;
        }
        Tracepoint all = new Tracepoint();
        if (!all.watch(Long.parseLong(id.strip()), Integer.parseInt(at.group(1)), filter, text)) {
            all.close();
            return null;
        }
        return all;
    }

    /** Empty where there is no such file. */
    private static String read(int root, String path, Memory text) {
        int fd = Native.openAt(root, path, Native.O_RDONLY | Native.O_CLOEXEC, text);
        if (fd < 0) {
            return "";
        }
        int n = (int) LIBC.read(fd, text.address(), TEXT);
        LIBC.close(fd);
        byte[] bytes = new byte[Math.max(0, n)];
        text.bytes().get(0, bytes);
        return new String(bytes, StandardCharsets.US_ASCII);
    }

    private boolean watch(long id, int field, String filter, Memory text) throws IOException {
        List<TraceRing> made = new ArrayList<>();
        for (int cpu : online()) {
            int fd = Native.perfEvent(attributes(id, text), cpu);
            if (fd < 0) {
                return false;
            }
            fds.add(fd);
            Memory ring = Native.mapShared(fd, Arena.PAGE + RING);
            if (ring == null) {
                return false;
            }
            memories.add(ring);
            made.add(new TraceRing(ring, field));
            byte[] bytes = (filter + "\0").getBytes(StandardCharsets.US_ASCII);
            text.bytes().put(0, bytes);
            if (LIBC.ioctl(fd, SET_FILTER, text.address()) != 0) {
                return false;
            }
        }
        rings = made.toArray(rings);
        return true;
    }

    private static long attributes(long id, Memory at) {
        at.bytes().put(0, new byte[ATTR_BYTES]);
        at.bytes().putInt(0, PERF_TYPE_TRACEPOINT);
        at.bytes().putInt(4, ATTR_BYTES);
        at.bytes().putLong(8, id);
        at.bytes().putLong(16, 1); // each time
        at.bytes().putLong(24, SAMPLE_TIME_RAW);
        at.bytes().putLong(40, WATERMARK_CLOCKID);
        at.bytes().putInt(48, RING);
        at.bytes().putInt(92, CLOCK_MONOTONIC);
        return at.address();
    }

    /** The CPUs' numbers: {@code 0-3,8} in sysfs. */
    private static List<Integer> online() throws IOException {
        List<Integer> all = new ArrayList<>();
        for (String part : Files.readString(ONLINE).strip().split(",")) {
            String[] ends = part.split("-");
            int last = Integer.parseInt(ends[ends.length - 1]);
            for (int cpu = Integer.parseInt(ends[0]); cpu <= last; cpu++) {
                all.add(cpu);
            }
        }
        return all;
    }

    @Override
    public void turn(boolean on) {
        for (int fd : fds) {
            LIBC.ioctl(fd, on ? ENABLE : DISABLE, 0);
        }
    }

    @Override
    public void read(Trace.To to) {
        for (TraceRing ring : rings) {
            ring.read(to);
        }
    }

    @Override
    public void close() {
        rings = new TraceRing[0];
        memories.forEach(Native::unmap);
        fds.forEach(LIBC::close);
        memories.clear();
        fds.clear();
    }
}
