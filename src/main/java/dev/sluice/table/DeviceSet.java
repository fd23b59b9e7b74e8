package dev.sluice.table;

import dev.sluice.block.BlockException;
import dev.sluice.block.Device;
import dev.sluice.block.Errno;
import dev.sluice.block.Limits;
import dev.sluice.block.Target;
import dev.sluice.block.Units;
import dev.sluice.target.TargetArgs;
import dev.sluice.target.TargetType;
import dev.sluice.work.Host;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Collections;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.WeakHashMap;
import java.util.concurrent.Callable;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;

/**
 * The open devices of a mount, lowers opened first and closed last. It owns every target; a layer
 * never closes what is below it. Devices can come and go in use: whoever looks at one does so in a
 * {@link #visit}, and it stays open until all who may have found it have left. Looking up is for
 * any thread; adding and removing too, but for the same names; closing all for one.
 */
public final class DeviceSet implements AutoCloseable {
    /** How long all devices may take to drain and flush, in milliseconds. */
    public static final long LIMIT_MILLIS = 30_000;

    /** How long one device has for it even so: a stuck one must not cost the others their flush. */
    static final long LEAST_MILLIS = 500;

    private final List<Device> devices = new CopyOnWriteArrayList<>();
    private final List<Device> opened = new CopyOnWriteArrayList<>();
    private final Map<String, Device> byName = new ConcurrentHashMap<>();
    private final Visits visits = new Visits();
    /** Who ends a device puts it here first: it may be removed while all are closed. */
    private final Map<Device, Ending> endings =
            Collections.synchronizedMap(new WeakHashMap<>());

    private final Host host;
    private final List<TargetType> types;
    private final PathUse paths;

    private DeviceSet(Host host, List<TargetType> types, PathUse paths) {
        this.host = host;
        this.types = types;
        this.paths = paths;
    }

    /** One thread's work on a device, for which others wait. */
    private static final class Ending {
        private final CountDownLatch over = new CountDownLatch(1);
        private volatile boolean closed;
    }

    /** Something that looks at devices. */
    @FunctionalInterface
    public interface Visit<T, E extends Exception> {
        /** Looks; what it found must not be used after it has returned. */
        T look() throws E;
    }

    /**
     * Opens all devices of a table, or none.
     *
     * @param types those the table was parsed with
     * @param mountDir where the devices will show, which no path may lie under; may be null
     */
    public static DeviceSet open(Table table, List<TargetType> types, Host host, Path mountDir)
            throws BlockException {
        return open(table, types, host, PathUse.ofHost(mountDir));
    }

    static DeviceSet open(Table table, List<TargetType> types, Host host, PathUse paths)
            throws BlockException {
        DeviceSet set = new DeviceSet(host, types, paths);
        set.add(table);
        return set;
    }

    /**
     * Opens all devices of another table beside those that are there, or none; they stand on each
     * other only.
     */
    public void add(Table table) throws BlockException {
        for (TableLine line : table.lines()) {
            if (byName.containsKey(line.name())) {
                throw table.mistake(line, new BlockException(Errno.EEXIST,
                        "there is a device of this name; choose another"));
            }
        }
        try {
            for (TableLine line : table.lines()) {
                takePaths(table, line);
            }
            open(table);
        } catch (BlockException | RuntimeException e) {
            table.lines().forEach(line -> paths.remove(line.name()));
            throw e;
        }
        table.lines().forEach(line -> devices.add(byName.get(line.name())));
    }

    private void takePaths(Table table, TableLine line) throws BlockException {
        try {
            for (TargetType.Use use : type(line, types).uses(line.path(), line.values())) {
                paths.add(line.name(), table.number(line), use.path(), use.shared());
            }
        } catch (BlockException e) {
            throw table.mistake(line, e);
        }
    }

    private void open(Table table) throws BlockException {
        List<Device> done = new ArrayList<>();
        for (TableLine line : table.lowersFirst()) {
            try {
                done.add(add(line, table.below(line), type(line, types)));
            } catch (BlockException e) {
                BlockException mistake = table.mistake(line, e);
                abandon(done, mistake);
                throw mistake;
            }
        }
    }

    private static TargetType type(TableLine line, List<TargetType> types) {
        return types.stream().filter(t -> t.name().equals(line.target())).findFirst()
                .orElseThrow();
    }

