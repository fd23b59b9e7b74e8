package dev.sluice.bench;

import dev.sluice.bench.Side.Data;
import java.util.ArrayList;
import java.util.List;
import java.util.function.Predicate;

/**
 * A filled image beside a filled raw file, the bare file, and qemu's driver of the same format; all
 * through the page cache, and all past it.
 */
final class PloopPlan {
    private static final double OF_FILE = 0.85;
    private static final double OF_QEMU_CACHED = 1.5;
    private static final double OF_QEMU_DIRECT = 1.0;

    private static final double OF_ONE = 0.95;
    private static final int[] DEEP = {8, 64};

    private PloopPlan() { }

    static Plan plan() {
        List<Cell> cells = new ArrayList<>();
        List<Goal> goals = new ArrayList<>();
        for (String way : List.of("read", "write")) {
            for (int depth : new int[] {1, 4, 16}) {
                cells.add(new Cell("4k-" + way + "-qd" + depth, "rand" + way, Cell.SMALL,
                        "libaio", depth, 1, false));
            }
        }
        for (String kind : List.of("", "-direct")) {
            goals.add(goal("ploop" + kind, "file" + kind, "4k reads", OF_FILE,
                    cell -> !cell.writes()));
            goals.add(goal("ploop" + kind, "file" + kind, "4k overwrites", OF_FILE,
                    Cell::writes));
            goals.add(goal("ploop" + kind, "qploop" + kind, "every cell",
                    kind.isEmpty() ? OF_QEMU_CACHED : OF_QEMU_DIRECT, cell -> true));
            for (int levels : DEEP) {
                goals.add(goal("chain-" + levels + kind, "chain-1" + kind, "4k reads", OF_ONE,
                        cell -> !cell.writes()));
            }
        }
        return new Plan("ploop", PloopPlan::groups, cells, goals, List.of(),
                shell -> PloopFirst.report(shell) + PloopTable.report(shell));
    }

    private static Goal goal(String ours, String peer, String cells, double bound,
            Predicate<Cell> taken) {
        return new Goal(ours, peer, cells, Goal.Kind.RATIO, bound, taken);
    }

    private static List<Group> groups(Sides sides) {
        return List.of(group(sides, false), group(sides, true),
                chains(sides, false), chains(sides, true));
    }

    /** Only read: what is overwritten is in the top from then on. */
    private static Group chains(Sides sides, boolean direct) {
        List<Side> all = new ArrayList<>();
        for (int levels : new int[] {1, DEEP[0], DEEP[1]}) {
            String name = "chain-" + levels + (direct ? "-direct" : "");
            String words = direct ? " direct=on" : "";
            all.add(new Side(name, "sluice ploop" + words + ", files: " + levels, Data.NONE,
                    !direct, true, sides.chain(name, words, levels)));
        }
        return new Group(all, cell -> !cell.writes());
    }

    /** The four sides in the order of their reports; ours is the first. */
    static Group group(Sides sides, boolean direct) {
        String kind = direct ? "-direct" : "";
        String words = direct ? " direct=on" : "";
        boolean cached = !direct;
        return new Group(List.of(
                new Side("ploop" + kind, "sluice ploop" + words, Data.IMAGE, cached, true,
                        sides.ploop("ploop" + kind, words)),
                new Side("file" + kind, "sluice file" + words, Data.COMMON, cached, true,
                        sides.sluice("file" + kind, "", data -> "- file " + data + words)),
                new Side("bare" + kind, "the bare file, " + (direct ? "O_DIRECT" : "buffered"),
                        Data.COMMON, cached, direct, Sides::bare),
                new Side("qploop" + kind, "qemu-storage-daemon parallels"
                        + (direct ? " cache.direct=on aio=native" : "") + " over FUSE",
                        Data.IMAGE, cached, true, sides.parallels("qploop" + kind,
                        direct ? "cache.direct=on,aio=native," : ""))));
    }
}
