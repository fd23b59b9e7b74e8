package dev.sluice.volumes;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.JsonNodeFactory;
import com.fasterxml.jackson.databind.node.ObjectNode;
import dev.sluice.block.BlockException;
import dev.sluice.block.Device;
import dev.sluice.block.Errno;
import dev.sluice.block.Units;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;

/**
 * One volume: what it is, who uses it, and its way up to a mount point and down again.
 *
 * <pre>
 *   made ──open──▶ open ──format, attach, mount──▶ mounted ──umount──▶ open ──close──▶ made
 * </pre>
 *
 * <p>A volume in memory stays open, for what is in it would be gone; one that is ephemeral is
 * closed, and forgotten so. Everything is done by one thread at a time, the volume's lane;
 * {@link #status} is for any.
 */
final class Volume {
    /** The year 9999. */
    private static final long LATEST_SECONDS = 253_402_300_799L;
    private static final int OPENINGS = 40;

    private final String name;
    private final Spec spec;
    private final Tools tools;
    private final long createdSeconds;
    /** Who uses it; whether he has said so to this process, and not to one before it. */
    private final Map<String, Boolean> users = new LinkedHashMap<>();
    /** The file system that is on it; empty when there is none yet. */
    private volatile String formatted = "";
    private volatile long lastStored;
    private volatile boolean mounted;
    private volatile boolean open;
    private volatile int userCount;
    private volatile String doing = "";
    private volatile String failure = "";
    /** What its device was opened with; delays may have been set since. */
    private volatile String opened = "";
    private volatile boolean ownImage;

    /** What all volumes share. */
    record Tools(Folder folder, Disks disks, FileSystems systems, String boot,
            Device.Log log) {}

    private Volume(String name, Spec spec, Tools tools, long createdSeconds) {
        this.name = name;
        this.spec = spec;
        this.tools = tools;
        this.createdSeconds = createdSeconds;
    }

    /** Makes one that was not there; nothing is left of it where that fails. */
    static Volume create(String name, Spec spec, Tools tools, long nowSeconds)
            throws BlockException {
        if (tools.folder.has(name)) {
            throw new BlockException(Errno.EEXIST, "there is a state of " + name + " that cannot"
                    + " be read; see to it in the folder state, or delete it");
        }
        Volume volume = new Volume(name, spec, tools, nowSeconds);
        volume.save("making");
        try {
            volume.make();
            volume.save("");
        } catch (BlockException | RuntimeException e) {
            volume.unmake(e);
            throw e;
        }
        return volume;
    }

    /** Also tries the device out, so that what is wrong is told now and not at the first use. */
    private void make() throws BlockException {
        String top = spec.top(name);
        if (top != null && !Files.exists(tools.folder.images.resolve(top))) {
            if (spec.size() == 0) {
                throw new BlockException(Errno.EINVAL, "there is no image " + top + " in "
                        + tools.folder.images + "; size= makes one");
            }
            makeImage(top);
        } else if (top != null && spec.images().isEmpty()) {
            throw new BlockException(Errno.EEXIST, tools.folder.images.resolve(top) + " is there"
                    + " already, and of no volume; image=" + top + " makes a volume of it");
        }
        open();
        if (spec.size() > 0 && tools.disks.size(name) != spec.size()) {
            throw new BlockException(Errno.EINVAL, "the image has "
                    + Units.size(tools.disks.size(name)) + " and not size="
                    + Units.size(spec.size()) + "; leave size= away");
        }
        if (spec.closes()) {
            close();
        }
    }

    private void makeImage(String top) throws BlockException {
        ownImage = true;
        save("making");
        try {
            NewImage.make(tools.folder.images.resolve(top), spec.size(), tools.log);
        } catch (BlockException e) {
            // One that came meanwhile is somebody else's, and stays.
            ownImage &= e.errno() != Errno.EEXIST;
            throw e;
        }
    }

    private void unmake(Exception failed) {
        try {
            close();
            remains();
        } catch (BlockException e) {
            failed.addSuppressed(e);
        }
    }

    /** The files go, the state last. */
    private void remains() throws BlockException {
        if (ownImage) {
            tools.folder.deleteImage(spec.top(name));
        }
        tools.folder.delete(name);
    }