    private Device add(TableLine line, List<String> below, TargetType type)
            throws BlockException {
        List<Device> lowers = below.stream().map(byName::get).toList();
        if (line.size() != TableLine.FOLLOWS) {
            for (Device lower : lowers) {
                LineParser.checkMultiple(line.size(), lower.limits().blockSize(),
                        ", the block of " + lower.name());
            }
        }
        String path = line.path() == null ? null
                : Path.of(line.path()).toAbsolutePath().toString();
        Target target = null;
        try {
            target = type.open(new TargetArgs(line.name(), line.size(), path, lowers,
                    line.values()), host);
            checkSize(line, target.limits());
            Device device = new Device(line.name(), type.name(), target, lowers, host.clock(),
                    host.arena()::map, host.log());
            target.attached(device);
            opened.add(device);
            byName.put(line.name(), device);
            return device;
        } catch (BlockException | RuntimeException | OutOfMemoryError e) {
            BlockException failure = e instanceof BlockException b ? b : new BlockException(
                    e instanceof OutOfMemoryError ? Errno.ENOMEM : Errno.EINVAL,
                    type.name() + " does not open: " + e.getMessage()
                    + "; free memory if there is none, else its log tells more", e);
            if (target != null) {
                closeAfter(failure, target);
            }
            throw failure;
        }
    }

    /** The size that came out, which may follow from a path or a lower device. */
    private static void checkSize(TableLine line, Limits limits) throws BlockException {
        if (limits.size() == 0) {
            throw LineParser.wrong("the size that follows for " + line.target()
                    + " is 0; let it be at least " + LineParser.SECTOR);
        }
        if (line.size() != TableLine.FOLLOWS) {
            LineParser.checkMultiple(line.size(), limits.blockSize(),
                    ", the block of " + line.name());
        }
        LineParser.checkMultiple(limits.size(), LineParser.SECTOR, "");
    }

    private void abandon(List<Device> done, BlockException failure) {
        opened.removeAll(done);
        done.forEach(device -> byName.remove(device.name()));
        visits.await();
        for (int i = done.size() - 1; i >= 0; i--) {
            closeAfter(failure, done.get(i).target());
        }
    }

    private static void closeAfter(BlockException failure, Target target) {
        try {
            target.close();
        } catch (Exception e) {
            failure.addSuppressed(e);
        }
    }

    /** Looks at devices, which stay open meanwhile. Waits for nothing. */
    public <T, E extends Exception> T visit(Visit<T, E> visit) throws E {
        int entered = visits.enter();
        try {
            return visit.look();
        } finally {
            visits.leave(entered);
        }
    }

    /**
     * Takes devices out and closes them, as {@link #close} does; nobody has one of them open as a
     * file, and no other device stands on one. Not within a visit: it waits for those under way. A
     * device that cannot be closed is gone all the same, and its target stays open.
     */
    public void remove(List<String> names, long limitMillis, Runnable replies)
            throws BlockException {
        List<Device> leaving = opened.stream().filter(d -> names.contains(d.name())).toList();
        devices.removeAll(leaving);
        leaving.forEach(device -> byName.remove(device.name(), device));
        visits.await();
        try {
            close(leaving, limitMillis, replies);
        } finally {
            opened.removeAll(leaving);
            names.forEach(paths::remove);
        }
    }

    /** All devices, in the table's order. */
    public List<Device> devices() {
        return List.copyOf(devices);
    }

    /** The device of a name, or null. */
    public Device device(String name) {
        return byName.get(name);
    }

    /** The table of the devices as they are now. Waits for nothing. */
    public String table() {
        StringBuilder text = new StringBuilder();
        devices.forEach(device -> text.append(TableLine.of(device)).append('\n'));
        return text.toString();
    }

    /** Makes all that was written durable, upper devices first; one failure does not stop it. */
    public void flush() throws BlockException {
        Failures failures = new Failures();
        for (int i = opened.size() - 1; i >= 0; i--) {
            flush(opened.get(i), LIMIT_MILLIS, failures);
        }
        failures.throwIfAny();
    }

    @Override
    public void close() throws BlockException {
        close(LIMIT_MILLIS, () -> { });
    }

    /**
     * Drains, flushes and closes every device, what stands on top first; what comes to one of them
     * meanwhile gets EIO. Goes on after a failure and names all failures at the end. A device that
     * still has requests after the limit stays open, with all below it: they may come to it yet.
     *
     * @param limitMillis how long all may take together to drain and flush; when it is over, each
     *     that is left has {@link #LEAST_MILLIS} for either yet
     * @param replies waits until nobody reads a target's memory any more for a bio that has ended
     */
    public void close(long limitMillis, Runnable replies) throws BlockException {
        try {
            close(List.copyOf(opened), limitMillis, replies);
        } finally {
            opened.clear();
        }
    }

