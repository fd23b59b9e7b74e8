package dev.sluice.zram;

import dev.sluice.block.BlockException;
import dev.sluice.block.Errno;
import java.util.List;
import java.util.Objects;

/**
 * Which codecs a disk is set up with, by priority: 0 is what writes use, the others what pages are
 * recompressed with. Thread-safe.
 */
final class Algorithms {
    /** Priorities. */
    static final int MOST = 4;
    private static final int LONGEST_NAME = 127;

    /**
     * A codec and what it is made with.
     *
     * @param level the codec's own scale; 0 for its default
     * @param dictionary or null
     * @param path where the dictionary is from; null without
     */
    record Choice(String name, int level, byte[] dictionary, String path) {
        Choice {
            path = dictionary == null ? null : path;
        }

        static Choice of(String name) {
            return new Choice(name, 0, null, null);
        }

        /** As in the table, with the dictionary by its file. */
        boolean same(Choice other) {
            return other != null && name.equals(other.name) && level == other.level
                    && Objects.equals(path, other.path);
        }
    }

    private final Choice[] initial = new Choice[MOST]; // guarded by this
    private final Choice[] chosen = new Choice[MOST]; // guarded by this
    private Codec[] codecs = new Codec[MOST]; // guarded by this; copied, never changed

    /** The table's: the first is what writes use. */
    Algorithms(List<Choice> table) throws BlockException {
        for (int p = 0; p < table.size(); p++) {
            choose(p, table.get(p));
            initial[p] = table.get(p);
        }
    }

    /** Takes a codec for a priority, or says what is wrong with it. */
    synchronized void choose(int priority, Choice choice) throws BlockException {
        Codec made = Codec.of(choice.name, choice.level, choice.dictionary);
        Codec[] next = codecs.clone();
        next[priority] = made;
        codecs = next;
        chosen[priority] = choice;
    }

    /** Whether there is such a codec. */
    static void check(String name) throws BlockException {
        if (name.length() > LONGEST_NAME) {
            throw new BlockException(Errno.E2BIG, "an algorithm must be one of "
                    + String.join(", ", Codec.NAMES));
        }
        Codec.of(name, 0, null);
    }

    /** By its name, as the kernel's comp_algorithm; with the table's level if it is the table's. */
    synchronized void choose(int priority, String name) throws BlockException {
        check(name);
        Choice first = initial[priority];
        choose(priority, first != null && first.name.equals(name) ? first : Choice.of(name));
    }

    /**
     * Takes codecs to recompress with: those that are there stay as they are, others come behind
     * them, in a disk's pool as well if there is one. All or none.
     */
    synchronized void add(List<Choice> wanted, StreamPool pool) throws BlockException {
        for (int p = 1; p <= wanted.size(); p++) {
            Choice one = wanted.get(p - 1);
            Codec.of(one.name, one.level, one.dictionary);
            if (chosen[p] != null && !one.same(chosen[p])) {
                throw new BlockException(Errno.EBUSY, "recompress=: the codec of priority " + p
                        + " is " + chosen[p].name + " while the device is in use; name it as it"
                        + " is, or choose another by recomp_algorithm after a reset");
            }
        }
        for (int p = 1; p <= wanted.size(); p++) {
            if (chosen[p] == null) {
                choose(p, wanted.get(p - 1));
                if (pool != null) {
                    pool.add(p, codecs[p]);
                }
            }
        }
    }

    /** The table's again. */
    synchronized void reset() throws BlockException {
        for (int p = 0; p < MOST; p++) {
            if (initial[p] != null) {
                choose(p, initial[p]);
            } else {
                chosen[p] = null;
            }
        }
        Codec[] next = codecs.clone();
        for (int p = 0; p < MOST; p++) {
            next[p] = chosen[p] == null ? null : next[p];
        }
        codecs = next;
    }

    synchronized Codec[] codecs() {
        return codecs;
    }

    synchronized Choice choice(int priority) {
        return chosen[priority];
    }

    /** The priority of a codec by its name, or -1. */
    synchronized int priority(String name) {
        for (int p = 0; p < MOST; p++) {
            if (chosen[p] != null && chosen[p].name.equals(name)) {
                return p;
            }
        }
        return -1;
    }

    /** All names, the chosen one in brackets, as the kernel lists them. */
    synchronized String list(int priority) {
        StringBuilder text = new StringBuilder();
        for (String name : Codec.NAMES) {
            boolean is = chosen[priority] != null && name.equals(chosen[priority].name);
            text.append(is ? "[" + name + "]" : name).append(' ');
        }
        return text.append('\n').toString();
    }

    /** The lists of those to recompress with, each with its priority in front. */
    synchronized String recompressLists() {
        StringBuilder text = new StringBuilder();
        for (int p = 1; p < MOST; p++) {
            if (chosen[p] != null) {
                text.append('#').append(p).append(": ").append(list(p));
            }
        }
        return text.toString();
    }

    /** {@code algo=NAME [priority=1..3]}. */
    void recompress(String text) throws BlockException {
        Words words = Words.of("recomp_algorithm", text, List.of("algo", "priority"));
        String name = words.value("algo", null);
        if (name == null) {
            throw new BlockException(Errno.EINVAL, "recomp_algorithm must be algo=NAME"
                    + " [priority=1..3]");
        }
        choose((int) words.number("priority", 1, 1, MOST - 1), name);
    }

    /** {@code priority=P|algo=NAME [level=L] [dict=FILE]}; what is not said is the default. */
    synchronized void parameters(String text) throws BlockException {
        Words words = Words.of("algorithm_params", text,
                List.of("priority", "algo", "level", "dict"));
        String name = words.value("algo", null);
        int priority = name == null ? (int) words.number("priority", 0, 0, MOST - 1)
                : priority(name);
        if (priority < 0 || chosen[priority] == null) {
            throw new BlockException(Errno.EINVAL, "no algorithm "
                    + (name == null ? "has priority " + priority : name + " was chosen")
                    + "; choose it by comp_algorithm or recomp_algorithm first");
        }
        String path = words.value("dict", null);
        choose(priority, new Choice(chosen[priority].name,
                (int) words.number("level", 0, Short.MIN_VALUE, 1 << 17),
                path == null ? null : Dictionary.read(path), Dictionary.absolute(path)));
    }
}
