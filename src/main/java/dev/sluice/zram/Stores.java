package dev.sluice.zram;

import dev.sluice.block.BlockException;

/**
 * The backing device: the table's, which is open all the time, or another that was chosen in its
 * place until the next reset.
 */
final class Stores {
    private static final String NONE = "none";

    private final Means means;
    private final int page;
    private final BackingStore table; // null without
    private BackingStore chosen; // guarded by this; null for the table's

    Stores(Means means, int page, String file) throws BlockException {
        this.means = means;
        this.page = page;
        this.table = means.backing() != null ? new DeviceStore(means.backing())
                : file != null ? open(file) : null;
    }

    private BackingStore open(String path) throws BlockException {
        return FileStore.open(path, page, means.arena(), means.threads(), means.log());
    }

    /** The one in use, or null. */
    synchronized BackingStore now() {
        return chosen != null ? chosen : table;
    }

    String name() {
        BackingStore now = now();
        return now == null ? NONE : now.name();
    }

    /** Takes another, by its path; or the table's by its name. */
    synchronized void choose(String name) throws BlockException {
        if (chosen != null && chosen.name().equals(name)) {
            return;
        }
        BackingStore next = table != null && table.name().equals(name) ? null : open(name);
        reset();
        chosen = next;
    }

    /** The table's again. */
    synchronized void reset() throws BlockException {
        BackingStore old = chosen;
        chosen = null;
        if (old != null) {
            old.close();
        }
    }

    synchronized void close() throws BlockException {
        reset();
        if (table != null) {
            table.close();
        }
    }
}
