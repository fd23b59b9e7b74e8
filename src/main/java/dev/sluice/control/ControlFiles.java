package dev.sluice.control;

import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.databind.ObjectMapper;
import dev.sluice.block.Attribute;
import dev.sluice.block.BlockException;
import dev.sluice.block.Device;
import dev.sluice.block.Errno;
import dev.sluice.block.Packing;
import dev.sluice.block.Units;
import dev.sluice.table.DeviceSet;
import dev.sluice.table.DmText;
import dev.sluice.table.KeyValues;
import dev.sluice.table.Table;
import dev.sluice.table.TableLine;
import dev.sluice.target.TargetType;
import dev.sluice.target.Words;
import io.prometheus.metrics.model.snapshots.MetricSnapshots;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.Collections;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.WeakHashMap;
import java.util.function.Function;
import java.util.function.Predicate;
import java.util.function.Supplier;
import java.util.stream.Collectors;

/**
 * The text files through which a mount is watched and steered: some for the mount, and a folder of
 * them for each device. Paths are relative to where they show, without a leading slash; the empty
 * path is the folder of all.
 *
 * <p>Thread-safe. Reading takes no lock that is held during I/O, so it never waits for data. The
 * writes to one device come one after the other.
 */
public final class ControlFiles {
    /** What a path is. */
    public enum Node {
        /** Has a {@link #list}. */
        FOLDER,
        /** May be read by whoever may see the mount. */
        READABLE,
        /** Acts when it is written; never read. For the mount's owner alone. */
        ACTING,
        /** Both: read by whoever may see the mount, written by its owner. */
        READABLE_ACTING;

        /** Whether it may be read. */
        public boolean reads() {
            return this == READABLE || this == READABLE_ACTING;
        }

        /** Whether it may be written. */
        public boolean acts() {
            return this == ACTING || this == READABLE_ACTING;
        }
    }

    private static final List<String> DEVICE_FILES =
            List.of("table", "table.dm", "status", "status.json", "stats", "error", "message",
                    "set");
    private static final ObjectMapper JSON = new ObjectMapper();

    private final DeviceSet devices;
    private final Map<String, TargetType> types;
    private final String version;
    private final Supplier<Map<String, Object>> mountFacts;
    private final Function<Device, Map<String, Object>> deviceFacts;
    /** Goes with its device. */
    private final Map<Device, Steering> steering =
            Collections.synchronizedMap(new WeakHashMap<>());

    /** What is kept for the writes to one device; its monitor puts them one after the other. */
    private static final class Steering {
        /** The last failing sentence; empty after a success. */
        private volatile String error = "";
    }

    /**
     * @param types the types of the devices
     * @param version of the program
     * @param mountFacts threads, workers, options … by name; from any thread, must not block
     * @param deviceFacts what the mount knows of a device, as how often it is open; the same
     */
    public ControlFiles(DeviceSet devices, List<TargetType> types, String version,
            Supplier<Map<String, Object>> mountFacts,
            Function<Device, Map<String, Object>> deviceFacts) {
        this.devices = devices;
        this.types = types.stream().collect(Collectors.toMap(TargetType::name, t -> t));
        this.version = version;
        this.mountFacts = mountFacts;
        this.deviceFacts = deviceFacts;
    }

    private Steering steering(Device device) {
        return steering.computeIfAbsent(device, d -> new Steering());
    }

    /** What a path is, or null when there is nothing. */
    public Node lookup(String path) {
        return devices.visit(() -> find(path));
    }

    private Node find(String path) {
        int slash = path.indexOf('/');
        if (slash < 0) {
            return path.isEmpty() || devices.device(path) != null ? Node.FOLDER
                    : Table.RESERVED.contains(path) ? Node.READABLE : null;
        }
        String file = path.substring(slash + 1);
        Device device = devices.device(path.substring(0, slash));
        if (device == null || !DEVICE_FILES.contains(file)) {
            Attribute attribute = device == null ? null : attribute(device, file);
            return attribute == null ? null
                    : attribute.write() == null ? Node.READABLE
                    : attribute.read() == null ? Node.ACTING : Node.READABLE_ACTING;
        }
        return file.equals("message") || file.equals("set") ? Node.ACTING : Node.READABLE;
    }

