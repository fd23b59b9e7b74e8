package dev.sluice.target;

import java.util.List;

/** The kinds of target there are: an explicit list, so that it can be found by searching. */
public final class TargetTypes {
    private TargetTypes() {}

    /** All of them, in the order shown to users. */
    public static List<TargetType> all() {
        return List.of(ZeroTarget.TYPE, ErrorTarget.TYPE, RamTarget.TYPE, ZramTarget.TYPE,
                FileTarget.TYPE, PloopTarget.TYPE, LinearTarget.TYPE, ConcatTarget.TYPE,
                DelayTarget.TYPE, FlakeyTarget.TYPE);
    }
}
