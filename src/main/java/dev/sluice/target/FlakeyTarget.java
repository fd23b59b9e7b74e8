package dev.sluice.target;

import dev.sluice.block.Bio;
import dev.sluice.block.BlockException;
import dev.sluice.block.Clock;
import dev.sluice.block.Errno;
import dev.sluice.block.Limits;
import dev.sluice.block.Op;
import dev.sluice.block.Target;
import dev.sluice.work.Host;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.atomic.AtomicLong;

/**
 * A window of the device below that is good for a while and then, for a while, fails or forgets,
 * as dm-flakey's. What counts is when a bio came to the device.
 */
final class FlakeyTarget implements Target {
    static final TargetType TYPE = new Type();

    private final Window window;
    private volatile Limits limits;
    private final Clock clock;
    private final AtomicLong failedReads = new AtomicLong();
    private final AtomicLong failedWrites = new AtomicLong();
    private final AtomicLong droppedWrites = new AtomicLong();
    private volatile FlakeySettings settings; // written under this

    private FlakeyTarget(Window window, FlakeySettings settings, Clock clock) {
        this.window = window;
        this.limits = window.lower().limits().inherit(window.size());
        this.settings = settings;
        this.clock = clock;
    }

    @Override
    public Limits limits() {
        Limits now = window.limits(limits);
        limits = now;
        return now;
    }

    @Override
    public void submit(Bio bio) {
        FlakeySettings now = settings;
        boolean reads = bio.op() == Op.READ;
        FlakeySettings.Fate fate = now.up(bio.arrivedNanos()) ? FlakeySettings.Fate.PASS
                : reads ? now.reads() : now.writes();
        switch (fate) {
            case FAIL -> {
                (reads ? failedReads : failedWrites).getAndIncrement();
                bio.fail(Errno.EIO);
            }
            case DROP -> {
                droppedWrites.getAndIncrement();
                bio.complete();
            }
            default -> window.pass(bio);
        }
    }

    @Override
    public long allocated(long offset, long length) {
        return window.allocated(offset, length);
    }

    @Override
    public long seek(long offset, boolean data) {
        return window.seek(offset, data);
    }

    @Override
    public Map<String, Object> status() {
        FlakeySettings now = settings;
        long nanos = clock.nanos();
        long left = now.left(nanos);
        Map<String, Object> all = new LinkedHashMap<>();
        all.put("state", now.up(nanos) ? "up" : "down");
        all.put("changes_in_ms", left < 0 ? "never" : left / 1_000_000);
        return all;
    }

    @Override
    public Map<String, Object> stats() {
        Map<String, Object> all = new LinkedHashMap<>();
        all.put("failed_reads", failedReads.get());
        all.put("failed_writes", failedWrites.get());
        all.put("dropped_writes", droppedWrites.get());
        return all;
    }

    @Override
    public String arguments() {
        return window.arguments() + settings.text();
    }

    @Override
    public synchronized void set(Map<String, String> changes) throws BlockException {
        settings = settings.with(changes, clock.nanos());
    }

    private static final class Type implements TargetType {
        @Override
        public String name() {
            return "flakey";
        }

        @Override
        public String summary() {
            return "a window of another device that fails or forgets from time to time";
        }

        @Override
        public int lowers() {
            return 1;
        }

        @Override
        public List<Parameter> parameters() {
            return List.of(
                    new Parameter("offset", "SIZE", "0",
                            "where the window begins in the device below"),
                    new Parameter("up", "DURATION", "0", "how long all is well"),
                    new Parameter("down", "DURATION", "0", "how long it is not, then"),
                    new Parameter("reads", "pass|fail", "fail", "what reads do while it is down"),
                    new Parameter("writes", "pass|fail|drop", "fail",
                            "what changes and flushes do then; drop forgets them"));
        }

        @Override
        public Target open(TargetArgs args, Host host) throws BlockException {
            long now = host.clock().nanos();
            Map<String, String> values = new LinkedHashMap<>(args.values());
            values.remove("offset");
            FlakeySettings settings = FlakeySettings.initial(now).with(values, now);
            return new FlakeyTarget(Window.of(args), settings, host.clock());
        }
    }
}