    /**
     * One of an earlier process; null where it was just being made or removed, and now is gone.
     * Who used it then is no user any more if the system was started anew since.
     */
    static Volume load(String name, JsonNode state, Tools tools) throws BlockException {
        Map<String, String> options = new TreeMap<>();
        state.path("options").fields().forEachRemaining(e ->
                options.put(e.getKey(), e.getValue().asText()));
        Spec.checkName("name", name);
        long created = state.path("created").asLong();
        if (created < 0 || created > LATEST_SECONDS) {
            throw new BlockException(Errno.EINVAL, "created, in seconds since 1970, is " + created
                    + " and must be from 0 to " + LATEST_SECONDS);
        }
        Volume volume = new Volume(name, Spec.parse(options), tools, created);
        volume.ownImage = state.path("own_image").asBoolean();
        volume.lastStored = state.path("stored").asLong();
        if (!state.path("step").asText().isEmpty()) {
            volume.remains();
            return null;
        }
        if (volume.spec.closes() && !volume.spec.ephemeral()) {
            volume.formatted = state.path("formatted").asText();
        }
        if (state.path("boot").asText().equals(tools.boot)) {
            state.path("users").forEach(user -> volume.users.put(user.asText(), false));
        }
        volume.userCount = volume.users.size();
        if (volume.spec.ephemeral() && volume.ownImage && volume.users.isEmpty()) {
            tools.folder.deleteImage(volume.spec.top(name));
        }
        return volume;
    }

    /** {@code step}: what is under way, to be undone if it does not come to its end. */
    private void save(String step) throws BlockException {
        ObjectNode state = JsonNodeFactory.instance.objectNode();
        ObjectNode options = state.putObject("options");
        spec.options().forEach(options::put);
        state.put("created", createdSeconds);
        state.put("own_image", ownImage);
        state.put("formatted", formatted);
        state.put("stored", lastStored);
        state.put("boot", tools.boot);
        state.put("step", step);
        users.keySet().forEach(state.withArray("/users")::add);
        tools.folder.save(name, state);
    }

    String name() {
        return name;
    }

    Spec spec() {
        return spec;
    }

    long createdSeconds() {
        return createdSeconds;
    }

    /** Where it is or will be mounted. The directory is there only while it is. */
    Path mountPoint() {
        return tools.folder.mounts.resolve(name);
    }

    boolean mounted() {
        return mounted;
    }

    /** What is being done to it, for a sentence. */
    String doing() {
        return doing.isEmpty() ? "other requests for it come first" : doing;
    }

    /** Whether its own image is one of these. */
    boolean ownsOneOf(List<String> images) {
        String top = spec.top(name);
        return ownImage && (images.contains(top) || images.contains("raw@" + top));
    }

    /** Takes a user in, the first of whom brings it up; whether he is new. */
    boolean use(String id, int most) throws BlockException {
        up();
        try {
            return join(id, most);
        } catch (BlockException e) {
            if (users.isEmpty()) {
                try {
                    down();
                } catch (BlockException second) {
                    e.addSuppressed(second);
                }
            }
            throw e;
        }
    }

    private boolean join(String id, int most) throws BlockException {
        Boolean before = users.get(id);
        boolean isNew = before == null;
        if (isNew && users.size() >= most) {
            throw new BlockException(Errno.EBUSY, name + " has " + most + " users already; end one"
                    + " of them first");
        }
        users.put(id, true);
        try {
            if (isNew || !before) {
                save("");
            }
        } catch (BlockException e) {
            // He is told no, and will not say that he leaves.
            if (isNew) {
                users.remove(id);
            } else {
                users.put(id, before);
            }
            throw e;
        }
        userCount = users.size();
        return isNew;
    }

    /** Lets a user go, the last of whom takes it down; one who is unknown has gone before. */
    void leave(String id) throws BlockException {
        if (users.remove(id) != null) {
            userCount = users.size();
            save("");
        }
        if (users.isEmpty()) {
            down();
        }
    }

    /** Brings it up again for those who used it when an earlier process ended. */
    void again() throws BlockException {
        if (!users.isEmpty()) {
            up();
        }
    }

    private void up() throws BlockException {
        if (mounted) {
            return;
        }
        String step = doing;
        try {
            doing = "its device is being opened";
            if (open && spec.ephemeral()) {
                // What is in it belongs to those who have gone, but was held by somebody.
                close();
            }
            open();
            if (tools.disks.isOpen(name)) {
                throw new BlockException(Errno.EBUSY, name + " cannot be mounted: its file is still"
                        + " open, by an earlier mount that a container keeps, or by a loop device;"
                        + " end the container, or detach that");
            }
            if (formatted.isEmpty()) {
                doing = "its file system is being made";
                boolean given = !spec.images().isEmpty() && !ownImage;
                formatted = tools.systems.make(name, spec.fs(), tools.disks.block(name),
                        given ? tools.disks.stored(disk()) : 0);
                save("");
            }
            doing = "its file system is being checked";
            String repaired = tools.systems.check(name, formatted);
            if (repaired != null) {
                tools.log.error("the file system of volume " + name + " was repaired: " + repaired,
                        null);
            }
            doing = "it is being mounted";
            tools.systems.mount(name, mountPoint(), formatted, tools.disks.block(name));
            mounted = true;
            failure = "";
        } catch (BlockException | RuntimeException e) {
            failure = e.getMessage();
            if (spec.closes() && open && !tools.disks.isOpen(name)) {
                close();
            }
            throw e;
        } finally {
            doing = step;
        }
    }

