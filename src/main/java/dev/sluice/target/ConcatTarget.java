package dev.sluice.target;

import dev.sluice.block.Bio;
import dev.sluice.block.BlockException;
import dev.sluice.block.Device;
import dev.sluice.block.Errno;
import dev.sluice.block.Limits;
import dev.sluice.block.Op;
import dev.sluice.block.Target;
import dev.sluice.block.Units;
import dev.sluice.work.Host;
import java.util.Arrays;
import java.util.List;
import java.util.stream.Collectors;

/** Devices one behind the other, as the segments of a device-mapper table. */
final class ConcatTarget implements Target {
    static final TargetType TYPE = new Type();

    private final List<Device> lowers;
    /** Each once, where one stands several times. */
    private final List<Device> flushed;
    /** Where each device begins, in bytes; the end of all behind. */
    private final long[] starts;
    private final Limits limits;

    private ConcatTarget(List<Device> lowers, long[] starts, Limits limits) {
        this.lowers = lowers;
        this.flushed = lowers.stream().distinct().toList();
        this.starts = starts;
        this.limits = limits;
    }

    @Override
    public Limits limits() {
        return limits;
    }

    @Override
    public void submit(Bio bio) {
        if (bio.op() == Op.FLUSH) {
            for (Device lower : flushed) {
                lower.submit(bio.part(0, 0, 0));
            }
        } else {
            int i = at(bio.offset());
            for (long done = 0; done < bio.length(); i++) {
                long from = bio.offset() + done;
                long length = Math.min(bio.length() - done, starts[i + 1] - from);
                lowers.get(i).submit(bio.part(done, length, from - starts[i]));
                done += length;
            }
        }
        bio.complete();
    }

    /** The number of the device on which a byte is. */
    private int at(long offset) {
        int found = Arrays.binarySearch(starts, offset);
        return found < 0 ? -found - 2 : found;
    }

    @Override
    public long allocated(long offset, long length) {
        long until = offset + length;
        long sum = 0;
        for (int i = at(offset); i < lowers.size() && starts[i] < until; i++) {
            long from = Math.max(offset, starts[i]);
            sum += lowers.get(i).target().allocated(from - starts[i],
                    Math.min(until, starts[i + 1]) - from);
        }
        return sum;
    }

    @Override
    public long seek(long offset, boolean data) {
        for (int i = at(offset); i < lowers.size(); i++) {
            long from = Math.max(offset, starts[i]) - starts[i];
            long found = starts[i] + lowers.get(i).target().seek(from, data);
            if (found < starts[i + 1]) {
                return found;
            }
        }
        return limits.size();
    }

    @Override
    public String arguments() {
        return lowers.stream().map(d -> Words.quote(d.name())).collect(Collectors.joining(" "));
    }

    private static final class Type implements TargetType {
        @Override
        public String name() {
            return "concat";
        }

        @Override
        public String summary() {
            return "other devices, one behind the other";
        }

        @Override
        public int lowers() {
            return 1;
        }

        @Override
        public boolean moreLowers() {
            return true;
        }

        @Override
        public List<Parameter> parameters() {
            return List.of();
        }

        @Override
        public Target open(TargetArgs args, Host host) throws BlockException {
            List<Device> lowers = args.lowers();
            long[] starts = new long[lowers.size() + 1];
            int block = 1;
            for (Device lower : lowers) {
                block = Math.max(block, lower.limits().blockSize());
            }
            for (int i = 0; i < lowers.size(); i++) {
                long size = lowers.get(i).limits().size();
                // So that no block is on two devices.
                if (size % block != 0) {
                    throw new BlockException(Errno.EINVAL, lowers.get(i).name() + "'s size, "
                            + Units.size(size) + ", must be a multiple of the largest block size"
                            + " below, " + Units.size(block));
                }
                if (size > Long.MAX_VALUE - starts[i]) {
                    throw new BlockException(Errno.EINVAL, "the devices below have more bytes"
                            + " together than a disk can have; name fewer");
                }
                starts[i + 1] = starts[i] + size;
            }
            long size = starts[lowers.size()];
            if (args.size() >= 0 && args.size() != size) {
                throw new BlockException(Errno.EINVAL, "size " + Units.size(args.size()) + " must"
                        + " be that of all devices below together, " + Units.size(size)
                        + ", or -");
            }
            return new ConcatTarget(lowers, starts, limits(lowers, size, block));
        }

        /** Each device below sees to its blocks and to FUA itself. */
        private static Limits limits(List<Device> lowers, long size, int block) {
            return new Limits(size, block, true,
                    lowers.stream().allMatch(d -> d.limits().fua()),
                    lowers.stream().allMatch(d -> d.limits().zeroes()),
                    lowers.stream().anyMatch(d -> d.limits().endsLater()),
                    lowers.stream().anyMatch(d -> d.limits().readOnly()));
        }
    }
}
