package dev.sluice.cli;

import dev.sluice.block.BlockException;
import dev.sluice.block.Clock;
import dev.sluice.block.Device;
import dev.sluice.block.Errno;
import dev.sluice.control.ControlFiles;
import dev.sluice.fuse.Handles;
import dev.sluice.fuse.Mount;
import dev.sluice.fuse.MountOptions;
import dev.sluice.sys.Arena;
import dev.sluice.sys.Native;
import dev.sluice.table.DeviceSet;
import dev.sluice.table.Table;
import dev.sluice.target.TargetType;
import dev.sluice.target.TargetTypes;
import dev.sluice.volumes.Plugin;
import dev.sluice.work.Cgroups;
import dev.sluice.work.Charge;
import dev.sluice.work.Completions;
import dev.sluice.work.Host;
import dev.sluice.work.SystemClock;
import dev.sluice.work.Timer;
import dev.sluice.work.WorkerPool;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * One mount from start to end: opens the devices, mounts, serves until somebody unmounts or the
 * process is asked to end, then drains, flushes and closes. The devices are open before the mount
 * appears, and a signal makes it go before they close.
 */
final class Daemon {
    private static final Logger LOG = LoggerFactory.getLogger("sluice");
    /** How long the devices may take to drain when the process was told to end. */
    private static final long DRAIN_MILLIS = 10_000;
    /** How long volumes may take to be unmounted then. */
    private static final long VOLUMES_MILLIS = 20_000;
    /** How long a signal waits for a mount that is being made. */
    private static final long START_SECONDS = 10;

    private final Ready ready;
    private final Arena arena = new Arena();
    private final Device.Log log = Daemon::log;
    private final CountDownLatch started = new CountDownLatch(1);
    private DeviceSet devices;
    private volatile MetricsPort port;
    private volatile Mount mount;
    /** Null where there are no volumes. */
    private volatile Plugin plugin;
    private boolean finished; // guarded by this
    private String failure; // guarded by this

    Daemon(Ready ready) {
        this.ready = ready;
    }

    private static void log(String sentence, Throwable cause) {
        LOG.error(sentence, cause);
    }

    /** Where the table comes from. */
    @FunctionalInterface
    interface Source {
        /** The table, of these types. */
        Table read(List<TargetType> types) throws BlockException;
    }

    /**
     * Serves until the end; null, or what went wrong while ending.
     *
     * @param place of volumes; null for none
     */
    String run(Source source, Path dir, MountOptions options, Plugin.Place place)
            throws BlockException, InterruptedException {
        List<TargetType> types = TargetTypes.all();
        Table table = source.read(types);
        Clock clock = new SystemClock();
        WorkerPool workers = new WorkerPool("pool", options.workers(), options.depth(),
                new Cgroups(Path.of("/proc"), clock), clock, log);
        if (options.charge()) {
            workers.charge(charge());
        }
        Completions completions = new Completions(!options.stock());
        Timer timer = new Timer(log);
        Host host = new Host(clock, arena, workers::queue, completions, log, timer);
        devices = DeviceSet.open(table, types, host, dir);
        // Before it is mounted: a signal in between would leave a mount that nobody serves.
        Runtime.getRuntime().addShutdownHook(new Thread(this::told, "told-to-end"));
        try {
            Handles handles = new Handles(devices.devices());
            ControlFiles control = new ControlFiles(devices, types, Version.TEXT,
                    this::facts, d -> Map.of("opens", handles.opens(d)));
            if (options.metrics() >= 0) {
                port = MetricsPort.open(options.metrics(), control::metrics);
            }
            mount = Mount.start(dir, options, new Mount.Parts(devices, handles,
                    place != null, control, arena, workers, completions, timer, clock, log,
                    SystemClock.epochSeconds()));
            if (place != null) {
                plugin = Plugin.start(place, new Plugin.Mounted(dir, devices, handles, types,
                        mount::awaitReplies, workers::forget), clock, log);
            }
        } catch (BlockException | RuntimeException e) {
            if (mount != null) {
                mount.unmount();
            }
            closeAfter(e);
            throw e;
        } finally {
            started.countDown();
        }
        LOG.info("{} devices at {}", devices.devices().size(), dir);
        ready.yes();
        String broken = mount.await();
        if (broken != null) {
            mount.unmount();
        }
        return finish(broken);
    }

    private Charge charge() throws BlockException {
        try {
            Charge charge = new Charge(Files.readString(Path.of("/proc/mounts")),
                    Cgroups.parse(Files.readString(Path.of("/proc/self/cgroup"))),
                    Native::threadId, log);
            if (charge.possible()) {
                return charge;
            }
        } catch (IOException e) {
            throw new BlockException(Errno.EIO, "the list of mounts cannot be read: "
                    + e.getMessage() + "; charge=on needs /proc, leave it out", e);
        }
        throw new BlockException(Errno.ENODEV, "option charge=on needs a mounted cgroup hierarchy"
                + " that accounts for CPU or I/O, and there is none; leave the option out, or"
                + " mount one");
    }

    private void closeAfter(Exception e) {
        try {
            devices.close(DRAIN_MILLIS, () -> { });
        } catch (BlockException second) {
            e.addSuppressed(second);
        }
    }

    private Map<String, Object> facts() {
        Map<String, Object> all = new LinkedHashMap<>(mount == null ? Map.of() : mount.status());
        if (plugin != null) {
            all.putAll(plugin.status());
        }
        all.put("memory_mapped", arena.mappedBytes());
        if (port != null) {
            all.put("metrics_port", port.number());
        }
        all.put("gc_count", GarbageCollections.count());
        return all;
    }

    /** A signal came, or the process ends otherwise while mounted. */
    private void told() {
        try {
            if (!started.await(START_SECONDS, TimeUnit.SECONDS)) {
                LOG.error("told to end, but mounting did not come to an end");
            }
        } catch (InterruptedException e) {
            throw new IllegalStateException("nobody interrupts the end", e);
        }
        if (mount == null) {
            return;
        }
        synchronized (this) {
            if (finished) {
                return;
            }
        }
        LOG.info("told to end: unmounting, draining, flushing");
        endVolumes();
        mount.unmount();
        Runtime.getRuntime().halt(finish(null) == null ? 0 : 1);
    }

    private void endVolumes() {
        if (plugin != null) {
            plugin.close(VOLUMES_MILLIS);
        }
    }

    /** Drains, flushes and closes, once; whoever comes second waits for the first. */
    private synchronized String finish(String broken) {
        if (!finished) {
            failure = broken;
            endVolumes();
            try {
                devices.close(DRAIN_MILLIS, mount::awaitReplies);
                LOG.info("drained, flushed and closed");
            } catch (BlockException | RuntimeException e) {
                failure = (broken == null ? "" : broken + "; ") + e.getMessage();
                LOG.error("{}", failure);
            }
            if (port != null) {
                port.close();
            }
            finished = true;
            ready.result(failure);
        }
        return failure;
    }
}
