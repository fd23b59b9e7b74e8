package dev.sluice.target;

import dev.sluice.block.BlockException;
import dev.sluice.block.Target;
import dev.sluice.work.Host;
import java.util.List;
import java.util.Map;

/** A kind of target: its name, what it takes, and how one is made. */
public interface TargetType {
    /** The word in the table. */
    String name();

    /** One line that says what it does. */
    String summary();

    /** How many device names stand after the type; their lines may come before or after. */
    int lowers();

    /** Whether more device names than {@link #lowers} may stand there. */
    default boolean moreLowers() {
        return false;
    }

    /** The keys whose value names one more device below. */
    default List<String> lowerKeys() {
        return List.of();
    }

    /** Whether one path stands after the type. */
    default boolean takesPath() {
        return false;
    }

    /** The key that can stand in place of the path; null for none. */
    default String pathKey() {
        return null;
    }

    /**
     * The files that a line is about, so that no two devices write to one. May read them.
     *
     * @param path null where the line has none
     * @param values key=value
     */
    default List<Use> uses(String path, Map<String, String> values) throws BlockException {
        return path == null ? List.of() : List.of(new Use(path, false));
    }

    /**
     * A file of a device.
     *
     * @param path where it is
     * @param shared whether it is only read, and other devices may read it too
     */
    record Use(String path, boolean shared) {}

    /** Whether the size column may be {@code -}: it follows from the path or the lower device. */
    default boolean sizeFollows() {
        return takesPath() || lowers() > 0;
    }

    /** The key=value parameters, in the order shown. */
    List<Parameter> parameters();

    /**
     * Makes a target, open and ready. What is wrong is a {@link BlockException} whose sentence
     * needs no device name in front: the caller puts line and device there.
     */
    Target open(TargetArgs args, Host host) throws BlockException;

    /**
     * A parameter of a type.
     *
     * @param key the word before {@code =}
     * @param values what may stand behind it, for a person: {@code on|off}, {@code SIZE}
     * @param initial the value when it is not given; empty when it must be or there is none
     * @param meaning one line
     */
    record Parameter(String key, String values, String initial, String meaning) {}
}
