package dev.sluice.target;

import dev.sluice.block.BlockException;
import dev.sluice.block.Device;
import dev.sluice.block.Errno;
import dev.sluice.block.Limits;
import dev.sluice.block.Target;
import dev.sluice.block.Units;
import dev.sluice.work.Host;
import java.util.ArrayList;
import java.util.List;

/** What a line of a {@link DelayTarget} takes. */
final class DelayType implements TargetType {
    @Override
    public String name() {
        return "delay";
    }

    @Override
    public String summary() {
        return "holds reads, writes and flushes back for a while";
    }

    @Override
    public int lowers() {
        return 1;
    }

    @Override
    public List<String> lowerKeys() {
        return List.of("write-device", "flush-device");
    }

    @Override
    public List<Parameter> parameters() {
        return List.of(
                new Parameter("offset", "SIZE", "0", "where reads begin in LOWER; where all"
                        + " begin that name no device"),
                new Parameter("read", Distribution.VALUES, "0", "how long reads wait"),
                new Parameter("write", "as read", "", "how long all changes wait; as reads"),
                new Parameter("flush", "as read", "", "how long flushes wait; as writes"),
                new Parameter("write-device", "LOWER", "", "where changes go; where reads go"),
                new Parameter("write-offset", "SIZE", "", "where they begin there; 0 on a device"
                        + " that is named, otherwise as reads"),
                new Parameter("flush-device", "LOWER", "", "where flushes go; where writes go"),
                new Parameter("flush-offset", "SIZE", "", "0 on a device that is named,"
                        + " otherwise as writes"),
                new Parameter("percent", "NUMBER", "100", "how many of a hundred are delayed"),
                new Parameter("read-percent", "NUMBER", "", "the same of reads alone"),
                new Parameter("write-percent", "NUMBER", "", "the same of changes alone"),
                new Parameter("flush-percent", "NUMBER", "", "the same of flushes alone"),
                new Parameter("seed", "NUMBER", "0", "another number, other chances"));
    }

    @Override
    public Target open(TargetArgs args, Host host) throws BlockException {
        DelaySettings settings = new DelaySettings(args.values());
        Device device = args.lowers().get(0);
        String key = "offset";
        long start = args.size(key, 0);
        List<DelayClass> classes = new ArrayList<>();
        long room = Long.MAX_VALUE;
        int block = 1;
        for (String name : DelaySettings.CLASSES) {
            if (!name.equals("read")) {
                Device own = args.lower(name + "-device", device);
                String ownKey = name + "-offset";
                if (args.values().containsKey(ownKey)) {
                    key = ownKey;
                    start = args.size(ownKey, 0);
                } else if (args.values().containsKey(name + "-device")) {
                    key = ownKey;
                    start = 0;
                }
                device = own;
            }
            checkStart(key, start, device);
            Limits below = device.limits();
            if (args.size() >= 0 && args.size() > below.size() - start) {
                throw new BlockException(Errno.EINVAL, "size " + Units.size(args.size())
                        + " does not fit: it must be at most " + Units.size(below.size() - start)
                        + ", what " + device.name() + " has"
                        + (start == 0 ? "" : " from " + key + "=" + Units.size(start) + " on"));
            }
            room = Math.min(room, below.size() - start);
            block = Math.max(block, below.blockSize());
            classes.add(new DelayClass(name, device, start));
        }
        long size = args.size() >= 0 ? args.size() : room & -block;
        if (size % block != 0) {
            throw new BlockException(Errno.EINVAL, "size " + Units.size(size) + " must be a"
                    + " multiple of the largest block size below, " + Units.size(block));
        }
        // Each device below sees to its blocks and to FUA itself, whoever else is below.
        Limits changes = classes.get(1).lower.limits();
        Limits limits = new Limits(size, block, true, changes.fua(), changes.zeroes(), true,
                changes.readOnly());
        return new DelayTarget(host, host.queues().of(args.device()), limits, args.size() < 0,
                classes, settings);
    }

    private static void checkStart(String key, long start, Device device) throws BlockException {
        int block = device.limits().blockSize();
        if (start % block != 0) {
            throw new BlockException(Errno.EINVAL, key + "=" + Units.size(start) + " must be a"
                    + " multiple of " + device.name() + "'s block size, " + Units.size(block));
        }
        if (start >= device.limits().size()) {
            throw new BlockException(Errno.EINVAL, key + "=" + Units.size(start) + " must be"
                    + " less than " + device.name() + "'s size, "
                    + Units.size(device.limits().size()));
        }
    }
}
