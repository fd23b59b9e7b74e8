package dev.sluice.zram;

import static org.assertj.core.api.Assertions.assertThat;

import dev.sluice.block.Memory;
import dev.sluice.sys.Arena;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import java.util.function.Predicate;

/**
 * What a disk of 4 KiB pages with codecs to recompress with and a backing device must hold and
 * count, slot by slot. It says as little as can be of how a disk does it.
 */
final class PostModel {
    static final int PAGE = ZramRig.PAGE;
    private static final int HUGE = 57 * 64;

    /** A slot; {@code size} is what is stored of it. */
    static final class Slot {
        byte[] content;
        int size;
        int priority;
        boolean idle;
        boolean incompressible;
        boolean away;

        boolean inMemory() {
            return content != null && size > 0 && !away;
        }

        boolean huge() {
            return size == PAGE;
        }
    }

    final Slot[] slots;
    private final List<Codec.Stream> streams = new ArrayList<>();
    private final Memory memory;
    private final boolean compressed;
    long hugeSince;
    long reads;
    long writes;
    /** Pages that may be written back yet. */
    long budget = Long.MAX_VALUE;
    long blocks;

    PostModel(Arena arena, int slots, long blocks, boolean compressed, String... codecs)
            throws Exception {
        this.slots = new Slot[slots];
        this.blocks = blocks;
        this.compressed = compressed;
        for (int i = 0; i < slots; i++) {
            this.slots[i] = new Slot();
        }
        for (String codec : codecs) {
            streams.add(Codec.of(codec, 0, null).open(arena, PAGE));
        }
        memory = arena.map(PAGE);
    }

    /** What a codec makes of a page. */
    int size(byte[] content, int priority) {
        memory.bytes().put(0, content);
        return streams.get(priority).compress(memory, 0, PAGE);
    }

    void written(int i, byte[] content) {
        slots[i] = new Slot();
        slots[i].content = content;
        int size = PageKinds.isSame(content) ? 0 : size(content, 0);
        slots[i].size = size >= HUGE ? PAGE : size;
        hugeSince += slots[i].huge() ? 1 : 0;
    }

    void emptied(int i) {
        slots[i] = new Slot();
    }

    void read(int i) {
        reads += slots[i].away ? 1 : 0;
        slots[i].idle = false;
    }

    void idle() {
        for (Slot s : slots) {
            s.idle |= s.inMemory();
        }
    }

    static Predicate<Slot> type(String type) {
        return switch (type) {
            case "" -> s -> true;
            case "idle" -> s -> s.idle;
            case "huge" -> Slot::huge;
            case "huge_idle" -> s -> s.huge() && s.idle;
            case "incompressible" -> s -> s.incompressible;
            default -> throw new AssertionError(type);
        };
    }

    private List<Slot> largestFirst(Predicate<Slot> wanted) {
        List<Slot> found = new ArrayList<>();
        for (Slot s : slots) {
            if (s.inMemory() && wanted.test(s)) {
                found.add(s);
            }
        }
        found.sort(Comparator.comparingInt((Slot s) -> -(s.size / 64)));
        return found;
    }

    private static int classOf(int size) {
        return (size + 4 + 15) / 16;
    }

    void recompress(String type, int threshold, long most, int first, int last) {
        long left = most;
        for (Slot s : largestFirst(type(type).and(s -> !s.incompressible && s.priority < last))) {
            if (left == 0) {
                return;
            }
            if (s.size < threshold) {
                continue;
            }
            left--;
            s.idle = false;
            boolean smaller = false;
            for (int p = Math.max(first, s.priority + 1); p <= last; p++) {
                int size = size(s.content, p);
                boolean wins = size < HUGE && classOf(size) < classOf(s.size);
                smaller |= wins;
                if (wins && (threshold == 0 || size < threshold)) {
                    s.size = size;
                    s.priority = p;
                    smaller = true;
                    break;
                }
            }
            s.incompressible = !smaller && last == streams.size() - 1;
        }
    }

    /** Answers whether it stopped for want of budget or blocks. */
    boolean writeback(Predicate<Slot> wanted) {
        for (Slot s : largestFirst(wanted)) {
            if (budget == 0 || away() == blocks) {
                return true;
            }
            budget--;
            writes++;
            s.away = true;
            s.idle = false;
            s.incompressible = false;
            s.size = compressed ? s.size : -1;
            s.priority = compressed ? s.priority : 0;
        }
        return false;
    }

    long away() {
        long n = 0;
        for (Slot s : slots) {
            n += s.away ? 1 : 0;
        }
        return n;
    }

    private String state(Slot s) {
        return (s.size == 0 ? "s" : ".") + (s.away ? "w" : ".") + (s.huge() ? "h" : ".")
                + (s.idle ? "i" : ".") + (s.priority > 0 ? "r" : ".")
                + (s.incompressible ? "n" : ".");
    }

    /** The disk is as it must be. */
    void agree(Zram zram) throws Exception {
        List<String> states = new ArrayList<>();
        long[] mm = new long[4];
        for (int i = 0; i < slots.length; i++) {
            Slot s = slots[i];
            if (s.content != null) {
                states.add(i + " " + state(s));
                mm[0] += PAGE;
                mm[1] += s.inMemory() ? s.size : 0;
                mm[2] += s.size == 0 ? 1 : 0;
                mm[3] += s.inMemory() && s.huge() ? 1 : 0;
            }
        }
        assertThat(states(zram)).isEqualTo(states);
        long[] found = ZramRig.mmStat(zram);
        assertThat(new long[] {found[0], found[1], found[5], found[7], found[8]})
                .containsExactly(mm[0], mm[1], mm[2], mm[3], hugeSince);
        assertThat(ZramRig.numbers(ZramRig.read(zram, "bd_stat")))
                .containsExactly(away(), reads, writes);
        long memory = slots.length == 0 ? 0 : found[2];
        assertThat(memory).isGreaterThanOrEqualTo(mm[1]);
    }

    /** Of block_state: the slot and its flags. */
    static List<String> states(Zram zram) throws Exception {
        return ZramRig.read(zram, "block_state").lines().map(l -> {
            assertThat(l).matches(" *\\d+ +\\d+\\.000000 [s.][w.][h.][i.][r.][n.]");
            String[] words = l.strip().split(" +");
            return words[0] + " " + words[2];
        }).toList();
    }
}