    private void close(List<Device> lowersFirst, long limitMillis, Runnable replies)
            throws BlockException {
        Failures failures = new Failures();
        Set<Device> busy = new HashSet<>();
        long deadline = host.clock().nanos() + TimeUnit.MILLISECONDS.toNanos(limitMillis);
        for (int i = lowersFirst.size() - 1; i >= 0; i--) {
            Device device = lowersFirst.get(i);
            Ending mine = new Ending();
            Ending others = endings.putIfAbsent(device, mine);
            try {
                mine.closed = others == null
                        ? end(device, busy.contains(device), deadline, limitMillis, failures)
                                && close(device, replies, failures)
                        : ended(others, device, left(deadline, limitMillis), failures);
            } finally {
                mine.over.countDown();
            }
            if (!mine.closed) {
                busy.add(device);
                busy.addAll(device.lowers());
            }
        }
        failures.throwIfAny();
    }

    /** Whether nothing can come to it any more. */
    private boolean end(Device device, boolean used, long deadline, long limitMillis,
            Failures failures) {
        if (!used) {
            device.leave();
        }
        return drain(device, left(deadline, limitMillis), failures)
                && flush(device, left(deadline, limitMillis), failures)
                && !used && shut(device, left(deadline, limitMillis), failures);
    }

    /** Whether it was closed by whoever is at it. That one says what failed. */
    private static boolean ended(Ending others, Device device, long limitMillis,
            Failures failures) {
        return idle(device, limitMillis, failures,
                () -> others.over.await(limitMillis, TimeUnit.MILLISECONDS)) && others.closed;
    }

    /** True, also where that failed: the target is left alone from then on. */
    private static boolean close(Device device, Runnable replies, Failures failures) {
        try {
            replies.run();
            device.target().close();
        } catch (BlockException e) {
            failures.add(device, e.errno(), e.getMessage(), e);
        } catch (Exception e) {
            failures.add(device, Errno.EIO, "closing failed: " + e, e);
        }
        return true;
    }

    private long left(long deadline, long limitMillis) {
        long left = TimeUnit.NANOSECONDS.toMillis(deadline - host.clock().nanos());
        return Math.max(left, Math.min(limitMillis, LEAST_MILLIS));
    }

    private static boolean drain(Device device, long limitMillis, Failures failures) {
        return idle(device, limitMillis, failures, () -> device.drain(limitMillis));
    }

    /** What is in flight after the flush are refusals on their way, at most. */
    private static boolean shut(Device device, long limitMillis, Failures failures) {
        return idle(device, limitMillis, failures, () -> device.shut(limitMillis));
    }

    private static boolean idle(Device device, long limitMillis, Failures failures,
            Callable<Boolean> wait) {
        try {
            if (wait.call()) {
                return true;
            }
            failures.add(device, Errno.ETIMEDOUT, "not idle after "
                    + Units.duration(limitMillis * 1_000_000) + ", requests in flight: "
                    + device.inFlight(), null);
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            failures.add(device, Errno.EINTR, "draining was interrupted", e);
        } catch (Exception e) {
            failures.add(device, Errno.EIO, "draining failed: " + e, e);
        }
        return false;
    }

    /** Whether the flush has ended; one that failed has, too. */
    private boolean flush(Device device, long limitMillis, Failures failures) {
        Errno outcome;
        try {
            outcome = SyncBio.flush(device, limitMillis);
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            failures.add(device, Errno.EINTR, "the flush was interrupted", e);
            return false;
        }
        if (outcome != Errno.OK) {
            failures.add(device, outcome, "the flush failed: " + outcome.text(), null);
        }
        return outcome != Errno.ETIMEDOUT || device.inFlight() == 0;
    }

    /** Failures of several devices, to be told in one sentence. */
    private static final class Failures {
        private final List<String> sentences = new ArrayList<>();
        private final List<Throwable> causes = new ArrayList<>();
        private Errno first;

        void add(Device device, Errno errno, String sentence, Throwable cause) {
            first = first == null ? errno : first;
            sentences.add(device.name() + ": " + sentence);
            if (cause != null) {
                causes.add(cause);
            }
        }

        void throwIfAny() throws BlockException {
            if (!sentences.isEmpty()) {
                BlockException all = new BlockException(first, String.join("; ", sentences));
                causes.forEach(all::addSuppressed);
                throw all;
            }
        }
    }
}
