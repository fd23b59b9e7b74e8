package dev.sluice.ploop;

import dev.sluice.ploop.Findings.Kind;
import dev.sluice.storage.Backing;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;

/** One walk over the table: what is wrong with it, and which clusters are used. */
final class Scan {
    private static final int PAGE = 4096;

    private final Header header;
    private final Bat bat;
    private final ClusterMap map;
    private final Backing backing;
    private final Findings findings = new Findings();
    /** Words that name a cluster which another one named before. */
    private final List<Integer> doubles = new ArrayList<>();
    private long doubled;
    private int cutBy = -1;
    private long highest;

    private Scan(Bat bat, ClusterMap map, Backing backing) {
        this.header = bat.header();
        this.bat = bat;
        this.map = map;
        this.backing = backing;
    }

    /** Marks in the map what is used: it is empty and covers the whole clusters. */
    static Findings run(Header stored, Bat bat, Extension extension, ClusterMap map,
            Backing backing) {
        Scan scan = new Scan(bat, map, backing);
        scan.header(stored);
        scan.words();
        scan.flag();
        scan.owners();
        scan.extension(extension);
        scan.holes();
        scan.tail();
        return scan.findings;
    }

    private void header(Header stored) {
        if (header.dirty()) {
            findings.add(Kind.IN_USE, -1, "the image is marked as in use: it was not closed");
        }
        if (stored.dataSectors() == header.dataSectors()) {
            return;
        }
        String says = "the header says that data begins at sector " + stored.dataSectors();
        if (stored.dataSectorsRight()) {
            findings.add(Kind.DATA_START, -1, says + ", but the file has " + backing.size()
                    + " bytes");
        } else {
            findings.add(Kind.DATA_START, -1, says + "; right would be " + (header.version() == 1
                    ? "at least " : "a multiple of " + header.clusterSectors() + ", at least ")
                    + header.leastDataSectors());
        }
    }

    private void words() {
        long before = -1;
        int last = -2;
        findings.total = bat.entries();
        for (int i = bat.next(0); i < bat.entries(); i = bat.next(i + 1)) {
            long offset = header.meaning(bat.word(i));
            if (i >= header.needed()) {
                findings.add(Kind.SURPLUS, i, "cluster " + i + " is behind the end of the disk, but"
                        + " has a place at byte " + offset);
                continue;
            }
            findings.allocated++;
            findings.fragmented += last == i - 1 && before + header.clusterBytes() != offset
                    ? 1 : 0;
            highest = Math.max(highest, offset);
            before = offset;
            last = i;
            word(i, offset);
        }
        findings.imageEnd = highest == 0 ? header.dataStart() : highest + header.clusterBytes();
    }

    private void flag() {
        boolean empty = bat.next(0) == bat.entries();
        if (header.empty() != empty) {
            findings.add(Kind.EMPTY_FLAG, -1, "the image " + (empty ? "has no data, but is not"
                    : "has data, but is") + " flagged as empty; qemu does not mind, OpenVZ's"
                    + " checker does");
        }
    }

    private void word(int i, long offset) {
        int cluster = header.clusterAt(offset);
        if (offset < header.dataStart()) {
            findings.add(Kind.INTO_HEADER, i, named(i, offset) + ", inside header and table, which"
                    + " end at " + header.dataStart());
        } else if (offset >= backing.size() || cluster > map.end()) {
            findings.add(Kind.OUTSIDE, i, named(i, offset) + ", but the file has "
                    + backing.size() + " bytes");
        } else if (cluster < 0) {
            findings.add(Kind.MISALIGNED, i, named(i, offset) + ", inside a cluster: places are"
                    + " multiples of " + header.clusterBytes() + " behind " + header.dataStart());
        } else if (cluster == map.end() && cutBy < 0) {
            cutBy = i;
            findings.add(Kind.CUT, i, named(i, offset) + ", but the file ends at " + backing.size()
                    + ", inside it");
        } else if (cluster == map.end() || !map.use(cluster)) {
            doubled++;
            if (doubles.size() < Findings.KEPT) {
                doubles.add(i);
            }
        }
    }

    private static String named(int i, long offset) {
        return "cluster " + i + " is at byte " + offset;
    }

    /** Who named the clusters first that are named twice: looked for only where there are some. */
    private void owners() {
        if (doubles.isEmpty()) {
            return;
        }
        Map<Long, Integer> first = new HashMap<>();
        doubles.forEach(i -> first.put(bat.word(i), -1));
        for (int i = bat.next(0); i < bat.entries(); i = bat.next(i + 1)) {
            int at = i;
            first.computeIfPresent(bat.word(i), (word, known) -> known < 0 ? at : known);
        }
        for (int i : doubles) {
            findings.add(Kind.DUPLICATE, i, "clusters " + first.get(bat.word(i)) + " and " + i
                    + " are both at byte " + header.meaning(bat.word(i)));
        }
        if (doubled > doubles.size()) {
            findings.add(Kind.DUPLICATE, -1, "and so on", doubled - doubles.size());
        }
    }

    private void extension(Extension extension) {
        if (extension == null) {
            return;
        }
        if (extension.fault() != null) {
            findings.add(Kind.EXTENSION, -1, "the format extension is damaged: "
                    + extension.fault());
            return;
        }
        // What overlaps is not the extension's: it goes when the extension is dropped.
        extension.clusters().removeIf(cluster -> {
            boolean taken = !map.use(cluster);
            if (taken) {
                findings.add(Kind.EXTENSION, cluster, "the format extension uses byte "
                        + header.offset(cluster) + " of the file, as something else does");
            }
            return taken;
        });
        if (extension.foreign() != null) {
            findings.add(Kind.FOREIGN, -1, "the format extension has a " + extension.foreign());
        } else if (header.inUse() != Header.CLOSED_WITH_EXTENSION) {
            findings.add(Kind.STALE_EXTENSION, -1, "the format extension was not closed with the"
                    + " image, and may be out of date");
        }
    }

    /** Free clusters among others: what holds no storage costs nothing and is not said. */
    private void holes() {
        int end = map.usedEnd();
        for (int from = map.stale(0); from != 0 && from < end;) {
            int until = Math.min(end, map.notStale(from));
            if (stored(header, backing, from, until)) {
                findings.add(Kind.HOLE, from, (until - from) + " clusters at byte "
                        + header.offset(from) + " of the file are not used", until - from);
            }
            from = map.stale(until);
        }
    }

    /** Whether clusters take storage that could be given back: whole pages of the file. */
    static boolean stored(Header header, Backing backing, int from, int until) {
        long start = (header.offset(from) + PAGE - 1) & -PAGE;
        long stop = header.offset(until) & -PAGE;
        return start < stop && backing.seek(start, true) < stop;
    }

    private void tail() {
        long from = cutBy >= 0 ? backing.size() : header.offset(map.usedEnd());
        long rest = backing.size() - from;
        if (rest > 0) {
            long clusters = (rest + header.clusterBytes() - 1) / header.clusterBytes();
            findings.add(Kind.TAIL, -1, "the file has " + rest + " bytes behind the last cluster"
                    + " that is used, at byte " + from, clusters);
        }
    }
}
