package dev.sluice.zram;

import dev.sluice.block.Packing;
import java.util.LinkedHashMap;
import java.util.Map;

/** What the table and the status show of a disk. */
final class Status {
    private final Zram zram;
    private final Options options;
    private final Algorithms algorithms;
    private final BatchQueue queue;

    Status(Zram zram, Options options, Algorithms algorithms, BatchQueue queue) {
        this.zram = zram;
        this.options = options;
        this.algorithms = algorithms;
        this.queue = queue;
    }

    Map<String, Object> all() {
        Disk disk = zram.disk();
        Map<String, Object> all = new LinkedHashMap<>();
        all.put("initialised", disk != null);
        Algorithms.Choice codec = algorithms.choice(0);
        all.put("codec", codec.name());
        all.put("level", codec.level());
        all.put("dictionary", codec.path() == null ? "none" : codec.path());
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
        all.put("ratio", ratio(orig, compr));
        all.put("table_bytes", disk == null ? 0L : disk.slots().bytes());
        all.put("streams", disk == null ? 0 : disk.streams().made());
        away(all, disk, c);
        all.put("recompressed", c.recompressed.sum());
        all.put("policy", zram.policy().status());
        all.put("queue", queue.status());
        return all;
    }

    private void away(Map<String, Object> all, Disk disk, Counters c) {
        Blocks blocks = disk == null ? null : disk.blocks();
        Writeback writeback = zram.writeback();
        all.put("backing_dev", zram.backingName());
        all.put("compressed_writeback", zram.compressedWriteback());
        all.put("bd_count", blocks == null ? 0L : units(blocks.used()));
        all.put("bd_size", blocks == null ? 0L : units(blocks.count()));
        all.put("bd_reads", units(c.bdReads.sum()));
        all.put("bd_writes", units(c.bdWrites.sum()));
        all.put("writeback_limit_enable", writeback.limited());
        all.put("writeback_limit", writeback.budget());
        all.put("writeback_batch_size", writeback.batch());
    }

    /** What pages in memory hold, and what that takes. */
    Packing packing() {
        Disk disk = zram.disk();
        return disk == null ? new Packing(0, 0)
                : new Packing(disk.counters().pagesStored.sum() * options.page(),
                        disk.counters().comprDataSize.sum());
    }

    /** Pages in the kernel's unit of 4 KiB. */
    private long units(long pages) {
        return pages * (options.page() / Writeback.UNIT);
    }

    /** What each codec achieves on what memory holds, and what is done each second. */
    Map<String, Object> stats() {
        Disk disk = zram.disk();
        Counters c = disk == null ? new Counters() : disk.counters();
        long away = disk == null || disk.blocks() == null ? 0 : disk.blocks().used();
        Map<String, Object> codecs = new LinkedHashMap<>();
        for (int p = 0; p < Algorithms.MOST; p++) {
            Algorithms.Choice choice = algorithms.choice(p);
            if (choice != null) {
                long pages = c.pages(p, away);
                long bytes = c.bytes(p, options.page());
                Map<String, Object> one = new LinkedHashMap<>();
                one.put("codec", choice.name());
                one.put("pages", pages);
                one.put("bytes", bytes);
                one.put("ratio", ratio(pages * options.page(), bytes));
                codecs.put(Integer.toString(p), one);
            }
        }
        Map<String, Long> totals = new LinkedHashMap<>();
        totals.put("read_bytes", zram.done().bytesRead.sum());
        totals.put("written_bytes", zram.done().bytesWritten.sum());
        totals.put("recompressed_pages", c.recompressed.sum());
        totals.put("written_back_pages", c.bdWrites.sum());
        Map<String, Object> all = new LinkedHashMap<>();
        all.put("codec", codecs);
        all.put("per_second", zram.done().of(totals));
        return all;
    }

    private static double ratio(long orig, long compr) {
        return compr <= 0 ? 0.0 : Math.round(100.0 * orig / compr) / 100.0;
    }

    /** The words behind size and type in the table line; what is not said is the default. */
    String arguments(long memLimit) {
        StringBuilder text = new StringBuilder();
        Algorithms.Choice codec = algorithms.choice(0);
        add(text, "codec", codec.name(), "lz4");
        add(text, "level", Integer.toString(codec.level()), "0");
        add(text, "dict", codec.path() == null ? "" : codec.path(), "");
        add(text, "page", size(options.page()), size(Options.LEAST_PAGE));
        add(text, "writers", Integer.toString(options.writers()),
                Integer.toString(Runtime.getRuntime().availableProcessors()));
        add(text, "async", options.async() ? "on" : "off", "on");
        add(text, "mem-limit", size(memLimit), "0");
        Rules rules = zram.policy().rules();
        add(text, "recompress", Rules.recompressText(algorithms, rules), "");
        add(text, "writeback", rules.writebackText(), "off");
        BackingStore backing = zram.backing();
        if (backing != null) {
            add(text, backing instanceof DeviceStore ? "backing" : "backing-file",
                    backing.name(), "");
        }
        add(text, "compressed-writeback", zram.compressedWriteback() ? "on" : "off", "off");
        return text.toString().strip();
    }

    private static void add(StringBuilder text, String key, String value, String initial) {
        if (!value.equals(initial)) {
            text.append(' ').append(quoted(key + "=" + value));
        }
    }

    /** A word as the table reads it back. */
    private static String quoted(String word) {
        boolean plain = word.indexOf('"') < 0 && word.chars().noneMatch(Character::isWhitespace);
        return plain ? word : '"' + word.replace("\\", "\\\\").replace("\"", "\\\"") + '"';
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
