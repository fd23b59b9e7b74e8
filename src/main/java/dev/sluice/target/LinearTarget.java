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
import java.util.List;

/** A window of the device below, as dm-linear shows it. */
final class LinearTarget implements Target {
    static final TargetType TYPE = new Type();

    private final Device lower;
    private final long start;
    private final Limits limits;

    private LinearTarget(Device lower, long start, long size) {
        this.lower = lower;
        this.start = start;
        this.limits = lower.limits().inherit(size);
    }

    @Override
    public Limits limits() {
        return limits;
    }

    @Override
    public void submit(Bio bio) {
        long offset = bio.op() == Op.FLUSH ? 0 : start + bio.offset();
        lower.submit(bio.part(0, bio.length(), offset));
        bio.complete();
    }

    @Override
    public long allocated(long offset, long length) {
        return lower.target().allocated(start + offset, length);
    }

    @Override
    public long seek(long offset, boolean data) {
        return Math.min(limits.size(), lower.target().seek(start + offset, data) - start);
    }

    @Override
    public String arguments() {
        return Words.quote(lower.name()) + (start == 0 ? "" : " offset=" + Units.size(start));
    }

    private static final class Type implements TargetType {
        @Override
        public String name() {
            return "linear";
        }

        @Override
        public String summary() {
            return "a window of another device";
        }

        @Override
        public int lowers() {
            return 1;
        }

        @Override
        public List<Parameter> parameters() {
            return List.of(new Parameter("offset", "SIZE", "0",
                    "where the window begins in the device below"));
        }

        @Override
        public Target open(TargetArgs args, Host host) throws BlockException {
            Device lower = args.lowers().get(0);
            long whole = lower.limits().size();
            int block = lower.limits().blockSize();
            long start = args.size("offset", 0);
            if (start % block != 0) {
                throw new BlockException(Errno.EINVAL, "offset=" + Units.size(start) + " must be a"
                        + " multiple of " + lower.name() + "'s block size, " + Units.size(block));
            }
            if (start >= whole) {
                throw new BlockException(Errno.EINVAL, "offset=" + Units.size(start) + " must be"
                        + " less than " + lower.name() + "'s size, " + Units.size(whole));
            }
            long size = args.size() < 0 ? whole - start : args.size();
            if (size % block != 0) {
                throw new BlockException(Errno.EINVAL, "size " + Units.size(size) + " must be a"
                        + " multiple of " + lower.name() + "'s block size, " + Units.size(block));
            }
            if (size > whole - start) {
                throw new BlockException(Errno.EINVAL, "size " + Units.size(size) + " does not"
                        + " fit: " + lower.name() + " has " + Units.size(whole - start)
                        + (start == 0 ? "" : " from offset=" + Units.size(start) + " on"));
            }
            return new LinearTarget(lower, start, size);
        }
    }
}
