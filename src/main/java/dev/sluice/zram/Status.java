package dev.sluice.zram;

import java.util.LinkedHashMap;
import java.util.Map;

/** What the table and the status show of a disk. */
final class Status {
    private final Zram zram;
    private final Options options;
    private final BatchQueue queue;

    Status(Zram zram, Options options, BatchQueue queue) {
        this.zram = zram;
        this.options = options;
        this.queue = queue;
    }

    Map<String, Object> all() {
        Disk disk = zram.disk();
        Map<String, Object> all = new LinkedHashMap<>();
        all.put("initialised", disk != null);
        all.put("codec", zram.codecName());
        all.put("page", options.page());
        all.put("writers", options.writers());
        Counters c = disk == null ? new Counters() : disk.counters();
        long orig = c.pagesStored.sum() * options.page();
        long compr = c.comprDataSize.sum();
        all.put("orig_data_size", orig);
        all.put("compr_data_size", compr);
        all.put("mem_used_total", disk == null ? 0L : disk.store().usedBytes());
        all.put("mem_limit", zram.memLimit());
        all.put("mem_used_max", disk == null ? 0L : disk.store().mostBytes());
        all.put("pages_stored", c.pagesStored.sum());
        all.put("same_pages", c.samePages.sum());
        all.put("huge_pages", c.hugePages.sum());
        all.put("huge_pages_since", c.hugePagesSince.sum());
        all.put("pages_compacted", c.pagesCompacted.sum());
        all.put("failed_reads", c.failedReads.sum());
        all.put("failed_writes", c.failedWrites.sum());
        all.put("notify_free", c.notifyFree.sum());
        all.put("ratio", compr == 0 ? 0.0 : Math.round(100.0 * orig / compr) / 100.0);
        all.put("table_bytes", disk == null ? 0L : disk.slots().bytes());
        all.put("streams", disk == null ? 0 : disk.streams().made());
        all.put("queue", queue.status());
        return all;
    }

    /** The words behind size and type in the table line; what is not said is the default. */
    static String arguments(Options options, Codec codec, long memLimit) {
        StringBuilder text = new StringBuilder();
        boolean own = codec.name().equals(options.codec());
        add(text, "codec", codec.name(), "lz4");
        add(text, "level", Integer.toString(codec.level()), "0");
        add(text, "dict", own && options.dictionary() != null ? options.dictionaryPath() : "", "");
        add(text, "page", size(options.page()), size(Options.LEAST_PAGE));
        add(text, "writers", Integer.toString(options.writers()),
                Integer.toString(Runtime.getRuntime().availableProcessors()));
        add(text, "async", options.async() ? "on" : "off", "on");
        add(text, "mem-limit", size(memLimit), "0");
        return text.toString().strip();
    }

    private static void add(StringBuilder text, String key, String value, String initial) {
        if (!value.equals(initial)) {
            text.append(' ').append(key).append('=').append(value);
        }
    }

    private static String size(long bytes) {
        long n = bytes;
        int i = 0;
        while (n != 0 && n % 1024 == 0 && i < 4) {
            n /= 1024;
            i++;
        }
        return n + " kMGT".substring(i, i + 1).strip();
    }
}
