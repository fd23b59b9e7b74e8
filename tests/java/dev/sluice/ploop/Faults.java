package dev.sluice.ploop;

import dev.sluice.testing.FileOp;
import dev.sluice.testing.FileOp.Kind;
import java.util.ArrayList;
import java.util.List;
import java.util.function.UnaryOperator;

/** What a file that lies makes of a target: each breaks one rule of the format. */
enum Faults {
    /** I1: clusters are named that are not durably in the file. */
    NO_SYNC_AFTER_GROWTH("outside of the data"),
    /** I1: clusters are named that may hold what was there before. */
    NO_ZEROS_BEFORE_REUSE("what is of no write"),
    /** I2: clusters are taken again before it is durable that nothing names them. */
    NO_SYNC_BEFORE_REUSE("both at byte|what is of no write: write \\d+ of"),
    /** I2: clusters are given back that are still named in the file. */
    NO_PAGE_BEFORE_REUSE("both at byte|what is of no write: write \\d+ of"),
    /** I4's nearest, as nothing grows yet: half of the header's change is missing. */
    HALF_A_HEADER("names an extension"),
    /** Changes begin before the mark is durable. */
    NO_SYNC_AFTER_MARK("expected one of"),
    /** I3: words name copies that are not durable. */
    NO_SYNC_AFTER_COPY("holds write 0, expected one of|what is of no write"),
    /** The mark is gone before all else is durable. */
    NO_SYNC_BEFORE_UNMARK("expected one of"),
    /** I5: a flush forgets the table. */
    NO_PAGES_IN_FLUSH("holds write 0, expected one of"),
    /** I5: a flush does not sync. */
    NO_SYNC_IN_FLUSH("expected one of"),
    /** I5: FUA forgets the table. */
    NO_PAGES_IN_FUA("holds write 0, expected one of"),
    /** I5: FUA does not sync. */
    NO_SYNC_IN_FUA("expected one of");

    private static final int MARK = 44;

    /** What the oracle says of it, a pattern. */
    final String complaint;

    Faults(String complaint) {
        this.complaint = complaint;
    }

    /** A job that gives occasion to it. */
    CrashJob.Plan plan(CrashJob.Plan some) {
        return switch (this) {
            case NO_SYNC_AFTER_GROWTH -> some.with(some.version(), 0, false);
            case NO_ZEROS_BEFORE_REUSE -> some.with(some.version(), 3, false);
            case HALF_A_HEADER -> some.with(2, 0, true);
            default -> some;
        };
    }

    /** What lies, for one job. */
    static final class Liar implements UnaryOperator<FileOp> {
        private final Faults fault;
        private final CrashJob.Plan plan;
        private final long data;
        private final List<FileOp> pending = new ArrayList<>();
        private CrashJob job;

        Liar(Faults fault, CrashJob.Plan plan, long data) {
            this.fault = fault;
            this.plan = plan;
            this.data = data;
        }

        void in(CrashJob where) {
            job = where;
        }

        @Override
        public FileOp apply(FileOp op) {
            FileOp made = instead(op);
            if (op.kind() == Kind.SYNC) {
                pending.clear();
            } else {
                pending.add(op);
            }
            return made;
        }

        private FileOp instead(FileOp op) {
            boolean lies = switch (fault) {
                case NO_SYNC_AFTER_GROWTH -> sync(op) && pending(Kind.RESERVE);
                case NO_ZEROS_BEFORE_REUSE -> (op.kind() == Kind.ZERO || op.kind() == Kind.PUNCH)
                        && wholeClusters(op);
                case NO_SYNC_BEFORE_REUSE -> sync(op) && pending.stream().anyMatch(
                        p -> p.kind() == Kind.PUNCH && wholeClusters(p));
                case NO_SYNC_AFTER_COPY -> sync(op) && job.running && pending.stream().allMatch(
                        p -> p.kind() == Kind.WRITE) && pending.stream().anyMatch(
                        p -> p.offset() >= data && wholeClusters(p));
                case HALF_A_HEADER -> op.writesBelow(64) && marks(op) && !job.running
                        && !job.closing;
                case NO_SYNC_AFTER_MARK -> sync(op) && pending.stream().anyMatch(this::marks)
                        && pending.size() == 1;
                case NO_SYNC_BEFORE_UNMARK -> sync(op) && job.closing
                        && pending.stream().noneMatch(p -> p.writesBelow(64) && !marks(p));
                case NO_PAGE_BEFORE_REUSE, NO_PAGES_IN_FLUSH, NO_PAGES_IN_FUA ->
                    op.writesBelow(data) && !job.closing && job.running;
                case NO_SYNC_IN_FLUSH, NO_SYNC_IN_FUA -> sync(op) && job.running && !job.closing
                        && pending.stream().allMatch(p -> p.kind() == Kind.WRITE);
            };
            if (!lies) {
                return op;
            }
            return fault == HALF_A_HEADER ? op.first(MARK + 4) : null;
        }

        private static boolean sync(FileOp op) {
            return op.kind() == Kind.SYNC;
        }

        private boolean pending(Kind kind) {
            return pending.stream().anyMatch(p -> p.kind() == kind);
        }

        private boolean wholeClusters(FileOp op) {
            return (op.offset() - data) % plan.cluster() == 0 && op.length() % plan.cluster() == 0;
        }

        private boolean marks(FileOp op) {
            return op.writesBelow(MARK + 1) && op.data().length >= MARK + 4
                    && op.data()[MARK] == (byte) CrashImage.IN_USE;
        }
    }
}
