package dev.sluice.target;

import dev.sluice.block.Bio;
import dev.sluice.block.BlockException;
import dev.sluice.block.Limits;
import dev.sluice.block.Memory;
import dev.sluice.block.Op;
import dev.sluice.block.Target;
import dev.sluice.sys.Arena;
import dev.sluice.work.Host;
import java.util.List;

/** Reads zeros and forgets what is written, as dm-zero does. */
final class ZeroTarget implements Target {
    static final TargetType TYPE = new Type();

    private final Limits limits;
    private final Arena arena;
    private final Memory zeros;

    private ZeroTarget(long size, Arena arena) {
        this.limits = Limits.memory(size);
        this.arena = arena;
        this.zeros = arena.map(Limits.MAX_DATA);
    }

    @Override
    public Limits limits() {
        return limits;
    }

    @Override
    public void submit(Bio bio) {
        if (bio.op() == Op.READ) {
            bio.answer(zeros, 0);
        }
        bio.complete();
    }

    @Override
    public long allocated(long offset, long length) {
        return 0;
    }

    @Override
    public long seek(long offset, boolean data) {
        return data ? limits.size() : offset;
    }

    @Override
    public String arguments() {
        return "";
    }

    @Override
    public void close() {
        arena.unmap(zeros);
    }

    private static final class Type implements TargetType {
        @Override
        public String name() {
            return "zero";
        }

        @Override
        public String summary() {
            return "reads zeros, forgets writes";
        }

        @Override
        public int lowers() {
            return 0;
        }

        @Override
        public List<Parameter> parameters() {
            return List.of();
        }

        @Override
        public Target open(TargetArgs args, Host host) throws BlockException {
            return new ZeroTarget(args.size(), host.arena());
        }
    }
}
