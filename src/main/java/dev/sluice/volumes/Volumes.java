package dev.sluice.volumes;

import com.fasterxml.jackson.databind.JsonNode;
import dev.sluice.block.BlockException;
import dev.sluice.block.Errno;
import dev.sluice.work.SystemClock;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.ConcurrentSkipListMap;

/**
 * All volumes. What is done to one of them is done by its lane, one after the other; looking is
 * for any thread. Everything may be asked twice, and is as if it had been asked once.
 */
final class Volumes {
    static final int MOST = 1000;
    static final int MOST_USERS = 1000;

    private final Volume.Tools tools;
    private final Map<String, Volume> all = new ConcurrentSkipListMap<>();
    /** Names that are being created, beside those that are there. */
    private final Map<String, String> coming = new ConcurrentHashMap<>();

    Volumes(Volume.Tools tools) {
        this.tools = tools;
    }

    /** Reads what an earlier process left, and clears its dead mounts away. */
    void load() throws BlockException {
        for (String left : tools.folder().mountPoints()) {
            try {
                tools.systems().clear(tools.folder().mounts.resolve(left));
            } catch (BlockException e) {
                tools.log().error(e.getMessage(), e);
            }
        }
        for (Map.Entry<String, JsonNode> state : tools.folder().load(tools.log()).entrySet()) {
            try {
                Volume volume = Volume.load(state.getKey(), state.getValue(), tools);
                if (volume != null) {
                    all.put(volume.name(), volume);
                }
            } catch (BlockException | RuntimeException e) {
                tools.log().error("the state of volume " + state.getKey()
                        + " is left as it is: " + e.getMessage(), e);
            }
        }
    }

    /** All there are. */
    List<Volume> all() {
        return new ArrayList<>(all.values());
    }

    /** The volume of a name, or an error. */
    Volume get(String name) throws BlockException {
        Volume volume = all.get(name);
        if (volume == null) {
            throw new BlockException(Errno.ENOENT, "there is no volume " + Spec.shown(name)
                    + "; create it first, with the driver's name");
        }
        return volume;
    }

    /** Makes a volume, unless there is one just like it. In its lane. */
    void create(String name, Spec spec) throws BlockException {
        Volume there = all.get(name);
        if (there != null) {
            if (!there.spec().equals(spec)) {
                throw new BlockException(Errno.EEXIST, "there is a volume " + name
                        + " with other options, " + there.spec().options()
                        + "; give the same, or choose another name");
            }
            return;
        }
        if (all.size() + coming.size() >= MOST) {
            throw new BlockException(Errno.ENOSPC, "there are " + MOST
                    + " volumes already; remove some first");
        }
        coming.put(name, name);
        try {
            all.put(name, Volume.create(name, spec, tools, SystemClock.epochSeconds()));
        } finally {
            coming.remove(name);
        }
    }

    /** Takes a volume away; one that is not there has gone before. In its lane. */
    void remove(String name) throws BlockException {
        Volume volume = all.get(name);
        if (volume != null) {
            for (Volume other : all.values()) {
                if (other != volume && volume.ownsOneOf(other.spec().images())) {
                    throw new BlockException(Errno.EBUSY, "the image of " + name + " is that of"
                            + " volume " + other.name() + " as well; remove that first");
                }
            }
            volume.remove();
            all.remove(name);
        }
    }

    /** Lets a user go, of a volume that may be gone. In its lane. */
    void leave(String name, String id) throws BlockException {
        Volume volume = all.get(name);
        if (volume != null) {
            volume.leave(id);
        }
    }

    /** Brings one up again that was in use, unless it is gone. In its lane. */
    void again(String name) throws BlockException {
        Volume volume = all.get(name);
        if (volume != null) {
            volume.again();
        }
    }

    /** What a volume is being held up by, for a sentence. */
    String doing(String name) {
        Volume volume = all.get(name);
        return volume != null ? volume.doing() : "it is being created";
    }

    /** Volumes as they are, with the figures of their file systems as far as these answer. */
    List<Map<String, Object>> look(List<Volume> volumes) {
        Map<String, long[]> figures = Map.of();
        List<Path> mounted = volumes.stream().filter(Volume::mounted).map(Volume::mountPoint)
                .toList();
        try {
            figures = tools.systems().figures(mounted);
        } catch (BlockException e) {
            tools.log().error("what volumes use is not known: " + e.getMessage(), e);
        }
        List<Map<String, Object>> result = new ArrayList<>();
        for (Volume volume : volumes) {
            Map<String, Object> status = volume.status();
            long[] figure = figures.get(volume.mountPoint().toString());
            if (figure != null) {
                status.put("used", figure[0]);
                status.put("free", figure[1]);
            }
            Map<String, Object> one = new LinkedHashMap<>();
            one.put("Name", volume.name());
            one.put("Mountpoint", volume.mounted() ? volume.mountPoint().toString() : "");
            one.put("CreatedAt", java.time.Instant.ofEpochSecond(volume.createdSeconds())
                    .toString());
            one.put("Status", status);
            result.add(one);
        }
        return result;
    }
}