    private static Attribute attribute(Device device, String file) {
        for (Attribute attribute : device.target().attributes()) {
            if (attribute.name().equals(file)) {
                return attribute;
            }
        }
        return null;
    }

    /** The names in a folder. */
    public List<String> list(String path) throws BlockException {
        return devices.visit(() -> names(path));
    }

    private List<String> names(String path) throws BlockException {
        check(path, node -> node == Node.FOLDER, Errno.ENOTDIR);
        if (!path.isEmpty()) {
            List<String> names = new ArrayList<>(DEVICE_FILES);
            devices.device(path).target().attributes().forEach(a -> names.add(a.name()));
            return names;
        }
        List<String> names = new ArrayList<>(Table.RESERVED);
        devices.devices().forEach(device -> names.add(device.name()));
        return names;
    }

    /** What a readable file holds now, in UTF-8, ended by a line end. */
    public byte[] read(String path) throws BlockException {
        return devices.visit(() -> content(path));
    }

    private byte[] content(String path) throws BlockException {
        check(path, Node::reads, find(path) == Node.FOLDER ? Errno.EISDIR : Errno.EACCES);
        int slash = path.indexOf('/');
        String text = slash < 0 ? ofMount(path)
                : ofDevice(devices.device(path.substring(0, slash)), path.substring(slash + 1));
        return text.getBytes(StandardCharsets.UTF_8);
    }

    private void check(String path, Predicate<Node> right, Errno wrong) throws BlockException {
        Node node = find(path);
        if (node == null || !right.test(node)) {
            Errno errno = node == null ? Errno.ENOENT : wrong;
            throw new BlockException(errno, path + ": " + errno.text() + "; ls -l shows what"
                    + " can be read and written");
        }
    }

    private String ofMount(String file) throws BlockException {
        return switch (file) {
            case "table" -> devices.table();
            case "table.dm" -> DmText.of(devices.devices());
            case "status" -> {
                Map<String, Object> facts = ofMount();
                StringBuilder text = new StringBuilder(Lines.aligned(facts));
                for (Device device : devices.devices()) {
                    text.append('\n').append(status(device));
                }
                yield text.toString();
            }
            case "status.json" -> {
                Map<String, Object> all = ofMount();
                all.put("devices", devices.devices().stream().map(this::everything).toList());
                yield json(all);
            }
            case "stats" -> json(Map.of("devices", counters()));
            case "metrics" -> Metrics.text(measure());
            case "pid" -> ProcessHandle.current().pid() + "\n";
            case "version" -> version + "\n";
            default -> throw new AssertionError(file);
        };
    }

    private Map<String, Object> ofMount() {
        Map<String, Object> all = new LinkedHashMap<>();
        all.put("version", version);
        all.put("pid", ProcessHandle.current().pid());
        all.putAll(mountFacts.get());
        return all;
    }

    /** The same as the file {@code metrics}, for another way to a scraper. From any thread. */
    public MetricSnapshots metrics() {
        return devices.visit(this::measure);
    }

    private MetricSnapshots measure() {
        return Metrics.of(version, counters(Metrics.STEPS));
    }

    /** What the watchers of all devices want to know, cheap to get. */
    private List<Map<String, Object>> counters(long... upToNanos) {
        return devices.devices().stream().map(device -> {
            Map<String, Object> all = facts(device);
            all.putAll(deviceFacts.apply(device));
            all.put("held", device.target().heldBack());
            Packing packing = device.target().packing();
            if (packing != null) {
                all.put("data_bytes", packing.dataBytes());
                all.put("stored_bytes", packing.storedBytes());
            }
            all.putAll(device.stats(upToNanos));
            return all;
        }).toList();
    }