    private void down() throws BlockException {
        String step = doing;
        try {
            if (mounted) {
                doing = "it is being unmounted";
                tools.systems.unmount(name, mountPoint());
                mounted = false;
            }
            doing = "its device is being closed";
            tools.systems.awaitFree(name);
            if (spec.closes() && open) {
                close();
                save("");
            }
            failure = "";
        } catch (BlockException | RuntimeException e) {
            failure = e.getMessage();
            throw e;
        } finally {
            doing = step;
        }
    }

    private void open() throws BlockException {
        if (open) {
            return;
        }
        String top = spec.top(name);
        if (spec.ephemeral() && top != null
                && !Files.exists(tools.folder.images.resolve(top))) {
            NewImage.make(tools.folder.images.resolve(top), spec.size(), tools.log);
        }
        for (int left = OPENINGS; !open; left--) {
            try {
                tools.disks.add(spec.table(name, tools.folder.images));
                open = true;
                opened = tools.disks.arguments(name);
            } catch (BlockException e) {
                // A program that is being started for another volume has our descriptors, and with
                // them the lock of an image that we have just closed, until it is there.
                if (e.errno() != Errno.EBUSY || left == 0) {
                    throw e;
                }
                tools.disks.pause();
            }
        }
    }

    /** The device that stores: the one below, if there are two. */
    private String disk() {
        return spec.devices(name).get(spec.devices(name).size() - 1);
    }

    private void close() throws BlockException {
        if (!open) {
            return;
        }
        lastStored = tools.disks.stored(disk());
        tools.disks.remove(spec.devices(name));
        open = false;
        if (spec.ephemeral()) {
            formatted = "";
            lastStored = 0;
            if (ownImage) {
                tools.folder.deleteImage(spec.top(name));
            }
        }
    }

    /**
     * Takes the volume away with all that is in it, but for an image that was there before. Those
     * who used it when an earlier process ended do not count, unless they really hold it.
     */
    void remove() throws BlockException {
        long using = users.values().stream().filter(said -> said).count();
        if (using > 0) {
            throw new BlockException(Errno.EBUSY, name + " is in use by " + using
                    + "; it can be removed when nobody uses it");
        }
        down();
        doing = "it is being removed";
        try {
            if (tools.disks.isOpen(name)) {
                throw new BlockException(Errno.EBUSY, name + " is still held by an earlier mount"
                        + " that a container keeps, or by a loop device; end the container, or"
                        + " detach that");
            }
            save("removing");
            close();
            remains();
        } finally {
            doing = "";
        }
    }

    /**
     * The process is about to end: what was written is made durable, and the volume unmounted, if
     * need be while it is in use. Who uses it stays written down.
     */
    void end() throws BlockException {
        if (mounted) {
            doing = "it is being unmounted";
            tools.systems.unmountAtTheEnd(name, mountPoint());
            mounted = false;
        }
    }

    /** What an earlier process left mounted at the mount point, dead by now, is taken away. */
    void clear() throws BlockException {
        tools.systems.clear(mountPoint());
    }

    /** What it is and how it is; the file system's figures are added by whoever has them. */
    Map<String, Object> status() {
        Map<String, Object> all = new LinkedHashMap<>();
        String step = doing;
        all.put("state", !step.isEmpty() ? step : mounted ? "mounted"
                : !failure.isEmpty() ? "failed" : "not mounted");
        if (!failure.isEmpty()) {
            all.put("failure", failure);
        }
        all.put("users", userCount);
        long size = tools.disks.size(name);
        all.put("size", Units.size(size > 0 ? size : spec.size()));
        all.put("target", spec.target());
        all.put("fs", formatted.isEmpty() ? spec.fs() : formatted);
        all.put("ephemeral", spec.ephemeral());
        long stored = tools.disks.stored(disk());
        all.put("stored", stored >= 0 ? stored : lastStored);
        String arguments = tools.disks.arguments(name);
        if (!spec.delays().isEmpty()) {
            all.put("delays", arguments.isEmpty() ? words(spec.delays()) : delays(arguments));
            if (!arguments.isEmpty() && !arguments.equals(opened)) {
                all.put("delays_when_opened_again", delays(opened));
            }
        }
        all.put("options", words(spec.values()));
        return all;
    }

    /** Behind the name of the device below. */
    private static String delays(String arguments) {
        return arguments.substring(arguments.indexOf(' ') + 1);
    }

    private static String words(Map<String, String> values) {
        StringBuilder text = new StringBuilder();
        values.forEach((key, value) ->
                text.append(text.isEmpty() ? "" : " ").append(key).append('=').append(value));
        return text.toString();
    }
}
