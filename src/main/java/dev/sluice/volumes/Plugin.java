package dev.sluice.volumes;

import dev.sluice.block.BlockException;
import dev.sluice.block.Clock;
import dev.sluice.block.Device;
import dev.sluice.block.Errno;
import dev.sluice.fuse.Handles;
import dev.sluice.table.DeviceSet;
import dev.sluice.target.TargetType;
import dev.sluice.work.Service;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.function.Consumer;

/**
 * The Docker volume plugin of a mount: volumes are devices that come and go, each with a file
 * system on it that is mounted while somebody uses it.
 */
public final class Plugin {
    private static final Path MOUNTS = Path.of("/proc/self/mountinfo");
    private static final Path BOOT = Path.of("/proc/sys/kernel/random/boot_id");
    private static final int MOST_LANES = 128;
    private static final int MOST_WAITING = 64;

    private final Folder folder;
    private final Socket socket;
    private final Server server;
    private final Volumes volumes;
    private final Lanes lanes;
    private final Device.Log log;
    private boolean closed; // guarded by this

    /**
     * Where it keeps volumes, and where it is asked.
     *
     * @param folder its own, made where it is missing
     * @param socket a path; null for one that was handed over as standard input
     */
    public record Place(Path folder, Path socket) {}

    /**
     * The mount whose devices become volumes.
     *
     * @param dir where it is
     * @param replies waits until nobody reads a target's memory any more for a bio that has ended
     * @param forget is told the names of devices that are gone
     */
    public record Mounted(Path dir, DeviceSet devices, Handles handles, List<TargetType> types,
            Runnable replies, Consumer<String> forget) {}

    private Plugin(Folder folder, Socket socket, Mounted mounted, Clock clock, Device.Log log)
            throws BlockException {
        this.folder = folder;
        this.socket = socket;
        this.log = log;
        Disks disks = new MountDisks(mounted.devices(), mounted.handles(), mounted.types(),
                mounted.replies(), mounted.forget());
        FileSystems systems = new FileSystems(mounted.dir(), disks, new Processes(folder.said),
                MOUNTS);
        volumes = new Volumes(new Volume.Tools(folder, disks, systems, boot(), log));
        lanes = new Lanes("volume", MOST_LANES, MOST_WAITING, log);
        try {
            server = new Server(socket.channel, new Protocol(volumes, lanes, log), clock, log,
                    Server.ANSWER_NANOS);
        } catch (IOException e) {
            throw new BlockException(Errno.EIO, "the socket cannot be served (" + e.getMessage()
                    + "); allow the process more open files, and start it again", e);
        }
    }

    /**
     * Takes folder and socket, clears away what an earlier process left, brings the volumes up
     * again that were in use, which goes on behind, and answers.
     */
    public static Plugin start(Place place, Mounted mounted, Clock clock, Device.Log log)
            throws BlockException {
        Folder folder = Folder.open(place.folder());
        Socket socket = null;
        try {
            socket = place.socket() == null ? Socket.inherited() : Socket.at(place.socket());
            Plugin plugin = new Plugin(folder, socket, mounted, clock, log);
            plugin.begin();
            return plugin;
        } catch (BlockException | RuntimeException e) {
            closeAfter(e, socket);
            closeAfter(e, folder);
            throw e;
        }
    }

    private static void closeAfter(Exception failure, AutoCloseable what) {
        try {
            if (what != null) {
                what.close();
            }
        } catch (Exception e) {
            failure.addSuppressed(e);
        }
    }

    private void begin() throws BlockException {
        volumes.load();
        List<Volume> known = volumes.all();
        // There may be more of them than lanes.
        Service.start("volumes-again", () -> known.forEach(volume ->
                lanes.insist(volume.name(), () -> again(volume.name()))));
        Service.start("volumes", server);
    }

    private void again(String name) {
        try {
            volumes.again(name);
        } catch (BlockException e) {
            log.error("volume " + name + ", which was in use, is not mounted again: "
                    + e.getMessage(), e);
        }
    }

    private static String boot() {
        try {
            return Files.readString(BOOT).strip();
        } catch (IOException e) {
            // As if the system had been started anew each time.
            return Long.toString(ProcessHandle.current().pid());
        }
    }

    /** What status shows of it. */
    public Map<String, Object> status() {
        Map<String, Object> all = new LinkedHashMap<>();
        List<Volume> known = volumes.all();
        all.put("volumes", known.size());
        all.put("volumes_mounted", known.stream().filter(Volume::mounted).count());
        all.put("volumes_busy", lanes.busy());
        return all;
    }

    /**
     * Answers no longer, makes what was written durable and unmounts all volumes, also those in
     * use, as far as that is done in the time. They are mounted again by the next process. Whoever
     * comes second waits for the first.
     */
    public synchronized void close(long limitMillis) {
        if (closed) {
            return;
        }
        closed = true;
        server.close();
        Map<String, Runnable> last = new LinkedHashMap<>();
        volumes.all().forEach(volume -> last.put(volume.name(), () -> end(volume)));
        lanes.close(last);
        try {
            if (!lanes.await(limitMillis)) {
                log.error("not all volumes are unmounted after " + limitMillis
                        + " ms: what uses them gets I/O errors; restart the containers that do",
                        null);
            }
            socket.close();
            folder.close();
        } catch (BlockException e) {
            log.error(e.getMessage(), e);
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
        }
    }

    private void end(Volume volume) {
        try {
            volume.end();
        } catch (BlockException e) {
            log.error("volume " + volume.name() + ": " + e.getMessage(), e);
        }
    }
}
