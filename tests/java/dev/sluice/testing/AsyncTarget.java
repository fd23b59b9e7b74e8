package dev.sluice.testing;

import dev.sluice.block.Bio;
import dev.sluice.block.Limits;
import dev.sluice.block.Target;
import java.util.function.Consumer;

/**
 * Carries bios out later, and ends them later still, when and where {@code later} runs things: a
 * {@link SimHost} in random order, or real threads.
 */
public final class AsyncTarget implements Target {
    private final Target inner;
    private final Consumer<Runnable> later;

    public AsyncTarget(Target inner, Consumer<Runnable> later) {
        this.inner = inner;
        this.later = later;
    }

    @Override
    public Limits limits() {
        return inner.limits();
    }

    @Override
    public void submit(Bio bio) {
        later.accept(() -> {
            inner.submit(bio.part(0, bio.length(), bio.offset()));
            later.accept(bio::complete);
        });
    }

    @Override
    public String arguments() {
        return "";
    }
}
