package dev.sluice.target;

import dev.sluice.block.Bio;
import dev.sluice.block.BlockException;
import dev.sluice.block.Limits;
import dev.sluice.block.Target;
import dev.sluice.work.Host;
import java.util.List;

/** A window of the device below, as dm-linear shows it. */
final class LinearTarget implements Target {
    static final TargetType TYPE = new Type();

    private final Window window;
    private volatile Limits limits;

    private LinearTarget(Window window) {
        this.window = window;
        this.limits = window.lower().limits().inherit(window.size());
    }

    @Override
    public Limits limits() {
        Limits now = window.limits(limits);
        limits = now;
        return now;
    }

    @Override
    public void submit(Bio bio) {
        window.pass(bio);
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
    public String arguments() {
        return window.arguments();
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
            return new LinearTarget(Window.of(args));
        }
    }
}
