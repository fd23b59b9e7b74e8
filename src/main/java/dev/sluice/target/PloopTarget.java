package dev.sluice.target;

import dev.sluice.block.BlockException;
import dev.sluice.block.Errno;
import dev.sluice.block.Target;
import dev.sluice.block.Units;
import dev.sluice.ploop.Chain;
import dev.sluice.ploop.DiskFolder;
import dev.sluice.ploop.Folder;
import dev.sluice.ploop.Options;
import dev.sluice.ploop.Ploop;
import dev.sluice.ploop.Tuning;
import dev.sluice.work.Host;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
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
                new Parameter("image", "FILE,FILE…", "",
                        "in place of PATH: the files of a chain, the lowest first, which may be"
                        + " raw@FILE; the last one is written, the others only read"),
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
                        "how far the image grows at a time; can change in use"),
                new Parameter("size", "SIZE", "",
                        "in use only: makes the disk larger, to this size"),
                new Parameter("background", "PERCENT", "20",
                        "how much of the time long work takes while the device is in use; can"
                        + " change in use"));
    }

    @Override
    public String pathKey() {
        return "image";
    }

    @Override
    public List<Use> uses(String path, Map<String, String> values) throws BlockException {
        Chain chain = chain(path, values);
        List<Use> uses = new ArrayList<>();
        chain.files().forEach(file -> uses.add(new Use(file.path(),
                !file.path().equals(chain.top()))));
        return uses;
    }

    private static Chain chain(String path, Map<String, String> values) throws BlockException {
        String list = values.get("image");
        if (path != null && list != null) {
            throw new BlockException(Errno.EINVAL, "there is a path, " + path + ", and image="
                    + list + "; write one of them");
        }
        if (path != null) {
            return Chain.disk(path);
        }
        Chain chain = Chain.list(list);
        String descriptor = Chain.descriptor(chain.top());
        if (Files.exists(Path.of(descriptor)) && !"on".equals(values.get("readonly"))) {
            throw new BlockException(Errno.EBUSY, chain.top() + " has a snapshot, or had one: what"
                    + " the disk is stands in " + descriptor + "; name that in place of image=,"
                    + " or use readonly=on");
        }
        return chain;
    }

    @Override
    public Target open(TargetArgs args, Host host) throws BlockException {
        boolean direct = args.flag("direct", false);
        if (args.values().containsKey("size")) {
            throw new BlockException(Errno.EINVAL, "size= makes a disk larger that is in use; in"
                    + " the table write - where the size stands");
        }
        Map<String, String> values = new HashMap<>(args.values());
        values.keySet().retainAll(Tuning.KEYS);
        Chain chain = chain(args.path(), args.values());
        String word = Words.quote(args.path() == null ? chain.word() : args.path());
        Options options = new Options(chain.top(), word, direct, Tuning.USUAL.with(values));
        String descriptor = Chain.descriptor(args.path() == null ? chain.top() : args.path());
        Folder folder = new DiskFolder(Path.of(descriptor), Words.quote(descriptor), direct,
                host.arena(), host.log());
        boolean readOnly = args.flag("readonly", false);
        Ploop target = Ploop.open(chain, folder, readOnly, options, host, args.device());
        try {
            checkSize(args, chain.top(), target);
            if (!readOnly) {
                target.begin();
            }
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

    private static void checkSize(TargetArgs args, String path, Target target)
            throws BlockException {
        long size = target.limits().size();
        if (args.size() >= 0 && args.size() != size) {
            throw new BlockException(Errno.EINVAL, "size " + Units.size(args.size()) + " is not"
                    + " that of the disk in " + path + ", " + Units.size(size)
                    + "; write - for it");
        }
    }
}
