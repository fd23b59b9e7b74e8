package dev.sluice.target;

import dev.sluice.block.BlockException;
import dev.sluice.block.Errno;
import dev.sluice.block.Units;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

/**
 * The keys of a {@link DelayTarget}: what was given, and what follows for what was not. As with
 * dm-delay's three or six arguments, writes go where reads go and flushes where writes go.
 * Immutable.
 */
final class DelaySettings {
    /** The classes, each behind the one it takes after. */
    static final List<String> CLASSES = List.of("read", "write", "flush");

    private static final List<String> FIXED = List.of("offset", "write-device", "write-offset",
            "flush-device", "flush-offset");

    private final Map<String, String> given;
    private final Map<String, DelayClass.Rule> rules = new HashMap<>();
    private final long seed;

    DelaySettings(Map<String, String> values) throws BlockException {
        given = new LinkedHashMap<>();
        Distribution delay = Distribution.constant(0);
        double all = percent(values, "percent", 100);
        for (String name : CLASSES) {
            String own = values.get(name);
            delay = own == null ? delay : Distribution.parse(name, own);
            rules.put(name, new DelayClass.Rule(delay, percent(values, name + "-percent", all)));
        }
        seed = seed(values.getOrDefault("seed", "0"));
        // In one order, and as they were understood, so that a table printed is a table read.
        for (TargetType.Parameter p : DelayTarget.TYPE.parameters()) {
            String value = values.get(p.key());
            if (value != null) {
                boolean size = p.key().endsWith("offset");
                given.put(p.key(), CLASSES.contains(p.key()) ? rules.get(p.key()).delay().text()
                        : size ? Units.size(Units.parseSize(p.key(), value)) : value);
            }
        }
    }

    /** The same with changes; what concerns devices cannot change while they are in use. */
    DelaySettings with(Map<String, String> changes) throws BlockException {
        for (String key : changes.keySet()) {
            if (FIXED.contains(key)) {
                throw new BlockException(Errno.EINVAL, key + " cannot change while the device is"
                        + " in use; mount a table that has it");
            }
            if (DelayTarget.TYPE.parameters().stream().noneMatch(p -> p.key().equals(key))) {
                throw new BlockException(Errno.EINVAL, "delay has no parameter " + key
                        + "; read, write, flush, percent and seed can be set");
            }
        }
        Map<String, String> next = new LinkedHashMap<>(given);
        next.putAll(changes);
        return new DelaySettings(next);
    }

    private static double percent(Map<String, String> values, String key, double otherwise)
            throws BlockException {
        String text = values.get(key);
        if (text == null) {
            return otherwise;
        }
        if (text.matches("\\d{1,3}(\\.\\d{1,9})?") && Double.parseDouble(text) <= 100) {
            return Double.parseDouble(text);
        }
        throw TargetArgs.bad(key, text, "a plain number from 0 to 100, as in " + key + "=2.5");
    }

    private static long seed(String text) throws BlockException {
        if (text.matches("\\d{1,18}")) {
            return Long.parseLong(text);
        }
        throw TargetArgs.bad("seed", text, "a whole number of at most 18 digits");
    }

    DelayClass.Rule rule(String name) {
        return rules.get(name);
    }

    long seed() {
        return seed;
    }

    /** How operations of a class wait, for a person. */
    String describe(String name) {
        DelayClass.Rule rule = rules.get(name);
        String percent = Double.toString(rule.percent()).replaceFirst("\\.0$", "");
        return rule.delay().text() + (rule.percent() == 100 ? "" : " of " + percent + "%");
    }

    /** The keys given, each with a blank in front. */
    String text() {
        StringBuilder text = new StringBuilder();
        given.forEach((key, value) -> text.append(' ').append(Words.quote(key + "=" + value)));
        return text.toString();
    }
}
