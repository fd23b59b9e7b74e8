package dev.sluice.target;

import dev.sluice.block.BlockException;
import dev.sluice.block.Device;
import dev.sluice.block.Errno;
import dev.sluice.block.Units;
import java.util.List;
import java.util.Map;

/**
 * What stands in a table line behind the type, with the lower devices found and the keys known to
 * be the type's.
 *
 * @param device the name of the device to make
 * @param size bytes, or -1 for {@code -}
 * @param path the path, or null where the type takes none
 * @param lowers the devices below, in order; behind them those that keys name
 * @param values key=value
 */
public record TargetArgs(
        String device, long size, String path, List<Device> lowers, Map<String, String> values) {

    /** The device below that a key names, or the one given when there is no such key. */
    public Device lower(String key, Device otherwise) {
        String name = values.get(key);
        return name == null ? otherwise : lowers.stream().filter(d -> d.name().equals(name))
                .findFirst().orElseThrow();
    }

    /** The value, or the one given when there is none. */
    public String text(String key, String otherwise) {
        return values.getOrDefault(key, otherwise);
    }

    /** A value of {@code on} or {@code off}. */
    public boolean flag(String key, boolean otherwise) throws BlockException {
        String v = values.get(key);
        if (v == null) {
            return otherwise;
        }
        if (!v.equals("on") && !v.equals("off")) {
            throw bad(key, v, "on or off");
        }
        return v.equals("on");
    }

    /** A size such as {@code 4k}, in bytes. */
    public long size(String key, long otherwise) throws BlockException {
        String v = values.get(key);
        return v == null ? otherwise : Units.parseSize(key, v);
    }

    /** A block size: a power of two from 512 to 64k. */
    public int blockSize(String key, int otherwise) throws BlockException {
        long v = size(key, otherwise);
        if (v != otherwise && (v < 512 || v > 65536 || Long.bitCount(v) != 1)) {
            throw bad(key, values.get(key), "a power of two from 512 to 64k");
        }
        return (int) v;
    }

    /** The sentence for a value that is not right. */
    public static BlockException bad(String key, String value, String right) {
        return new BlockException(Errno.EINVAL, key + "=" + value + " must be " + right);
    }
}
