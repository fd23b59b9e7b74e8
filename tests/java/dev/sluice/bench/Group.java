package dev.sluice.bench;

import java.util.ArrayList;
import java.util.List;
import java.util.function.Predicate;

/**
 * Sides that run interleaved: the first, ours, is compared with each of the others.
 *
 * @param taken which of a plan's cells mean something here
 */
record Group(List<Side> sides, Predicate<Cell> taken) {

    /** All cells mean something here. */
    Group(List<Side> sides) {
        this(sides, cell -> true);
    }

    List<Cell> of(List<Cell> cells) {
        return cells.stream().filter(taken).toList();
    }

    Side first() {
        return sides.get(0);
    }

    List<Side> peers() {
        return sides.subList(1, sides.size());
    }

    /** What is left of the groups when only the named sides take part; empty names mean all. */
    static List<Group> only(List<Group> groups, List<String> names) {
        List<String> unknown = new ArrayList<>(names);
        List<Group> kept = new ArrayList<>();
        for (Group group : groups) {
            List<Side> sides = new ArrayList<>(group.sides);
            sides.removeIf(side -> !names.isEmpty() && !names.contains(side.name()));
            sides.forEach(side -> unknown.remove(side.name()));
            if (!sides.isEmpty()) {
                kept.add(new Group(sides, group.taken));
            }
        }
        if (!unknown.isEmpty()) {
            throw new IllegalArgumentException("no such side: " + unknown + "; there are "
                    + groups.stream().flatMap(g -> g.sides.stream()).map(Side::name).toList());
        }
        return kept;
    }
}
