package dev.sluice.ploop;

import java.util.ArrayList;
import java.util.EnumMap;
import java.util.List;
import java.util.Map;

/** What a check has found in an image, and what it has counted. */
public final class Findings {
    /** The most that are kept word for word, so that a damaged image does not fill the memory. */
    public static final int KEPT = 1000;

    /** How bad it is. */
    public enum Grade {
        /** Data is lost, or would be by writing. */
        CORRUPT,
        /** Storage is taken and not used. */
        LEAK,
        /** Nothing is wrong. */
        NOTE
    }

    /** What it takes to put it right. */
    public enum Repair {
        /** Loses nothing that can be read. */
        SAFE,
        /** What cannot be read becomes zeros. */
        LOSSY,
        /** What two share is copied, so that each has its own. */
        COPY,
        /** There is none. */
        NONE
    }

    /** All that can be found. */
    public enum Kind {
        /** It was not closed. */
        IN_USE(Grade.CORRUPT, Repair.SAFE),
        /** The header says that data begins where it cannot. */
        DATA_START(Grade.CORRUPT, Repair.SAFE),
        /** A word names a place in header and table. */
        INTO_HEADER(Grade.CORRUPT, Repair.LOSSY),
        /** A word names a place behind the end of the file. */
        OUTSIDE(Grade.CORRUPT, Repair.LOSSY),
        /** A word of version 1 names a place inside a cluster. */
        MISALIGNED(Grade.CORRUPT, Repair.LOSSY),
        /** Two words name the same cluster. */
        DUPLICATE(Grade.CORRUPT, Repair.COPY),
        /** The file ends inside a cluster that a word names. */
        CUT(Grade.CORRUPT, Repair.LOSSY),
        /** The format extension cannot be read, or overlaps data. */
        EXTENSION(Grade.CORRUPT, Repair.SAFE),
        /** A word behind the end of the disk names a cluster. */
        SURPLUS(Grade.LEAK, Repair.SAFE),
        /** A cluster among others holds storage, and no word names it. */
        HOLE(Grade.LEAK, Repair.SAFE),
        /** The file goes on behind the last cluster that is used. */
        TAIL(Grade.LEAK, Repair.SAFE),
        /** The extension holds what must be kept, and is not known here. */
        FOREIGN(Grade.NOTE, Repair.NONE),
        /** There is an extension that is out of date. */
        STALE_EXTENSION(Grade.NOTE, Repair.NONE),
        /** The flag of an image without data is wrong, for which OpenVZ's checker refuses it. */
        EMPTY_FLAG(Grade.NOTE, Repair.SAFE);

        private final Grade grade;
        private final Repair repair;

        Kind(Grade grade, Repair repair) {
            this.grade = grade;
            this.repair = repair;
        }

        /** How bad it is. */
        public Grade grade() {
            return grade;
        }

        /** What puts it right. */
        public Repair repair() {
            return repair;
        }

        /** Whether writing would do harm: who writes checks the mark and drops the extension. */
        boolean damages() {
            return grade == Grade.CORRUPT && this != IN_USE && this != EXTENSION;
        }
    }

    /**
     * One of them.
     *
     * @param index the cluster of the disk, or of the file for {@link Kind#HOLE}; -1 without one
     * @param sentence for a person
     */
    public record Finding(Kind kind, long index, String sentence) {}

    private final List<Finding> list = new ArrayList<>();
    private final Map<Kind, Long> counts = new EnumMap<>(Kind.class);
    private Finding damage;
    long allocated;
    long fragmented;
    long total;
    long imageEnd;

    void add(Kind kind, long index, String sentence) {
        add(kind, index, sentence, 1);
    }

    /** One that stands for so many. */
    void add(Kind kind, long index, String sentence, long count) {
        counts.merge(kind, count, Long::sum);
        if (damage == null && kind.damages()) {
            damage = new Finding(kind, index, sentence);
        }
        if (list.size() < KEPT) {
            list.add(new Finding(kind, index, sentence));
        }
    }

    /** How often a kind was found; of leaks, clusters. */
    public long count(Kind kind) {
        return counts.getOrDefault(kind, 0L);
    }

    /** How much of a grade was found. */
    public long count(Grade grade) {
        return counts.entrySet().stream().filter(e -> e.getKey().grade == grade)
                .mapToLong(Map.Entry::getValue).sum();
    }

    /** Whether data is lost, or would be by writing. */
    public boolean damaged() {
        return damage != null;
    }

    /** The first {@link #KEPT} of them. */
    public List<Finding> list() {
        return List.copyOf(list);
    }

    /** The first that makes it {@link #damaged}, or null. */
    Finding damage() {
        return damage;
    }

    /** Clusters of the disk that have one in the file. */
    public long allocated() {
        return allocated;
    }

    /** How often the next allocated cluster of the disk is not the next one of the file. */
    public long fragmented() {
        return fragmented;
    }

    /** Words of the table. */
    public long total() {
        return total;
    }

    /** Byte behind the last cluster that is used. */
    public long imageEnd() {
        return imageEnd;
    }
}