    private String ofDevice(Device device, String file) throws BlockException {
        return switch (file) {
            case "table" -> TableLine.of(device) + "\n";
            case "table.dm" -> DmText.of(device);
            case "status" -> status(device);
            case "status.json" -> json(everything(device));
            case "stats" -> Lines.flat(stats(device));
            case "error" -> steering(device).error + "\n";
            default -> attribute(device, file).read().content();
        };
    }

    private String status(Device device) {
        Map<String, Object> all = facts(device);
        all.put("size", Units.size(device.limits().size()));
        Map<String, Object> stats = device.stats();
        all.put("in_flight", stats.get("in_flight"));
        all.put("oldest_us", stats.get("oldest_us"));
        all.putAll(deviceFacts.apply(device));
        all.putAll(device.target().status());
        return Lines.aligned(all);
    }

    private Map<String, Object> everything(Device device) {
        Map<String, Object> all = facts(device);
        all.putAll(deviceFacts.apply(device));
        all.put("table", TableLine.of(device));
        all.put("error", steering(device).error);
        all.put("target", device.target().status());
        all.put("stats", stats(device));
        return all;
    }

    private static Map<String, Object> stats(Device device) {
        Map<String, Object> all = device.stats();
        all.putAll(device.target().stats());
        return all;
    }

    private static Map<String, Object> facts(Device device) {
        Map<String, Object> all = new LinkedHashMap<>();
        all.put("name", device.name());
        all.put("type", device.type());
        all.put("size", device.limits().size());
        all.put("block_size", device.limits().blockSize());
        all.put("read_only", device.limits().readOnly());
        all.put("lowers", device.lowers().stream().map(Device::name).toList());
        all.put("failed", device.failed());
        return all;
    }

    private static String json(Map<String, Object> all) throws BlockException {
        try {
            return JSON.writeValueAsString(all) + "\n";
        } catch (JsonProcessingException e) {
            throw new BlockException(Errno.EIO, "the status has no JSON (" + e.getMessage()
                    + "); status without json has it", e);
        }
    }

    /**
     * Acts on what was written to an acting file, line end or not. What fails throws, changes
     * nothing, and its sentence stays in the device's {@code error} until the next success.
     */
    public void write(String path, String text) throws BlockException {
        devices.visit(() -> {
            steer(path, text);
            return null;
        });
    }

    private void steer(String path, String text) throws BlockException {
        check(path, Node::acts, find(path) == Node.FOLDER ? Errno.EISDIR : Errno.EACCES);
        int slash = path.indexOf('/');
        Device device = devices.device(path.substring(0, slash));
        Steering one = steering(device);
        synchronized (one) {
            try {
                act(device, path.substring(slash + 1), text);
                one.error = "";
            } catch (BlockException | RuntimeException e) {
                Errno errno = e instanceof BlockException b ? b.errno() : Errno.EIO;
                String sentence = device.name() + ": "
                        + (e instanceof BlockException ? e.getMessage() : "failed: " + e);
                one.error = sentence.replace('\n', ' ');
                throw new BlockException(errno, sentence, e);
            }
        }
    }

    private void act(Device device, String file, String text) throws BlockException {
        Attribute attribute = DEVICE_FILES.contains(file) ? null : attribute(device, file);
        if (attribute != null) {
            attribute.write().act(text.strip(), inUse(device));
            return;
        }
        List<String> words = Words.split(text);
        if (words.isEmpty()) {
            throw new BlockException(Errno.EINVAL, "nothing was written to " + file + "; write "
                    + (file.equals("set") ? "key=value …" : "the words of a message"));
        }
        if (file.equals("message")) {
            device.target().message(words, inUse(device));
        } else {
            device.target().set(KeyValues.parse(words, types.get(device.type())));
        }
    }

    private boolean inUse(Device device) {
        return devices.devices().stream().anyMatch(d -> d.lowers().contains(device))
                || deviceFacts.apply(device).get("opens") instanceof Number opens
                && opens.longValue() > 0;
    }
}
