package dev.sluice.watch;

import dev.sluice.block.Op;
import dev.sluice.watch.Counters.Ended;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;

/** What a device did between two moments, by the formulas of iostat. Immutable. */
public final class Rates {
    private static final double MIB = 1 << 20;
    private static final double NANOS_OF_MILLI = 1e6;
    private static final double NANOS_OF_SECOND = 1e9;

    private final Counters before;
    private final Counters after;
    private final double nanos;

    private Rates(Counters before, Counters after) {
        this.before = before;
        this.after = after;
        this.nanos = after.atNanos() - before.atNanos();
    }

    /**
     * Of all devices that are in both, in the order of the later one. What was counted by another
     * daemon, one that was started in between, is left out.
     */
    public static List<Rates> between(Map<String, Counters> before, Map<String, Counters> after) {
        List<Rates> all = new ArrayList<>();
        after.forEach((name, later) -> {
            Counters earlier = before.get(name);
            if (earlier != null && earlier.atNanos() < later.atNanos() && !fewer(earlier, later)) {
                all.add(new Rates(earlier, later));
            }
        });
        return all;
    }

    private static boolean fewer(Counters earlier, Counters later) {
        for (Op op : Op.values()) {
            if (later.ended().get(op).count() < earlier.ended().get(op).count()) {
                return true;
            }
        }
        return later.busyNanos() < earlier.busyNanos();
    }

    /** The device. */
    public String name() {
        return after.name();
    }

    /** What stands behind it. */
    public String type() {
        return after.type();
    }

    /** How long the two moments are apart. */
    public double seconds() {
        return nanos / NANOS_OF_SECOND;
    }

    private Ended ended(Op op) {
        Ended to = after.ended().get(op);
        Ended from = before.ended().get(op);
        return new Ended(to.count() - from.count(), to.bytes() - from.bytes(),
                to.failed() - from.failed(), to.nanos() - from.nanos());
    }

    /** Requests ended a second. */
    public double perSecond(Op op) {
        return ended(op).count() / seconds();
    }

    /** MiB a second of requests that went well. */
    public double mib(Op op) {
        return ended(op).bytes() / MIB / seconds();
    }

    /** Requests failed a second. */
    public double failures(Op op) {
        return ended(op).failed() / seconds();
    }

    /** Milliseconds that a request took, from its arrival to its end; 0 where none ended. */
    public double await(Op op) {
        Ended ended = ended(op);
        return ended.count() == 0 ? 0 : ended.nanos() / NANOS_OF_MILLI / ended.count();
    }

    /** How many requests were in flight, on average over the time. */
    public double queue() {
        return (after.weightedNanos() - before.weightedNanos()) / nanos;
    }

    /** Of a hundred parts of the time, in how many anything was in flight. */
    public double util() {
        return 100.0 * (after.busyNanos() - before.busyNanos()) / nanos;
    }

    /** Requests that the target keeps waiting now. */
    public long held() {
        return after.held();
    }

    /** Data by what keeping it takes; 0 where nothing is known. */
    public double ratio() {
        return after.ratio();
    }

    /** All of it by name, for a program. */
    public Map<String, Object> facts() {
        Map<String, Object> all = new LinkedHashMap<>();
        all.put("device", name());
        all.put("type", type());
        all.put("seconds", seconds());
        for (Op op : Op.values()) {
            Map<String, Object> one = new LinkedHashMap<>();
            one.put("per_second", perSecond(op));
            one.put("mib_per_second", mib(op));
            one.put("failed_per_second", failures(op));
            one.put("await_ms", await(op));
            all.put(op.name().toLowerCase(Locale.ROOT), one);
        }
        all.put("aqu_sz", queue());
        all.put("util_percent", util());
        all.put("in_flight", after.inFlight());
        all.put("held", held());
        all.put("ratio", ratio());
        return all;
    }
}
