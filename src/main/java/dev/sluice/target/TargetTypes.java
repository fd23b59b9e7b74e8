package dev.sluice.target;

import java.util.List;

/** The targets there are, in the order shown: an explicit list, so that nothing is found by luck. */
public final class TargetTypes {
    private static final List<TargetType> ALL = List.of(ZeroTarget.TYPE);

    private TargetTypes() {}

    /** All of them. */
    public static List<TargetType> all() {
        return ALL;
    }
}
