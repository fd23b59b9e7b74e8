package dev.sluice.table;

import dev.sluice.block.Device;
import dev.sluice.block.Units;
import dev.sluice.target.Words;
import java.util.Collections;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

/**
 * One device of a table, as written.
 *
 * @param name of the device, and of its file
 * @param size bytes, or {@link #FOLLOWS}
 * @param target the type's name
 * @param lowers names of the devices below, in order
 * @param path null where the type takes none
 * @param values key=value, in the order written
 */
public record TableLine(String name, long size, String target, List<String> lowers, String path,
        Map<String, String> values) {
    /** The size {@code -}: it follows from the path or the lower device. */
    public static final long FOLLOWS = -1;

    public TableLine {
        lowers = List.copyOf(lowers);
        values = Collections.unmodifiableMap(new LinkedHashMap<>(values));
    }

    /** The line as text, without a line end; reads back as an equal line. */
    public String text() {
        StringBuilder text = new StringBuilder(start(name, size, target));
        lowers.forEach(lower -> text.append(' ').append(Words.quote(lower)));
        if (path != null) {
            text.append(' ').append(Words.quote(path));
        }
        values.forEach((key, value) -> text.append(' ').append(Words.quote(key + "=" + value)));
        return text.toString();
    }

    /** The line that would make a device as it is now. Waits for nothing. */
    public static String of(Device device) {
        String arguments = device.target().arguments();
        return start(device.name(), device.limits().size(), device.type())
                + (arguments.isEmpty() ? "" : " " + arguments);
    }

    private static String start(String name, long size, String target) {
        return Words.quote(name) + " " + (size == FOLLOWS ? "-" : Units.size(size)) + " "
                + Words.quote(target);
    }
}
