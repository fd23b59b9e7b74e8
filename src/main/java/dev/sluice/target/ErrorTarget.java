package dev.sluice.target;

import dev.sluice.block.Bio;
import dev.sluice.block.BlockException;
import dev.sluice.block.Errno;
import dev.sluice.block.Limits;
import dev.sluice.block.Memory;
import dev.sluice.block.Op;
import dev.sluice.block.Target;
import dev.sluice.sys.Arena;
import dev.sluice.work.Host;
import java.util.Arrays;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.stream.Collectors;

/** Fails the operations it is told to with the errno it is told; the others go as on zero. */
final class ErrorTarget implements Target {
    static final TargetType TYPE = new Type();

    private final Limits limits;
    private final Arena arena;
    private final Memory zeros;
    private volatile Rule rule;

    private ErrorTarget(long size, Arena arena, Rule rule) {
        this.limits = Limits.memory(size);
        this.arena = arena;
        this.zeros = arena.map(Limits.MAX_DATA);
        this.rule = rule;
    }

    /** Which operations fail. */
    private enum On {
        ALL, READS, WRITES, FLUSH, NONE;

        boolean covers(Op op) {
            return switch (this) {
                case ALL -> true;
                case READS -> op == Op.READ;
                case WRITES -> op.changes();
                case FLUSH -> op == Op.FLUSH;
                case NONE -> false;
            };
        }

        String word() {
            return name().toLowerCase(Locale.ROOT);
        }

        static String words() {
            return Arrays.stream(values()).map(On::word).collect(Collectors.joining("|"));
        }
    }

    private record Rule(Errno errno, On on) {
        static final Rule INITIAL = new Rule(Errno.EIO, On.ALL);

        /** This rule with changes; the keys are known to be good where they come from a table. */
        Rule with(Map<String, String> changes) throws BlockException {
            Rule next = this;
            for (Map.Entry<String, String> change : changes.entrySet()) {
                next = switch (change.getKey()) {
                    case "errno" -> new Rule(errno(change.getValue()), next.on);
                    case "on" -> new Rule(next.errno, on(change.getValue()));
                    default -> throw new BlockException(Errno.EINVAL, "error has no parameter "
                            + change.getKey() + "; errno and on can be set");
                };
            }
            return next;
        }

        private static Errno errno(String name) throws BlockException {
            for (Errno e : Errno.values()) {
                if (e != Errno.OK && e.name().equals(name)) {
                    return e;
                }
            }
            throw TargetArgs.bad("errno", name, "one of " + Arrays.stream(Errno.values())
                    .filter(e -> e != Errno.OK).map(Errno::name).collect(Collectors.joining(" ")));
        }

        private static On on(String word) throws BlockException {
            for (On on : On.values()) {
                if (on.word().equals(word)) {
                    return on;
                }
            }
            throw TargetArgs.bad("on", word, "one of " + On.words());
        }

        String text() {
            return "errno=" + errno + " on=" + on.word();
        }
    }

    @Override
    public Limits limits() {
        return limits;
    }

    @Override
    public void submit(Bio bio) {
        Rule now = rule;
        if (now.on.covers(bio.op())) {
            bio.fail(now.errno);
            return;
        }
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
        return rule.text();
    }

    @Override
    public synchronized void set(Map<String, String> changes) throws BlockException {
        rule = rule.with(changes);
    }

    @Override
    public void close() {
        arena.unmap(zeros);
    }

    private static final class Type implements TargetType {
        @Override
        public String name() {
            return "error";
        }

        @Override
        public String summary() {
            return "fails chosen operations with a chosen errno";
        }

        @Override
        public int lowers() {
            return 0;
        }

        @Override
        public List<Parameter> parameters() {
            return List.of(
                    new Parameter("errno", "NAME", "EIO", "what failing operations end with"),
                    new Parameter("on", On.words(), "all",
                            "what fails; writes are all changes, discards too"));
        }

        @Override
        public Target open(TargetArgs args, Host host) throws BlockException {
            Rule rule = Rule.INITIAL.with(args.values());
            return new ErrorTarget(args.size(), host.arena(), rule);
        }
    }
}
