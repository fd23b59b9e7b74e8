package dev.sluice.bench;

import java.util.ArrayList;
import java.util.List;

/** Sides that run interleaved: the first, ours, is compared with each of the others. */
record Group(List<Side> sides) {

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
                kept.add(new Group(sides));
            }
        }
        if (!unknown.isEmpty()) {
            throw new IllegalArgumentException("no such side: " + unknown + "; there are "
                    + groups.stream().flatMap(g -> g.sides.stream()).map(Side::name).toList());
        }
        return kept;
    }
}
