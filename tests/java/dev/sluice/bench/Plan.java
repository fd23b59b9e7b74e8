package dev.sluice.bench;

import dev.sluice.bench.Side.Data;
import java.util.ArrayList;
import java.util.List;
import java.util.function.Function;

/** What a comparison of sides measures, and what is to come out. */
record Plan(String title, Function<Sides, List<Group>> groups, List<Cell> cells,
        List<Goal> goals) {

    static Plan transport() {
        return new Plan("Transport", Sides::transport, Cell.transport(), Goal.transport());
    }

    /** The sweep of the kernel's caller completion (io_uring, 4k random overwrite, one CPU). */
    static Plan completion() {
        List<Cell> cells = new ArrayList<>();
        List<Goal> goals = new ArrayList<>();
        for (int depth : new int[] {1, 2, 4, 8, 16}) {
            String name = "4k-write-qd" + depth;
            cells.add(new Cell(name, "randwrite", Cell.SMALL, "libaio", depth, 1, false));
            goals.add(new Goal("caller", "worker", "4k overwrite at QD" + depth, Goal.Kind.RATIO,
                    depth == 16 ? 1.37 : 1.0, cell -> cell.name().equals(name)));
        }
        return new Plan("Completion", Plan::completions, cells, goals);
    }

    private static List<Group> completions(Sides sides) {
        return List.of(new Group(List.of(
                completion(sides, "caller"), completion(sides, "worker"))),
                new Group(List.of(completion(sides, "auto"))));
    }

    private static Side completion(Sides sides, String mode) {
        return new Side(mode, "sluice file, completion=" + mode, Data.FILE, true, true,
                sides.sluice(mode, "completion=" + mode, data -> "- file " + data));
    }
}
