package dev.sluice.table;

import dev.sluice.block.Attribute;
import dev.sluice.block.Bio;
import dev.sluice.block.BlockException;
import dev.sluice.block.Errno;
import dev.sluice.block.Limits;
import dev.sluice.block.Op;
import dev.sluice.block.Target;
import dev.sluice.target.TargetArgs;
import dev.sluice.target.TargetType;
import dev.sluice.target.Words;
import dev.sluice.work.Host;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.CopyOnWriteArrayList;

/** A type whose targets write down what happens to them, and fail as their keys say. */
public final class FakeType implements TargetType {
    /** What happened, in order: {@code open a}, {@code FLUSH a}, {@code close a} … */
    public final List<String> events;

    /** Run by every opening. */
    public volatile Callable onOpen = () -> { };

    private final String name;
    private final int lowers;
    private final boolean path;
    private final List<Parameter> parameters;

    private FakeType(List<String> events, String name, int lowers, boolean path, String... keys) {
        this.events = events;
        this.name = name;
        this.lowers = lowers;
        this.path = path;
        this.parameters = List.of(keys).stream().map(k -> new Parameter(k, "", "", "")).toList();
    }

    /** leaf (no lower), layer (one), pair (two), disk (a path), bare (no keys). */
    public static List<TargetType> all() {
        List<String> events = new CopyOnWriteArrayList<>();
        return List.of(
                new FakeType(events, "leaf", 0, false, "speed", "block", "fail", "blocks"),
                new FakeType(events, "layer", 1, false, "offset", "fail", "beside"),
                new FakeType(events, "pair", 2, false),
                new FakeType(events, "disk", 0, true, "natural"),
                new FakeType(events, "bare", 0, false));
    }

    @Override
    public String name() {
        return name;
    }

    @Override
    public String summary() {
        return "a fake";
    }

    @Override
    public int lowers() {
        return lowers;
    }

    @Override
    public List<String> lowerKeys() {
        return parameters.stream().map(Parameter::key).filter(k -> k.endsWith("beside")).toList();
    }

    @Override
    public boolean takesPath() {
        return path;
    }

    @Override
    public List<Parameter> parameters() {
        return parameters;
    }

    @Override
    public Target open(TargetArgs args, Host host) throws BlockException {
        events.add("open " + args.device());
        try {
            onOpen.call();
        } catch (InterruptedException e) {
            throw new AssertionError(e);
        }
        args.size("speed", 0);
        if (args.text("fail", "").equals("open")) {
            throw new BlockException(Errno.EBUSY, "somebody else has it; stop that first");
        }
        if (args.text("fail", "").equals("bug")) {
            throw new IllegalStateException("a bug");
        }
        long natural = args.lowers().isEmpty() ? args.size("natural", 4096)
                : args.lowers().get(0).limits().size();
        return new FakeTarget(args, args.size() < 0 ? natural : args.size(), host);
    }

    /** What a test does inside a target. */
    @FunctionalInterface
    public interface Callable {
        /** May wait. */
        void call() throws InterruptedException;
    }

    /** A target of the type. */
    public final class FakeTarget implements Target {
        private final TargetArgs args;
        private final long size;
        private final int block;
        private final Map<String, String> values;
        private final Host.Queues queues;
        /** Its own control files. */
        public volatile List<Attribute> attributes = List.of();
        /** Run by every message. */
        public volatile Callable onMessage = () -> { };

        private FakeTarget(TargetArgs args, long size, Host host) throws BlockException {
            this.args = args;
            this.queues = host.queues();
            this.size = size;
            this.block = (int) args.size("block", 1);
            this.values = new LinkedHashMap<>(args.values());
        }

        @Override
        public Limits limits() {
            // Only now: a target that checks its size with its first limits would hide the set's.
            return new Limits(size - size % block, block, false, true, true,
                    args.values().containsKey("blocks"), false);
        }

        @Override
        public void submit(Bio bio) {
            if (args.values().containsKey("blocks")) {
                queues.of(args.device()).run(bio.caller(), () -> carryOut(bio));
            } else {
                carryOut(bio);
            }
        }

        private void carryOut(Bio bio) {
            events.add(bio.op() + " " + args.device());
            String fail = args.text("fail", "");
            if (fail.equals("hold")) {
                return;
            }
            if (fail.equals("flush") && bio.op() == Op.FLUSH) {
                bio.fail(Errno.ENOSPC);
                return;
            }
            args.lowers().forEach(lower ->
                    lower.submit(bio.part(0, bio.length(), bio.offset())));
            bio.complete();
        }

        @Override
        public void drain() {
            // A drain that waits hastens again and again, all the way down: told once in a row.
            String event = "drain " + args.device();
            for (int i = events.size() - 1; i >= 0; i--) {
                if (events.get(i).equals(event)) {
                    return;
                }
                if (!events.get(i).startsWith("drain ")) {
                    break;
                }
            }
            events.add(event);
        }

        @Override
        public Map<String, Object> status() {
            Map<String, Object> all = new LinkedHashMap<>();
            all.put("hits", 3);
            all.put("parts", List.of("x", "y"));
            return all;
        }

        @Override
        public String arguments() {
            StringBuilder text = new StringBuilder();
            args.lowers().forEach(l -> text.append(' ').append(Words.quote(l.name())));
            if (args.path() != null) {
                text.append(' ').append(Words.quote(args.path()));
            }
            values.forEach((k, v) -> text.append(' ').append(Words.quote(k + "=" + v)));
            return text.toString().strip();
        }

        @Override
        public void set(Map<String, String> changes) throws BlockException {
            if (changes.containsKey("fail")) {
                throw new BlockException(Errno.EPERM, "fail stays as it is");
            }
            if (changes.containsKey("block")) {
                throw new IllegalStateException("a\nbug");
            }
            values.putAll(changes);
            events.add("set " + args.device() + " " + changes);
        }

        @Override
        public List<Attribute> attributes() {
            return attributes;
        }

        @Override
        public void message(List<String> words) throws BlockException {
            if (words.get(0).equals("bad")) {
                throw new BlockException(Errno.EINVAL, "no message bad; write good");
            }
            try {
                onMessage.call();
            } catch (InterruptedException e) {
                throw new AssertionError(e);
            }
            events.add("message " + args.device() + " " + words);
        }

        @Override
        public void close() throws BlockException {
            events.add("close " + args.device());
            if (args.text("fail", "").equals("close")) {
                throw new BlockException(Errno.EIO, "the lock is lost");
            }
        }
    }
}
