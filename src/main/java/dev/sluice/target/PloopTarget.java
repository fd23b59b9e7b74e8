package dev.sluice.target;

import dev.sluice.block.BlockException;
import dev.sluice.block.Errno;
import dev.sluice.block.Target;
import dev.sluice.block.Units;
import dev.sluice.ploop.Options;
import dev.sluice.ploop.Ploop;
import dev.sluice.ploop.Tuning;
import dev.sluice.storage.FileBacking;
import dev.sluice.work.Host;
import java.util.HashMap;
import java.util.List;
import java.util.Map;

/** How a {@link Ploop} is made from a table line. */
final class PloopTarget implements TargetType {
    static final TargetType TYPE = new PloopTarget();

    private PloopTarget() {}

    @Override
    public String name() {
        return "ploop";
    }

    @Override
    public String summary() {
        return "the disk in a sparse image of the ploop (Parallels) format";
    }

    @Override
    public int lowers() {
        return 0;
    }

    @Override
    public boolean takesPath() {
        return true;
    }

    @Override
    public List<Parameter> parameters() {
        return List.of(
                new Parameter("direct", "on|off", "off",
                        "past the page cache, in blocks of the file system's choice"),
                new Parameter("readonly", "on|off", "off",
                        "refuses every change, and shares the image with other readers"),
                new Parameter("dirty-timeout", "TIME", "20ms",
                        "how long after its last change a page of the table is written, up to"
                        + " 10s; 0: at once, and who takes a cluster waits; can change in use"),
                new Parameter("dirty-max-age", "TIME", "",
                        "how long after its first change at the latest; ten times dirty-timeout;"
                        + " can change in use"),
                new Parameter("dirty-ratio", "PERCENT", "50",
                        "how much of the table may wait before the oldest is written at once; can"
                        + " change in use"),
                new Parameter("dirty-policy", "page|common", "page",
                        "common writes all pages together, the timeout after the first change;"
                        + " can change in use"),
                new Parameter("enospc", "wait|fail", "wait",
                        "what becomes of requests when the file system is full; can change in"
                        + " use"),
                new Parameter("prealloc", "SIZE", "128M",
                        "how far the image grows at a time; can change in use"));
    }

    @Override
    public Target open(TargetArgs args, Host host) throws BlockException {
        boolean direct = args.flag("direct", false);
        Map<String, String> values = new HashMap<>(args.values());
        values.keySet().retainAll(Tuning.KEYS);
        Options options = new Options(args.path(), Words.quote(args.path()), direct,
                Tuning.USUAL.with(values));
        FileBacking backing = FileBacking.open(args.path(), direct, args.flag("readonly", false),
                host.arena(), host.log());
        Target target;
        try {
            target = Ploop.open(backing, options, host, args.device());
        } catch (BlockException | RuntimeException | Error e) {
            backing.close();
            throw e;
        }
        try {
            checkSize(args, target);
            return target;
        } catch (BlockException e) {
            closeAfter(e, target);
            throw e;
        }
    }

    private static void closeAfter(BlockException failure, Target target) {
        try {
            target.close();
        } catch (Exception e) {
            failure.addSuppressed(e);
        }
    }

    private static void checkSize(TargetArgs args, Target target) throws BlockException {
        long size = target.limits().size();
        if (args.size() >= 0 && args.size() != size) {
            throw new BlockException(Errno.EINVAL, "size " + Units.size(args.size()) + " is not"
                    + " that of the disk in " + args.path() + ", " + Units.size(size)
                    + "; write - for it");
        }
    }
}
